// What a simulated client asks for, and how it judges what it is told.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/sim_client.h"

namespace synod::sim {

using testing::RegisterCall;
using testing::RegisterOp;
using testing::RegisterOutcome;

SimClient::Op SimClient::MakeOp() {
  Random& random = world_->random();
  Op op;
  std::string key = "k" + std::to_string(random.Below(options_.keys));
  std::string path = "/" + key;
  std::string value = absl::StrCat("c", id_, "-", ++values_);
  auto known = known_versions_.find(path);
  int32_t version = known == known_versions_.end() || random.OneIn(5) ? -1 : known->second;
  RegisterOp history;
  history.client = id_;
  history.key = key;
  history.value = value;
  history.expected_version = version;
  uint64_t dice = random.Below(100);
  op.write = dice < 60;
  if (dice < 10) {
    history.call = RegisterCall::kCreate;
    op.request.operation = service::CreateOp{path, value};
  } else if (dice < 45) {
    history.call = RegisterCall::kSet;
    op.request.operation = service::SetDataOp{path, value, version};
  } else if (dice < 48) {
    history.call = RegisterCall::kDelete;
    op.request.operation = service::DeleteOp{path, version};
  } else if (dice < 60) {
    MakeCreate(dice, value, &op);
    return op;
  } else {
    history.call = RegisterCall::kGet;
    history.value.clear();
    bool watch = random.OneIn(4);
    op.request.operation = service::GetData{path, watch};
    op.request.strength = dice < 85 ? service::ReadStrength::kLinearizable : service::ReadStrength::kSession;
    if (watch) op.watch_key = path;
    if (op.request.strength == service::ReadStrength::kSession) return op;
  }
  op.history = history;
  return op;
}

// Sequential names, alone and inside multi and transaction; ephemerals; znodes that end by themselves.
void SimClient::MakeCreate(uint64_t dice, const std::string& value, Op* op) {
  service::CreateOp create;
  create.data = value;
  if (dice < 50) {
    create.path = absl::StrCat("/eph/c", id_, "-");
    create.mode = service::CreateMode::kEphemeralSequential;
    op->request.operation = std::move(create);
    return;
  }
  if (dice < 52) {
    create.path = absl::StrCat("/ttl/c", id_, "-", values_);
    create.mode = service::CreateMode::kPersistentTtl;
    create.ttl_ms = world_->random().Between(100, 3000);
    ttl_nodes_[create.path] = {world_->now(), absl::Milliseconds(create.ttl_ms)};
    op->request.operation = std::move(create);
    return;
  }
  op->sequential = true;
  create.path = absl::StrCat("/seq/c", id_, "-");
  create.mode = service::CreateMode::kPersistentSequential;
  if (dice < 55) {
    op->request.operation = service::MultiOp{{service::CheckOp{"/seq"}, std::move(create)}};
  } else if (dice < 58) {
    service::TxnOp txn;
    service::Compare there;
    there.path = "/seq";
    txn.compares = {there};
    txn.then_ops = {std::move(create)};
    txn.else_ops = {service::CheckOp{"/seq"}};
    op->request.operation = std::move(txn);
  } else {
    op->request.operation = std::move(create);
  }
}

void SimClient::Settle(Op op, const service::Reply& reply) {
  if (static_cast<uint8_t>(reply.error) >= 100)
    return Violated(absl::StrCat("a session's request failed with ", static_cast<int>(reply.error)));
  // A repeated reply carries the zxid of the first time.
  if (!op.write && reply.zxid < last_zxid_) Violated("a read went back in what the session saw (W1)");
  if (reply.zxid > last_zxid_) last_zxid_ = reply.zxid;
  auto error = static_cast<tree::Error>(reply.error);
  if (op.write) ++acknowledged_writes_;
  if (error == tree::Error::kReplyLost) return Violated("an unconfirmed reply was forgotten (S3)");
  if (!std::holds_alternative<service::AddWatch>(op.request.operation) &&
      !std::holds_alternative<service::SetWatches>(op.request.operation)) {
    ToldUpTo(reply.zxid);
  }
  if (op.sequential) {
    const std::string& path = reply.results.empty() ? reply.result.path : reply.results.back().path;
    if (error == tree::Error::kOk && !created_.insert(path).second)
      Violated("one sequential name was given twice (S2)");
    return;
  }
  if (std::holds_alternative<service::AddWatch>(op.request.operation) ||
      std::holds_alternative<service::SetWatches>(op.request.operation)) {
    cursor_ = Cursor{reply.zxid};
    return;
  }
  if (!op.write) CheckRead(op, reply);
  if (!op.history) return;
  RegisterOp& history = *op.history;
  history.returned = absl::ToInt64Nanoseconds(world_->now());
  const std::string path = "/" + history.key;
  switch (error) {
    case tree::Error::kOk:
      history.outcome = RegisterOutcome::kOk;
      if (history.call == RegisterCall::kGet) {
        history.value = reply.data.value_or("");
        history.version = reply.stat->version;
        known_versions_[path] = history.version;
      } else if (history.call == RegisterCall::kSet) {
        history.version = reply.result.stat.version;
        known_versions_[path] = history.version;
      }
      break;
    case tree::Error::kNoNode:
      history.outcome = RegisterOutcome::kNoNode;
      break;
    case tree::Error::kNodeExists:
      history.outcome = RegisterOutcome::kNodeExists;
      break;
    case tree::Error::kBadVersion:
      history.outcome = RegisterOutcome::kBadVersion;
      known_versions_.erase(path);
      break;
    default:
      return Violated(absl::StrCat("unexpected outcome ", static_cast<int>(error)));
  }
  history_.push_back(history);
}

// W2: on the connection of the watch, the event stands before any reply that shows the change.
void SimClient::CheckRead(const Op& op, const service::Reply& reply) {
  const auto& get = std::get<service::GetData>(op.request.operation);
  auto watched = watched_.find(get.path);
  bool there = static_cast<tree::Error>(reply.error) == tree::Error::kOk;
  if (watched != watched_.end() && (!there || reply.stat->mzxid > watched->second)) {
    Violated(absl::StrCat("a reply showed a change of ", get.path, " before its event (W2)"));
  }
  if (there && !op.watch_key.empty()) watched_[op.watch_key] = reply.stat->mzxid;
}

// W2, W3: a reply says that every event up to its zxid came before it.
void SimClient::ToldUpTo(Zxid zxid) {
  if (!cursor_ || *cursor_ >= Cursor{zxid}) return;
  Cursor where;
  const TrueEvent* missed = truth_->Next(*cursor_, &where);
  if (missed != nullptr && where <= Cursor{zxid}) {
    Violated(absl::StrCat("a reply of zxid ", zxid.value(), " came before the event of ", missed->path, " at ",
                          where.zxid.value(), "-", where.ordinal, " (W2, W3)"));
  }
  cursor_ = Cursor{zxid};
}

void SimClient::OnNotification(const service::Notification& notification) {
  last_heard_ = world_->now();
  watched_.erase(notification.path);
  if (notification.type == service::NotificationType::kEventsLost) {
    ++events_lost_;
    if (cursor_) cursor_ = Cursor{notification.zxid};
    return;
  }
  if (notification.ordinal == Cursor::kAll) return;  // a one-shot watch that was due when it was armed again
  ++events_;
  // An event on the way of a watch whose AddWatch is not answered yet begins the sequence.
  Cursor got{notification.zxid, notification.ordinal};
  if (!cursor_) return;
  Cursor where;
  const TrueEvent* next = truth_->Next(*cursor_, &where);
  if (next == nullptr || where != got || next->path != notification.path ||
      static_cast<service::NotificationType>(next->type) != notification.type) {
    return Violated(absl::StrCat("the persistent watch got ", notification.path, " at ", got.zxid.value(), "-",
                                 got.ordinal, ", expected ", next == nullptr ? "nothing" : next->path, " at ",
                                 where.zxid.value(), "-", where.ordinal, " (W3)"));
  }
  cursor_ = got;
}

testing::RegisterHistory SimClient::TakeHistory() {
  for (Op& op : pending_) {
    if (op.write && op.history) {
      op.history->outcome = RegisterOutcome::kUnknown;
      history_.push_back(*op.history);
    }
    if (op.sequential) ++created_unknown_;
  }
  return std::move(history_);
}

}  // namespace synod::sim
