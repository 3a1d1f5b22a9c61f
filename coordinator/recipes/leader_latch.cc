#include "coordinator/recipes/leader_latch.h"

#include <limits>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/recipes/contender.h"
#include "coordinator/recipes/gate.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Callback;
using client::Client;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::ReadStrength;
using client::Result;
using client::SessionState;

namespace {

constexpr char kPrefix[] = "candidate-";

}  // namespace

struct LeaderLatch::Impl : std::enable_shared_from_this<LeaderLatch::Impl> {
  Impl(Session* on, std::string where, LatchOptions wanted)
      : session(on), path(std::move(where)), options(std::move(wanted)) {}

  void Listen() {
    subscription = session->Listen([weak = weak_from_this()](const ClientPtr&, SessionState state) {
      auto self = weak.lock();
      if (self != nullptr && state == SessionState::kConnected) self->Join();
    });
  }

  // A contender of the present session, if there is none.
  void Join() {
    std::shared_ptr<Contender> joining;
    {
      std::lock_guard lock(mutex);
      if (!campaigning || contender != nullptr) return;
      const uint64_t attempt = ++attempts;
      joining = contender = Contender::Make(session, {path, kPrefix, {}, options.data},
                                            {[weak = weak_from_this(), attempt](int64_t token, const std::string&) {
                                               if (auto self = weak.lock()) self->OnGranted(attempt, token);
                                             },
                                             [weak = weak_from_this(), attempt](const Attempt::Ended& ended) {
                                               if (auto self = weak.lock()) self->OnEnded(attempt, ended);
                                             }});
    }
    joining->Start();
  }

  void OnGranted(uint64_t attempt, int64_t token) {
    gate.Pass([&] {
      {
        std::lock_guard lock(mutex);
        if (!campaigning || attempts != attempt) return;
        epoch = token;
        changed.notify_all();
      }
      if (options.on_leader != nullptr) options.on_leader(token);
    });
  }

  void OnEnded(uint64_t attempt, const Contender::Ended& ended) {
    gate.Pass([&] { Judge(attempt, ended); });
  }

  void Judge(uint64_t attempt, const Contender::Ended& ended) {
    bool led = false;
    bool failed = false;
    std::shared_ptr<Contender> old;
    {
      std::lock_guard lock(mutex);
      if (!campaigning || attempts != attempt) return;
      led = std::exchange(epoch, 0) != 0;
      old.swap(contender);
      // What a new node or a new session mends is no failure of the campaign.
      const bool expired = ended.error.code == ErrorCode::kSessionExpired;
      failed = ended.loss == Loss::kSessionEnded && !(expired && session->renews());
      if (failed) {
        campaigning = false;
        failure = ended.error;
      }
      changed.notify_all();
    }
    if (led && options.on_loss != nullptr) gate.Pass([&] { options.on_loss(ended.loss); });
    if (failed && options.on_failed != nullptr) gate.Pass([&] { options.on_failed(ended.error); });
    // After an expiry the new session's kConnected does it, unless that was before.
    if (!failed && (ended.loss != Loss::kSessionEnded || session->client() != old->client())) Join();
  }

  void Resign() {
    std::shared_ptr<Contender> old;
    {
      std::lock_guard lock(mutex);
      campaigning = false;
      epoch = 0;
      failure = {ErrorCode::kClosed, Effect::kNotDone, "no candidate"};
      old.swap(contender);
      changed.notify_all();
    }
    if (old != nullptr) old->Withdraw();
  }

  bool Leading() const {
    std::lock_guard lock(mutex);
    return epoch != 0 && contender->Holds();
  }

  Session* const session;
  const std::string path;
  const LatchOptions options;
  Session::Subscription subscription;
  Gate gate;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool campaigning = false;
  uint64_t attempts = 0;
  int64_t epoch = 0;  // not 0: elected, not told otherwise
  Error failure{ErrorCode::kClosed, Effect::kNotDone, "no candidate"};
  std::shared_ptr<Contender> contender;
};

LeaderLatch::LeaderLatch(Session* session, std::string path, LatchOptions options)
    : impl_(std::make_shared<Impl>(session, std::move(path), std::move(options))) {
  impl_->Listen();
}

LeaderLatch::~LeaderLatch() {
  impl_->subscription.Cancel();
  impl_->gate.Close();
  Resign();
}

void LeaderLatch::Campaign() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->campaigning = true;
  }
  impl_->Join();
}

void LeaderLatch::Resign() { impl_->Resign(); }
bool LeaderLatch::leading() const { return impl_->Leading(); }

int64_t LeaderLatch::epoch() const {
  if (!leading()) return 0;
  std::lock_guard lock(impl_->mutex);
  return impl_->epoch;
}

Result<int64_t> LeaderLatch::WaitUntilLeading(absl::Duration timeout) {
  SYNOD_CHECK(!impl_->session->OnCallbackThread()) << "a recipe waits inside a callback of its own session";
  std::unique_lock lock(impl_->mutex);
  const bool in_time =
      WaitFor(impl_->changed, lock, timeout, [this] { return impl_->epoch != 0 || !impl_->campaigning; });
  if (!in_time) return Error{ErrorCode::kTimeout, Effect::kNotDone, "not elected within the time limit"};
  if (impl_->epoch == 0) return impl_->failure;
  return impl_->epoch;
}

Result<std::optional<LeaderLatch::Elected>> LeaderLatch::Leader() const {
  using Answer = std::optional<Elected>;
  // The lowest may go between the two reads: then the next lowest is looked for.
  struct Search {
    static void Run(Client* client, const std::string& path, const std::shared_ptr<Callback<Answer>>& done) {
      client->GetChildren(path, false, ReadStrength::kLinearizable, nullptr,
                          [client, path, done](Result<client::Children> children) {
                            if (children.ok()) return Look(client, path, children->names, done);
                            if (children.error().code == ErrorCode::kNoNode) return (*done)(Answer());
                            (*done)(children.error());
                          });
    }
    static void Look(Client* client, const std::string& path, const std::vector<std::string>& names,
                     const std::shared_ptr<Callback<Answer>>& done) {
      int64_t lowest = std::numeric_limits<int64_t>::max();
      std::string found;
      for (const std::string& name : names) {
        const std::optional<int64_t> number = SequenceOf(name);
        if (!number || !name.starts_with(kPrefix) || *number >= lowest) continue;
        lowest = *number;
        found = name;
      }
      if (found.empty()) return (*done)(Answer());
      client->Get(Join(path, found), ReadStrength::kSession, nullptr,
                  [client, path, done](Result<client::NodeValue> value) {
                    if (value.ok()) return (*done)(Answer(Elected{value->stat.czxid, value->data}));
                    if (value.error().code == ErrorCode::kNoNode) return Run(client, path, done);
                    (*done)(value.error());
                  });
    }
  };
  const ClientPtr client = impl_->session->client();
  return Await<Answer>(
      *impl_->session, absl::InfiniteDuration(),
      [&](Callback<Answer> done) {
        Search::Run(client.get(), impl_->path, std::make_shared<Callback<Answer>>(std::move(done)));
      },
      nullptr);
}

}  // namespace synod::recipes
