// What a session makes of the server's messages.
#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/client/convert.h"
#include "coordinator/client/session.h"

namespace synod::client {

void Session::OnMessage(uint64_t attempt, v1::ServerMessage& message, absl::Duration now) {
  if (attempt != attempt_ || phase_ == Phase::kWaiting || phase_ == Phase::kFinished) return;
  // S7 before all: nothing is delivered as if the session were held when it may be lost already.
  CheckLost(now);
  if (phase_ != Phase::kOpen && phase_ != Phase::kAttaching) return;
  heard_at_ = now;
  if (message.items_size() > 0 && phase_ == Phase::kOpen) {
    // Of use, not merely attached: a server that attaches and hangs up must not be tried without a pause.
    rotation_.Succeeded();
    backoff_.Reset();
  }
  if (message.has_connected()) {
    if (phase_ != Phase::kAttaching) return Break(absl::InternalError("connected twice"), true, true, now);
    OnConnected(message.connected(), now);
  }
  if (phase_ != Phase::kOpen && message.items_size() > 0) {
    return Break(absl::InternalError("answers before the session was attached"), true, true, now);
  }
  for (v1::Item& item : *message.mutable_items()) {
    switch (item.item_case()) {
      case v1::Item::kReply:
        if (!OnReply(*item.mutable_reply(), now)) return;
        break;
      case v1::Item::kEvent:
        OnEvent(item.event());
        break;
      case v1::Item::kPong:
        OnPong(item.pong(), now);
        break;
      case v1::Item::ITEM_NOT_SET:
        break;
    }
  }
}

void Session::OnConnected(const v1::Connected& connected, absl::Duration now) {
  const bool created = session_id_ == 0;
  session_id_ = connected.session_id();
  password_ = connected.password();
  if (connected.timeout_ms() > 0) timeout_ = absl::Milliseconds(connected.timeout_ms());
  grace_ = absl::Milliseconds(connected.disconnect_grace_ms());
  if (connected.max_outstanding() > 0) window_ = connected.max_outstanding();
  max_data_bytes_ = connected.max_data_bytes();
  last_zxid_ = std::max(last_zxid_, connected.zxid());
  // Events of watches set again come after this message: connected.zxid says nothing of them, but for a session without
  // any.
  if (created) {
    watches_.ShownUpTo(connected.zxid());
    answered_ping_sent_at_ = connect_sent_at_;
  } else {
    watches_.BeginCatchUp();
  }
  phase_ = Phase::kOpen;
  attempt_deadline_ = absl::InfiniteDuration();
  broke_at_ = absl::InfiniteDuration();
  sent_ = 0;
  waiting_since_ = absl::InfiniteDuration();
  pings_.clear();
  ping_due_ = now;  // at once: the attach itself is not an answered ping (S7)
  last_errors_.erase(server_);
  if (now < LostAt()) SetState(SessionState::kConnected);
}

bool Session::OnReply(v1::Reply& reply, absl::Duration now) {
  if (sent_ == 0 || requests_.front().id != reply.id()) {
    Break(absl::InternalError("a reply out of order"), true, true, now);
    return false;
  }
  Pending pending = std::move(requests_.front());
  requests_.pop_front();
  --sent_;
  waiting_since_ = sent_ > 0 ? now : absl::InfiniteDuration();
  last_zxid_ = std::max(last_zxid_, reply.zxid());
  watches_.ShownUpTo(reply.zxid());
  if (pending.deadline != absl::InfiniteDuration()) {
    for (auto [it, end] = deadlines_.equal_range(pending.deadline); it != end; ++it) {
      if (it->second == pending.id) {
        deadlines_.erase(it);
        break;
      }
    }
  }
  ArmWatch(pending, reply);
  StripChroot(chroot_, pending.operation, &reply);
  const Error error = ErrorOf(reply);
  if (pending.credential && error.ok() &&
      std::find(credentials_.begin(), credentials_.end(), *pending.credential) == credentials_.end()) {
    credentials_.push_back(*std::move(pending.credential));
  }
  const bool closed = pending.operation == v1::Request::kCloseSession && error.ok();
  Answer(pending, error, std::move(reply));
  if (!closed) return true;
  disconnect_ = attempt_;
  Finish(SessionState::kClosed, {ErrorCode::kClosed, Effect::kNotDone, "the session was closed"},
         {ErrorCode::kClosed, Effect::kMayHaveBeenDone, "the session was closed"});
  return false;
}

void Session::OnEvent(const v1::WatchEvent& event) {
  last_zxid_ = std::max(last_zxid_, event.zxid());
  auto callbacks = watches_.Fire(event.type(), event.path(), {event.zxid(), event.ordinal()});
  if (callbacks.empty()) return;
  WatchEvent out{static_cast<WatchEvent::Type>(event.type()), chroot_.Strip(event.path()), event.zxid(),
                 event.ordinal()};
  for (auto& callback : callbacks) {
    deliveries_.push_back([callback = std::move(callback), out] { (*callback)(out); });
  }
}

void Session::OnPong(const v1::Pong& pong, absl::Duration now) {
  last_zxid_ = std::max(last_zxid_, pong.zxid());
  watches_.ShownUpTo(pong.zxid());
  while (!pings_.empty() && pings_.front().number <= pong.ping()) {
    // An answer to a later ping answers the earlier ones too.
    answered_ping_sent_at_ = std::max(answered_ping_sent_at_, pings_.front().sent_at);
    pings_.pop_front();
    stalls_in_row_ = 0;
  }
  if (now < LostAt()) SetState(SessionState::kConnected);
}

void Session::ArmWatch(Pending& pending, const v1::Reply& reply) {
  if (pending.operation == v1::Request::kRemoveWatch) {
    if (reply.error() == v1::OK || reply.error() == v1::NO_WATCHER)
      watches_.Remove(pending.watch_path, pending.watch_kind);
    return;
  }
  if (pending.watch == nullptr) return;
  v1::WatchKind kind = pending.watch_kind;
  // The setWatches rule tells a watch on a node from one on its absence.
  if (kind == v1::EXISTS && reply.error() == v1::OK) kind = v1::DATA;
  const bool absent = reply.error() == v1::NO_NODE && kind == v1::EXISTS;
  if (reply.error() == v1::OK || absent) watches_.Add(pending.watch_path, kind, std::move(pending.watch));
}

void Session::Answer(Pending& pending, const Error& error, v1::Reply reply) {
  if (pending.done == nullptr) return;
  deliveries_.push_back(
      [done = std::exchange(pending.done, nullptr), error, reply = std::move(reply)]() mutable { done(error, reply); });
}

}  // namespace synod::client
