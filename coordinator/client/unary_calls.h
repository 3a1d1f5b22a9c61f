// Requests without a session, over unary calls.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/random.h"
#include "coordinator/client/backoff.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/session.h"
#include "coordinator/client/stream_loop.h"

namespace synod::client {

// Each request goes to one server; a read, and a write that certainly had no effect, is tried again on the next until
// its deadline. A write whose outcome is unknown fails with kMayHaveBeenDone and is never repeated. Watches, ephemerals
// and session requests are refused; Authenticate is kept here, for the calls after it. Loop's thread only.
class UnaryCalls {
 public:
  // `retry` is called when a waiting request may be due: the loop's step calls Retry. `loop` outlives this.
  UnaryCalls(StreamLoop* loop, ServerList servers, std::vector<Credential> credentials, SessionTimes times,
             uint64_t seed);
  ~UnaryCalls();

  // `submission.deadline` of infinity becomes now + the session timeout: a call without a session has no other end.
  void Submit(Submission submission, absl::Duration now);
  // Sends again what has waited long enough. Returns when to be called next.
  absl::Duration Retry(absl::Duration now);

 private:
  struct Pending;
  void Send(std::shared_ptr<Pending> pending, absl::Duration now);
  void OnOutcome(const std::shared_ptr<Pending>& pending, CallOutcome outcome, absl::Duration now);
  void Fail(Pending& pending, Error error);
  void Authenticate(Submission& submission);

  StreamLoop* const loop_;
  const ServerList servers_;
  std::vector<Credential> credentials_;
  const SessionTimes times_;
  Random random_;
  size_t server_;          // the one that served last
  int64_t last_zxid_ = 0;  // of everything shown: a later read does not go back (S9)
  std::multimap<absl::Duration, std::shared_ptr<Pending>> waiting_;
  // Lets a call that ends after this object is gone find out.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace synod::client
