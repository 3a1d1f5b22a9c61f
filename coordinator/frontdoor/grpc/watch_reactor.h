// One client's Watch stream: a service::WatchStream over gRPC's callback API.
//
// Threads as in session_stream.h: the service calls on the loop, gRPC on threads of its own. What one turn of the loop
// brings is gathered in one WatchResponse. A slow reader is never cut off: the service is told to stop giving when a
// bound is unsent and to go on, from its window of past events, when that has drained. The object deletes itself on the
// loop once gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/frontdoor/grpc/session_stream.h"
#include "coordinator/service/watch_stream.h"
#include "synod/v1/coordination.grpc.pb.h"

namespace synod::frontdoor {

class WatchReactor final : public grpc::ServerWriteReactor<v1::WatchResponse>, public service::WatchStream {
 public:
  // Asks the service for the stream on the loop.
  WatchReactor(const StreamEnvironment* environment, service::WatchStreamRequest request);

  // gRPC's threads
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // The loop
  bool OnEvents(std::vector<service::WatchStreamEvent> events, service::Cursor cursor) override;
  void OnEnd(service::WatchEnd reason, service::Cursor oldest) override;

 private:
  struct Outgoing {
    google::protobuf::Arena arena;
    v1::WatchResponse* message = google::protobuf::Arena::CreateMessage<v1::WatchResponse>(&arena);
    size_t bytes = 0;  // roughly
  };

  void Open(service::WatchStreamRequest request);
  void FlushAtEndOfTurn();
  void End(grpc::Status status);
  Outgoing* NewOutgoing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const StreamEnvironment* const env_;

  // Loop only.
  service::WatchStreamId id_;
  bool open_ = false;  // the service knows this stream
  bool flush_posted_ = false;

  absl::Mutex mutex_;
  std::deque<std::unique_ptr<Outgoing>> gathered_ ABSL_GUARDED_BY(mutex_);  // not yet given to gRPC
  std::unique_ptr<Outgoing> writing_ ABSL_GUARDED_BY(mutex_);
  size_t unsent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of both
  bool flush_due_ ABSL_GUARDED_BY(mutex_) = false;   // a turn ended since the last of gathered_ came
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;      // the service waits for ResumeWatch
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;      // no more is gathered; finish when all is written
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // a write failed: the client is gone
  grpc::Status final_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace synod::frontdoor
