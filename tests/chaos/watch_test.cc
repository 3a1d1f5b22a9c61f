// Who watches a subtree of a real ensemble while its servers are killed sees every change, in order, each once; and no
// change is done twice.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_join.h"
#include "coordinator/client/blocking.h"
#include "coordinator/client/follow.h"
#include "tests/chaos/change_workload.h"
#include "tests/chaos/chaos_fixture.h"
#include "tests/support/eventually.h"

namespace synod::testing {
namespace {

using Change = ChangeWorkload::Change;
using client::Cursor;
using client::FollowEvent;
using client::WatchEvent;

// What somebody was told, in the order told.
class Seen {
 public:
  void Add(const WatchEvent& event) {
    std::lock_guard lock(mutex_);
    const Cursor place{event.zxid, event.ordinal};
    if (!changes_.empty() && place <= last_) disorder_ = event.path;
    lost_ = lost_ || event.type == WatchEvent::Type::kEventsLost;
    last_ = place;
    changes_.push_back({event.zxid, event.type, event.path});
  }
  bool UpTo(int64_t zxid) {
    std::lock_guard lock(mutex_);
    return last_.zxid >= zxid;
  }
  void Expect(const std::vector<Change>& truth) {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(disorder_, "");
    EXPECT_FALSE(lost_);
    EXPECT_EQ(changes_.size(), truth.size());
    EXPECT_TRUE(changes_ == truth) << "the events are not the acknowledged changes";
  }

 private:
  std::mutex mutex_;
  std::vector<Change> changes_;
  Cursor last_;
  std::string disorder_;
  bool lost_ = false;
};

class Watching : public Chaos {
 protected:
  void Begin() {
    ASSERT_NO_FATAL_FAILURE(StartCluster(3));
    ASSERT_NO_FATAL_FAILURE(FollowFrom(Cursor{0}));
    client::ClientOptions options;
    options.servers = absl::StrJoin(cluster_->grpc_addresses(), ",");
    options.session_timeout = absl::Seconds(30);
    watcher_ = *client::BlockingClient::Create(std::move(options));
    auto added = watcher_->AddWatch("/changes", client::PersistentWatchKind::kPersistentRecursive,
                                    [this](const WatchEvent& event) { by_session_.Add(event); });
    ASSERT_TRUE(added.ok()) << added.error().ToString();
    ChangeWorkloadOptions load;
    load.servers = cluster_->grpc_addresses();
    changes_ = std::make_unique<ChangeWorkload>(load);
    ASSERT_TRUE(changes_->Start().ok());
    Breathe();
  }
  void FollowFrom(Cursor after) {
    client::FollowOptions options;
    options.servers = absl::StrJoin(cluster_->grpc_addresses(), ",");
    options.path = "/changes";
    options.recursive = true;
    options.after = after;
    options.progress = absl::Milliseconds(300);
    client::FollowCallbacks callbacks;
    callbacks.on_events = [this](std::vector<FollowEvent> events, Cursor cursor) {
      for (const FollowEvent& event : events) by_stream_.Add(event);
      std::lock_guard lock(mutex_);
      cursor_ = cursor;
    };
    callbacks.on_lost = [](Cursor) { ADD_FAILURE() << "events were lost"; };
    callbacks.on_failed = [](const client::Error& error) { ADD_FAILURE() << error.ToString(); };
    auto follow = client::Follow::Start(std::move(options), std::move(callbacks));
    ASSERT_TRUE(follow.ok()) << follow.status();
    follow_ = *std::move(follow);
  }
  Cursor cursor() {
    std::lock_guard lock(mutex_);
    return cursor_;
  }
  void Breathe(int changes = 100) {
    const absl::Status served = changes_->WaitForChanges(changes, kPatience);
    ASSERT_TRUE(served.ok()) << served;
  }
  void Restart(int id) {
    ASSERT_TRUE(cluster_->StartServer(id).ok());
    ASSERT_TRUE(cluster_->WaitReady({id}, kPatience).ok());
  }
  void Judge() {
    ASSERT_NO_FATAL_FAILURE(Breathe());
    const absl::Status stopped = changes_->Stop();
    ASSERT_TRUE(stopped.ok()) << stopped;
    const std::vector<Change>& truth = changes_->changes();
    const int64_t last = truth.back().zxid;
    ASSERT_TRUE(Eventually([&] { return by_stream_.UpTo(last) && by_session_.UpTo(last); }));
    by_stream_.Expect(truth);
    by_session_.Expect(truth);
    // S2: as many sequential znodes as were acknowledged, none twice.
    for (const auto& [directory, count] : changes_->sequential()) {
      client::ListOptions page;
      page.prefix = "s-";
      int there = 0;
      auto listed = watcher_->ListAll(
          directory, page,
          [&](client::Listing& listing) {
            there += static_cast<int>(listing.entries.size());
            return true;
          },
          client::ReadStrength::kLinearizable);
      ASSERT_TRUE(listed.ok()) << listed.error().ToString();
      EXPECT_EQ(there, count) << directory;
    }
    const auto digest = cluster_->WaitEqualDigests(cluster_->ids(), kPatience);
    EXPECT_TRUE(digest.ok()) << digest.status();
    std::cout << truth.size() << " changes, " << changes_->repeated() << " first answers given again" << std::endl;
  }
  void TearDown() override {
    follow_.reset();
    watcher_.reset();
    changes_.reset();
    Chaos::TearDown();
  }

