// Follow over real gRPC (W3): a fake ensemble, and a server that breaks off where the test says.
#include "coordinator/client/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_coordination.h"

namespace synod::client {
namespace {

using ::synod::testing::FakeServer;
using ::synod::testing::FakeState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a Follow told, to wait for.
class Told {
 public:
  FollowCallbacks Callbacks() {
    FollowCallbacks callbacks;
    callbacks.on_events = [this](std::vector<FollowEvent> events, Cursor cursor) {
      Note([&] {
        for (FollowEvent& event : events) events_.push_back(std::move(event));
        cursor_ = cursor;
      });
    };
    callbacks.on_state = [this](FollowState state, const std::string& why) {
      Note([&] {
        interrupted_ = interrupted_ || state == FollowState::kInterrupted;
        why_ = why;
      });
    };
    callbacks.on_lost = [this](Cursor oldest) { Note([&] { lost_ = oldest; }); };
    callbacks.on_failed = [this](const Error& error) { Note([&] { failed_ = error.code; }); };
    return callbacks;
  }
  // False after a minute: a hang must fail, not hang.
  bool WaitUntil(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), condition);
  }
  bool WaitForEvents(size_t n) {
    return WaitUntil([&] { return events_.size() >= n; });
  }
  bool WaitForCursor(Cursor at) {
    return WaitUntil([&] { return cursor_.has_value() && *cursor_ >= at; });
  }
  // The places of the events.
  std::vector<std::string> Places() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const FollowEvent& e : events_) out.push_back(Cursor{e.zxid, e.ordinal}.ToString());
    return out;
  }
  std::vector<std::string> Lines() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const FollowEvent& e : events_) {
      std::string data = e.stat.has_value() ? e.data.has_value() ? " = " + *e.data : " = null" : "";
      out.push_back(absl::StrCat(std::string(WatchEventName(e.type)), " ", e.path, data));
    }
    return out;
  }

  std::vector<FollowEvent> events_;
  std::optional<Cursor> cursor_;
  std::optional<Cursor> lost_;
  std::optional<ErrorCode> failed_;
  bool interrupted_ = false;
  std::string why_;

 private:
  void Note(const std::function<void()>& note) {
    std::lock_guard lock(mutex_);
    note();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class FollowTest : public ::testing::Test {
 protected:
  FollowTest() {
    for (uint32_t id = 1; id <= 3; ++id) servers_.push_back(std::make_unique<FakeServer>(state_, id));
    Create("/t");
  }
  std::string List() const {
    return absl::StrCat(servers_[0]->address(), ",", servers_[1]->address(), ",", servers_[2]->address());
  }
  FollowOptions Options(const std::string& path, bool recursive = true) const {
    FollowOptions options;
    options.servers = List();
    options.path = path;
    options.recursive = recursive;
    options.progress = absl::Seconds(20);  // silence plays no part
    return options;
  }
  void Apply(const v1::Request& request) {
    std::lock_guard lock(state_->mutex);
    access::IdentitySet nobody;
    EXPECT_EQ(state_->Apply(request, 0, 0, &nobody).error(), v1::OK);
  }
  void Create(const std::string& path, const std::string& data = "") {
    v1::Request request;
    request.mutable_create()->set_path(path);
    request.mutable_create()->mutable_data()->set_value(data);
    Apply(request);
  }
  void Set(const std::string& path, const std::string& data) {
    v1::Request request;
    request.mutable_set_data()->set_path(path);
    request.mutable_set_data()->set_version(-1);
    request.mutable_set_data()->mutable_data()->set_value(data);
    Apply(request);
  }
  // Two nodes in one zxid.
  void CreatePair(const std::string& path) {
    v1::Request request;
    for (const char* name : {"-a", "-b"})
      request.mutable_multi()->add_operations()->mutable_create()->set_path(path + name);
    Apply(request);
  }
  std::vector<std::string> Window() {
    std::lock_guard lock(state_->mutex);
    std::vector<std::string> out;
    for (const v1::WatchEvent& e : state_->window) {
      if (e.type() != v1::WatchEvent::CHILDREN_CHANGED) out.push_back(Cursor{e.zxid(), e.ordinal()}.ToString());
    }
    return out;
  }

  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  std::vector<std::unique_ptr<FakeServer>> servers_;
  Told told_;
};

TEST_F(FollowTest, TellsEveryChangeFromNowOn) {  // W3
  FollowOptions options = Options("/t");
  options.servers += "/t";
  options.path = "/";
  options.with_data = true;
  auto follow = Follow::Start(std::move(options), told_.Callbacks());
  ASSERT_TRUE(follow.ok()) << follow.status();
  ASSERT_TRUE(told_.WaitForCursor({1}));
  Create("/t/a", "one");
  ASSERT_TRUE(told_.WaitForEvents(1));
  Set("/t/a", "two");
  ASSERT_TRUE(told_.WaitForEvents(2));
  Create("/beside");
  v1::Request gone;
  gone.mutable_delete_()->set_path("/t/a");
  gone.mutable_delete_()->set_version(-1);
  Apply(gone);
  ASSERT_TRUE(told_.WaitForEvents(3));
  EXPECT_THAT(told_.Lines(), ElementsAre("created /a = one", "changed /a = two", "deleted /a"));
}

TEST_F(FollowTest, OneNodeHearsOfItsChildrenButNotOfWhatTheyHold) {
  auto follow = Follow::Start(Options("/t", false), told_.Callbacks());
  ASSERT_TRUE(told_.WaitForCursor({1}));
  Create("/t/a", "one");
  Set("/t/a", "two");
  Set("/t", "three");
  ASSERT_TRUE(told_.WaitForEvents(2));
  EXPECT_THAT(told_.Lines(), ElementsAre("children /t", "changed /t"));
}

TEST_F(FollowTest, ANewLifeGoesOnFromTheCursorOfTheLast) {  // W3
  FollowOptions options = Options("/");
  options.after = Cursor{0};
  auto follow = Follow::Start(options, told_.Callbacks());
  CreatePair("/t/a");
  ASSERT_TRUE(told_.WaitForEvents(3));
  follow->reset();
  CreatePair("/t/b");
  options.after = *Cursor::Parse(told_.cursor_->ToString());
  follow = Follow::Start(options, told_.Callbacks());
  ASSERT_TRUE(told_.WaitForEvents(5));
  EXPECT_EQ(told_.Places(), Window());
}

TEST_F(FollowTest, ServersAreKilledAndNothingIsMissedOrRepeated) {  // W3
  for (auto& server : servers_) server->events_per_message = 1;
  FollowOptions options = Options("/");
  options.after = Cursor{0};
  auto follow = Follow::Start(std::move(options), told_.Callbacks());
  constexpr size_t kPairs = 200;
  for (size_t i = 0; i < kPairs; ++i) {
    CreatePair(absl::StrCat("/t/", i));
    if (i % 20 != 7) continue;
    ASSERT_TRUE(told_.WaitForEvents(i));  // so that each break is in the middle of it
    for (size_t s : {i % 3, (i + 1) % 3}) servers_[s]->Stop();
    for (size_t s : {i % 3, (i + 1) % 3}) servers_[s]->Start();
  }
  ASSERT_TRUE(told_.WaitForEvents(2 * kPairs + 1));
  EXPECT_EQ(told_.Places(), Window());
  EXPECT_TRUE(told_.interrupted_);
}

TEST_F(FollowTest, ACursorOlderThanTheWindowIsLost) {  // W3
  Create("/t/a");
  {
    std::lock_guard lock(state_->mutex);
    state_->ForgetEvents();
  }
  FollowOptions options = Options("/");
  options.after = Cursor{1};
  auto follow = Follow::Start(std::move(options), told_.Callbacks());
  ASSERT_TRUE(told_.WaitUntil([this] { return told_.lost_.has_value(); }));
  EXPECT_EQ(*told_.lost_, Cursor{2});
  EXPECT_THAT(told_.Places(), IsEmpty());
}

TEST_F(FollowTest, WhoFallsBehindTheWindowIsToldSo) {  // W3: a slow follower
  auto follow = Follow::Start(Options("/"), told_.Callbacks());
  ASSERT_TRUE(told_.WaitForCursor({1}));
  for (auto& server : servers_) server->Stop();
  Create("/t/a");
  {
    std::lock_guard lock(state_->mutex);
    state_->ForgetEvents();
  }
  for (auto& server : servers_) server->Start();
  ASSERT_TRUE(told_.WaitUntil([this] { return told_.lost_.has_value(); }));
}

TEST_F(FollowTest, WithoutAServerItGoesOnTryingAndSaysWhy) {
  for (auto& server : servers_) server->Stop();
  auto follow = Follow::Start(Options("/"), told_.Callbacks());
  ASSERT_TRUE(told_.WaitUntil([this] { return told_.interrupted_; }));
  EXPECT_THAT(told_.why_, HasSubstr(servers_[0]->address()));
  servers_[2]->Start();
  ASSERT_TRUE(told_.WaitForCursor({1}));
}

TEST_F(FollowTest, CredentialsThatAreRefusedEndIt) {
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAUTHENTICATED, "no"});
  auto follow = Follow::Start(Options("/"), told_.Callbacks());
  ASSERT_TRUE(told_.WaitUntil([this] { return told_.failed_.has_value(); }));
  EXPECT_EQ(*told_.failed_, ErrorCode::kAuthFailed);
}

