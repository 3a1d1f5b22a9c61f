#include "coordinator/recipes/contender.h"

#include <algorithm>
#include <utility>

#include "coordinator/recipes/paths.h"

namespace synod::recipes {

using client::Client;
using client::CreateMode;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::ReadStrength;
using client::SessionState;
using client::WatchEvent;

std::shared_ptr<Contender> Contender::Make(Session* session, Options options, Callbacks callbacks) {
  if (options.all_kinds.empty()) options.all_kinds = {options.prefix};
  auto contender =
      std::shared_ptr<Contender>(new Contender(session->client(), std::move(options), std::move(callbacks)));
  contender->subscription_ = session->Listen(
      [weak = std::weak_ptr(contender), own = contender->client_.get()](const ClientPtr& client, SessionState state) {
        if (client.get() != own) return;
        if (auto self = weak.lock()) self->OnState(state);
      });
  return contender;
}

void Contender::Start() {
  if (Is(State::kCreating)) CreateNode();
}

Contender::~Contender() { Withdraw(); }

bool Contender::Is(State state) const {
  std::lock_guard lock(mutex_);
  return state_ == state;
}

bool Contender::Holds() const { return Is(State::kGranted) && client_->HoldsSession(); }

void Contender::CreateNode() {
  // Somebody has to delete the node if nobody wants it any more when the answer comes.
  auto done = [weak = weak_from_this(), client = client_.get()](client::Result<client::Created> created) {
    auto self = weak.lock();
    if (created.ok()) {
      if (self != nullptr) return self->OnCreated(*created);
      return client->Delete(created->path, -1, [](const auto&) {});
    }
    if (self == nullptr || !self->Is(State::kCreating)) return;
    if (created.error().code != ErrorCode::kNoNode) return self->End(Loss::kSessionEnded, created.error());
    CreatePath(client, self->options_.parent, [weak](const Error& error) {
      auto self = weak.lock();
      if (self == nullptr || !self->Is(State::kCreating)) return;
      if (!error.ok()) return self->End(Loss::kSessionEnded, error);
      self->CreateNode();
    });
  };
  client_->Create(recipes::Join(options_.parent, options_.prefix), options_.data, CreateMode::kEphemeralSequential,
                  std::move(done));
}

void Contender::OnCreated(const client::Created& created) {
  bool wanted = false;
  {
    std::lock_guard lock(mutex_);
    wanted = state_ == State::kCreating;
    if (wanted) {
      state_ = State::kWaiting;
      path_ = created.path;
      token_ = created.stat.czxid;
    }
  }
  if (!wanted) return client_->Delete(created.path, -1, [](const auto&) {});
  WatchOwn();
  Look();
}

void Contender::WatchOwn() {
  auto changed = Bind([](Contender& self, const WatchEvent& event) {
    if (event.type != WatchEvent::Type::kDeleted) return self.WatchOwn();
    self.End(Loss::kNodeDeleted, {ErrorCode::kNoNode, Effect::kNotDone, "somebody deleted " + self.path_});
  });
  auto read = Bind([](Contender& self, const client::Result<client::NodeValue>& value) {
    if (value.ok()) return;
    const bool gone = value.error().code == ErrorCode::kNoNode;
    self.End(gone ? Loss::kNodeDeleted : Loss::kSessionEnded, value.error());
  });
  client_->Get(path_, ReadStrength::kSession, std::move(changed), std::move(read));
}

void Contender::Look() {
  client_->GetChildren(options_.parent, false, ReadStrength::kSession, nullptr,
                       Bind([](Contender& self, const client::Result<client::Children>& children) {
                         if (!self.Is(State::kWaiting)) return;
                         if (children.ok()) return self.OnList(children->names);
                         const bool gone = children.error().code == ErrorCode::kNoNode;
                         self.End(gone ? Loss::kNodeDeleted : Loss::kSessionEnded, children.error());
                       }));
}

void Contender::OnList(const std::vector<std::string>& names) {
  const std::string own(BaseName(path_));
  const int64_t mine = *SequenceOf(own);
  std::vector<std::pair<int64_t, std::string>> before;
  bool present = false;
  for (const std::string& name : names) {
    present |= name == own;
    const bool contends = std::any_of(options_.all_kinds.begin(), options_.all_kinds.end(),
                                      [&](const std::string& prefix) { return name.starts_with(prefix); });
    const std::optional<int64_t> number = SequenceOf(name);
    if (contends && number && *number < mine) before.emplace_back(*number, name);
  }
  if (!present) {
    return End(Loss::kNodeDeleted, {ErrorCode::kNoNode, Effect::kNotDone, "somebody deleted " + path_});
  }
  std::sort(before.begin(), before.end());
  std::vector<std::string> ahead;
  for (auto& [number, name] : before) ahead.push_back(std::move(name));
  std::optional<std::string> blocker;
  if (options_.blocker != nullptr) {
    blocker = options_.blocker(ahead);
  } else if (!ahead.empty()) {
    blocker = ahead.back();
  }
  if (blocker) {
    // Get, not Exists: it leaves no watch on a node that is gone and never comes again.
    return client_->Get(recipes::Join(options_.parent, *blocker), ReadStrength::kSession,
                        Bind([](Contender& self, const WatchEvent&) {
                          if (self.Is(State::kWaiting)) self.Look();
                        }),
                        Bind([](Contender& self, const client::Result<client::NodeValue>& value) {
                          if (value.ok() || !self.Is(State::kWaiting)) return;
                          if (value.error().code == ErrorCode::kNoNode) return self.Look();
                          self.End(Loss::kSessionEnded, value.error());
                        }));
  }
  // Nobody is before this one; but *lost* must not be followed by a grant. kConnected looks again.
  if (!options_.place_only && !client_->HoldsSession()) {
    first_ = true;
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kWaiting) return;
    state_ = State::kGranted;
  }
  callbacks_.on_granted(token_, path_);
}

void Contender::OnState(SessionState state) {
  if (state == SessionState::kConnected && Is(State::kWaiting) && std::exchange(first_, false)) return Look();
  if (state == SessionState::kLost && Is(State::kGranted) && !options_.place_only) {
    // What was lost stays lost, even if the session should turn out to live: the node goes as soon as anything can.
    return End(Loss::kSessionLost, {ErrorCode::kSessionExpired, Effect::kNotDone, "the session may be lost"});
  }
  if (state == SessionState::kExpired || state == SessionState::kClosed) {
    End(Loss::kSessionEnded, EndOfSession(state));
  }
}

void Contender::End(Loss loss, Error error) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    state_ = State::kEnded;
  }
  if (!path_.empty()) client_->Delete(path_, -1, [](const auto&) {});
  callbacks_.on_ended({loss, std::move(error)});
}

void Contender::Withdraw() {
  std::string path;
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    state_ = State::kEnded;
    path = path_;
  }
  if (!path.empty()) client_->Delete(path, -1, [](const auto&) {});
}

}  // namespace synod::recipes
