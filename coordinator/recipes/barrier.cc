#include "coordinator/recipes/barrier.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Callback;
using client::Client;
using client::CreateMode;
using client::Data;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::ReadStrength;
using client::Result;
using client::WatchEvent;

// One member's way through one round. Callbacks of the client hold it weakly; who waits holds it.
class Barrier::Member : public std::enable_shared_from_this<Member> {
 public:
  Member(ClientPtr client, const std::string& path, int members, Data data)
      : client_(std::move(client)),
        path_(path),
        members_path_(Join(path, "members")),
        released_path_(Join(path, "released")),
        members_(members),
        data_(std::move(data)) {}
  ~Member() { Remove(); }

  // Watches that a session's end takes away would be waited for for ever.
  void Listen(Session* session) {
    subscription_ = session->Listen(
        [weak = weak_from_this(), own = client_.get()](const ClientPtr& client, client::SessionState state) {
          if (client.get() != own) return;
          auto self = weak.lock();
          if (self == nullptr) return;
          if (state != client::SessionState::kExpired && state != client::SessionState::kClosed) return;
          self->Answer(EndOfSession(state));
        });
  }
  void Enter(Callback<int64_t> done) {
    Expect(std::move(done));
    CreateNode();
  }
  void Leave(Callback<int64_t> done) {
    Expect(std::move(done));
    Remove();
    LookForOthers();
  }
  // Answers, if there was no answer yet.
  void Answer(Result<int64_t> result) {
    Callback<int64_t> done;
    {
      std::lock_guard lock(mutex_);
      done = std::exchange(done_, nullptr);
    }
    if (done != nullptr) done(std::move(result));
  }

 private:
  struct Name {
    int64_t number = 0;
    std::string name;
  };

