#include "coordinator/recipes/semaphore.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/recipes/contender.h"
#include "coordinator/recipes/paths.h"

namespace synod::recipes {
namespace {

using client::Client;
using client::CreateMode;
using client::Data;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::MultiOutcome;
using client::Operation;
using client::ReadStrength;
using client::Result;
using client::SessionState;
using client::WatchEvent;

constexpr char kLease[] = "lease-";

// Waits in line, then for a lease to be free, then holds one.
class LeaseAttempt final : public Attempt, public std::enable_shared_from_this<LeaseAttempt> {
 public:
  static std::shared_ptr<LeaseAttempt> Make(Session* session, const std::string& path, int leases, const Data& data,
                                            Callbacks callbacks) {
    auto attempt = std::make_shared<LeaseAttempt>(path, leases, data, std::move(callbacks));
    const std::weak_ptr<LeaseAttempt> weak = attempt;
    Contender::Options line{Join(path, "queue"), "next-", {}, data};
    line.place_only = true;
    attempt->line_ = Contender::Make(session, std::move(line),
                                     {[weak](int64_t, const std::string& place) {
                                        if (auto self = weak.lock()) self->OnFirst(place);
                                      },
                                      [weak](const Ended& ended) {
                                        if (auto self = weak.lock()) self->End(ended.loss, ended.error);
                                      }});
    attempt->subscription_ =
        session->Listen([weak, own = attempt->client()](const ClientPtr& client, SessionState state) {
          if (client.get() != own) return;
          if (auto self = weak.lock()) self->OnState(state);
        });
    return attempt;
  }

  LeaseAttempt(const std::string& path, int leases, Data data, Callbacks callbacks)
      : leases_path_(Join(path, "leases")), leases_(leases), data_(std::move(data)), callbacks_(std::move(callbacks)) {}
  ~LeaseAttempt() override { Withdraw(); }

  void Start() override { line_->Start(); }
  void Withdraw() override {
    if (Finish()) GiveUp();
  }
  bool Holds() const override { return Is(State::kGranted) && client()->HoldsSession(); }

 private:
  enum class State { kWaiting, kTaken, kGranted, kEnded };  // kTaken: has a lease, but the session is not held

