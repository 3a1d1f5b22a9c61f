// Many sessions with several requests outstanding each: what all throughput figures come from.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/zookeeper/measure.h"
#include "tests/bench/zookeeper/session.h"

namespace synod::bench {

// What every mode is told.
struct Target {
  std::vector<uint16_t> ports;   // of the servers, on loopback
  std::vector<pid_t> processes;  // of the servers, for their processor time; may be empty
  int32_t session_timeout_ms = 30'000;

  uint16_t PortOf(size_t session) const { return ports[session % ports.size()]; }
};

// Which requests, and what their replies must be.
class Work {
 public:
  virtual ~Work() = default;
  // Makes the next request of this session; false: there is none any more.
  virtual bool Next(Session& session) = 0;
  // Null if the reply is what the request asked for, otherwise what is wrong.
  virtual const char* Check(Session& session, const Reply& reply) = 0;
};

// Opens sessions, drives Work through them, and closes them.
class Pump final : public SessionOwner {
 public:
  static constexpr double kUntilDone = std::numeric_limits<double>::infinity();
  struct Result {
    uint64_t operations = 0;  // replies within the measured time
    double seconds = 0;
    double server_cpu = 0;  // seconds, all server processes together
    double own_cpu = 0;
    Latencies latencies;
  };

  // Sessions are spread over the servers round robin, beginning with server `first`. Returns when all are open.
  Pump(Loop& loop, const Target& target, size_t sessions, size_t first = 0);

  // Keeps `outstanding` requests of every session under way for `warm_up` and then `seconds`, or until the work is
  // done; waits for the last reply. Fails on any reply that Work refuses, and if nothing comes for 30 s.
  Result Run(Work& work, size_t outstanding, double warm_up, double seconds);
  // Ends the sessions; ephemeral znodes go with them.
  void CloseSessions();

  void OnOpen(Session&) override { ++open_; }
  void OnReply(Session& session, const Reply& reply) override;

 private:
  template <typename Condition>
  void PollUntil(int64_t deadline, Condition condition);

  Loop& loop_;
  const Target& target_;
  std::vector<std::unique_ptr<Session>> sessions_;
  size_t open_ = 0;
  size_t closed_ = 0;
  Work* work_ = nullptr;
  bool stopping_ = false;
  bool measuring_ = false;
  size_t outstanding_ = 0;  // all sessions
  uint64_t replies_ = 0;
  int64_t last_reply_ = 0;
  Result result_;
};

}  // namespace synod::bench
