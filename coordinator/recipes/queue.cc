#include "coordinator/recipes/queue.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/recipes/contender.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Callback;
using client::Client;
using client::Compare;
using client::CreateMode;
using client::Data;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::MultiOutcome;
using client::Operation;
using client::ReadStrength;
using client::Result;
using client::TxnOutcome;
using client::WatchEvent;

namespace {

constexpr char kItem[] = "item-";

// Calls `done` with the path of the new node; makes the parent when it is missing.
void CreateItem(Client* client, const std::string& parent, const Data& data,
                std::shared_ptr<Callback<std::string>> done) {
  client->Create(Join(parent, kItem), data, CreateMode::kPersistentSequential,
                 [client, parent, data, done](const Result<client::Created>& created) {
                   if (created.ok()) return (*done)(std::string(BaseName(created->path)));
                   if (created.error().code != ErrorCode::kNoNode) return (*done)(created.error());
                   CreatePath(client, parent, [client, parent, data, done](const Error& error) {
                     if (!error.ok()) return (*done)(error);
                     CreateItem(client, parent, data, done);
                   });
                 });
}

}  // namespace

// One Take: waits in line, then for an item that nobody has, then claims it.
class Queue::Taker : public std::enable_shared_from_this<Taker> {
 public:
  Taker(const Queue& queue, Callback<Item> done)
      : items_(queue.items_), claims_(queue.claims_), done_(std::move(done)) {}
  ~Taker() {
    if (line_ != nullptr) line_->Withdraw();
  }

  void Start(Session* session, const std::string& takers) {
    Contender::Options line{takers, "next-"};
    line.place_only = true;
    const std::weak_ptr<Taker> weak = weak_from_this();
    line_ = Contender::Make(session, std::move(line),
                            {[weak](int64_t, const std::string& place) {
                               auto self = weak.lock();
                               if (self == nullptr || !self->Waiting()) return;
                               self->place_ = place;
                               self->LookAtClaims();
                             },
                             [weak](const Attempt::Ended& ended) {
                               if (auto self = weak.lock()) self->Answer(ended.error);
                             }});
    line_->Start();
  }
  // Answers, if there was no answer yet.
  bool Answer(Result<Item> result) {
    Callback<Item> done;
    {
      std::lock_guard lock(mutex_);
      done = std::exchange(done_, nullptr);
    }
    if (done == nullptr) return false;
    line_->Withdraw();
    done(std::move(result));
    return true;
  }

 private:
  Client* client() const { return line_->client().get(); }
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
  client::WatchCallback Watch(bool Taker::*armed) {
    if (this->*armed) return nullptr;
    return Bind([armed](Taker& self, const WatchEvent&) {
      self.*armed = false;
      self.LookAtClaims();
    });
  }
  void MakeNodes() {
    CreatePath(client(), items_, Bind([](Taker& self, const Error& error) {
                 if (!error.ok()) return void(self.Answer(error));
                 CreatePath(self.client(), self.claims_, self.Bind([](Taker& self, const Error& error) {
                   if (!error.ok()) return void(self.Answer(error));
                   self.LookAtClaims();
                 }));
               }));
  }
  void OnReadError(const Error& error) {
    if (error.code == ErrorCode::kNoNode) return MakeNodes();
    Answer(error);
  }