  Seen by_stream_;
  Seen by_session_;
  std::unique_ptr<ChangeWorkload> changes_;
  std::unique_ptr<client::BlockingClient> watcher_;
  std::mutex mutex_;
  Cursor cursor_;
  std::unique_ptr<client::Follow> follow_;
};

TEST_F(Watching, KilledServersLoseNoEventAndRepeatNone) {  // W2, W3, S2
  ASSERT_NO_FATAL_FAILURE(Begin());
  for (int round = 0; round < 2; ++round) {
    for (int id : cluster_->ids()) {
      cluster_->Kill(id);
      ASSERT_NO_FATAL_FAILURE(Breathe());
      ASSERT_NO_FATAL_FAILURE(Restart(id));
    }
  }
  Judge();
}

TEST_F(Watching, AllKilledAtOnceLoseNoEvent) {  // W3, S2: the window comes back with snapshot and log
  ASSERT_NO_FATAL_FAILURE(Begin());
  for (int round = 0; round < 2; ++round) {
    cluster_->KillTogether(cluster_->ids());
    for (int id : cluster_->ids()) ASSERT_TRUE(cluster_->StartServer(id).ok());
    ASSERT_TRUE(cluster_->WaitReady(kPatience).ok());
    ASSERT_NO_FATAL_FAILURE(Breathe());
  }
  Judge();
}

TEST_F(Watching, CursorKeptOnPaperGoesOnAfterTheFollowerWasAway) {  // W3
  ASSERT_NO_FATAL_FAILURE(Begin());
  for (int id : cluster_->ids()) {
    follow_.reset();
    const Cursor kept = *Cursor::Parse(cursor().ToString());
    ASSERT_NO_FATAL_FAILURE(Breathe());
    ASSERT_TRUE(cluster_->Terminate(id).ok());
    ASSERT_NO_FATAL_FAILURE(Breathe());
    ASSERT_NO_FATAL_FAILURE(FollowFrom(kept));
    ASSERT_NO_FATAL_FAILURE(Restart(id));
  }
  Judge();
}

TEST_F(Watching, WipedServerServesTheWindowItWasGiven) {  // W3, S10, D9: the window comes along with an install
  ASSERT_NO_FATAL_FAILURE(Begin());
  const int wiped = Follower();
  cluster_->Kill(wiped);
  cluster_->WipeData(wiped);
  ASSERT_NO_FATAL_FAILURE(Breathe());
  ASSERT_NO_FATAL_FAILURE(Restart(wiped));
  // From the very beginning, of the wiped server alone.
  client::FollowOptions options;
  options.servers = cluster_->grpc_address(wiped);
  options.path = "/changes";
  options.recursive = true;
  options.after = Cursor{0};
  Seen alone;
  client::FollowCallbacks callbacks;
  callbacks.on_events = [&](std::vector<FollowEvent> events, Cursor) {
    for (const FollowEvent& event : events) alone.Add(event);
  };
  callbacks.on_lost = [](Cursor) { ADD_FAILURE() << "events were lost"; };
  auto follow = client::Follow::Start(std::move(options), std::move(callbacks));
  ASSERT_TRUE(follow.ok());
  ASSERT_NO_FATAL_FAILURE(Judge());
  ASSERT_TRUE(Eventually([&] { return alone.UpTo(changes_->changes().back().zxid); }));
  follow->reset();
  alone.Expect(changes_->changes());
}

}  // namespace
}  // namespace synod::testing
