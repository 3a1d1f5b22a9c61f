// Every operation of the whole data model through client and fake server: with a session, without one, under a chroot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "coordinator/client/blocking.h"
#include "tests/support/fake_coordination.h"

namespace synod::client {
namespace {

using ::synod::testing::FakeServer;
using ::synod::testing::FakeState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Acl kMine = {{kAllPermissions, "digest", DigestId("me:secret")}, {kRead, "world", "anyone"}};

struct Way {
  const char* name;
  bool session;
  const char* chroot;
};
std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

class OperationsTest : public ::testing::TestWithParam<Way> {
 protected:
  OperationsTest() {
    if (*GetParam().chroot != 0) {
      EXPECT_TRUE(Make(false, "")->Create(GetParam().chroot, std::nullopt).ok());
    }
    client_ = Make(GetParam().session, GetParam().chroot);
  }
  std::unique_ptr<BlockingClient> Make(bool session, const std::string& chroot,
                                       std::vector<Credential> credentials = {}) {
    ClientOptions options;
    options.servers = server_.address() + chroot;
    options.session = session;
    options.request_timeout = absl::Seconds(30);
    options.credentials = std::move(credentials);
    options.on_session = [this](SessionState state) {
      if (state == SessionState::kSuspended && !any_suspended_.exchange(true)) suspended_.set_value();
    };
    auto client = BlockingClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  FakeServer server_{state_, 1};
  std::atomic<bool> any_suspended_ = false;
  std::promise<void> suspended_;  // by the first client to be
  std::unique_ptr<BlockingClient> client_;
};

TEST_P(OperationsTest, CreateTellsWhatItFound) {
  CreateOptions keep;
  keep.on_existing = OnExisting::kKeep;
  auto first = client_->Create("/a", "one", keep);
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->path, "/a");
  auto second = client_->Create("/a", "two", keep);
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->path, "/a");
  EXPECT_EQ(client_->Get("/a")->data, "one");
  auto put = client_->Put("/a", "three");
  EXPECT_FALSE(put->created);
  EXPECT_EQ(put->stat.version, 1);
  EXPECT_EQ(client_->Get("/a")->data, "three");
  EXPECT_TRUE(client_->Put("/b", std::nullopt)->created);
}

TEST_P(OperationsTest, CreateSendsModeTtlAndAcl) {
  CreateOptions options;
  options.mode = CreateMode::kPersistentSequentialTtl;
  options.ttl = absl::Seconds(90);
  options.acl = kMine;
  const std::string path = client_->Create("/s-", "x", options)->path;
  EXPECT_EQ(path.substr(0, 3), "/s-");
  EXPECT_EQ(client_->GetAcl(path)->acl, kMine);
  EXPECT_EQ(CreateMode::kContainer, static_cast<CreateMode>(v1::CONTAINER));
  options.acl = Acl();
  EXPECT_EQ(client_->Create("/t-", "x", options).error().code, ErrorCode::kInvalidAcl);
  std::lock_guard lock(state_->mutex);
  EXPECT_EQ(state_->nodes.at(GetParam().chroot + path).mode, v1::PERSISTENT_SEQUENTIAL_TTL);
}

TEST_P(OperationsTest, DeleteCountsWhatWent) {
  DeleteOptions missing_ok;
  missing_ok.missing_ok = true;
  EXPECT_EQ(client_->Delete("/a", missing_ok)->deleted, 0u);
  EXPECT_EQ(client_->Delete("/a", DeleteOptions()).error().code, ErrorCode::kNoNode);
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  EXPECT_EQ(client_->Delete("/a", missing_ok)->deleted, 1u);
}

TEST_P(OperationsTest, ATreeGoesWholeOrInParts) {
  for (const char* path : {"/a", "/a/b", "/a/b/c", "/a/d", "/ab"}) ASSERT_TRUE(client_->Put(path, "x").ok());
  EXPECT_EQ(client_->CountDescendants("/a")->count, 3u);
  DeleteTreeOptions bounded;
  bounded.max_nodes = 3;
  EXPECT_EQ(client_->DeleteTree("/a", bounded).error().code, ErrorCode::kTooLarge);
  bounded.partial = true;
  auto part = client_->DeleteTree("/a", bounded);
  EXPECT_EQ(part->deleted, 3u);
  EXPECT_EQ(part->remaining, 1u);
  DeleteTreeOptions stale;
  stale.version = 7;
  EXPECT_EQ(client_->DeleteTree("/a", stale).error().code, ErrorCode::kBadVersion);
  EXPECT_EQ(client_->DeleteTree("/a")->deleted, 1u);
  EXPECT_THAT(client_->GetChildren("/")->names, ElementsAre("ab"));
}

TEST_P(OperationsTest, AclsAreSetByTheirOwnVersion) {
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  EXPECT_EQ(client_->GetAcl("/a")->acl, OpenAcl());
  EXPECT_EQ(client_->SetAcl("/a", kMine, 0)->stat.aversion, 1);
  EXPECT_EQ(client_->SetAcl("/a", kMine, 0).error().code, ErrorCode::kBadVersion);
  auto acl = client_->GetAcl("/a");
  EXPECT_EQ(acl->acl, kMine);
  EXPECT_EQ(acl->stat.aversion, 1);
  EXPECT_EQ(client_->GetAcl("/none").error().code, ErrorCode::kNoNode);
}

TEST_P(OperationsTest, AMultiTakesEveryKind) {
  CreateOptions options;
  options.acl = kMine;
  auto multi = client_->Multi({Operation::Create("/a", "x", options), Operation::Put("/a", "y"),
                               Operation::SetAcl("/a", OpenAcl()), Operation::Create("/a/b", "x"),
                               Operation::Delete("/none", -1, true), Operation::DeleteTree("/a/b"),
                               Operation::Set("/a", "z"), Operation::Check("/a", 2)});
  ASSERT_TRUE(multi.ok() && multi->error.ok());
  EXPECT_TRUE(multi->results[0].created);
  EXPECT_EQ(multi->results[0].path, "/a");
  EXPECT_FALSE(multi->results[1].created);
  EXPECT_EQ(multi->results[2].stat.aversion, 1);
  EXPECT_EQ(multi->results[4].deleted, 0u);
  EXPECT_EQ(multi->results[5].deleted, 1u);
  EXPECT_EQ(multi->results[7].stat.version, 2);
}

TEST_P(OperationsTest, ATransactionTakesOneBranch) {
  using Target = Compare::Target;
  using Relation = Compare::Relation;
  ASSERT_TRUE(client_->Put("/a", "m").ok());
  const int64_t czxid = client_->Exists("/a")->stat->czxid;
  auto taken = client_->Txn(
      {Compare::Exists("/a"), Compare::Missing("/none"), Compare::Number("/a", Target::kVersion, Relation::kEqual, 0),
       Compare::Number("/a", Target::kCzxid, Relation::kLessOrEqual, czxid),
       Compare::Value("/a", Relation::kGreater, "a"), Compare::Value("/a", Relation::kNotEqual, std::nullopt)},
      {Operation::Set("/a", "then"), Operation::Create("/then", "x")}, {Operation::Create("/else", "x")});
  ASSERT_TRUE(taken.ok() && taken->error.ok());
  EXPECT_TRUE(taken->succeeded);
  EXPECT_EQ(taken->results.size(), 2u);
  EXPECT_EQ(taken->results[1].path, "/then");
  auto other = client_->Txn({Compare::Value("/a", Relation::kEqual, "m")}, {}, {Operation::Check("/a", 9)});
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->succeeded);
  EXPECT_EQ(other->error.code, ErrorCode::kBadVersion);
  EXPECT_EQ(other->results[0].error, ErrorCode::kBadVersion);
  // Of a missing node nothing holds but that it is missing.
  EXPECT_FALSE(client_->Txn({Compare::Number("/none", Target::kVersion, Relation::kNotEqual, 5)}, {})->succeeded);
}

