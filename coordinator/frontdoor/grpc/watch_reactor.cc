#include "coordinator/frontdoor/grpc/watch_reactor.h"

#include <utility>

#include "coordinator/frontdoor/grpc/convert.h"
#include "coordinator/frontdoor/grpc/status_map.h"

namespace synod::frontdoor {
namespace {

// A larger response is cut: gRPC's clients take 4 MB unless told otherwise, and one event may hold a whole node's data.
constexpr size_t kResponseBytes = 1 << 20;
constexpr size_t kCursorBytes = 32;

}  // namespace

WatchReactor::WatchReactor(const StreamEnvironment* environment, service::WatchStreamRequest request)
    : env_(environment) {
  env_->loop->Post([this, request = std::move(request)]() mutable { Open(std::move(request)); });
}

void WatchReactor::Open(service::WatchStreamRequest request) {
  ++env_->streams->count;
  open_ = true;
  service::WatchStreamId id = env_->service->OpenWatch(this, std::move(request));
  if (open_) id_ = id;
}

// ---- from the service ----

WatchReactor::Outgoing* WatchReactor::NewOutgoing() {
  gathered_.push_back(std::make_unique<Outgoing>());
  return gathered_.back().get();
}

bool WatchReactor::OnEvents(std::vector<service::WatchStreamEvent> events, service::Cursor cursor) {
  FlushAtEndOfTurn();
  absl::MutexLock lock(&mutex_);
  if (broken_ || ending_) return false;  // CloseWatch is on its way
  Outgoing* out = gathered_.empty() ? NewOutgoing() : gathered_.back().get();
  for (service::WatchStreamEvent& event : events) {
    size_t bytes = RoughSize(event);
    if (out->bytes > 0 && out->bytes + bytes > kResponseBytes) out = NewOutgoing();
    out->bytes += bytes;
    unsent_bytes_ += bytes;
    // A response that is cut here is whole all the same: the cursor after its last event.
    ToProto(service::Cursor{event.zxid, event.ordinal}, out->message->mutable_cursor());
    ToProto(std::move(event), out->message->add_events());
  }
  out->bytes += kCursorBytes;
  unsent_bytes_ += kCursorBytes;
  ToProto(cursor, out->message->mutable_cursor());
  paused_ = unsent_bytes_ > env_->watch_unsent_bytes_max;
  return !paused_;
}

void WatchReactor::OnEnd(service::WatchEnd reason, service::Cursor oldest) {
  open_ = false;
  if (reason == service::WatchEnd::kEventsLost) {
    absl::MutexLock lock(&mutex_);
    ToProto(oldest, NewOutgoing()->message->mutable_oldest());
  }
  End(ToStatus(reason));
}

// ---- writing ----

void WatchReactor::FlushAtEndOfTurn() {
  if (flush_posted_) return;
  flush_posted_ = true;
  // Behind what is ready now, so that all that one turn brings leaves in one write. The stream lives until OnDone's own
  // task, posted later.
  env_->loop->Post([this] {
    flush_posted_ = false;
    absl::MutexLock lock(&mutex_);
    flush_due_ = true;
    if (writing_ == nullptr) SendNext();
  });
}

void WatchReactor::SendNext() {
  if (broken_) gathered_.clear();
  if (!gathered_.empty()) {
    writing_ = std::move(gathered_.front());
    gathered_.pop_front();
    if (gathered_.empty()) flush_due_ = false;
    StartWrite(writing_->message);
    return;
  }
  flush_due_ = false;
  if (ending_ && !finished_) {
    finished_ = true;
    Finish(final_status_);
  }
}

void WatchReactor::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  unsent_bytes_ -= writing_->bytes;
  writing_.reset();
  if (!ok) broken_ = true;
  if (flush_due_ || ending_ || gathered_.size() > 1) SendNext();
  if (!paused_ || broken_ || unsent_bytes_ > env_->watch_unsent_bytes_max / 2) return;
  paused_ = false;
  env_->loop->Post([this] {
    if (open_) env_->service->ResumeWatch(id_);
  });
}

// ---- ending ----

void WatchReactor::End(grpc::Status status) {
  absl::MutexLock lock(&mutex_);
  if (ending_) return;
  ending_ = true;
  final_status_ = std::move(status);
  if (writing_ == nullptr) SendNext();
}

void WatchReactor::OnCancel() {
  env_->loop->Post([this] {
    if (std::exchange(open_, false)) env_->service->CloseWatch(id_);
    {
      absl::MutexLock lock(&mutex_);
      broken_ = true;
    }
    End(grpc::Status::CANCELLED);
  });
}

void WatchReactor::OnDone() {
  env_->loop->Post([this] {
    if (open_) env_->service->CloseWatch(id_);
    --env_->streams->count;
    delete this;
  });
}

}  // namespace synod::frontdoor
