#include "coordinator/recipes/holder.h"

#include <utility>

#include "coordinator/recipes/gate.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Callback;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::Result;

struct Holder::Impl : std::enable_shared_from_this<Holder::Impl> {
  Impl(Session* on, std::function<void(Loss)> lost, Factory make)
      : session(on), on_loss(std::move(lost)), factory(std::move(make)) {}

  void Start(Callback<int64_t> then) {
    std::shared_ptr<Attempt> starting;
    {
      std::lock_guard lock(mutex);
      if (attempt == nullptr) {
        const uint64_t number = ++attempts;
        done = std::move(then);
        starting = attempt = factory({[weak = weak_from_this(), number](int64_t token, const std::string&) {
                                        if (auto self = weak.lock()) self->OnGranted(number, token);
                                      },
                                      [weak = weak_from_this(), number](const Attempt::Ended& ended) {
                                        if (auto self = weak.lock()) self->OnEnded(number, ended);
                                      }});
      }
    }
    if (starting != nullptr) return starting->Start();
    then(Error{ErrorCode::kBadArguments, Effect::kNotDone, "this object holds or waits already"});
  }

  void OnGranted(uint64_t number, int64_t token) {
    Callback<int64_t> then;
    {
      std::lock_guard lock(mutex);
      if (attempt == nullptr || attempts != number) return;
      then = std::exchange(done, nullptr);
    }
    then(token);
  }

  void OnEnded(uint64_t number, const Attempt::Ended& ended) {
    Callback<int64_t> then;
    std::shared_ptr<Attempt> old;
    {
      std::lock_guard lock(mutex);
      if (attempt == nullptr || attempts != number) return;
      old.swap(attempt);
      then = std::exchange(done, nullptr);
    }
    if (then != nullptr) return then(ended.error);
    if (on_loss != nullptr) gate.Pass([&] { on_loss(ended.loss); });
  }

  // `only_waiting`: what was granted meanwhile is kept.
  void Release(Error why, bool only_waiting) {
    Callback<int64_t> then;
    std::shared_ptr<Attempt> old;
    {
      std::lock_guard lock(mutex);
      if (only_waiting && done == nullptr) return;
      old.swap(attempt);
      then = std::exchange(done, nullptr);
    }
    if (old != nullptr) old->Withdraw();
    if (then != nullptr) then(std::move(why));
  }

  bool held() const {
    std::shared_ptr<Attempt> mine;
    {
      std::lock_guard lock(mutex);
      mine = attempt;
    }
    return mine != nullptr && mine->Holds();
  }

  Session* const session;
  const std::function<void(Loss)> on_loss;
  const Factory factory;
  Gate gate;
  mutable std::mutex mutex;          // guards what follows
  uint64_t attempts = 0;             // so that news of an earlier one is not taken for this one's
  std::shared_ptr<Attempt> attempt;  // null: neither waiting nor holding
  Callback<int64_t> done;            // not null: waiting
};

Holder::Holder(Session* session, std::function<void(Loss)> on_loss, Factory factory)
    : impl_(std::make_shared<Impl>(session, std::move(on_loss), std::move(factory))) {}

Holder::~Holder() {
  impl_->gate.Close();
  Release();
}

Result<int64_t> Holder::Acquire(absl::Duration timeout) {
  return Await<int64_t>(
      *impl_->session, timeout, [this](Callback<int64_t> done) { AcquireAsync(std::move(done)); },
      [this](Error late) { impl_->Release(std::move(late), true); });
}

void Holder::AcquireAsync(Callback<int64_t> done) { impl_->Start(std::move(done)); }
void Holder::Release() { impl_->Release({ErrorCode::kClosed, Effect::kNotDone, "released while waiting"}, false); }
bool Holder::held() const { return impl_->held(); }

}  // namespace synod::recipes