TEST_P(OperationsTest, PagesShowEveryChildOnce) {
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  for (int i = 10; i < 35; ++i) ASSERT_TRUE(client_->Put(absl::StrCat("/a/n", i), absl::StrCat(i)).ok());
  ASSERT_TRUE(client_->Put("/a/other", "x").ok());
  ListOptions options;
  options.prefix = "n";
  options.after = "n10";
  options.limit = 7;
  options.with_stat = true;
  options.with_data = true;
  auto page = client_->List("/a", options);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->stat.num_children, 26);
  EXPECT_EQ(page->entries.front().name, "n11");
  EXPECT_EQ(page->entries.front().data, "11");
  EXPECT_TRUE(page->entries.front().stat.has_value());
  EXPECT_FALSE(client_->List("/a")->entries.front().stat.has_value());

  std::vector<std::string> seen, async_seen, wanted;
  for (int i = 11; i < 35; ++i) wanted.push_back(absl::StrCat("n", i));
  int pages = 0;
  const auto note = [&](std::vector<std::string>* into) {
    return [into, &pages](Listing& listing) {
      ++pages;
      for (const ListEntry& entry : listing.entries) into->push_back(entry.name);
      listing.entries.clear();  // it is the caller's
      return true;
    };
  };
  ASSERT_TRUE(client_->ListAll("/a", options, note(&seen)).ok());
  EXPECT_EQ(seen, wanted);
  EXPECT_EQ(pages, 4);
  std::promise<bool> done;
  client_->async().ListAll("/a", options, ReadStrength::kSession, note(&async_seen),
                           [&](Result<int64_t> result) { done.set_value(result.ok()); });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(async_seen, wanted);
  pages = 0;
  ASSERT_TRUE(client_->ListAll("/a", options, [&](Listing&) { return ++pages < 2; }).ok());
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(client_->ListAll("/none", options, [](Listing&) { return true; }).error().code, ErrorCode::kNoNode);
}

