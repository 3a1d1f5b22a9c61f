// What a command runs under: a lock, or leadership. See lock_commands.cc.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "coordinator/cli/interrupts.h"
#include "coordinator/recipes/leader_latch.h"
#include "coordinator/recipes/lock.h"

namespace synod::cli {

// What callbacks bring from the client's thread. Thread-safe; wakes who waits.
class TenureNews {
 public:
  explicit TenureNews(Interrupts* interrupts) : interrupts_(interrupts) {}
  void Granted(client::Result<int64_t> token);
  void Lost(recipes::Loss loss);
  // The first of each.
  std::optional<client::Result<int64_t>> granted() const;
  std::optional<recipes::Loss> lost() const;

 private:
  Interrupts* const interrupts_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<client::Result<int64_t>> granted_;
  std::optional<recipes::Loss> lost_;
};

class Tenure {
 public:
  virtual ~Tenure() = default;
  // Joins the queue; the news tell of the rest.
  virtual void Start() = 0;
  // Gives up what is held or waited for.
  virtual void Release() = 0;
};

// `data`: who holds or waits, for people. `session` and `news` must outlive it.
std::unique_ptr<Tenure> MakeLockTenure(recipes::Session* session, const std::string& path, std::string data,
                                       TenureNews* news);
std::unique_ptr<Tenure> MakeLeaderTenure(recipes::Session* session, const std::string& path, std::string data,
                                         TenureNews* news);

}  // namespace synod::cli
