#include "coordinator/frontdoor/grpc/session_stream.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/frontdoor/grpc/convert.h"
#include "coordinator/frontdoor/grpc/peer_address.h"
#include "coordinator/frontdoor/grpc/status_map.h"

namespace synod::frontdoor {
namespace {

constexpr size_t kItemOverhead = 96;  // an item's fixed parts on the heap, near enough

}  // namespace

SessionStream::SessionStream(const StreamEnvironment* environment, const std::string& peer)
    : env_(environment), address_(AddressOfPeer(peer)) {
  env_->loop->Post([this] { Open(); });
}

bool SessionStream::CountIn() {
  ++env_->streams->count;
  uint32_t& same_address = env_->streams->by_address[address_];
  if (env_->streams_per_address_max != 0 && same_address >= env_->streams_per_address_max) return false;
  ++same_address;
  counted_ = true;
  return true;
}

void SessionStream::CountOut() {
  --env_->streams->count;
  if (!counted_) return;
  auto same_address = env_->streams->by_address.find(address_);
  if (--same_address->second == 0) env_->streams->by_address.erase(same_address);
}

void SessionStream::Open() {
  if (!CountIn()) {
    End(ToStatus(service::CloseReason::kOverloaded,
                 absl::StrCat("this server takes no more than ", env_->streams_per_address_max, " connections from ",
                              address_, " (maxClientCnxns)")));
    return;
  }
  service::ConnectionOptions options;
  options.address = address_;
  id_ = env_->service->Open(this, options);
  if (id_.value() == 0) {
    End(ToStatus(service::CloseReason::kOverloaded, "this server takes no more connections"));
    return;
  }
  open_ = true;
  ReadNext();
}

// ---- reading ----

void SessionStream::ReadNext() { StartRead(&incoming_); }

void SessionStream::OnReadDone(bool ok) {
  env_->loop->Post([this, ok] {
    if (ok) {
      TakeMessage();
    } else {
      PeerClosed();
    }
  });
}

void SessionStream::TakeMessage() {
  if (!open_) return;  // closed by the service meanwhile
  if (!connect_seen_) {
    connect_seen_ = true;
    TakeConnect();
  } else {
    std::vector<service::Request> requests;
    requests.reserve(incoming_.requests_size());
    for (v1::Request& request : *incoming_.mutable_requests()) requests.push_back(FromProto(&request));
    uint64_t ping = incoming_.ping();
    if (!requests.empty() || incoming_.confirmed_below() != 0) {
      env_->service->Submit(id_, absl::MakeSpan(requests), Sequence(incoming_.confirmed_below()));
    }
    if (open_ && ping != 0) env_->service->Ping(id_, ping);
  }
  if (!open_) return;
  if (paused_) {
    read_wanted_ = true;
  } else {
    ReadNext();
  }
}

void SessionStream::TakeConnect() {
  std::string_view wrong = "the first message must hold connect and nothing else";
  if (incoming_.has_connect() && incoming_.requests_size() == 0) {
    std::optional<service::ConnectRequest> connect = FromProto(incoming_.mutable_connect());
    if (connect) return env_->service->Connect(id_, *std::move(connect));
    wrong = "a watch to set again is of a kind that this server does not know";
  }
  open_ = false;
  env_->service->ConnectionClosed(id_, /*by_peer=*/false);
  End(ToStatus(service::CloseReason::kProtocolError, std::string(wrong)));
}

void SessionStream::PeerClosed() {
  if (open_) {
    open_ = false;
    env_->service->ConnectionClosed(id_, /*by_peer=*/true);
  }
  End(grpc::Status::OK);
}

void SessionStream::OnFlowPause() { paused_ = true; }

void SessionStream::OnFlowResume() {
  paused_ = false;
  if (std::exchange(read_wanted_, false)) ReadNext();
}

// ---- writing ----

void SessionStream::OnConnected(const service::ConnectResult& result) {
  {
    absl::MutexLock lock(&mutex_);
    ToProto(result, gathering_->message->mutable_connected());
    Added(kItemOverhead);
  }
  Flush();
}

void SessionStream::OnReply(service::Reply reply) {
  {
    absl::MutexLock lock(&mutex_);
    Added(RoughSize(reply));
    ToProto(std::move(reply), gathering_->message->add_items()->mutable_reply());
  }
  FlushAtEndOfTurn();
}

void SessionStream::OnNotification(const service::Notification& notification) {
  {
    absl::MutexLock lock(&mutex_);
    ToProto(notification, gathering_->message->add_items()->mutable_event());
    Added(kItemOverhead + notification.path.size());
  }
  FlushAtEndOfTurn();
}

void SessionStream::OnPong(uint64_t ping, Zxid zxid) {
  {
    absl::MutexLock lock(&mutex_);
    v1::Pong* pong = gathering_->message->add_items()->mutable_pong();
    pong->set_ping(ping);
    pong->set_zxid(zxid.value());
    Added(kItemOverhead);
  }
  FlushAtEndOfTurn();
}

void SessionStream::Added(size_t bytes) {
  gathering_->bytes += bytes;
  too_slow_ = gathering_->bytes > env_->unsent_bytes_max;
}

void SessionStream::FlushAtEndOfTurn() {
  if (flush_posted_) return;
  flush_posted_ = true;
  // Posted behind what is ready now, so that all that one turn brings leaves in one write. The stream lives until
  // OnDone's own task, posted later.
  env_->loop->Post([this] {
    flush_posted_ = false;
    Flush();
  });
}

void SessionStream::Flush() {
  if (too_slow_ && open_) {
    open_ = false;
    env_->service->ConnectionClosed(id_, /*by_peer=*/false);
    absl::MutexLock lock(&mutex_);
    gathering_ =
        std::make_unique<Outgoing>();  // nothing unacknowledged is lost: the client re-sends under the same numbers
    if (!finished_) {
      finished_ = ending_ = true;
      Finish(ToStatus(service::CloseReason::kOverloaded, "the client reads too slowly"));
    }
    return;
  }
  absl::MutexLock lock(&mutex_);
  flush_due_ = true;
  if (writing_ == nullptr) SendGathered();
}

void SessionStream::SendGathered() {
  flush_due_ = false;
  if (!broken_ && gathering_->bytes > 0) {
    writing_ = std::exchange(gathering_, std::make_unique<Outgoing>());
    StartWrite(writing_->message);
    return;
  }
  if (ending_ && !finished_) {
    finished_ = true;
    Finish(final_status_);
  }
}

void SessionStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_.reset();
  if (!ok) broken_ = true;
  if (flush_due_ || ending_) SendGathered();
}

// ---- ending ----

void SessionStream::OnClose(service::CloseReason reason, std::string_view message) {
  open_ = false;
  End(ToStatus(reason, std::string(message)));
}

void SessionStream::End(grpc::Status status) {
  absl::MutexLock lock(&mutex_);
  if (ending_) return;
  ending_ = true;
  final_status_ = std::move(status);
  if (writing_ == nullptr) SendGathered();
}

void SessionStream::OnDone() {
  env_->loop->Post([this] {
    if (open_) env_->service->ConnectionClosed(id_, /*by_peer=*/true);
    CountOut();
    delete this;
  });
}

}  // namespace synod::frontdoor
