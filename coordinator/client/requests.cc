#include "coordinator/client/requests.h"

#include <algorithm>

namespace synod::client {
namespace {

void FillAcl(Acl acl, v1::Acl* out) {
  for (AclEntry& entry : acl) {
    v1::AclEntry* e = out->add_entries();
    e->set_permissions(entry.permissions);
    e->set_scheme(std::move(entry.scheme));
    e->set_id(std::move(entry.id));
  }
}

void Fill(Operation o, v1::Create* out) {
  out->set_path(std::move(o.path));
  if (o.data.has_value()) out->mutable_data()->set_value(*std::move(o.data));
  out->set_mode(static_cast<v1::CreateMode>(o.mode));
  if (o.acl.has_value()) FillAcl(*std::move(o.acl), out->mutable_acl());
  // Rounded up, so that a TTL below a millisecond is not taken for none.
  const absl::Duration ttl = std::max(o.ttl, absl::ZeroDuration());
  out->set_ttl_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(absl::Ceil(ttl, absl::Milliseconds(1)))));
  out->set_on_existing(static_cast<v1::OnExisting>(o.on_existing));
}
void Fill(Operation o, v1::Delete* out) {
  out->set_path(std::move(o.path));
  out->set_version(o.version);
  out->set_missing_ok(o.missing_ok);
}
void Fill(Operation o, v1::SetData* out) {
  out->set_path(std::move(o.path));
  if (o.data.has_value()) out->mutable_data()->set_value(*std::move(o.data));
  out->set_version(o.version);
}
void Fill(Operation o, v1::Check* out) {
  out->set_path(std::move(o.path));
  out->set_version(o.version);
}
void Fill(Operation o, v1::SetAcl* out) {
  out->set_path(std::move(o.path));
  if (o.acl.has_value()) FillAcl(*std::move(o.acl), out->mutable_acl());
  out->set_version(o.version);
}
void Fill(Operation o, v1::DeleteTree* out) {
  out->set_path(std::move(o.path));
  out->set_version(o.version);
  out->set_max_nodes(o.max_nodes);
  out->set_partial(o.partial);
}

void FillOperations(std::vector<Operation> operations, google::protobuf::RepeatedPtrField<v1::MultiOperation>* out) {
  out->Reserve(static_cast<int>(operations.size()));
  for (Operation& o : operations) {
    v1::MultiOperation* operation = out->Add();
    switch (o.kind) {
      case Operation::Kind::kCreate:
        Fill(std::move(o), operation->mutable_create());
        break;
      case Operation::Kind::kDelete:
        Fill(std::move(o), operation->mutable_delete_());
        break;
      case Operation::Kind::kSet:
        Fill(std::move(o), operation->mutable_set_data());
        break;
      case Operation::Kind::kCheck:
        Fill(std::move(o), operation->mutable_check());
        break;
      case Operation::Kind::kSetAcl:
        Fill(std::move(o), operation->mutable_set_acl());
        break;
      case Operation::Kind::kDeleteTree:
        Fill(std::move(o), operation->mutable_delete_tree());
        break;
    }
  }
}

v1::Request Read(ReadStrength strength) {
  v1::Request request;
  request.set_strength(static_cast<v1::ReadStrength>(strength));
  return request;
}

}  // namespace

