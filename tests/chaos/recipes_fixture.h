// What tests of recipes over real servers share: sessions, holders that are watched, and processes that hold a lock.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/recipes/holder.h"
#include "coordinator/recipes/session.h"
#include "tests/chaos/chaos_fixture.h"

namespace synod::testing {

// A thing held, seen from outside: owner and sampler share it.
class Believer {
 public:
  explicit Believer(std::unique_ptr<recipes::Holder> holder) : holder_(std::move(holder)) {}

  // The owner's.
  client::Result<int64_t> Acquire(absl::Duration timeout = kPatience);
  void Release();

  // Anybody's: the token it believes to hold by right now; 0: none. The same token twice means all the time between.
  int64_t Believes() const {
    const int64_t token = token_;
    return holder_->held() ? token : 0;
  }

 private:
  std::unique_ptr<recipes::Holder> holder_;
  std::atomic<int64_t> token_ = 0;
};

// Looks all the time, from a thread of its own, how many believe at one moment: those that believe in two looks by the
// same token did so at every moment between, for all of them the moment between the looks.
class BeliefSampler {
 public:
  explicit BeliefSampler(std::vector<const Believer*> believers)
      : believers_(std::move(believers)), thread_([this] { Run(); }) {}
  ~BeliefSampler() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int most() const { return most_; }

 private:
  void Run();

  const std::vector<const Believer*> believers_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> most_ = 0;
  std::thread thread_;  // last
};

// Tokens in the order of the grants. Only for what one holds at a time.
class GrantOrder {
 public:
  // REQUIRES: the caller has just been granted `token`.
  void Add(const Believer& believer, int64_t token);
  // The number of grants; a failure if any token is not above the one before.
  size_t ExpectRising() const;
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<int64_t> tokens_;
};

// A process that holds a lock (lock_holder.cc).
class HolderProcess {
 public:
  HolderProcess(const std::string& servers, const std::string& path, absl::Duration session_timeout);
  // Kills it, if it runs.
  ~HolderProcess();
  // The token it was granted; 0: it failed.
  int64_t WaitForToken();
  // Asks; the answer is by its own clock, after whatever it slept through.
  bool Believes();
  void Signal(int number) const;

 private:
  std::string ReadLine();
  pid_t pid_ = 0;
  int to_ = -1;
  int from_ = -1;
};

class RecipeChaos : public Chaos {
 protected:
  void StartServers() { StartCluster(3, {"minSessionTimeout=400"}); }
  std::string Servers() const;
  std::unique_ptr<recipes::Session> Connect(absl::Duration timeout = absl::Milliseconds(1500),
                                            std::string servers = "");
  // One after the other: a follower and the leader are killed and started again, so that every client loses its server
  // at least once. Between them `progress` must grow.
  void KillServersInTurn(const std::function<int()>& progress);
  void Restart(int id);
  static void AwaitProgress(const std::function<int()>& progress, int steps);
};

}  // namespace synod::testing