  // Of the first in line. Claims before items: an item that is completed in between shows as neither.
  void LookAtClaims() {
    client()->GetChildren(claims_, false, ReadStrength::kSession, Watch(&Taker::claims_armed_),
                          Bind([](Taker& self, const Result<client::Children>& claims) {
                            if (!claims.ok()) return self.OnReadError(claims.error());
                            self.claims_armed_ = true;
                            self.LookAtItems(std::set<std::string>(claims->names.begin(), claims->names.end()));
                          }));
  }
  // So many items are enough: one of them is free if any is.
  void LookAtItems(std::set<std::string> claimed) {
    client::ListOptions page;
    page.prefix = kItem;
    page.limit = static_cast<uint32_t>(std::min<size_t>(claimed.size() + 1, 10'000));
    client()->List(items_, page, ReadStrength::kSession,
                   Bind([claimed = std::move(claimed)](Taker& self, const Result<client::Listing>& items) {
                     if (!items.ok()) return self.OnReadError(items.error());
                     for (const client::ListEntry& item : items->entries) {
                       if (claimed.count(item.name) == 0) return self.Claim(item.name);
                     }
                     self.WaitForItems(claimed);
                   }));
  }
  void WaitForItems(const std::set<std::string>& claimed) {
    client()->GetChildren(items_, false, ReadStrength::kSession, Watch(&Taker::items_armed_),
                          Bind([claimed](Taker& self, const Result<client::Children>& items) {
                            if (!items.ok()) return self.OnReadError(items.error());
                            self.items_armed_ = true;
                            for (const std::string& name : items->names) {
                              if (name.starts_with(kItem) && claimed.count(name) == 0) return self.Claim(name);
                            }
                          }));
  }

  void Claim(const std::string& name) {
    if (std::exchange(claiming_, true)) return;
    const std::string claim = Join(claims_, name);
    // Somebody has to give the claim back if nobody wants it any more when the answer comes.
    client()->Multi({Operation::Check(place_), Operation::Check(Join(items_, name)),
                     Operation::Create(claim, Data(""), CreateMode::kEphemeral)},
                    [weak = weak_from_this(), client = client(), claim](const Result<MultiOutcome>& outcome) {
                      auto self = weak.lock();
                      if (self != nullptr && self->Waiting()) return self->OnClaimed(claim, outcome);
                      if (outcome.ok() && outcome->error.ok()) client->Delete(claim, -1, [](const auto&) {});
                    });
  }
  void OnClaimed(const std::string& claim, const Result<MultiOutcome>& outcome) {
    claiming_ = false;
    if (!outcome.ok()) return void(Answer(outcome.error()));
    const ErrorCode refused = outcome->error.code;
    // The item went, or somebody claims who is not first in line: look again. Had the own place gone, the contender
    // would have said so.
    if (refused == ErrorCode::kNoNode || refused == ErrorCode::kNodeExists) return LookAtClaims();
    if (!outcome->error.ok()) return void(Answer(outcome->error));
    const int64_t token = outcome->results[2].stat.czxid;
    client()->Get(Join(items_, BaseName(claim)), ReadStrength::kSession, nullptr,
                  [weak = weak_from_this(), client = client(), claim, token](const Result<client::NodeValue>& value) {
                    const auto give_back = [&] { client->Delete(claim, -1, [](const auto&) {}); };
                    auto self = weak.lock();
                    if (self == nullptr) return give_back();
                    if (!value.ok()) {
                      give_back();
                      if (!self->Waiting()) return;
                      if (value.error().code == ErrorCode::kNoNode) return self->LookAtClaims();
                      return void(self->Answer(value.error()));
                    }
                    if (!client->HoldsSession()) {
                      give_back();
                      self->Answer(Error{ErrorCode::kSessionExpired, Effect::kNotDone, "the session may be lost"});
                      return;
                    }
                    Item item{std::string(BaseName(claim)), value->data, token, client->session_id()};
                    if (!self->Answer(std::move(item))) give_back();
                  });
  }

  const std::string items_;
  const std::string claims_;
  std::shared_ptr<Contender> line_;
  // Callback thread only.
  std::string place_;
  bool claims_armed_ = false;
  bool items_armed_ = false;
  bool claiming_ = false;

  mutable std::mutex mutex_;
  Callback<Item> done_;  // null: answered
};

Queue::Queue(Session* session, std::string path)
    : session_(session), items_(Join(path, "items")), claims_(Join(path, "claims")), takers_(Join(path, "takers")) {}

Result<std::string> Queue::Put(Data data) {
  const ClientPtr client = session_->client();
  return Await<std::string>(
      *session_, absl::InfiniteDuration(),
      [&](Callback<std::string> done) {
        CreateItem(client.get(), items_, data, std::make_shared<Callback<std::string>>(std::move(done)));
      },
      nullptr);
}

Result<Queue::Item> Queue::Take(absl::Duration timeout) {
  std::shared_ptr<Taker> taker;
  return Await<Item>(
      *session_, timeout,
      [&](Callback<Item> done) {
        taker = std::make_shared<Taker>(*this, std::move(done));
        taker->Start(session_, takers_);
      },
      [&](Error late) { taker->Answer(std::move(late)); });
}

Result<int64_t> Queue::Complete(const Item& item, std::vector<Operation> more) {
  const std::string claim = Join(claims_, item.id);
  std::vector<Operation> then = {Operation::Delete(claim)};
  then.insert(then.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  then.push_back(Operation::Delete(Join(items_, item.id)));
  return EndClaim(item, std::move(then));
}

Result<int64_t> Queue::Return(const Item& item) { return EndClaim(item, {Operation::Delete(Join(claims_, item.id))}); }

Result<int64_t> Queue::EndClaim(const Item& item, std::vector<Operation> then) {
  const ClientPtr client = session_->client();
  const std::string claim = Join(claims_, item.id);
  return Await<int64_t>(
      *session_, absl::InfiniteDuration(),
      [&](Callback<int64_t> done) {
        client->Txn({Compare::Number(claim, Compare::Target::kCzxid, Compare::Relation::kEqual, item.claim)},
                    std::move(then), {}, [done = std::move(done)](const Result<TxnOutcome>& outcome) mutable {
                      if (!outcome.ok()) return done(outcome.error());
                      if (!outcome->error.ok()) return done(outcome->error);
                      if (!outcome->succeeded) {
                        return done(Error{ErrorCode::kBadVersion, Effect::kNotDone,
                                          "the item is not claimed by this any more"});
                      }
                      done(outcome->zxid);
                    });
      },
      nullptr);
}

bool Queue::Holds(const Item& item) const {
  const ClientPtr client = session_->client();
  return client->session_id() == item.session_id && client->HoldsSession();
}

}  // namespace synod::recipes