  void Expect(Callback<int64_t> done) {
    std::lock_guard lock(mutex_);
    done_ = std::move(done);
  }
  bool Waiting() const {
    std::lock_guard lock(mutex_);
    return done_ != nullptr;
  }
  template <typename Function>
  auto Bind(Function function) {
    return [weak = weak_from_this(), function](auto&&... arguments) {
      auto self = weak.lock();
      if (self != nullptr && self->Waiting()) function(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }

  void CreateNode() {
    // Somebody has to delete the node if nobody wants it any more when the answer comes.
    client_->Create(Join(members_path_, "member-"), data_, CreateMode::kEphemeralSequential,
                    [weak = weak_from_this(), client = client_.get()](const Result<client::Created>& created) {
                      auto self = weak.lock();
                      if (self != nullptr && self->Waiting()) return self->OnCreated(created);
                      if (created.ok()) client->Delete(created->path, -1, [](const auto&) {});
                    });
  }
  void OnCreated(const Result<client::Created>& created) {
    if (created.ok()) {
      {
        std::lock_guard lock(mutex_);
        own_path_ = created->path;
      }
      own_ = *SequenceOf(created->path);
      WatchOwn();
      return LookForRelease();
    }
    if (created.error().code != ErrorCode::kNoNode) return Answer(created.error());
    CreatePath(client_.get(), members_path_, Bind([](Member& self, const Error& error) {
                 if (!error.ok()) return self.Answer(error);
                 self.CreateNode();
               }));
  }
  void WatchOwn() {
    client_->Get(OwnPath(), ReadStrength::kSession, Bind([](Member& self, const WatchEvent& event) {
                   if (self.round_) return;
                   if (event.type != WatchEvent::Type::kDeleted) return self.WatchOwn();
                   self.AnswerDeleted();
                 }),
                 Bind([](Member& self, const Result<client::NodeValue>& value) {
                   if (value.ok() || self.round_) return;
                   if (value.error().code == ErrorCode::kNoNode) return self.AnswerDeleted();
                   self.Answer(value.error());
                 }));
  }
  void AnswerDeleted() {
    Answer(Error{ErrorCode::kNoNode, Effect::kNotDone, absl::StrCat("somebody deleted ", OwnPath())});
  }

  void LookForRelease() {
    auto read = [](Member& self, const Result<client::NodeValue>& value) {
      if (self.round_) return;  // of a second look; the member may be leaving already
      if (value.ok()) return self.OnReleased(*value);
      if (value.error().code != ErrorCode::kNoNode) return self.Answer(value.error());
      self.client_->Create(self.released_path_, "-1", CreateMode::kPersistent,
                           self.Bind([](Member& self, const Result<client::Created>& created) {
                             if (self.round_) return;
                             if (created.ok() || created.error().code == ErrorCode::kNodeExists) {
                               return self.LookForRelease();
                             }
                             self.Answer(created.error());
                           }));
    };
    client_->Get(released_path_, ReadStrength::kSession, Bind([](Member& self, const WatchEvent&) {
                   if (!self.round_) self.LookForRelease();
                 }),
                 Bind(read));
  }
  void OnReleased(const client::NodeValue& value) {
    int64_t released = 0;
    if (!value.data || !absl::SimpleAtoi(*value.data, &released)) {
      return Answer(
          Error{ErrorCode::kBadArguments, Effect::kNotDone, absl::StrCat(released_path_, " does not hold a number")});
    }
    if (released >= own_) {
      round_ = released;
      return Answer(own_);
    }
    client_->GetChildren(
        members_path_, false, ReadStrength::kSession, nullptr,
        Bind([released, version = value.stat.version](Member& self, const Result<client::Children>& children) {
          if (self.round_) return;
          if (!children.ok()) return self.Answer(children.error());
          self.OnMembers(children->names, released, version);
        }));
  }
  void OnMembers(const std::vector<std::string>& names, int64_t released, int32_t version) {
    std::vector<Name> entered = Sorted(names);
    entered.erase(std::remove_if(entered.begin(), entered.end(), [&](const Name& n) { return n.number <= released; }),
                  entered.end());
    if (entered.size() < static_cast<size_t>(members_)) return;  // the last one to come will move the number
    const int64_t last = entered[static_cast<size_t>(members_) - 1].number;
    // Whoever moves it, the watch tells.
    client_->Set(
        released_path_, absl::StrCat(last), version, Bind([](Member& self, const Result<client::Written>& set) {
          const bool raced =
              !set.ok() && (set.error().code == ErrorCode::kBadVersion || set.error().code == ErrorCode::kNoNode);
          if (!set.ok() && !raced && !self.round_) self.Answer(set.error());
        }));
  }

  static std::vector<Name> Sorted(const std::vector<std::string>& names) {
    std::vector<Name> sorted;
    for (const std::string& name : names) {
      if (const std::optional<int64_t> number = SequenceOf(name)) sorted.push_back({*number, name});
    }
    std::sort(sorted.begin(), sorted.end(), [](const Name& a, const Name& b) { return a.number < b.number; });
    return sorted;
  }

  void LookForOthers() {
    client_->GetChildren(members_path_, false, ReadStrength::kSession, nullptr,
                         Bind([](Member& self, const Result<client::Children>& children) {
                           if (!children.ok()) return self.Answer(children.error());
                           self.OnOthers(children->names);
                         }));
  }
  void OnOthers(const std::vector<std::string>& names) {
    std::vector<Name> others = Sorted(names);
    others.erase(std::remove_if(others.begin(), others.end(), [&](const Name& n) { return n.number > *round_; }),
                 others.end());
    if (others.empty()) return Answer(own_);
    // The one before the own place, so that each node is watched by few.
    auto behind = std::find_if(others.begin(), others.end(), [&](const Name& n) { return n.number > own_; });
    const Name& watched = behind == others.begin() ? others.back() : *std::prev(behind);
    client_->Get(Join(members_path_, watched.name), ReadStrength::kSession,
                 Bind([](Member& self, const WatchEvent&) { self.LookForOthers(); }),
                 Bind([](Member& self, const Result<client::NodeValue>& value) {
                   if (value.ok()) return;
                   if (value.error().code != ErrorCode::kNoNode) return self.Answer(value.error());
                   self.LookForOthers();
                 }));
  }

  std::string OwnPath() const {
    std::lock_guard lock(mutex_);
    return own_path_;
  }
  void Remove() {
    std::string own;
    {
      std::lock_guard lock(mutex_);
      own.swap(own_path_);
    }
    if (!own.empty()) client_->Delete(own, -1, [](const auto&) {});
  }

  const ClientPtr client_;
  const std::string path_;
  const std::string members_path_;
  const std::string released_path_;
  const int members_;
  const Data data_;
  Session::Subscription subscription_;
  // Callback thread while entering; the caller of Leave reads them after Enter's answer.
  int64_t own_ = 0;
  std::optional<int64_t> round_;  // released: members up to this number are to leave together

  mutable std::mutex mutex_;  // guards what follows
  Callback<int64_t> done_;    // not null: somebody waits
  std::string own_path_;
};

Barrier::Barrier(Session* session, std::string path, int members, Data data)
    : session_(session), path_(std::move(path)), members_(members), data_(std::move(data)) {
  SYNOD_CHECK(members > 0);
}
Barrier::~Barrier() = default;

Result<int64_t> Barrier::Enter(absl::Duration timeout) {
  if (member_ != nullptr) return Error{ErrorCode::kBadArguments, Effect::kNotDone, "entered already"};
  member_ = std::make_shared<Member>(session_->client(), path_, members_, data_);
  member_->Listen(session_);
  const Result<int64_t> entered = Await<int64_t>(
      *session_, timeout, [this](Callback<int64_t> done) { member_->Enter(std::move(done)); },
      [this](Error late) {
        late.effect = Effect::kMayHaveBeenDone;
        member_->Answer(std::move(late));
      });
  if (!entered.ok()) member_.reset();
  return entered;
}

Result<int64_t> Barrier::Leave(absl::Duration timeout) {
  if (member_ == nullptr) return Error{ErrorCode::kBadArguments, Effect::kNotDone, "not entered"};
  const Result<int64_t> left = Await<int64_t>(
      *session_, timeout, [this](Callback<int64_t> done) { member_->Leave(std::move(done)); },
      [this](Error late) { member_->Answer(std::move(late)); });
  member_.reset();
  return left;
}

}  // namespace synod::recipes
