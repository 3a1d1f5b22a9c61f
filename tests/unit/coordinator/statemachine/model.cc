#include "tests/unit/coordinator/statemachine/model.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/tree/path.h"

namespace synod::statemachine {
namespace {

std::string Parent(const std::string& path) { return std::string(tree::ParentPath(path)); }

}  // namespace

Model::Model(size_t ephemerals_per_command) : ephemerals_per_command_(ephemerals_per_command) {
  for (const char* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) {
    nodes_[path].data = "";
    nodes_[path].acl = {{access::kAllPermissions, "world", "anyone"}};
  }
  nodes_["/zookeeper/config"].acl = {{access::kRead, "world", "anyone"}};
}

// ---- the tree ----

std::vector<std::string> Model::Children(const std::string& path) const {
  std::vector<std::string> out;
  for (const auto& [child, node] : nodes_) {
    if (child != "/" && Parent(child) == path) out.push_back(child);
  }
  return out;
}

tree::Stat Model::StatOf(const std::string& path) const {
  const ModelNode& node = nodes_.at(path);
  tree::Stat stat = node.stat;
  stat.num_children = static_cast<int32_t>(Children(path).size());
  stat.cversion = static_cast<int32_t>(2 * node.creates - static_cast<uint64_t>(stat.num_children));
  stat.data_length = node.data ? static_cast<int32_t>(node.data->size()) : 0;
  stat.ephemeral_owner = node.owner;
  return stat;
}

bool Model::Allowed(const std::string& path, uint32_t permission) const {
  return settings_.skip_acl || access::IsSuper(caller_, settings_.super_digest) ||
         access::Grants(nodes_.at(path).acl, caller_, permission);
}

bool Model::TooLarge(const std::string& path, const NodeData& data) const {
  return path.size() > kMaxPathBytes || (data && data->size() > max_data_bytes_);
}

void Model::PostOrder(const std::string& path, std::vector<std::string>* out) const {
  for (const std::string& child : Children(path)) PostOrder(child, out);
  out->push_back(path);
}

void Model::Erase(const std::string& path) {
  nodes_.erase(path);
  nodes_.at(Parent(path)).stat.pzxid = zxid_;
}

tree::Error Model::Run(const CreateOp& op, OpResult* result) {
  const bool ttl = IsTtl(op.mode);
  if (ttl && !settings_.extended_types) return Error::kUnimplemented;
  if (ttl != (op.ttl_ms > 0) || op.ttl_ms > kMaxTtlMs) return Error::kBadArguments;
  if (IsSequential(op.mode) && op.on_existing != OnExisting::kFail) return Error::kBadArguments;
  if (IsEphemeral(op.mode) && session_ == SessionId(0)) return Error::kBadArguments;
  if (TooLarge(op.path, op.data)) return Error::kTooLarge;
  if (op.path.find('/') == std::string::npos || op.path.find('\0') != std::string::npos) return Error::kBadArguments;
  access::Acl acl = {{access::kAllPermissions, "world", "anyone"}};
  if (op.acl) {
    std::optional<access::Acl> fixed = access::FixUp(*op.acl, caller_);
    if (!fixed) return Error::kInvalidAcl;
    acl = *fixed;
  }
  if (op.on_existing == OnExisting::kSet && nodes_.count(op.path) != 0) {
    Error error = Run(SetDataOp{op.path, op.data, -1}, result);
    if (error == Error::kOk) result->path = op.path;
    return error;
  }
  const std::string parent = Parent(op.path);
  if (nodes_.count(parent) == 0) return Error::kNoNode;
  if (!Allowed(parent, access::kCreate)) return Error::kNoAuth;
  std::string path = op.path;
  if (IsSequential(op.mode)) {
    char suffix[24];
    std::snprintf(suffix, sizeof suffix, "%010llu", static_cast<unsigned long long>(nodes_.at(parent).creates));
    path += suffix;
  }
  if (!tree::IsValidPath(path)) return Error::kBadArguments;
  if (nodes_.count(path) != 0) {
    if (op.on_existing != OnExisting::kKeep) return Error::kNodeExists;
    result->path = path;
    if (Allowed(path, access::kRead)) result->stat = StatOf(path);
    return Error::kOk;
  }
  if (nodes_.at(parent).owner != SessionId(0)) return Error::kNoChildrenForEphemerals;
  ModelNode& node = nodes_[path];
  node.data = op.data;
  node.acl = acl;
  node.owner = IsEphemeral(op.mode) ? session_ : SessionId(0);
  node.container = op.mode == CreateMode::kContainer;
  node.ttl_ms = op.ttl_ms;
  node.changed_us = times_.log_clock_us;
  node.stat = {.czxid = zxid_, .mzxid = zxid_, .pzxid = zxid_, .ctime_ms = times_.wall_ms, .mtime_ms = times_.wall_ms};
  nodes_.at(parent).stat.pzxid = zxid_;
  ++nodes_.at(parent).creates;
  *result = {.path = path, .stat = StatOf(path), .created = true};
  return Error::kOk;
}

tree::Error Model::Remove(const std::string& path, int32_t version, bool with_children) const {
  if (path.size() > kMaxPathBytes) return Error::kTooLarge;
  if (!tree::IsValidPath(path) || tree::IsSystemPath(path)) return Error::kBadArguments;
  const std::string parent = Parent(path);
  if (nodes_.count(parent) == 0) return Error::kNoNode;
  if (!Allowed(parent, access::kDelete)) return Error::kNoAuth;
  if (nodes_.count(path) == 0) return Error::kNoNode;
  if (version != -1 && version != nodes_.at(path).stat.version) return Error::kBadVersion;
  return with_children || Children(path).empty() ? Error::kOk : Error::kNotEmpty;
}

tree::Error Model::Run(const DeleteOp& op, OpResult* result) {
  Error error = Remove(op.path, op.version, /*with_children=*/false);
  if (error == Error::kNoNode && op.missing_ok) return Error::kOk;
  if (error != Error::kOk) return error;
  Erase(op.path);
  result->deleted = 1;
  return Error::kOk;
}

tree::Error Model::Run(const DeleteTreeOp& op, OpResult* result) {
  Error error = Remove(op.path, op.version, /*with_children=*/true);
  if (error != Error::kOk) return error;
  std::vector<std::string> gone;
  PostOrder(op.path, &gone);
  const size_t max_nodes = op.max_nodes == 0 ? kMaxTreeDelete : op.max_nodes;
  if (gone.size() > max_nodes) {
    if (!op.partial) return Error::kTooLarge;
    result->remaining = gone.size() - max_nodes;
    gone.resize(max_nodes);
  }
  for (const std::string& path : gone) {
    if (path != op.path && !Allowed(Parent(path), access::kDelete)) return Error::kNoAuth;
  }
  for (const std::string& path : gone) Erase(path);
  result->deleted = gone.size();
  return Error::kOk;
}

tree::Error Model::Run(const SetDataOp& op, OpResult* result) {
  if (TooLarge(op.path, op.data)) return Error::kTooLarge;
  if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
  if (nodes_.count(op.path) == 0) return Error::kNoNode;
  if (!Allowed(op.path, access::kWrite)) return Error::kNoAuth;
  ModelNode& node = nodes_.at(op.path);
  if (op.version != -1 && op.version != node.stat.version) return Error::kBadVersion;
  node.data = op.data;
  node.changed_us = times_.log_clock_us;
  node.stat.mzxid = zxid_;
  node.stat.mtime_ms = times_.wall_ms;
  ++node.stat.version;
  result->stat = StatOf(op.path);
  return Error::kOk;
}

tree::Error Model::Run(const CheckOp& op, OpResult* result) {
  if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
  if (nodes_.count(op.path) == 0) return Error::kNoNode;
  if (!Allowed(op.path, access::kRead)) return Error::kNoAuth;
  if (op.version != -1 && op.version != nodes_.at(op.path).stat.version) return Error::kBadVersion;
  result->stat = StatOf(op.path);
  return Error::kOk;
}

tree::Error Model::Run(const SetAclOp& op, OpResult* result) {
  if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
  std::optional<access::Acl> acl = access::Acl{{access::kAllPermissions, "world", "anyone"}};
  if (op.acl) acl = access::FixUp(*op.acl, caller_);
  if (!acl) return Error::kInvalidAcl;
  if (nodes_.count(op.path) == 0) return Error::kNoNode;
  if (!Allowed(op.path, access::kAdmin)) return Error::kNoAuth;
  ModelNode& node = nodes_.at(op.path);
  if (op.version != -1 && op.version != node.stat.aversion) return Error::kBadVersion;
  node.acl = *acl;
  ++node.stat.aversion;
  result->stat = StatOf(op.path);
  return Error::kOk;
}

tree::Error Model::Run(const TreeOp& op, OpResult* result) {
  *result = {};
  Error error = std::visit([&](const auto& one) { return Run(one, result); }, op);
  if (error != Error::kOk) *result = {.error = error};
  return error;
}

void Model::RunAll(const std::vector<TreeOp>& ops, Outcome* out) {
  const std::map<std::string, ModelNode> before = nodes_;
  out->results.assign(ops.size(), {});
  for (size_t i = 0; i < ops.size(); ++i) {
    out->error = Run(ops[i], &out->results[i]);
    if (out->error == Error::kOk) continue;
    nodes_ = before;
    for (size_t k = 0; k < ops.size(); ++k) {
      if (k < i) out->results[k] = {};
      if (k > i) out->results[k] = {.error = Error::kRuntimeInconsistency};
    }
    return;
  }
}

tree::Error Model::Holds(const Compare& c, bool* holds) const {
  if (TooLarge(c.path, c.value)) return Error::kTooLarge;
  using Target = Compare::Target;
  using Relation = Compare::Relation;
  const bool of_order = c.relation != Relation::kEqual && c.relation != Relation::kNotEqual;
  if (c.target == Target::kExists && (of_order || c.number < 0 || c.number > 1)) return Error::kBadArguments;
  if (!tree::IsValidPath(c.path)) return Error::kBadArguments;
  const bool there = nodes_.count(c.path) != 0;
  if (there && !Allowed(c.path, access::kRead)) return Error::kNoAuth;
  *holds = false;
  if (!there && c.target != Target::kExists) return Error::kOk;
  tree::Stat stat;
  if (there) stat = StatOf(c.path);
  const int64_t numbers[] = {there ? 1 : 0,
                             stat.version,
                             stat.cversion,
                             stat.aversion,
                             stat.czxid.value(),
                             stat.mzxid.value(),
                             stat.ephemeral_owner.value()};
  int order = 0;
  if (c.target == Target::kValue) {
    const NodeData& data = nodes_.at(c.path).data;
    order = data < c.value ? -1 : c.value < data ? 1 : 0;
  } else {
    const int64_t number = numbers[static_cast<int>(c.target)];
    order = number < c.number ? -1 : number > c.number ? 1 : 0;
  }
  const bool table[] = {order == 0, order != 0, order<0, order <= 0, order> 0, order >= 0};
  *holds = table[static_cast<int>(c.relation)];
  return Error::kOk;
}

void Model::RunTxn(const TxnOp& txn, Outcome* out) {
  bool all = true;
  for (const Compare& compare : txn.compares) {
    bool holds = false;
    out->error = Holds(compare, &holds);
    if (out->error != Error::kOk) return;
    all &= holds;
  }
  out->succeeded = all;
  RunAll(all ? txn.then_ops : txn.else_ops, out);
}

tree::Error Model::RemoveIdle(const RemoveIdleOp& op) {
  if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
  auto it = nodes_.find(op.path);
  if (it == nodes_.end()) return Error::kNoNode;
  const ModelNode& node = it->second;
  if (node.stat.czxid != op.czxid || node.stat.mzxid != op.mzxid) return Error::kBadVersion;
  if (!Children(op.path).empty()) return Error::kNotEmpty;
  const bool over = node.container ? node.creates > 0
                                   : node.ttl_ms > 0 && times_.log_clock_us >= node.changed_us + node.ttl_ms * 1000;
  if (!over) return Error::kBadArguments;
  Erase(op.path);
  return Error::kOk;
}

// ---- sessions ----

void Model::Grant(SessionId id, Outcome* out) const {
  const ModelSession& s = sessions_.at(id);
  out->grant = {id, s.password, s.generation, s.timeout_ms, s.disconnect_grace_ms, s.last};
}

tree::Error Model::CreateSession(const CreateSessionOp& op, Outcome* out) {
  for (const auto& [id, s] : sessions_) {
    if (s.closing || s.generation != OwnerGeneration(1)) continue;
    if (s.connection != op.connection || s.password != op.password) continue;
    out->repeated = true;
    Grant(id, out);
    return Error::kOk;
  }
  sessions_[next_session_] = {OwnerGeneration(1),     op.password,  op.connection, op.timeout_ms,
                              op.disconnect_grace_ms, op.identities};
  Grant(next_session_, out);
  ++next_session_;
  return Error::kOk;
}

tree::Error Model::AttachSession(const AttachSessionOp& op, Outcome* out) {
  auto it = sessions_.find(op.session);
  if (it == sessions_.end() || it->second.closing) return Error::kSessionExpired;
  ModelSession& s = it->second;
  if (s.password != op.password) return Error::kAuthFailed;
  if (s.generation != op.seen) {
    if (s.connection != op.connection) return Error::kSessionMoved;
    out->repeated = true;
  } else {
    ++s.generation;
    std::tie(s.connection, s.timeout_ms, s.disconnect_grace_ms, s.identities) =
        std::tie(op.connection, op.timeout_ms, op.disconnect_grace_ms, op.identities);
    if (op.clear_replies) s.replies.clear();
  }
  Grant(op.session, out);
  return Error::kOk;
}

void Model::Close(SessionId id) {
  std::vector<std::pair<Zxid, std::string>> owned;
  for (const auto& [path, node] : nodes_) {
    if (node.owner == id) owned.emplace_back(node.stat.czxid, path);
  }
  std::sort(owned.begin(), owned.end());
  for (size_t i = 0; i < owned.size() && i < ephemerals_per_command_; ++i) Erase(owned[i].second);
  if (owned.size() <= ephemerals_per_command_) {
    sessions_.erase(id);
  } else {
    sessions_.at(id).closing = true;
  }
}

// ---- commands ----

bool Model::JudgeServerCommand(const Command& command, Outcome* out) {
  if (const auto* create = std::get_if<CreateSessionOp>(&command.operation)) {
    out->error = CreateSession(*create, out);
  } else if (const auto* attach = std::get_if<AttachSessionOp>(&command.operation)) {
    out->error = AttachSession(*attach, out);
  } else if (const auto* expire = std::get_if<ExpireSessionOp>(&command.operation)) {
    auto it = sessions_.find(expire->session);
    out->error = it == sessions_.end() || it->second.closing ? Error::kSessionExpired
                 : it->second.generation != expire->seen     ? Error::kSessionMoved
                                                             : Error::kOk;
    if (out->error == Error::kOk) Close(expire->session);
  } else if (const auto* go_on = std::get_if<ContinueCloseOp>(&command.operation)) {
    auto it = sessions_.find(go_on->session);
    out->error = it == sessions_.end() ? Error::kSessionExpired
                 : !it->second.closing ? Error::kBadArguments
                                       : Error::kOk;
    if (out->error == Error::kOk) Close(go_on->session);
  } else if (const auto* idle = std::get_if<RemoveIdleOp>(&command.operation)) {
    out->error = out->result.error = RemoveIdle(*idle);
    out->result.deleted = out->error == Error::kOk ? 1 : 0;
  } else if (const auto* set = std::get_if<SetSettingOp>(&command.operation)) {
    if (set->value.size() > max_data_bytes_) out->error = Error::kTooLarge;
    std::string config = set->value;
    if (!config.empty()) config += absl::StrCat("\nversion=", absl::Hex(zxid_.value()));
    const bool membership = set->name == kMembershipSetting;
    if (membership && config.size() > max_data_bytes_) out->error = Error::kTooLarge;
    if (out->error == Error::kOk) settings_.Set(set->name, set->value);
    if (out->error == Error::kOk && membership) {
      ModelNode& node = nodes_.at("/zookeeper/config");
      node.data = config;
      node.stat.mzxid = zxid_;
      node.stat.mtime_ms = times_.wall_ms;
    }
  } else {
    return std::holds_alternative<RaiseVersionOp>(command.operation);
  }
  return true;
}

void Model::Execute(const Command& command, Outcome* out) {
  if (const auto* multi = std::get_if<MultiOp>(&command.operation)) return RunAll(multi->ops, out);
  if (const auto* txn = std::get_if<TxnOp>(&command.operation)) return RunTxn(*txn, out);
  if (const auto* refused = std::get_if<RefusedOp>(&command.operation)) {
    out->error = refused->error;
  } else if (const auto* more = std::get_if<AuthenticateOp>(&command.operation)) {
    if (session_ == SessionId(0)) {
      out->error = Error::kBadArguments;
    } else {
      for (const access::Identity& one : more->identities) access::Insert(one, &sessions_.at(session_).identities);
    }
  } else if (std::holds_alternative<CloseSessionOp>(command.operation)) {
    if (session_ == SessionId(0)) {
      out->error = Error::kBadArguments;
    } else {
      Close(session_);
    }
  } else if (!std::holds_alternative<SyncOp>(command.operation)) {
    TreeOp op = std::visit(
        [](const auto& one) -> TreeOp {
          if constexpr (std::is_constructible_v<TreeOp, decltype(one)>) return one;
          return {};
        },
        command.operation);
    out->error = Run(op, &out->result);
  }
}

void Model::Judge(const Command& command, Outcome* out) {
  if (command.session == SessionId(0)) {
    caller_ = command.identities;
    return Execute(command, out);
  }
  auto it = sessions_.find(command.session);
  if (it == sessions_.end() || it->second.closing) {
    out->error = Error::kSessionExpired;
    return;
  }
  ModelSession& s = it->second;
  if (s.generation != command.generation) {
    out->error = Error::kSessionMoved;
    return;
  }
  if (command.sequence > s.last + 1) {
    out->gap = true;
    return;
  }
  s.replies.erase(s.replies.begin(), s.replies.lower_bound(command.confirmed_below));
  if (command.sequence != Sequence(0) && command.sequence <= s.last) {
    auto reply = s.replies.find(command.sequence);
    if (reply == s.replies.end()) {
      out->error = Error::kReplyLost;
    } else {
      *out = reply->second;
    }
    out->repeated = true;
    return;
  }
  caller_ = s.identities;
  Execute(command, out);
  it = sessions_.find(command.session);
  if (command.sequence == Sequence(0) || it == sessions_.end() || it->second.closing) return;
  it->second.last = command.sequence;
  it->second.replies[command.sequence] = *out;
}

Outcome Model::Apply(const interfaces::BatchTimes& times, const Command& command) {
  times_ = times;
  session_ = command.session;
  max_data_bytes_ = command.max_data_bytes;
  ++zxid_;
  Outcome out;
  out.zxid = zxid_;
  if (!JudgeServerCommand(command, &out)) Judge(command, &out);
  return out;
}

}  // namespace synod::statemachine
