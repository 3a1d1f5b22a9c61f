// The gRPC of the library, as bytes: session streams, streams of answers and unary calls on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace synod::client {

// Time since boot that never goes back and, unlike the plain monotonic clock, goes on while the machine sleeps: a lease
// of a sleeping client runs out (S7).
absl::Duration MonotonicNow();
// From the system's random device.
uint64_t DrawSeed();

// What a stream reports, on the loop's thread, in this order: OnStarted at most once, then OnMessage and OnWritten,
// then OnEnded once.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // The transport stands; the stream can be written.
  virtual void OnStarted() = 0;
  // One encoded message; the view lives for the call. Nothing is read before it returns.
  virtual void OnMessage(std::string_view bytes) = 0;
  // The last Write has left; the next one may come.
  virtual void OnWritten() = 0;
  // Nothing follows. The handler may be destroyed inside.
  virtual void OnEnded(const absl::Status& status) = 0;
};

// A stream. Destroying it cancels it at once; its handler hears nothing afterwards. Loop's thread only.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // One encoded ClientMessage, on a session stream. REQUIRES: OnStarted was called, and OnWritten for every Write
  // before.
  virtual void Write(std::string bytes) = 0;
};

struct CallOutcome {
  absl::Status status;
  bool sent = false;    // false: certainly never reached a server
  std::string details;  // of the status: a google.rpc.Status, or empty
  std::string reply;    // encoded, when status is OK
};

// A thread, a completion queue and what runs on it. Nothing is polled: the thread sleeps until bytes, a posted task or
// the time that `step` asked for.
class StreamLoop {
 public:
  // Runs on the loop's thread after every batch of happenings; returns the time (MonotonicNow) of the next call if
  // nothing happens before.
  using Step = absl::AnyInvocable<absl::Duration()>;

  explicit StreamLoop(Step step);
  // Cancels what is left and joins. Handlers hear nothing any more; calls end with CANCELLED. Not from the loop's
  // thread.
  ~StreamLoop();

  // Runs `task` on the loop's thread, in order of posting. Any thread.
  void Post(absl::AnyInvocable<void()> task);
  bool OnLoopThread() const;

  // Opens synod.v1.Coordination/Session on a connection of its own: no back-off, no broken state is inherited from an
  // earlier attempt. Loop's thread only. `handler` lives until the stream is destroyed or OnEnded was called.
  std::unique_ptr<ByteStream> Open(const std::string& address, absl::Duration connect_timeout, StreamHandler* handler);

  // The same of `method` ("/synod.v1.Coordination/Watch"), which takes one request and answers with a stream: `request`
  // is sent once the transport stands. Write must not be called; OnWritten means nothing.
  std::unique_ptr<ByteStream> OpenAnswers(const std::string& address, const std::string& method, std::string request,
                                          absl::Duration connect_timeout, StreamHandler* handler);

  // A unary call of `method` ("/synod.v1.Coordination/Call"), on a connection that is kept per address. The call is
  // sent only once the connection stands, so that a failure before is known to have had no effect. `done` runs on the
  // loop's thread. Loop's thread only.
  void Call(const std::string& address, const std::string& method, const std::string& request,
            absl::Duration connect_timeout, absl::Duration timeout, absl::AnyInvocable<void(CallOutcome)> done);

  // Of grpc.h; public for the implementation file alone.
  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::client