  Client* client() const { return line_->client().get(); }
  bool Is(State state) const {
    std::lock_guard lock(mutex_);
    return state_ == state;
  }
  bool Finish() {
    std::lock_guard lock(mutex_);
    return std::exchange(state_, State::kEnded) != State::kEnded;
  }
  void GiveUp() {
    line_->Withdraw();
    std::string lease;
    {
      std::lock_guard lock(mutex_);
      lease = lease_;
    }
    if (!lease.empty()) client()->Delete(lease, -1, [](const auto&) {});
  }
  void End(Loss loss, const Error& error) {
    if (!Finish()) return;
    GiveUp();
    callbacks_.on_ended({loss, error});
  }
  template <typename Function>
  auto Bind(Function function) {
    return [weak = weak_from_this(), function](auto&&... arguments) {
      if (auto self = weak.lock()) function(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }

  void OnFirst(const std::string& place) {
    place_ = place;
    Look();
  }

  // Of the first in line: is a lease free?
  void Look() {
    client()->Get(leases_path_, ReadStrength::kSession, nullptr,
                  Bind([](LeaseAttempt& self, const Result<client::NodeValue>& value) {
                    if (!self.Is(State::kWaiting)) return;
                    if (value.ok()) {
                      if (value->data != absl::StrCat(self.leases_)) self.EndForOtherCount(*value);
                    } else if (value.error().code == ErrorCode::kNoNode) {
                      self.MakeLeases();
                    } else {
                      self.End(Loss::kSessionEnded, value.error());
                    }
                  }));
    client::WatchCallback watch;
    if (!armed_) {
      watch = Bind([](LeaseAttempt& self, const WatchEvent&) {
        self.armed_ = false;
        if (self.Is(State::kWaiting)) self.Look();
      });
    }
    client()->GetChildren(leases_path_, false, ReadStrength::kSession, std::move(watch),
                          Bind([](LeaseAttempt& self, const Result<client::Children>& children) {
                            // What went wrong the read before it has told.
                            if (!self.Is(State::kWaiting) || !children.ok()) return;
                            self.armed_ = true;
                            const auto taken =
                                std::count_if(children->names.begin(), children->names.end(),
                                              [](const std::string& name) { return name.starts_with(kLease); });
                            if (taken < self.leases_) self.Take();
                          }));
  }

  void EndForOtherCount(const client::NodeValue& value) {
    End(Loss::kSessionEnded,
        {ErrorCode::kBadArguments, Effect::kNotDone,
         absl::StrCat(leases_path_, " is for ", value.data.value_or("no"), " leases, not ", leases_)});
  }

  void MakeLeases() {
    client()->Create(leases_path_, absl::StrCat(leases_), CreateMode::kPersistent,
                     Bind([](LeaseAttempt& self, const Result<client::Created>& created) {
                       if (!self.Is(State::kWaiting)) return;
                       if (created.ok() || created.error().code == ErrorCode::kNodeExists) return self.Look();
                       self.End(Loss::kSessionEnded, created.error());
                     }));
  }

  void Take() {
    if (std::exchange(taking_, true)) return;
    // Somebody has to delete the lease if nobody wants it any more when the answer comes.
    client()->Multi({Operation::Check(place_),
                     Operation::Create(Join(leases_path_, kLease), data_, CreateMode::kEphemeralSequential)},
                    [weak = weak_from_this(), client = client()](const Result<MultiOutcome>& outcome) {
                      auto self = weak.lock();
                      if (self != nullptr) return self->OnTaken(outcome);
                      if (outcome.ok() && outcome->error.ok())
                        client->Delete(outcome->results[1].path, -1, [](const auto&) {});
                    });
  }

  void OnTaken(const Result<MultiOutcome>& outcome) {
    taking_ = false;
    if (!outcome.ok()) return End(Loss::kSessionEnded, outcome.error());
    if (!outcome->error.ok()) {
      if (!Is(State::kWaiting)) return;
      // `leases` itself was deleted; had the place been, the contender would have ended this.
      if (outcome->error.code == ErrorCode::kNoNode) return Look();
      return End(Loss::kSessionEnded, outcome->error);
    }
    bool wanted = false;
    {
      std::lock_guard lock(mutex_);
      wanted = state_ == State::kWaiting;
      if (wanted) {
        state_ = State::kTaken;
        lease_ = outcome->results[1].path;
        token_ = outcome->results[1].stat.czxid;
      }
    }
    if (!wanted) return client()->Delete(outcome->results[1].path, -1, [](const auto&) {});
    WatchOwn();
    line_->Withdraw();
    Grant();
  }

  void WatchOwn() {
    client()->Get(lease_, ReadStrength::kSession, Bind([](LeaseAttempt& self, const WatchEvent& event) {
                    if (event.type != WatchEvent::Type::kDeleted) return self.WatchOwn();
                    self.EndForDeletion();
                  }),
                  Bind([](LeaseAttempt& self, const Result<client::NodeValue>& value) {
                    if (value.ok()) return;
                    if (value.error().code == ErrorCode::kNoNode) return self.EndForDeletion();
                    self.End(Loss::kSessionEnded, value.error());
                  }));
  }
  void EndForDeletion() {
    End(Loss::kNodeDeleted, {ErrorCode::kNoNode, Effect::kNotDone, absl::StrCat("somebody deleted ", lease_)});
  }

  // *Lost* must not be followed by a grant: then the next kConnected grants it.
  void Grant() {
    if (!client()->HoldsSession()) return;
    {
      std::lock_guard lock(mutex_);
      if (state_ != State::kTaken) return;
      state_ = State::kGranted;
    }
    callbacks_.on_granted(token_, lease_);
  }

  void OnState(SessionState state) {
    if (state == SessionState::kConnected) return Grant();
    if (state == SessionState::kLost && Is(State::kGranted)) {
      return End(Loss::kSessionLost, {ErrorCode::kSessionExpired, Effect::kNotDone, "the session may be lost"});
    }
    if (state == SessionState::kExpired || state == SessionState::kClosed) {
      End(Loss::kSessionEnded, EndOfSession(state));
    }
  }

  const std::string leases_path_;
  const int leases_;
  const Data data_;
  const Callbacks callbacks_;
  std::shared_ptr<Contender> line_;
  Session::Subscription subscription_;
  // Callback thread only.
  std::string place_;
  bool armed_ = false;
  bool taking_ = false;

  mutable std::mutex mutex_;  // guards what follows; the callback thread alone changes lease_ and token_
  State state_ = State::kWaiting;
  std::string lease_;
  int64_t token_ = 0;
};

}  // namespace

Semaphore::Semaphore(Session* session, std::string path, int leases, HolderOptions options)
    : Holder(session, std::move(options.on_loss),
             [session, path = std::move(path), leases, data = std::move(options.data)](Attempt::Callbacks callbacks) {
               return LeaseAttempt::Make(session, path, leases, data, std::move(callbacks));
             }) {
  SYNOD_CHECK(leases > 0);
}

}  // namespace synod::recipes
