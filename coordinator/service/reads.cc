#include "coordinator/service/reads.h"

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "coordinator/service/credentials.h"
#include "coordinator/tree/path.h"

namespace synod::service {
namespace {

using tree::Error;

// The smaller of a default and a maximum that a page's limit means.
size_t PageLimit(uint32_t limit) { return limit == 0 ? kPageDefault : std::min(limit, kPageMax); }

class Reader {
 public:
  Reader(const ReadContext& context, Reply* reply) : context_(context), reply_(reply) {}
  bool watch_set() const { return watch_set_; }

  Error operator()(const Exists& op) {
    tree::Stat stat;
    if (Error e = NeedWatches(op.watch); e != Error::kOk) return e;
    Error e = tree().Exists(context_.caller, op.path, &stat);
    if (e == Error::kOk) reply_->stat = stat;
    // A missing node is watched for its creation (13.3); both kinds share one table.
    if (op.watch && (e == Error::kOk || e == Error::kNoNode))
      Watch(op.path, e == Error::kOk ? WatchKind::kData : WatchKind::kExists);
    return e;
  }
  Error operator()(const GetData& op) {
    tree::Stat stat;
    std::optional<std::string_view> data;
    if (Error e = NeedWatches(op.watch); e != Error::kOk) return e;
    Error e = tree().GetData(context_.caller, op.path, &data, &stat);
    if (e != Error::kOk) return e;
    reply_->stat = stat;
    if (data) reply_->data.emplace(*data);
    if (op.watch) Watch(op.path, WatchKind::kData);
    return e;
  }
  Error operator()(const GetChildren& op) {
    tree::Stat stat;
    if (Error e = NeedWatches(op.watch); e != Error::kOk) return e;
    Error e = tree().GetChildren(context_.caller, op.path, &reply_->children, &stat);
    if (e != Error::kOk) return e;
    if (op.with_stat) reply_->stat = stat;
    if (op.watch) Watch(op.path, WatchKind::kChildren);
    return e;
  }
  Error operator()(const GetAcl& op) {
    tree::Stat stat;
    AclId acl;
    bool admin = false;
    Error e = tree().GetAcl(context_.caller, op.path, &acl, &admin, &stat);
    if (e != Error::kOk) return e;
    const access::Acl& list = context_.state_machine->acls().Get(acl);
    reply_->acl = admin ? list : access::Masked(list);
    reply_->stat = stat;
    const tree::Lifetime lifetime = tree().LifetimeOf(op.path);
    if (stat.ephemeral_owner.value() != 0) reply_->mode = CreateMode::kEphemeral;
    if (lifetime.container) reply_->mode = CreateMode::kContainer;
    if (lifetime.ttl_ms != 0) reply_->mode = CreateMode::kPersistentTtl;
    reply_->ttl_ms = lifetime.ttl_ms;
    return e;
  }
  Error operator()(const List& op) {
    tree::PageArgs args;
    args.path = op.path;
    args.after = op.after;
    args.prefix = op.prefix;
    args.limit = PageLimit(op.limit);
    args.with_stat = op.with_stat;
    args.with_data = op.with_data;
    std::vector<tree::PageEntry> entries;
    tree::Stat stat;
    Error e = tree().ListPage(context_.caller, args, &entries, &reply_->more, &stat);
    if (e != Error::kOk) return e;
    reply_->stat = stat;
    reply_->entries.reserve(entries.size());
    for (const tree::PageEntry& entry : entries) {
      ListEntry& out = reply_->entries.emplace_back();
      out.name = std::string(entry.name);
      out.stat = entry.stat;
      if (entry.data) out.data.emplace(*entry.data);
      out.denied = entry.denied;
    }
    return e;
  }
  Error operator()(const MultiRead& op);
  Error operator()(const GetEphemerals& op);
  Error operator()(const CountDescendants& op) {
    return tree().CountDescendants(context_.caller, op.path, &reply_->count);
  }
  Error operator()(const WhoAmI&) {
    reply_->identities = Displayed(*context_.identities, context_.state_machine->settings().super_digest);
    return Error::kOk;
  }
  Error operator()(const Sync&) { return Error::kOk; }
  Error operator()(const AddWatch& op) {
    if (Error e = NeedWatches(true); e != Error::kOk) return e;
    if (op.kind != WatchKind::kPersistent && op.kind != WatchKind::kPersistentRecursive)
      return Bad("a one-shot watch is set by a read");
    if (!tree::IsValidPath(op.path)) return Bad("malformed path");
    Watch(op.path, op.kind);
    return Error::kOk;
  }
  Error operator()(const RemoveWatch& op) {
    if (Error e = NeedWatches(true); e != Error::kOk) return e;
    const bool removed = op.any ? context_.watches->RemoveAny(context_.watcher, op.path)
                                : context_.watches->Remove(context_.watcher, op.path, op.kind);
    return removed ? Error::kOk : Error::kNoWatcher;
  }
  Error operator()(const CheckWatch& op) {
    if (Error e = NeedWatches(true); e != Error::kOk) return e;
    const bool has = op.any ? context_.watches->HasAny(context_.watcher, op.path)
                            : context_.watches->Has(context_.watcher, op.path, op.kind);
    return has ? Error::kOk : Error::kNoWatcher;
  }
  // Their events go before the reply, so a connection's are RearmWatches' business.
  Error operator()(const SetWatches&) { return Bad("watches are set again by a session's connection"); }
  Error operator()(const Unintelligible& op) {
    reply_->message = op.message;
    return op.error;
  }
  template <typename Write>
  Error operator()(const Write&) {
    return Error::kUnimplemented;  // writes go through the log
  }

