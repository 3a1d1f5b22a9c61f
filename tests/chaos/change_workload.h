// Clients that change a subtree in every way, and remember each change that was acknowledged: what those who watch it
// must have seen.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::testing {

struct ChangeWorkloadOptions {
  std::vector<std::string> servers;  // gRPC addresses
  std::string path = "/changes";     // made by Start; everything happens below it
  int clients = 4;
  uint64_t seed = 1;
};

// Each client is a thread with a session of its own: sequential creates alone, in a multi and in a transaction, sets,
// create-or-set, deletes. Start, Stop and what follows are called by one thread.
class ChangeWorkload {
 public:
  // One acknowledged change of one node.
  struct Change {
    int64_t zxid = 0;
    client::WatchEvent::Type type = client::WatchEvent::Type::kUnknown;
    std::string path;
    auto operator<=>(const Change&) const = default;
  };

  explicit ChangeWorkload(ChangeWorkloadOptions options) : options_(std::move(options)) {}
  ~ChangeWorkload();

  absl::Status Start();
  // Waits until `changes` more were acknowledged. DeadlineExceeded: the ensemble does not serve.
  absl::Status WaitForChanges(int changes, absl::Duration timeout);
  // Ends the clients. Internal: an operation failed in a way no fault excuses (a session keeps its promises through
  // every one of them), or its outcome is unknown.
  absl::Status Stop();

  // ---- after Stop ----
  // In the order of zxids.
  const std::vector<Change>& changes() const { return changes_; }
  // How many sequential znodes were acknowledged, by directory.
  const std::map<std::string, int>& sequential() const { return sequential_; }
  // Replies that were given again, because the first was lost on the way (S2).
  int repeated() const { return repeated_; }

 private:
  class Worker;
  void Failed(const std::string& why);

  const ChangeWorkloadOptions options_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> acknowledged_{0};
  std::vector<std::thread> threads_;
  std::mutex mutex_;  // guards what follows, until Stop
  std::vector<Change> changes_;
  std::map<std::string, int> sequential_;
  int repeated_ = 0;
  std::string failure_;
};

}  // namespace synod::testing
