// One client's Session stream: a service::Connection over gRPC's callback API.
//
// Two kinds of threads meet here. The service calls on the loop; gRPC calls on threads of its own. What the loop gives
// is gathered in one ServerMessage, handed to gRPC once per turn of the loop; when gRPC has finished writing it takes
// what gathered meanwhile without waking the loop. A message read is handed to the loop whole. The object deletes
// itself on the loop once gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/base/executor.h"
#include "coordinator/service/connection.h"
#include "coordinator/service/service.h"
#include "synod/v1/coordination.grpc.pb.h"

namespace synod::frontdoor {

// The streams that are open. Loop only.
struct OpenStreams {
  size_t count = 0;                            // Session and Watch
  std::map<std::string, uint32_t> by_address;  // Session
};

// What all streams of a server share. Outlives them.
struct StreamEnvironment {
  Executor* loop = nullptr;
  service::Service* service = nullptr;   // touched on the loop only
  size_t unsent_bytes_max = 16 << 20;    // per stream: a reader slower than this is cut off
  uint32_t streams_per_address_max = 0;  // of one client address, loopback too (maxClientCnxns); 0: no limit
  OpenStreams* streams = nullptr;
  size_t watch_unsent_bytes_max = 1 << 20;  // per Watch stream: beyond it the service is told to wait
};

class SessionStream final : public grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>,
                            public service::Connection {
 public:
  // `peer` as grpc::ServerContext::peer() gives it.
  SessionStream(const StreamEnvironment* environment, const std::string& peer);

  // gRPC's threads
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

  // The loop
  void OnConnected(const service::ConnectResult& result) override;
  void OnReply(service::Reply reply) override;
  void OnNotification(const service::Notification& notification) override;
  void OnPong(uint64_t ping, Zxid zxid) override;
  void OnClose(service::CloseReason reason, std::string_view message) override;
  void OnFlowPause() override;
  void OnFlowResume() override;

 private:
  struct Outgoing {
    google::protobuf::Arena arena;
    v1::ServerMessage* message = google::protobuf::Arena::CreateMessage<v1::ServerMessage>(&arena);
    size_t bytes = 0;  // roughly
  };

  void Open();
  bool CountIn();
  void CountOut();
  void TakeMessage();
  void TakeConnect();
  void PeerClosed();
  void Added(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushAtEndOfTurn();
  void Flush();
  void SendGathered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(grpc::Status status);
  void ReadNext();

  const StreamEnvironment* const env_;

  const std::string address_;  // of the client (peer_address.h)

  // Loop only.
  service::ConnectionId id_;
  bool counted_ = false;  // for its address
  bool open_ = false;     // the service knows this connection
  bool connect_seen_ = false;
  bool paused_ = false;
  bool read_wanted_ = false;  // a message was taken while paused: the next read is still to be asked for
  bool flush_posted_ = false;
  bool too_slow_ = false;

  // The reader's: gRPC fills it, then the loop has it until it asks for the next one.
  v1::ClientMessage incoming_;

  absl::Mutex mutex_;
  std::unique_ptr<Outgoing> gathering_ ABSL_GUARDED_BY(mutex_) = std::make_unique<Outgoing>();
  std::unique_ptr<Outgoing> writing_ ABSL_GUARDED_BY(mutex_);
  bool flush_due_ ABSL_GUARDED_BY(mutex_) = false;  // the turn ended while a write was under way
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;     // no more is gathered; finish when all is written
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // a write failed: the client is gone
  grpc::Status final_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace synod::frontdoor
