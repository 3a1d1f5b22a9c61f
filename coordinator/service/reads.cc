#include "coordinator/service/reads.h"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "coordinator/tree/path.h"

namespace synod::service {
namespace {

using tree::Error;

class Reader {
 public:
  Reader(const ReadContext& context, Reply* reply) : context_(context), reply_(reply) {}
  bool watch_set() const { return watch_set_; }

  Error operator()(const Exists& op) {
    tree::Stat stat;
    if (Error e = CheckWatch(op.watch); e != Error::kOk) return e;
    Error e = tree().Exists(op.path, &stat);
    if (e == Error::kOk) reply_->stat = stat;
    // A missing node is watched for its creation (13.3); both kinds share one table.
    if (op.watch && (e == Error::kOk || e == Error::kNoNode))
      Watch(op.path, e == Error::kOk ? WatchKind::kData : WatchKind::kExists);
    return e;
  }
  Error operator()(const GetData& op) {
    tree::Stat stat;
    std::optional<std::string_view> data;
    if (Error e = CheckWatch(op.watch); e != Error::kOk) return e;
    Error e = tree().GetData(op.path, &data, &stat);
    if (e != Error::kOk) return e;
    reply_->stat = stat;
    if (data) reply_->data.emplace(*data);
    if (op.watch) Watch(op.path, WatchKind::kData);
    return e;
  }
  Error operator()(const GetChildren& op) {
    tree::Stat stat;
    if (Error e = CheckWatch(op.watch); e != Error::kOk) return e;
    Error e = tree().GetChildren(op.path, &reply_->children, &stat);
    if (e != Error::kOk) return e;
    if (op.with_stat) reply_->stat = stat;
    if (op.watch) Watch(op.path, WatchKind::kChildren);
    return e;
  }
  Error operator()(const Sync&) { return Error::kOk; }
  Error operator()(const AddWatch& op) {
    if (Error e = CheckWatch(true); e != Error::kOk) return e;
    if (op.kind != WatchKind::kPersistent && op.kind != WatchKind::kPersistentRecursive)
      return Bad("a one-shot watch is set by a read");
    if (!tree::IsValidPath(op.path)) return Bad("malformed path");
    Watch(op.path, op.kind);
    return Error::kOk;
  }
  Error operator()(const RemoveWatch& op) {
    if (Error e = CheckWatch(true); e != Error::kOk) return e;
    return context_.watches->Remove(context_.watcher, op.path, op.kind) ? Error::kOk : Error::kNoWatcher;
  }
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
  Error CheckWatch(bool wanted) {
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

// What a re-armed watch has to tell at once; nullopt: nothing, it is set again.
std::optional<NotificationType> ChangedSince(const WatchSet& set, const tree::DataTree& tree) {
  tree::Stat stat;
  bool exists = tree.Exists(set.path, &stat) == Error::kOk;
  switch (set.kind) {
    case WatchKind::kData:
      if (!exists) return NotificationType::kDeleted;
      if (stat.mzxid > set.since) return NotificationType::kDataChanged;
      return std::nullopt;
    case WatchKind::kExists:
      if (exists) return NotificationType::kCreated;
      return std::nullopt;
    case WatchKind::kChildren:
      if (!exists) return NotificationType::kDeleted;
      if (stat.pzxid > set.since) return NotificationType::kChildrenChanged;
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
          return std::is_same_v<std::decay_t<decltype(op)>, AddWatch>;
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

bool RearmWatches(absl::Span<const WatchSet> sets, const ReadContext& context, std::vector<Notification>* fired) {
  bool watch_set = false;
  for (const WatchSet& set : sets) {
    if (!tree::IsValidPath(set.path)) continue;
    if (std::optional<NotificationType> type = ChangedSince(set, context.state_machine->tree())) {
      fired->push_back({*type, set.path, context.state_machine->last_zxid()});
    } else {
      context.watches->Add(context.watcher, set.path, set.kind);
      watch_set = true;
    }
  }
  return watch_set;
}

}  // namespace synod::service
