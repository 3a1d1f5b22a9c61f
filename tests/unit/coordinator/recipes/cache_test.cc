#include <future>

#include "coordinator/recipes/node_cache.h"
#include "coordinator/recipes/tree_cache.h"
#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Type = TreeCache::Event::Type;

class CacheTest : public Recipes {
 protected:
  // Another client of the tree.
  client::BlockingClient& Writer() {
    if (writer_ == nullptr) {
      client::ClientOptions options;
      options.servers = List();
      writer_ = *client::BlockingClient::Create(std::move(options));
    }
    return *writer_;
  }
  std::unique_ptr<client::BlockingClient> writer_;
};

TEST_F(CacheTest, ANodeCacheFollowsItsNodeThroughCreationChangeAndDeletion) {
  auto session = MakeSession();
  Heard<std::string> values;
  NodeCache cache(session.get(), "/n", {.on_change = [&](const NodeCache::Value& v) {
                    values.Add(v ? v->data.value_or("null") : "missing");
                  }});
  ASSERT_TRUE(cache.WaitUntilKnown(kPatience));
  EXPECT_FALSE(cache.Get().has_value());
  ASSERT_TRUE(Writer().Create("/n", "1").ok());
  ASSERT_TRUE(values.WaitForCount(2));
  ASSERT_TRUE(Writer().Set("/n", "2").ok());
  ASSERT_TRUE(values.WaitForCount(3));
  ASSERT_TRUE(Writer().Delete("/n").ok());
  ASSERT_TRUE(values.WaitForCount(4));
  ASSERT_TRUE(Writer().Create("/n", "3").ok());
  ASSERT_TRUE(values.WaitForCount(5));
  EXPECT_THAT(values.all(), ElementsAre("missing", "1", "2", "missing", "3"));
  EXPECT_EQ(cache.Get()->data, "3");
}

TEST_F(CacheTest, ANodeCacheGoesOnAfterBrokenConnectionsAndAnExpiry) {
  auto session = MakeSession();
  ASSERT_TRUE(Writer().Create("/n", "1").ok());
  Heard<std::string> values;
  NodeCache cache(session.get(), "/n", {.on_change = [&](const NodeCache::Value& v) {
                    values.Add(v ? v->data.value_or("null") : "missing");
                  }});
  ASSERT_TRUE(values.WaitForCount(1));
  RestartServers();
  ASSERT_TRUE(Writer().Set("/n", "2").ok());
  ASSERT_TRUE(values.WaitForCount(2));
  ExpireAllSessions();
  writer_.reset();
  ASSERT_TRUE(Writer().Set("/n", "3").ok());
  EXPECT_TRUE(values.WaitFor([](const auto& all) { return all.back() == "3"; }));
}

TEST_F(CacheTest, ATreeCacheTellsOfTheTreeAsItIsAndThenOfEachChange) {
  ASSERT_TRUE(Writer().Create("/t", "root").ok());
  ASSERT_TRUE(Writer().Create("/t/a", "a").ok());
  ASSERT_TRUE(Writer().Create("/t/a/b", "b").ok());
  ASSERT_TRUE(Writer().Create("/tea", "not below").ok());
  auto session = MakeSession();
  Heard<std::pair<Type, std::string>> events;
  TreeCache cache(session.get(), "/t", {.on_event = [&](const TreeCache::Event& e) { events.Add({e.type, e.path}); }});
  ASSERT_TRUE(cache.WaitUntilInitialised(kPatience));
  EXPECT_THAT(cache.Children("/t"), ElementsAre("a"));
  EXPECT_EQ(cache.Get("/t/a/b")->data, "b");
  EXPECT_EQ(cache.All().size(), 3u);
  ASSERT_TRUE(Writer().Create("/t/c", "c").ok());
  ASSERT_TRUE(events.WaitForCount(5));
  ASSERT_TRUE(Writer().Set("/t/c", "c2").ok());
  ASSERT_TRUE(events.WaitForCount(6));
  ASSERT_TRUE(Writer().Delete("/t/c").ok());
  ASSERT_TRUE(events.WaitForCount(7));
  EXPECT_THAT(events.all(),
              ElementsAre(Pair(Type::kAdded, "/t"), Pair(Type::kAdded, "/t/a"), Pair(Type::kAdded, "/t/a/b"),
                          Pair(Type::kInitialised, "/t"), Pair(Type::kAdded, "/t/c"), Pair(Type::kChanged, "/t/c"),
                          Pair(Type::kRemoved, "/t/c")));
}

