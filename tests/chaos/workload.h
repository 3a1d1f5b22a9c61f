// Clients that write by compare-and-set and read, while somebody kills their servers; and what must be true of it in
// the end.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/client/blocking.h"
#include "tests/support/linearizability.h"

namespace synod::testing {

struct WorkloadOptions {
  std::vector<std::string> servers;  // gRPC addresses
  int clients = 12;
  // Nodes that are created once and then only set: every version is accounted for. Two more are also created and
  // deleted.
  int registers = 10;
  absl::Duration session_timeout = absl::Seconds(10);
  uint64_t seed = 1;
};

// Each client is a thread with a session of its own and one operation outstanding: a linearizable read, then a set that
// names the version read. Every value is written by one operation only. Start, Fault, Stop and what follows are called
// by one thread.
class RegisterWorkload {
 public:
  explicit RegisterWorkload(WorkloadOptions options);
  ~RegisterWorkload();

  // Creates the nodes and starts the clients.
  absl::Status Start();
  // Does something to the servers and remembers when. A fault counts as a hit if a write was in flight at that moment.
  void Fault(const std::function<void()>& inject);
  // Waits until `writes` more writes were acknowledged. DeadlineExceeded: the ensemble does not serve.
  absl::Status WaitForWrites(int writes, absl::Duration timeout);
  // Ends the clients and reads every node once more.
  absl::Status Stop();

  // ---- after Stop ----
  const RegisterHistory& history() const { return history_; }
  int faults() const { return static_cast<int>(fault_times_.size()); }
  int hits() const;
  // The longest time in which no write was acknowledged to any client.
  absl::Duration LongestWriteGap() const;

 private:
  void RunClient(int number);
  // One read, and perhaps one write. Returns whether the session is over.
  bool Step(client::BlockingClient& client, int number, uint64_t choice, const std::string& value,
            std::vector<RegisterOp>& ops);
  std::unique_ptr<client::BlockingClient> Connect(uint64_t seed) const;
  bool IsSetOnly(const std::string& key) const;
  void Record(RegisterOp op, std::vector<RegisterOp>& ops);

  const WorkloadOptions options_;
  std::vector<std::string> keys_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> acknowledged_{0};
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  RegisterHistory history_;  // guarded by mutex_ until Stop
  std::vector<int64_t> fault_times_;
};

// Says what is wrong with the set-only registers at the end, or nothing: every acknowledged set is there exactly once,
// every version up to the last is accounted for by a set that was acknowledged with it or whose outcome is unknown, and
// the last reads agree. Independent of the linearizability checker, and simpler. `keys`: the registers; each was
// created once and read last.
std::string AccountForWrites(const RegisterHistory& history, const std::vector<std::string>& keys);

}  // namespace synod::testing
