// What a session must know of a request.
#include <algorithm>

#include "coordinator/client/requests.h"
#include "coordinator/client/utf8.h"

namespace synod::client {
namespace {

enum class Text {
  kPath,
  kPathPrefix,  // the beginning of a path, as text
  kOther,
};
using Visit = absl::FunctionRef<void(Text kind, std::string* text)>;

template <typename Message>
void VisitPath(Message* message, Visit visit) {
  visit(Text::kPath, message->mutable_path());
}

void VisitAcl(v1::Acl* acl, Visit visit) {
  for (v1::AclEntry& entry : *acl->mutable_entries()) {
    visit(Text::kOther, entry.mutable_scheme());
    visit(Text::kOther, entry.mutable_id());
  }
}

void VisitWith(v1::Create* create, Visit visit) {
  VisitPath(create, visit);
  if (create->has_acl()) VisitAcl(create->mutable_acl(), visit);
}

void VisitWith(v1::SetAcl* set_acl, Visit visit) {
  VisitPath(set_acl, visit);
  if (set_acl->has_acl()) VisitAcl(set_acl->mutable_acl(), visit);
}

void VisitOperations(google::protobuf::RepeatedPtrField<v1::MultiOperation>* operations, Visit visit) {
  for (v1::MultiOperation& operation : *operations) {
    switch (operation.operation_case()) {
      case v1::MultiOperation::kCreate:
        VisitWith(operation.mutable_create(), visit);
        break;
      case v1::MultiOperation::kDelete:
        VisitPath(operation.mutable_delete_(), visit);
        break;
      case v1::MultiOperation::kSetData:
        VisitPath(operation.mutable_set_data(), visit);
        break;
      case v1::MultiOperation::kCheck:
        VisitPath(operation.mutable_check(), visit);
        break;
      case v1::MultiOperation::kSetAcl:
        VisitWith(operation.mutable_set_acl(), visit);
        break;
      case v1::MultiOperation::kDeleteTree:
        VisitPath(operation.mutable_delete_tree(), visit);
        break;
      case v1::MultiOperation::OPERATION_NOT_SET:
        break;
    }
  }
}

void VisitReads(v1::MultiRead* reads, Visit visit) {
  for (v1::ReadOperation& operation : *reads->mutable_operations()) {
    switch (operation.operation_case()) {
      case v1::ReadOperation::kExists:
        VisitPath(operation.mutable_exists(), visit);
        break;
      case v1::ReadOperation::kGetData:
        VisitPath(operation.mutable_get_data(), visit);
        break;
      case v1::ReadOperation::kGetChildren:
        VisitPath(operation.mutable_get_children(), visit);
        break;
      case v1::ReadOperation::kGetAcl:
        VisitPath(operation.mutable_get_acl(), visit);
        break;
      case v1::ReadOperation::OPERATION_NOT_SET:
        break;
    }
  }
}

// Every string field. Without a default: an operation without its line does not compile.
void VisitTexts(v1::Request* request, Visit visit) {
  switch (request->operation_case()) {
    case v1::Request::kCreate:
      return VisitWith(request->mutable_create(), visit);
    case v1::Request::kDelete:
      return VisitPath(request->mutable_delete_(), visit);
    case v1::Request::kSetData:
      return VisitPath(request->mutable_set_data(), visit);
    case v1::Request::kCheck:
      return VisitPath(request->mutable_check(), visit);
    case v1::Request::kMulti:
      return VisitOperations(request->mutable_multi()->mutable_operations(), visit);
    case v1::Request::kSetAcl:
      return VisitWith(request->mutable_set_acl(), visit);
    case v1::Request::kDeleteTree:
      return VisitPath(request->mutable_delete_tree(), visit);
    case v1::Request::kTxn:
      for (v1::Compare& compare : *request->mutable_txn()->mutable_compares()) VisitPath(&compare, visit);
      VisitOperations(request->mutable_txn()->mutable_then_operations(), visit);
      return VisitOperations(request->mutable_txn()->mutable_else_operations(), visit);
    case v1::Request::kAuthenticate:
      return visit(Text::kOther, request->mutable_authenticate()->mutable_credential()->mutable_scheme());
    case v1::Request::kExists:
      return VisitPath(request->mutable_exists(), visit);
    case v1::Request::kGetData:
      return VisitPath(request->mutable_get_data(), visit);
    case v1::Request::kGetChildren:
      return VisitPath(request->mutable_get_children(), visit);
    case v1::Request::kGetAcl:
      return VisitPath(request->mutable_get_acl(), visit);
    case v1::Request::kList:
      VisitPath(request->mutable_list(), visit);
      visit(Text::kOther, request->mutable_list()->mutable_after());
      return visit(Text::kOther, request->mutable_list()->mutable_prefix());
    case v1::Request::kMultiRead:
      return VisitReads(request->mutable_multi_read(), visit);
    case v1::Request::kGetEphemerals: {
      v1::GetEphemerals* ephemerals = request->mutable_get_ephemerals();
      visit(ephemerals->all_sessions() ? Text::kPath : Text::kPathPrefix, ephemerals->mutable_prefix());
      return visit(Text::kPath, ephemerals->mutable_after());
    }
    case v1::Request::kCountDescendants:
      return VisitPath(request->mutable_count_descendants(), visit);
    case v1::Request::kSync:
      return VisitPath(request->mutable_sync(), visit);
    case v1::Request::kAddWatch:
      return VisitPath(request->mutable_add_watch(), visit);
    case v1::Request::kRemoveWatch:
      return VisitPath(request->mutable_remove_watch(), visit);
    case v1::Request::kCheckWatch:
      return VisitPath(request->mutable_check_watch(), visit);
    case v1::Request::kWhoAmI:
    case v1::Request::kCloseSession:
    case v1::Request::OPERATION_NOT_SET:
      return;
  }
}

bool IsEphemeral(const v1::Create& create) {
  return create.mode() == v1::EPHEMERAL || create.mode() == v1::EPHEMERAL_SEQUENTIAL;
}
bool HasEphemeral(const google::protobuf::RepeatedPtrField<v1::MultiOperation>& operations) {
  return std::any_of(operations.begin(), operations.end(), [](const v1::MultiOperation& operation) {
    return operation.has_create() && IsEphemeral(operation.create());
  });
}

}  // namespace

bool IsWrite(v1::Request::OperationCase operation) {
  switch (operation) {
    case v1::Request::kCreate:
    case v1::Request::kDelete:
    case v1::Request::kSetData:
    case v1::Request::kCheck:
    case v1::Request::kMulti:
    case v1::Request::kCloseSession:
    case v1::Request::kSetAcl:
    case v1::Request::kDeleteTree:
    case v1::Request::kTxn:
    case v1::Request::kAuthenticate:
      return true;
    case v1::Request::kExists:
    case v1::Request::kGetData:
    case v1::Request::kGetChildren:
    case v1::Request::kSync:
    case v1::Request::kRemoveWatch:
    case v1::Request::kAddWatch:
    case v1::Request::kGetAcl:
    case v1::Request::kList:
    case v1::Request::kMultiRead:
    case v1::Request::kGetEphemerals:
    case v1::Request::kCountDescendants:
    case v1::Request::kCheckWatch:
    case v1::Request::kWhoAmI:
    case v1::Request::OPERATION_NOT_SET:
      return false;
  }
  return false;
}

const char* NeedsSession(const v1::Request& request) {
  if (request.has_add_watch() || request.has_remove_watch() || request.has_check_watch() || request.exists().watch() ||
      request.get_data().watch() || request.get_children().watch()) {
    return "a watch needs a session";
  }
  if (request.has_close_session()) return "there is no session to close";
  if (IsEphemeral(request.create()) || HasEphemeral(request.multi().operations()) ||
      HasEphemeral(request.txn().then_operations()) || HasEphemeral(request.txn().else_operations())) {
    return "an ephemeral node needs a session";
  }
  if (request.has_get_ephemerals() && request.get_ephemerals().session_id() == 0 &&
      !request.get_ephemerals().all_sessions()) {
    return "there is no session to list the ephemerals of: name one, or ask for all";
  }
  return nullptr;
}

void AddChroot(const Chroot& chroot, v1::Request* request) {
  if (chroot.root().empty()) return;
  VisitTexts(request, [&](Text kind, std::string* text) {
    if (kind == Text::kPath) *text = chroot.Add(*text);
    // "" and "/" begin every path below the root, and none beside it.
    if (kind == Text::kPathPrefix && (text->empty() || text->front() == '/')) {
      *text = chroot.root() + (text->empty() ? "/" : *text);
    }
  });
}

bool TextsAreUtf8(v1::Request* request) {
  bool good = true;
  VisitTexts(request, [&](Text, std::string* text) { good = good && IsUtf8(*text); });
  return good;
}

std::pair<std::string, v1::WatchKind> WatchOf(const v1::Request& request) {
  switch (request.operation_case()) {
    case v1::Request::kExists:
      return {request.exists().path(), v1::EXISTS};
    case v1::Request::kGetData:
      return {request.get_data().path(), v1::DATA};
    case v1::Request::kGetChildren:
      return {request.get_children().path(), v1::CHILDREN};
    case v1::Request::kAddWatch:
      return {request.add_watch().path(), request.add_watch().kind()};
    case v1::Request::kRemoveWatch:
      return {request.remove_watch().path(), request.remove_watch().kind()};
    case v1::Request::kCheckWatch:
      return {request.check_watch().path(), request.check_watch().kind()};
    default:
      return {"", v1::DATA};
  }
}

}  // namespace synod::client
