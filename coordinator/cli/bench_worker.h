// Load on session streams: one thread drives several sessions.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/random.h"
#include "coordinator/cli/histogram.h"
#include "coordinator/client/stream_loop.h"

namespace synod::cli {

enum class BenchOperation { kSet, kGet, kCreate, kMixed };

struct BenchPlan {
  BenchOperation operation = BenchOperation::kSet;
  std::vector<std::string> addresses;
  std::string root;  // node under which each session has a node of its own, with `nodes` children
  size_t sessions = 12;
  size_t outstanding = 64;  // per session
  size_t size = 100;        // bytes of data
  size_t nodes = 64;        // per session
  uint32_t strength = 0;    // of reads
  size_t threads = 1;
};

std::string BenchSessionNode(const BenchPlan& plan, size_t session);
std::string BenchNode(const BenchPlan& plan, size_t session, size_t node);
// The data of every write, the same bytes each time.
std::string BenchData(const BenchPlan& plan);

struct BenchCounts {
  Histogram latency;
  uint64_t operations = 0;  // answered while measuring
  uint64_t refused = 0;     // of them, with an error
  uint64_t broken_streams = 0;
  uint64_t unanswered = 0;  // requests of broken streams
  std::string first_error;
};

// Sessions number `first`, `first + step`, ... of the plan, on one thread. Each keeps `outstanding` requests in flight:
// every batch of replies is followed by one message with as many requests. A session whose stream breaks opens a new
// one at the next server.
class BenchWorker {
 public:
  // `measuring` outlives this; counts are kept while it is true.
  BenchWorker(const BenchPlan& plan, size_t first, size_t step, const std::atomic<bool>* measuring);
  ~BenchWorker();
  // Sessions attached at present. Any thread.
  size_t attached() const { return attached_; }
  // Ends the load and returns what was counted. Once.
  BenchCounts Finish();

 private:
  class Stream;
  absl::Duration Step();

  const BenchPlan& plan_;
  const std::atomic<bool>* const measuring_;
  const std::string data_;
  std::atomic<size_t> attached_ = 0;
  BenchCounts counts_;                            // loop's thread
  std::vector<std::unique_ptr<Stream>> streams_;  // loop's thread
  std::unique_ptr<client::StreamLoop> loop_;
};

}  // namespace synod::cli