 private:
  const tree::DataTree& tree() const { return context_.state_machine->tree(); }
  Error Bad(std::string_view message) {
    reply_->message = std::string(message);
    return Error::kBadArguments;
  }
  Error NeedWatches(bool wanted) {
    return wanted && context_.watches == nullptr ? Bad("a watch needs a session's connection") : Error::kOk;
  }
  void Watch(const std::string& path, WatchKind kind) {
    context_.watches->Add(context_.watcher, path, kind);
    watch_set_ = true;
  }

  const ReadContext& context_;
  Reply* reply_;
  bool watch_set_ = false;
};

size_t BytesOfReply(const Reply& reply) {
  size_t bytes = reply.data ? reply.data->size() : 0;
  for (const std::string& child : reply.children) bytes += child.size() + sizeof(uint32_t);
  for (const access::AclEntry& entry : reply.acl) bytes += entry.scheme.size() + entry.id.size() + sizeof(uint32_t);
  return bytes;
}

Operation WithoutWatch(const ReadOp& op) {
  return std::visit(
      [](auto one) -> Operation {
        if constexpr (requires { one.watch; }) one.watch = false;
        return one;
      },
      op);
}

Error Reader::operator()(const MultiRead& op) {
  if (op.ops.size() > kMultiReadOpsMax) return Error::kTooLarge;
  size_t bytes = 0;
  for (const ReadOp& one : op.ops) {
    Operation operation = WithoutWatch(one);
    Reply& part = reply_->reads.emplace_back();
    ExecuteRead(operation, context_, &part);
    part.operation = static_cast<uint8_t>(operation.index());
    bytes += BytesOfReply(part);
    if (bytes > kMultiReadBytesMax && reply_->reads.size() > 1) {
      reply_->reads.clear();
      reply_->message = "the results together are too large; read them in smaller parts";
      return Error::kTooLarge;
    }
  }
  return Error::kOk;
}

// Of the own session without a look at ACLs (11.10): what it created it knows. Of others only what the caller may list.
Error Reader::operator()(const GetEphemerals& op) {
  const size_t limit = PageLimit(op.limit);
  if (op.all_sessions) {
    std::string_view path = op.prefix.empty() ? std::string_view("/") : std::string_view(op.prefix);
    Error e = tree().EphemeralsBelow(context_.caller, path, op.after, limit, kEphemeralsVisitedMax, &reply_->children,
                                     &reply_->next);
    reply_->more = e == Error::kOk && !reply_->next.empty();
    return e;
  }
  const SessionId owner = op.session == SessionId(0) ? context_.session : op.session;
  if (owner == SessionId(0)) return Bad("a call without session has no ephemerals of its own; name a session");
  const bool blank = op.prefix.find_first_not_of(" \t\r\n") == std::string::npos || op.prefix == "/";
  std::string_view prefix = blank ? std::string_view() : std::string_view(op.prefix);
  if (op.whole) {
    if (owner != context_.session) return Bad("another session's ephemerals are read page by page");
    reply_->children = tree().Ephemerals(owner, prefix);
    return Error::kOk;
  }
  const access::Caller caller = owner == context_.session ? access::Caller::Unrestricted() : context_.caller;
  reply_->children =
      tree().EphemeralsPage(caller, owner, prefix, op.after, limit, tree::kEphemeralPageBytes, &reply_->more);
  if (reply_->more) reply_->next = reply_->children.back();  // never a name that is not shown
  return Error::kOk;
}

// What a re-armed watch has to tell at once; nullopt: nothing, it is set again. Without READ on the node, if it exists,
// it is not told and the watch consumed all the same, as at delivery (13.7).
struct Due {
  NotificationType type;
  bool told = true;
};
std::optional<Due> ChangedSince(const WatchSet& set, const ReadContext& context) {
  const tree::DataTree& tree = context.state_machine->tree();
  tree::Stat stat;
  const bool exists = tree.Exists(access::Caller::Unrestricted(), set.path, &stat) == Error::kOk;
  const bool may_read = !exists || tree.Exists(context.caller, set.path, nullptr) == Error::kOk;
  switch (set.kind) {
    case WatchKind::kData:
      if (!exists) return Due{NotificationType::kDeleted};
      if (stat.mzxid > set.since.zxid) return Due{NotificationType::kDataChanged, may_read};
      return std::nullopt;
    case WatchKind::kExists:
      if (exists) return Due{NotificationType::kCreated, may_read};
      return std::nullopt;
    case WatchKind::kChildren:
      if (!exists) return Due{NotificationType::kDeleted};
      if (stat.pzxid > set.since.zxid) return Due{NotificationType::kChildrenChanged, may_read};
      return std::nullopt;
    case WatchKind::kPersistent:
    case WatchKind::kPersistentRecursive:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

bool SetsWatch(const Operation& operation) {
  return std::visit(
      [](const auto& op) {
        if constexpr (requires { op.watch; }) {
          return op.watch;
        } else {
          using Op = std::decay_t<decltype(op)>;
          return std::is_same_v<Op, AddWatch> || std::is_same_v<Op, SetWatches>;
        }
      },
      operation);
}

bool ExecuteRead(const Operation& operation, const ReadContext& context, Reply* reply) {
  Reader reader(context, reply);
  reply->zxid = context.state_machine->last_zxid();
  reply->error = ToErrorCode(std::visit(reader, operation));
  return reader.watch_set();
}

bool RearmWatches(absl::Span<const WatchSet> sets, const ReadContext& context, size_t table_bytes_max,
                  std::vector<Notification>* fired) {
  const Zxid applied = context.state_machine->last_zxid();
  for (const WatchSet& set : sets) {
    if (!tree::IsValidPath(set.path)) continue;
    if (std::optional<Due> due = ChangedSince(set, context)) {
      if (due->told) fired->push_back({due->type, set.path, applied, statemachine::Cursor::kAll});
    } else {
      if (context.watches->memory_bytes() >= table_bytes_max) return false;
      context.watches->Add(context.watcher, set.path, set.kind);
    }
  }
  return true;
}

}  // namespace synod::service