TEST_F(FollowTest, NonsenseIsRefused) {
  FollowOptions list = Options("/");
  list.servers = "nowhere";
  EXPECT_FALSE(Follow::Start(std::move(list), told_.Callbacks()).ok());
  FollowOptions progress = Options("/");
  progress.progress = absl::ZeroDuration();
  EXPECT_FALSE(Follow::Start(std::move(progress), told_.Callbacks()).ok());
  EXPECT_FALSE(Follow::Start(Options("/\xff"), told_.Callbacks()).ok());
}

// A server of twelve events, three to a zxid, that breaks its first stream off after `cut` of them.
class Breaking : public v1::Coordination::Service {
 public:
  static constexpr size_t kEvents = 12;
  static constexpr size_t kNever = 1'000;

  // `end`: how; nullopt: it goes silent. Each message holds `per_message` events.
  Breaking(size_t cut, std::optional<grpc::Status> end, size_t per_message)
      : cut_(cut), end_(std::move(end)), per_message_(per_message) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Breaking() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int streams() const { return streams_; }
  static Cursor PlaceOf(size_t event) {
    return {static_cast<int64_t>(1 + event / 3), static_cast<uint32_t>(event % 3 * 2)};
  }

  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    const size_t limit = streams_++ == 0 ? cut_ : kNever;
    const Cursor after{request->after().zxid(), request->after().ordinal()};
    v1::WatchResponse response;
    size_t sent = 0;
    for (size_t i = 0; i < kEvents && sent < limit; ++i) {
      if (PlaceOf(i) <= after) continue;
      v1::WatchStreamEvent* event = response.add_events();
      event->set_type(v1::WatchEvent::DATA_CHANGED);
      event->set_path("/t");
      event->set_zxid(PlaceOf(i).zxid);
      event->set_ordinal(PlaceOf(i).ordinal);
      ++sent;
      if (sent % per_message_ != 0 && sent != limit && i + 1 != kEvents) continue;
      response.mutable_cursor()->set_zxid(PlaceOf(i).zxid);
      response.mutable_cursor()->set_ordinal(PlaceOf(i).ordinal);
      writer->Write(response);
      response.Clear();
    }
    if (limit != kNever && end_) return *end_;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_; });
    return grpc::Status::OK;
  }

 private:
  const size_t cut_;
  const std::optional<grpc::Status> end_;
  const size_t per_message_;
  int port_ = 0;
  std::atomic<int> streams_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::unique_ptr<grpc::Server> server_;
};