TEST_P(OperationsTest, AMultiReadAnswersPartByPart) {
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  ASSERT_TRUE(client_->Put("/a/b", std::nullopt).ok());
  auto read = client_->MultiRead({ReadOperation::Get("/a"), ReadOperation::Get("/a/b"), ReadOperation::Get("/none"),
                                  ReadOperation::Exists("/a"), ReadOperation::GetChildren("/a", true),
                                  ReadOperation::GetAcl("/a")});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->results[0].data, "x");
  EXPECT_EQ(read->results[1].data, std::nullopt);
  EXPECT_EQ(read->results[2].error, ErrorCode::kNoNode);
  EXPECT_TRUE(read->results[3].stat.has_value());
  EXPECT_THAT(read->results[4].children, ElementsAre("b"));
  EXPECT_EQ(read->results[4].stat->num_children, 1);
  EXPECT_EQ(read->results[5].acl, OpenAcl());
}

TEST_P(OperationsTest, EphemeralsAreListedBySessionAndByPath) {
  auto holder = Make(true, GetParam().chroot);
  ASSERT_TRUE(holder->Put("/a", "x").ok());
  for (const char* path : {"/a/1", "/a/2", "/b"}) {
    ASSERT_TRUE(holder->Create(path, "x", CreateMode::kEphemeral).ok());
  }
  EXPECT_THAT(holder->GetEphemerals()->paths, ElementsAre("/a/1", "/a/2", "/b"));
  EphemeralsOptions options;
  options.session_id = holder->async().session_id();
  options.prefix = "/a";
  options.limit = 1;
  auto page = client_->GetEphemerals(options);
  EXPECT_THAT(page->paths, ElementsAre("/a/1"));
  EXPECT_TRUE(page->more);
  options.after = page->next;
  page = client_->GetEphemerals(options);
  EXPECT_THAT(page->paths, ElementsAre("/a/2"));
  EXPECT_FALSE(page->more);
  EphemeralsOptions all;
  all.all_sessions = true;
  all.limit = 2;
  page = client_->GetEphemerals(all);
  EXPECT_THAT(page->paths, ElementsAre("/a/1", "/a/2"));
  all.after = page->next;
  EXPECT_THAT(client_->GetEphemerals(all)->paths, ElementsAre("/b"));
  if (GetParam().session) {
    EXPECT_THAT(client_->GetEphemerals()->paths, IsEmpty());
  } else {
    EXPECT_EQ(client_->GetEphemerals().error().code, ErrorCode::kBadArguments);
  }
}

TEST_P(OperationsTest, IdentitiesComeFromOptionsAndAuthenticate) {
  const Identity me{"digest", DigestId("me:secret")}, you{"digest", DigestId("you:secret")};
  auto client = Make(GetParam().session, GetParam().chroot, {{"digest", "me:secret"}});
  EXPECT_THAT(client->WhoAmI()->identities, ElementsAre(me));
  EXPECT_EQ(client->Authenticate({"kerberos", "x"}).error().code, ErrorCode::kAuthFailed);
  ASSERT_TRUE(client->Authenticate({"digest", "you:secret"}).ok());
  auto both = client->WhoAmI();
  ASSERT_EQ(both->identities.size(), 2u);
  EXPECT_THAT(both->identities, ::testing::UnorderedElementsAre(me, you));
  server_.Stop();
  server_.Start();
  EXPECT_THAT(client->WhoAmI()->identities, ::testing::UnorderedElementsAre(me, you));
}

TEST_P(OperationsTest, RefusedCredentialsOfTheOptionsAreAuthFailed) {
  auto client = Make(GetParam().session, GetParam().chroot, {{"kerberos", "x"}});
  EXPECT_EQ(client->Put("/a", "x").error().code, ErrorCode::kAuthFailed);
  EXPECT_EQ(client->Get("/a").error().code, ErrorCode::kAuthFailed);
}