v1::Request CreateRequest(std::string path, Data data, CreateOptions options) {
  v1::Request request;
  Fill(Operation::Create(std::move(path), std::move(data), std::move(options)), request.mutable_create());
  return request;
}
v1::Request CreateRequest(std::string path, Data data, CreateMode mode) {
  CreateOptions options;
  options.mode = mode;
  return CreateRequest(std::move(path), std::move(data), std::move(options));
}
v1::Request DeleteRequest(std::string path, DeleteOptions options) {
  v1::Request request;
  Fill(Operation::Delete(std::move(path), options.version, options.missing_ok), request.mutable_delete_());
  return request;
}
v1::Request DeleteRequest(std::string path, int32_t version) {
  return DeleteRequest(std::move(path), DeleteOptions{version, false});
}
v1::Request DeleteTreeRequest(std::string path, DeleteTreeOptions options) {
  v1::Request request;
  Fill(Operation::DeleteTree(std::move(path), options), request.mutable_delete_tree());
  return request;
}
v1::Request SetRequest(std::string path, Data data, int32_t version) {
  v1::Request request;
  Fill(Operation::Set(std::move(path), std::move(data), version), request.mutable_set_data());
  return request;
}
v1::Request SetAclRequest(std::string path, Acl acl, int32_t version) {
  v1::Request request;
  Fill(Operation::SetAcl(std::move(path), std::move(acl), version), request.mutable_set_acl());
  return request;
}
v1::Request CheckRequest(std::string path, int32_t version) {
  v1::Request request;
  Fill(Operation::Check(std::move(path), version), request.mutable_check());
  return request;
}
v1::Request MultiRequest(std::vector<Operation> operations) {
  v1::Request request;
  FillOperations(std::move(operations), request.mutable_multi()->mutable_operations());
  return request;
}
v1::Request TxnRequest(std::vector<Compare> compares, std::vector<Operation> then_operations,
                       std::vector<Operation> else_operations) {
  v1::Request request;
  v1::Txn* txn = request.mutable_txn();
  for (Compare& compare : compares) {
    v1::Compare* out = txn->add_compares();
    out->set_path(std::move(compare.path));
    out->set_target(static_cast<v1::Compare::Target>(compare.target));
    out->set_relation(static_cast<v1::Compare::Relation>(compare.relation));
    out->set_number(compare.number);
    if (compare.value.has_value()) out->mutable_value()->set_value(*std::move(compare.value));
  }
  FillOperations(std::move(then_operations), txn->mutable_then_operations());
  FillOperations(std::move(else_operations), txn->mutable_else_operations());
  return request;
}
v1::Request AuthenticateRequest(Credential credential) {
  v1::Request request;
  FillCredential(credential, request.mutable_authenticate()->mutable_credential());
  return request;
}
v1::Request CloseRequest() {
  v1::Request request;
  request.mutable_close_session();
  return request;
}
v1::Request ExistsRequest(std::string path, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_exists()->set_path(std::move(path));
  request.mutable_exists()->set_watch(watch);
  return request;
}
v1::Request GetRequest(std::string path, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_get_data()->set_path(std::move(path));
  request.mutable_get_data()->set_watch(watch);
  return request;
}
v1::Request ChildrenRequest(std::string path, bool with_stat, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_get_children()->set_path(std::move(path));
  request.mutable_get_children()->set_with_stat(with_stat);
  request.mutable_get_children()->set_watch(watch);
  return request;
}
v1::Request GetAclRequest(std::string path, ReadStrength strength) {
  v1::Request request = Read(strength);
  request.mutable_get_acl()->set_path(std::move(path));
  return request;
}
v1::Request ListRequest(std::string path, ListOptions options, ReadStrength strength) {
  v1::Request request = Read(strength);
  v1::List* list = request.mutable_list();
  list->set_path(std::move(path));
  list->set_after(std::move(options.after));
  list->set_prefix(std::move(options.prefix));
  list->set_limit(options.limit);
  list->set_with_stat(options.with_stat);
  list->set_with_data(options.with_data);
  return request;
}
v1::Request MultiReadRequest(std::vector<ReadOperation> operations, ReadStrength strength) {
  v1::Request request = Read(strength);
  v1::MultiRead* reads = request.mutable_multi_read();
  for (ReadOperation& o : operations) {
    v1::ReadOperation* out = reads->add_operations();
    switch (o.kind) {
      case ReadOperation::Kind::kExists:
        out->mutable_exists()->set_path(std::move(o.path));
        break;
      case ReadOperation::Kind::kGet:
        out->mutable_get_data()->set_path(std::move(o.path));
        break;
      case ReadOperation::Kind::kGetChildren:
        out->mutable_get_children()->set_path(std::move(o.path));
        out->mutable_get_children()->set_with_stat(o.with_stat);
        break;
      case ReadOperation::Kind::kGetAcl:
        out->mutable_get_acl()->set_path(std::move(o.path));
        break;
    }
  }
  return request;
}
v1::Request EphemeralsRequest(EphemeralsOptions options, ReadStrength strength) {
  v1::Request request = Read(strength);
  v1::GetEphemerals* ephemerals = request.mutable_get_ephemerals();
  ephemerals->set_session_id(options.session_id);
  ephemerals->set_prefix(std::move(options.prefix));
  ephemerals->set_after(std::move(options.after));
  ephemerals->set_limit(options.limit);
  ephemerals->set_all_sessions(options.all_sessions);
  if (options.all_sessions && ephemerals->prefix().empty()) ephemerals->set_prefix("/");
  return request;
}
v1::Request CountRequest(std::string path, ReadStrength strength) {
  v1::Request request = Read(strength);
  request.mutable_count_descendants()->set_path(std::move(path));
  return request;
}
v1::Request WhoAmIRequest() {
  v1::Request request;
  request.mutable_who_am_i();
  return request;
}
v1::Request SyncRequest(std::string path) {
  v1::Request request;
  request.mutable_sync()->set_path(std::move(path));
  return request;
}
v1::Request AddWatchRequest(std::string path, PersistentWatchKind kind) {
  v1::Request request;
  request.mutable_add_watch()->set_path(std::move(path));
  request.mutable_add_watch()->set_kind(static_cast<v1::WatchKind>(kind));
  return request;
}
v1::Request RemoveWatchRequest(std::string path, v1::WatchKind kind) {
  v1::Request request;
  request.mutable_remove_watch()->set_path(std::move(path));
  request.mutable_remove_watch()->set_kind(kind);
  return request;
}
v1::Request CheckWatchRequest(std::string path, v1::WatchKind kind) {
  v1::Request request;
  request.mutable_check_watch()->set_path(std::move(path));
  request.mutable_check_watch()->set_kind(kind);
  return request;
}

void FillCredential(const Credential& credential, v1::Credential* out) {
  out->set_scheme(credential.scheme);
  out->set_credential(credential.credential);
}

}  // namespace synod::client