void ExpectAllOnce(size_t cut, std::optional<grpc::Status> end, size_t per_message) {
  const bool silent = !end;
  Breaking server(cut, std::move(end), per_message);
  Told told;
  FollowOptions options;
  options.servers = server.address();
  options.path = "/t";
  options.after = Cursor{0};
  options.progress = silent ? absl::Milliseconds(100) : absl::Seconds(20);
  auto follow = Follow::Start(std::move(options), told.Callbacks());
  ASSERT_TRUE(told.WaitForEvents(Breaking::kEvents));
  follow->reset();
  std::vector<std::string> wanted;
  for (size_t i = 0; i < Breaking::kEvents; ++i) wanted.push_back(Breaking::PlaceOf(i).ToString());
  EXPECT_EQ(told.Places(), wanted);
  EXPECT_GE(server.streams(), 2);
}

TEST(FollowBreak, BrokenOffAnywhereItGoesOnWhereItWas) {  // W3: break at every place, in the middle of a zxid too
  for (size_t cut = 0; cut <= Breaking::kEvents - 1; ++cut) {
    for (const size_t per_message : {1, 4}) {
      ExpectAllOnce(cut, grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down"), per_message);
    }
  }
}

TEST(FollowBreak, HoweverAStreamEndsItGoesOn) {
  for (const grpc::StatusCode code : {grpc::StatusCode::OK, grpc::StatusCode::RESOURCE_EXHAUSTED,
                                      grpc::StatusCode::INTERNAL, grpc::StatusCode::CANCELLED}) {
    ExpectAllOnce(5, grpc::Status(code, "cut"), 1);
  }
}

TEST(FollowBreak, ASilentServerIsLeft) { ExpectAllOnce(5, std::nullopt, 1); }

}  // namespace
}  // namespace synod::client