TEST_P(OperationsTest, WatchesCanBeCheckedAndTakenBack) {
  if (!GetParam().session) {
    EXPECT_EQ(client_->CheckWatch("/a", WatchKind::kData).error().code, ErrorCode::kBadArguments);
    return;
  }
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  EXPECT_EQ(client_->CheckWatch("/a", WatchKind::kData).error().code, ErrorCode::kNoWatcher);
  std::atomic<int> calls = 0;
  const auto count = [&](const WatchEvent&) { ++calls; };
  ASSERT_TRUE(client_->Get("/a", ReadStrength::kSession, count).ok());
  ASSERT_TRUE(client_->GetChildren("/a", false, ReadStrength::kSession, count).ok());
  ASSERT_TRUE(client_->AddWatch("/a", PersistentWatchKind::kPersistentRecursive, count).ok());
  for (const WatchKind kind : {WatchKind::kData, WatchKind::kChildren, WatchKind::kPersistentRecursive}) {
    EXPECT_TRUE(client_->CheckWatch("/a", kind).ok());
    EXPECT_TRUE(client_->RemoveWatch("/a", kind).ok());
    EXPECT_EQ(client_->CheckWatch("/a", kind).error().code, ErrorCode::kNoWatcher);
  }
  EXPECT_EQ(client_->CheckWatch("/a", WatchKind::kPersistent).error().code, ErrorCode::kNoWatcher);
  ASSERT_TRUE(client_->Set("/a", "y").ok());
  ASSERT_TRUE(client_->Put("/a/b", "y").ok());
  EXPECT_EQ(calls, 0);
}

TEST_P(OperationsTest, TextsThatAreNotUtf8AreRefusedHere) {
  const std::string bad = "/\xff";
  EXPECT_EQ(client_->Txn({Compare::Exists(bad)}, {})->error.code, ErrorCode::kBadArguments);
  EXPECT_EQ(client_->Multi({Operation::DeleteTree(bad)})->error.code, ErrorCode::kBadArguments);
  EXPECT_EQ(client_->SetAcl("/a", {{kRead, "digest", bad}}).error().code, ErrorCode::kBadArguments);
  EXPECT_EQ(client_->MultiRead({ReadOperation::GetAcl(bad)}).error().code, ErrorCode::kBadArguments);
  ListOptions list;
  list.after = bad;
  EXPECT_EQ(client_->List("/", list).error().code, ErrorCode::kBadArguments);
  EXPECT_TRUE(client_->Put("/a", "x").ok());
}

TEST_P(OperationsTest, NeverSentAndExpiredIsNotDone) {  // S2
  if (!GetParam().session) return;
  ASSERT_TRUE(client_->Put("/a", "x").ok());
  server_.Stop();
  ASSERT_EQ(suspended_.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
  std::promise<Error> answer;
  client_->async().Put("/b", "x", [&](Result<Created> result) { answer.set_value(result.error()); });
  {
    std::lock_guard lock(state_->mutex);
    state_->CloseSession(client_->async().session_id());
  }
  server_.Start();
  const Error error = answer.get_future().get();
  EXPECT_EQ(error.code, ErrorCode::kSessionExpired);
  EXPECT_EQ(error.effect, Effect::kNotDone);
}

TEST_P(OperationsTest, PersistentWatchesHearEveryEventOnceAcrossBreaks) {  // W3
  if (!GetParam().session) return;
  ASSERT_TRUE(client_->Put("/t", "x").ok());
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> heard, wanted;
  ASSERT_TRUE(client_
                  ->AddWatch("/t", PersistentWatchKind::kPersistentRecursive,
                             [&](const WatchEvent& e) {
                               std::lock_guard lock(mutex);
                               heard.push_back(absl::StrCat(std::string(WatchEventName(e.type)), " ", e.path));
                               changed.notify_all();
                             })
                  .ok());
  for (int i = 0; i < 40; ++i) {
    const std::string a = absl::StrCat("/t/", i, "-a"), b = absl::StrCat("/t/", i, "-b");
    const bool away = i % 10 == 3;
    if (away) server_.Stop();
    {
      // Straight into the state: a client that writes would have connections of its own to lose.
      std::lock_guard lock(state_->mutex);
      v1::Request request;
      for (const std::string& path : {a, b})
        request.mutable_multi()->add_operations()->mutable_create()->set_path(GetParam().chroot + path);
      access::IdentitySet nobody;
      ASSERT_EQ(state_->Apply(request, 0, 0, &nobody).error(), v1::OK);
    }
    if (away) server_.Start();
    wanted.push_back("created " + a);
    wanted.push_back("created " + b);
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return heard.size() >= wanted.size(); }));
  EXPECT_EQ(heard, wanted);
}

INSTANTIATE_TEST_SUITE_P(Ways, OperationsTest,
                         ::testing::Values(Way{"Session", true, ""}, Way{"SessionInChroot", true, "/app"},
                                           Way{"Unary", false, ""}, Way{"UnaryInChroot", false, "/app"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace synod::client