TEST_F(CacheTest, AfterAnExpiryATreeCacheTellsTheDifferencesAndNothingElse) {
  ASSERT_TRUE(Writer().Create("/t", "root").ok());
  ASSERT_TRUE(Writer().Create("/t/kept", "k").ok());
  ASSERT_TRUE(Writer().Create("/t/changed", "1").ok());
  ASSERT_TRUE(Writer().Create("/t/removed", "r").ok());
  auto session = MakeSession();
  Heard<std::pair<Type, std::string>> events;
  TreeCache cache(session.get(), "/t", {.on_event = [&](const TreeCache::Event& e) { events.Add({e.type, e.path}); }});
  constexpr size_t kBefore = 5;  // four nodes, and that these were all
  ASSERT_TRUE(events.WaitForCount(kBefore));
  // While nobody looks.
  for (auto& server : servers_) server->Stop();
  writer_.reset();
  {
    std::lock_guard lock(state_->mutex);
    while (!state_->sessions.empty()) state_->CloseSession(state_->sessions.begin()->first);
    v1::Request request;
    request.mutable_set_data()->set_path("/t/changed");
    request.mutable_set_data()->set_version(-1);
    Apply(request);
    request.mutable_delete_()->set_path("/t/removed");
    request.mutable_delete_()->set_version(-1);
    Apply(request);
    request.mutable_create()->set_path("/t/added");
    Apply(request);
  }
  for (auto& server : servers_) server->Start();
  ASSERT_TRUE(events.WaitFor(
      [](const auto& all) { return all.back() == std::pair(Type::kChanged, std::string("/t/changed")); }));
  std::vector<std::pair<Type, std::string>> told = events.all();
  told.erase(told.begin(), told.begin() + long{kBefore});
  EXPECT_THAT(told, ElementsAre(Pair(Type::kRemoved, "/t/removed"), Pair(Type::kAdded, "/t/added"),
                                Pair(Type::kChanged, "/t/changed")));
}

TEST_F(CacheTest, TwoCachesOfOneSubtreeShareItsWatchAndOneMayGo) {
  auto session = MakeSession();
  ASSERT_TRUE(Writer().Create("/t", "").ok());
  auto one = std::make_unique<TreeCache>(session.get(), "/t");
  Heard<std::string> added;
  TreeCache two(session.get(), "/t", {.on_event = [&](const TreeCache::Event& e) { added.Add(e.path); }});
  ASSERT_TRUE(one->WaitUntilInitialised(kPatience));
  ASSERT_TRUE(two.WaitUntilInitialised(kPatience));
  one.reset();
  std::promise<void> synced;
  session->client()->Sync("/", [&](const auto&) { synced.set_value(); });
  synced.get_future().get();
  ASSERT_TRUE(Writer().Create("/t/x", "").ok());
  EXPECT_TRUE(added.WaitFor([](const auto& all) { return all.back() == "/t/x"; }));
}

TEST_F(CacheTest, AMissingRootIsAnEmptyCacheUntilItIsMade) {
  auto session = MakeSession();
  Heard<std::string> told;
  TreeCache cache(session.get(), "/t", {.on_event = [&](const TreeCache::Event& e) { told.Add(e.path); }});
  ASSERT_TRUE(cache.WaitUntilInitialised(kPatience));
  EXPECT_THAT(cache.All(), IsEmpty());
  ASSERT_TRUE(Writer().Create("/t", "").ok());
  ASSERT_TRUE(Writer().Create("/t/a", "").ok());
  EXPECT_TRUE(told.WaitFor([](const auto& all) { return all.back() == "/t/a"; }));
}

TEST_F(CacheTest, AfterEventsWereLostATreeCacheReadsAllAgainAndConverges) {  // W3
  ASSERT_TRUE(Writer().Create("/t", "root").ok());
  ASSERT_TRUE(Writer().Create("/t/removed", "r").ok());
  auto session = MakeSession();
  Heard<std::pair<Type, std::string>> events;
  TreeCache cache(session.get(), "/t", {.on_event = [&](const TreeCache::Event& e) { events.Add({e.type, e.path}); }});
  ASSERT_TRUE(cache.WaitUntilInitialised(kPatience));
  for (auto& server : servers_) server->Stop();
  {
    std::lock_guard lock(state_->mutex);
    v1::Request request;
    request.mutable_delete_()->set_path("/t/removed");
    request.mutable_delete_()->set_version(-1);
    Apply(request);
    request.mutable_create()->set_path("/t/added");
    Apply(request);
    state_->ForgetEvents();
  }
  for (auto& server : servers_) server->Start();
  ASSERT_TRUE(
      events.WaitFor([](const auto& all) { return all.back() == std::pair(Type::kAdded, std::string("/t/added")); }));
  EXPECT_THAT(cache.Children("/t"), ElementsAre("added"));
}

}  // namespace
}  // namespace synod::recipes
