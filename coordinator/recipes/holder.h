// What is acquired, held for a while and released: the common part of Lock, ReadLock, WriteLock and Semaphore.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

struct HolderOptions {
  client::Data data = "";  // of the node: who holds or waits, for people
  // It was held and is not any more, and Release was not called. At most once per Acquire. Runs on the session's
  // callback thread and must not block.
  std::function<void(Loss)> on_loss;
};

// One attempt to hold something: starts, is granted, ends.
class Attempt {
 public:
  struct Ended {
    Loss loss = Loss::kSessionEnded;
    client::Error error;  // never ok; what to answer to somebody who still waited
  };
  struct Callbacks {
    // Granted; never after Withdraw returned, unless it was on its way. `token` is the czxid of the node `path`.
    std::function<void(int64_t token, const std::string& path)> on_granted;
    // Not granted any more, or never. Not called after Withdraw. The last call.
    std::function<void(const Ended&)> on_ended;
  };

  virtual ~Attempt() = default;
  // Once; nothing after Withdraw.
  virtual void Start() = 0;
  // Gives up what is held or waited for. Idempotent; does not wait.
  virtual void Withdraw() = 0;
  // Granted, not ended, and the session may be believed in right now.
  virtual bool Holds() const = 0;
};

// Threads. All methods from any thread, Acquire not from a callback. One object is one contender: threads that are to
// exclude each other need one object each.
class Holder {
 public:
  // Releases. When it returns on_loss does not run and will not; so do not hold a lock that on_loss takes.
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // Waits until it is held and returns the fencing token. After an error it is not held:
  // kTimeout: not within `timeout`; the place in the queue is given up. kClosed: Release was called meanwhile, or the
  // session was closed. kSessionExpired. kNoNode: somebody deleted the own node. kNoAuth: the ACL of the path.
  // kBadArguments: this object holds or waits already, or a bad path.
  client::Result<int64_t> Acquire(absl::Duration timeout = absl::InfiniteDuration());
  // As Acquire without a time limit; `done` is called once, on the callback thread (by Release: on its thread; with
  // kBadArguments because of holding or waiting: on the caller's).
  void AcquireAsync(client::Callback<int64_t> done);
  // Gives up what is held, or the place in the queue. Idempotent; does not wait: it takes effect after all calls made
  // before on the session's client and before all made after.
  void Release();
  // Whether it is held right now, by the clock. False at once when the session is lost.
  bool held() const;

 protected:
  using Factory = std::function<std::shared_ptr<Attempt>(Attempt::Callbacks)>;
  Holder(Session* session, std::function<void(Loss)> on_loss, Factory factory);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace synod::recipes
