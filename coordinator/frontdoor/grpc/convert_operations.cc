// Requests on their way in: one function per operation.
#include <utility>

#include "coordinator/frontdoor/grpc/convert.h"

namespace synod::frontdoor {
namespace {

using service::Operation;

service::Unintelligible NotUnderstood(bool write, std::string message) {
  service::Unintelligible operation;
  operation.write = write;
  operation.message = std::move(message);
  return operation;
}

template <typename Message>
std::string TakePath(Message* in) {
  return std::move(*in->mutable_path());
}

// Null is not empty. mutable_data() makes the field, so it must not be called before has_data().
template <typename Message>
service::NodeData TakeData(Message* in) {
  if (!in->has_data()) return std::nullopt;
  return std::move(*in->mutable_data()->mutable_value());
}

// No ACL is not an empty one, which is an error.
template <typename Message>
service::WantedAcl TakeAcl(Message* in) {
  if (!in->has_acl()) return std::nullopt;
  access::Acl acl;
  acl.reserve(static_cast<size_t>(in->acl().entries_size()));
  for (v1::AclEntry& entry : *in->mutable_acl()->mutable_entries()) {
    acl.push_back({entry.permissions(), std::move(*entry.mutable_scheme()), std::move(*entry.mutable_id())});
  }
  return acl;
}

// False: a value that this version does not know. An enum of proto3 holds any number.
template <typename Mine, typename Theirs>
bool TakeEnum(Theirs in, Theirs last, Mine* out) {
  if (in < 0 || in > last) return false;
  *out = static_cast<Mine>(in);
  return true;
}

bool Take(v1::Create* in, service::CreateOp* out) {
  out->path = TakePath(in);
  out->data = TakeData(in);
  out->acl = TakeAcl(in);
  out->ttl_ms = in->ttl_ms();
  return TakeEnum(in->mode(), v1::PERSISTENT_SEQUENTIAL_TTL, &out->mode) &&
         TakeEnum(in->on_existing(), v1::SET, &out->on_existing);
}
service::DeleteOp Take(v1::Delete* in) { return {TakePath(in), in->version(), in->missing_ok()}; }
service::SetDataOp Take(v1::SetData* in) { return {TakePath(in), TakeData(in), in->version()}; }
service::CheckOp Take(v1::Check* in) { return {TakePath(in), in->version()}; }
service::SetAclOp Take(v1::SetAcl* in) { return {TakePath(in), TakeAcl(in), in->version()}; }
service::DeleteTreeOp Take(v1::DeleteTree* in) { return {TakePath(in), in->version(), in->max_nodes(), in->partial()}; }

bool Take(v1::MultiOperation* in, std::vector<service::TreeOp>* out) {
  switch (in->operation_case()) {
    case v1::MultiOperation::kCreate: {
      service::CreateOp create;
      if (!Take(in->mutable_create(), &create)) return false;
      out->emplace_back(std::move(create));
      return true;
    }
    case v1::MultiOperation::kDelete:
      out->emplace_back(Take(in->mutable_delete_()));
      return true;
    case v1::MultiOperation::kSetData:
      out->emplace_back(Take(in->mutable_set_data()));
      return true;
    case v1::MultiOperation::kCheck:
      out->emplace_back(Take(in->mutable_check()));
      return true;
    case v1::MultiOperation::kSetAcl:
      out->emplace_back(Take(in->mutable_set_acl()));
      return true;
    case v1::MultiOperation::kDeleteTree:
      out->emplace_back(Take(in->mutable_delete_tree()));
      return true;
    case v1::MultiOperation::OPERATION_NOT_SET:
      break;
  }
  return false;
}

bool Take(google::protobuf::RepeatedPtrField<v1::MultiOperation>* in, std::vector<service::TreeOp>* out) {
  out->reserve(static_cast<size_t>(in->size()));
  for (v1::MultiOperation& part : *in) {
    if (!Take(&part, out)) return false;
  }
  return true;
}

bool Take(v1::Compare* in, service::Compare* out) {
  out->path = TakePath(in);
  out->number = in->number();
  if (in->has_value()) out->value = std::move(*in->mutable_value()->mutable_value());
  return TakeEnum(in->target(), v1::Compare::VALUE, &out->target) &&
         TakeEnum(in->relation(), v1::Compare::GREATER_OR_EQUAL, &out->relation);
}

Operation TakeCreate(v1::Create* in) {
  service::CreateOp create;
  if (!Take(in, &create)) return NotUnderstood(true, "unknown create mode or on_existing");
  return create;
}

Operation TakeMulti(v1::Multi* in) {
  service::MultiOp multi;
  if (!Take(in->mutable_operations(), &multi.ops)) {
    return NotUnderstood(true, "an operation of the multi is missing or unknown to this server");
  }
  return multi;
}

Operation TakeTxn(v1::Txn* in) {
  service::TxnOp txn;
  txn.compares.resize(static_cast<size_t>(in->compares_size()));
  for (int i = 0; i < in->compares_size(); ++i) {
    if (!Take(in->mutable_compares(i), &txn.compares[static_cast<size_t>(i)])) {
      return NotUnderstood(true, "a condition of the transaction is unknown to this server");
    }
  }
  if (!Take(in->mutable_then_operations(), &txn.then_ops) || !Take(in->mutable_else_operations(), &txn.else_ops)) {
    return NotUnderstood(true, "an operation of the transaction is missing or unknown to this server");
  }
  return txn;
}

Operation TakeAuthenticate(v1::Authenticate* in) {
  v1::Credential* credential = in->mutable_credential();
  return service::Authenticate{
      {std::move(*credential->mutable_scheme()), std::move(*credential->mutable_credential())}};
}

service::Exists Take(v1::Exists* in) { return {TakePath(in), in->watch()}; }
service::GetData Take(v1::GetData* in) { return {TakePath(in), in->watch()}; }
service::GetChildren Take(v1::GetChildren* in) { return {TakePath(in), in->watch(), in->with_stat()}; }
service::GetAcl Take(v1::GetAcl* in) { return {TakePath(in)}; }

service::List Take(v1::List* in) {
  service::List list;
  list.path = TakePath(in);
  list.after = std::move(*in->mutable_after());
  list.prefix = std::move(*in->mutable_prefix());
  list.limit = in->limit();
  list.with_stat = in->with_stat();
  list.with_data = in->with_data();
  return list;
}

service::GetEphemerals Take(v1::GetEphemerals* in) {
  service::GetEphemerals get;
  get.session = SessionId(in->session_id());
  get.prefix = std::move(*in->mutable_prefix());
  get.after = std::move(*in->mutable_after());
  get.limit = in->limit();
  get.all_sessions = in->all_sessions();
  return get;
}

Operation TakeMultiRead(v1::MultiRead* in) {
  service::MultiRead reads;
  reads.ops.reserve(static_cast<size_t>(in->operations_size()));
  for (v1::ReadOperation& part : *in->mutable_operations()) {
    switch (part.operation_case()) {
      case v1::ReadOperation::kExists:
        reads.ops.emplace_back(Take(part.mutable_exists()));
        break;
      case v1::ReadOperation::kGetData:
        reads.ops.emplace_back(Take(part.mutable_get_data()));
        break;
      case v1::ReadOperation::kGetChildren:
        reads.ops.emplace_back(Take(part.mutable_get_children()));
        break;
      case v1::ReadOperation::kGetAcl:
        reads.ops.emplace_back(Take(part.mutable_get_acl()));
        break;
      case v1::ReadOperation::OPERATION_NOT_SET:
        return NotUnderstood(false, "an operation of the multi_read is missing or unknown to this server");
    }
  }
  return reads;
}

// The three operations that name a watch have the same fields.
template <typename Mine, typename Theirs>
Operation TakeWatch(Theirs* in) {
  Mine operation;
  operation.path = TakePath(in);
  if (!TakeEnum(in->kind(), v1::WATCH_PERSISTENT_RECURSIVE, &operation.kind)) {
    return NotUnderstood(false, "unknown kind of watch");
  }
  return operation;
}

Operation TakeAddWatch(v1::AddWatch* in) {
  if (in->kind() != v1::WATCH_PERSISTENT && in->kind() != v1::WATCH_PERSISTENT_RECURSIVE) {
    return NotUnderstood(false, "add_watch takes a persistent kind");
  }
  return TakeWatch<service::AddWatch>(in);
}

}  // namespace

Operation OperationFromProto(v1::Request* in, bool write) {
  switch (in->operation_case()) {
    case v1::Request::kCreate:
      return TakeCreate(in->mutable_create());
    case v1::Request::kDelete:
      return Take(in->mutable_delete_());
    case v1::Request::kSetData:
      return Take(in->mutable_set_data());
    case v1::Request::kCheck:
      return Take(in->mutable_check());
    case v1::Request::kMulti:
      return TakeMulti(in->mutable_multi());
    case v1::Request::kCloseSession:
      return service::CloseSession{};
    case v1::Request::kSetAcl:
      return Take(in->mutable_set_acl());
    case v1::Request::kDeleteTree:
      return Take(in->mutable_delete_tree());
    case v1::Request::kTxn:
      return TakeTxn(in->mutable_txn());
    case v1::Request::kAuthenticate:
      return TakeAuthenticate(in->mutable_authenticate());
    case v1::Request::kExists:
      return Take(in->mutable_exists());
    case v1::Request::kGetData:
      return Take(in->mutable_get_data());
    case v1::Request::kGetChildren:
      return Take(in->mutable_get_children());
    case v1::Request::kGetAcl:
      return Take(in->mutable_get_acl());
    case v1::Request::kList:
      return Take(in->mutable_list());
    case v1::Request::kMultiRead:
      return TakeMultiRead(in->mutable_multi_read());
    case v1::Request::kGetEphemerals:
      return Take(in->mutable_get_ephemerals());
    case v1::Request::kCountDescendants:
      return service::CountDescendants{TakePath(in->mutable_count_descendants())};
    case v1::Request::kWhoAmI:
      return service::WhoAmI{};
    case v1::Request::kSync:
      return service::Sync{TakePath(in->mutable_sync())};
    case v1::Request::kAddWatch:
      return TakeAddWatch(in->mutable_add_watch());
    case v1::Request::kRemoveWatch:
      return TakeWatch<service::RemoveWatch>(in->mutable_remove_watch());
    case v1::Request::kCheckWatch:
      return TakeWatch<service::CheckWatch>(in->mutable_check_watch());
    case v1::Request::OPERATION_NOT_SET:
      break;
  }
  return NotUnderstood(write, "the operation is missing or unknown to this server");
}

}  // namespace synod::frontdoor
