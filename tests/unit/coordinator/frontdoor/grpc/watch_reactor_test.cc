// Watch streams through a real gRPC server. What the service puts on them is tested with the service.
#include "coordinator/frontdoor/grpc/watch_reactor.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/frontdoor/grpc/door.h"

namespace synod::frontdoor {
namespace {

using ::testing::ElementsAre;

class WatchClient {
 public:
  WatchClient(v1::Coordination::Stub* stub, const v1::WatchRequest& request) {
    testing::Limit(&context_);
    reader_ = stub->Watch(&context_, request);
  }
  ~WatchClient() {
    context_.TryCancel();
    End();
  }
  // The next response; nullopt: the stream ended.
  std::optional<v1::WatchResponse> Next() {
    v1::WatchResponse response;
    if (!reader_->Read(&response)) return std::nullopt;
    if (response.has_cursor()) cursor_ = response.cursor();
    if (response.has_oldest()) oldest_ = response.oldest();
    largest_ = std::max(largest_, response.ByteSizeLong());
    return response;
  }
  // The next response with an event.
  v1::WatchResponse NextWithEvents() {
    while (std::optional<v1::WatchResponse> response = Next()) {
      if (response->events_size() > 0) return *std::move(response);
    }
    ADD_FAILURE() << "the stream ended: " << End().error_message();
    return {};
  }
  // The next `count` events, as "TYPE path".
  std::vector<std::string> Events(size_t count) {
    std::vector<std::string> seen;
    while (seen.size() < count) {
      v1::WatchResponse response = NextWithEvents();
      if (response.events_size() == 0) break;
      for (const v1::WatchStreamEvent& event : response.events()) {
        seen.push_back(absl::StrCat(v1::WatchEvent::Type_Name(event.type()), " ", event.path()));
      }
    }
    return seen;
  }
  const v1::Cursor& cursor() const { return cursor_; }
  const v1::Cursor& oldest() const { return oldest_; }
  size_t largest() const { return largest_; }
  void Cancel() { context_.TryCancel(); }
  grpc::Status End() {
    if (ended_) return *ended_;
    while (Next()) {
    }
    ended_ = reader_->Finish();
    return *ended_;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
  v1::Cursor cursor_, oldest_;
  size_t largest_ = 0;
  std::optional<grpc::Status> ended_;
};

class WatchReactorTest : public testing::DoorTest {
 protected:
  using DoorTest::DoorTest;
  std::unique_ptr<WatchClient> Watch(const v1::WatchRequest& request) {
    return std::make_unique<WatchClient>(stub_.get(), request);
  }
  static v1::WatchRequest Of(const std::string& path, bool recursive = false) {
    v1::WatchRequest request;
    request.set_path(path);
    request.set_recursive(recursive);
    return request;
  }
  grpc::Status Set(const std::string& path, const std::string& data) {
    v1::CallRequest call;
    call.mutable_request()->mutable_set_data()->set_path(path);
    call.mutable_request()->mutable_set_data()->set_version(-1);
    call.mutable_request()->mutable_set_data()->mutable_data()->set_value(data);
    return Call(call);
  }
  service::ServiceStats Stats() {
    return lone_.loop().Ask([this] { return lone_.service()->Stats(); });
  }
  uint64_t Streams() { return Stats().watch_streams; }
};

TEST_F(WatchReactorTest, FromNowOnItSaysFirstWhereItStands) {  // W3
  Serve();
  ASSERT_TRUE(Create("/a").ok());
  auto watch = Watch(Of("/a"));
  std::optional<v1::WatchResponse> first = watch->Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->events_size(), 0);
  EXPECT_GT(first->cursor().zxid(), 0);
  ASSERT_TRUE(Set("/a", "1").ok());
  v1::WatchResponse next = watch->NextWithEvents();
  ASSERT_EQ(next.events_size(), 1);
  EXPECT_EQ(next.events(0).type(), v1::WatchEvent::DATA_CHANGED);
  EXPECT_EQ(next.events(0).path(), "/a");
  EXPECT_GT(next.events(0).zxid(), first->cursor().zxid());
  EXPECT_GE(next.cursor().zxid(), next.events(0).zxid());
  EXPECT_FALSE(next.events(0).has_data());
}

TEST_F(WatchReactorTest, FromACursorNothingIsMissedAndNothingComesTwice) {  // W3
  Serve();
  ASSERT_TRUE(Create("/a").ok());
  v1::Cursor cursor;
  {
    auto watch = Watch(Of("/a", true));
    ASSERT_TRUE(watch->Next().has_value());
    ASSERT_TRUE(Create("/a/1").ok());
    EXPECT_THAT(watch->Events(1), ElementsAre("CREATED /a/1"));
    cursor = watch->cursor();
  }
  ASSERT_TRUE(Create("/a/2").ok());
  ASSERT_TRUE(Create("/b").ok());
  ASSERT_TRUE(Set("/a/1", "x").ok());
  v1::WatchRequest again = Of("/a", true);
  *again.mutable_after() = cursor;
  EXPECT_THAT(Watch(again)->Events(2), ElementsAre("CREATED /a/2", "DATA_CHANGED /a/1"));
}

TEST_F(WatchReactorTest, DataComesOnWish) {
  Serve();
  v1::WatchRequest request = Of("/a");
  request.set_with_data(true);
  auto watch = Watch(request);
  ASSERT_TRUE(watch->Next().has_value());
  ASSERT_TRUE(Create("/a", "words").ok());
  v1::WatchResponse response = watch->NextWithEvents();
  EXPECT_EQ(response.events(0).data().value(), "words");
  EXPECT_EQ(response.events(0).stat().data_length(), 5);
}

TEST_F(WatchReactorTest, MarksComeWhileNothingHappens) {  // W3
  Serve();
  v1::WatchRequest request = Of("/a");
  request.set_progress_ms(20);
  auto watch = Watch(request);
  for (int i = 0; i < 4; ++i) {
    std::optional<v1::WatchResponse> mark = watch->Next();
    ASSERT_TRUE(mark.has_value());
    EXPECT_EQ(mark->events_size(), 0);
    EXPECT_TRUE(mark->has_cursor());
  }
}

class SmallWindow : public WatchReactorTest {
 protected:
  static statemachine::StateMachineOptions Machine() {
    statemachine::StateMachineOptions options;
    options.watch_window_bytes = 1;
    return options;
  }
  SmallWindow() : WatchReactorTest({}, Machine()) {}
};

TEST_F(SmallWindow, ACursorThatIsTooOldIsRefusedWithTheOldestOnOffer) {  // W3
  Serve();
  ASSERT_TRUE(Create("/a").ok());
  // A path makes most of an event: one block of the window is full soon.
  const std::string path = "/" + std::string(60'000, 'p');
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Create(path + std::to_string(i)).ok());
  v1::WatchRequest request = Of("/a");
  request.mutable_after()->set_zxid(1);
  auto watch = Watch(request);
  grpc::Status end = watch->End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::OUT_OF_RANGE) << end.error_message();
  EXPECT_GT(watch->oldest().zxid(), 1);
  // What was offered is taken.
  *request.mutable_after() = watch->oldest();
  EXPECT_TRUE(Watch(request)->Next().has_value());
}

TEST_F(WatchReactorTest, AMalformedPathEndsTheStream) {
  Serve();
  EXPECT_EQ(Watch(Of("a//b"))->End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchReactorTest, ARefusedCredentialEndsTheStream) {
  Serve();
  v1::WatchRequest request = Of("/a");
  request.add_credentials()->set_scheme("nonesuch");
  EXPECT_EQ(Watch(request)->End().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

// An address is an identity: what is readable from 127.0.0.1 only is told to this client.
TEST_F(WatchReactorTest, TheClientsAddressIsItsIdentity) {
  Serve();
  auto watch = Watch(Of("/", true));
  ASSERT_TRUE(watch->Next().has_value());
  for (const char* address : {"10.1.2.3", "127.0.0.1"}) {
    v1::CallRequest call;
    v1::Create* create = call.mutable_request()->mutable_create();
    create->set_path(absl::StrCat("/", address));
    v1::AclEntry* entry = create->mutable_acl()->add_entries();
    entry->set_permissions(31);
    entry->set_scheme("ip");
    entry->set_id(address);
    ASSERT_TRUE(Call(call).ok());
  }
  EXPECT_THAT(watch->Events(1), ElementsAre("CREATED /127.0.0.1"));
}

class FewStreams : public WatchReactorTest {
 protected:
  static service::ServiceConfig Config() {
    service::ServiceConfig config;
    config.max_watch_streams = 1;
    return config;
  }
  FewStreams() : WatchReactorTest(Config()) {}
};

TEST_F(FewStreams, OneStreamTooManyIsRefused) {
  Serve();
  auto first = Watch(Of("/a"));
  ASSERT_TRUE(first->Next().has_value());
  EXPECT_EQ(Watch(Of("/a"))->End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Streams(), 1u);
}

TEST_F(WatchReactorTest, AClientThatCancelsLeavesNothingBehind) {
  Serve();
  auto watch = Watch(Of("/a"));
  ASSERT_TRUE(watch->Next().has_value());
  EXPECT_EQ(Streams(), 1u);
  EXPECT_TRUE(WaitStreams(1));
  watch->Cancel();
  EXPECT_EQ(watch->End().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(WaitStreams(0));
  EXPECT_EQ(Streams(), 0u);
  ASSERT_TRUE(Create("/a").ok());
}

TEST_F(WatchReactorTest, AStopOfTheServiceEndsStreamsWithUnavailableBehindTheirEvents) {
  Serve();
  auto watch = Watch(Of("/a"));
  ASSERT_TRUE(watch->Next().has_value());
  ASSERT_TRUE(Create("/a").ok());
  StopService();
  EXPECT_THAT(watch->Events(1), ElementsAre("CREATED /a"));
  EXPECT_EQ(watch->End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// ---- slow readers ----

constexpr size_t kValueBytes = 100'000;

TEST_F(WatchReactorTest, AStopDoesNotWaitForASlowReader) {
  Serve();
  v1::WatchRequest request = Of("/", true);
  request.set_with_data(true);
  auto watch = Watch(request);
  ASSERT_TRUE(watch->Next().has_value());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Create(absl::StrCat("/", i), std::string(kValueBytes, 'x')).ok());
  EXPECT_GT(Stats().watch_stream_pauses, 0u);
  StopService();
  server_->Stop();
  EXPECT_TRUE(WaitStreams(0));
  EXPECT_FALSE(watch->End().ok());
}

// A loop whose tasks run when the test says so.
class HandLoop final : public Executor {
 public:
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  void PostAfter(absl::Duration, Task task) override { Post(std::move(task)); }
  void RunAll() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void DropAll() { tasks_.clear(); }
  size_t waiting() const { return tasks_.size(); }

 private:
  std::deque<Task> tasks_;
};

// Without a connection: gRPC takes the first write and its end is told by hand.
TEST(WatchReactorBoundTest, TheServiceWaitsBeyondTheBoundUntilHalfOfItIsWritten) {
  HandLoop loop;
  StreamEnvironment environment;
  environment.loop = &loop;
  environment.watch_unsent_bytes_max = 4'000'000;
  auto reactor = std::make_unique<WatchReactor>(&environment, service::WatchStreamRequest());
  loop.DropAll();  // the service is not asked: the test is the service
  auto give = [&](int64_t zxid) {
    std::vector<service::WatchStreamEvent> events(1);
    events[0].zxid = Zxid(zxid);
    events[0].data = std::string(900'000, 'x');
    return reactor->OnEvents(std::move(events), service::Cursor{Zxid(zxid)});
  };
  for (int64_t zxid = 1; zxid <= 4; ++zxid) EXPECT_TRUE(give(zxid)) << zxid;
  EXPECT_FALSE(give(5));
  loop.RunAll();  // the end of the turn: the first of five responses is given to gRPC
  reactor->OnWriteDone(true);
  reactor->OnWriteDone(true);
  EXPECT_EQ(loop.waiting(), 0u);
  reactor->OnWriteDone(true);
  EXPECT_EQ(loop.waiting(), 1u);  // ResumeWatch
  reactor->OnWriteDone(true);
  reactor->OnWriteDone(true);
  EXPECT_EQ(loop.waiting(), 1u);
  EXPECT_TRUE(give(6));
}

TEST_F(WatchReactorTest, EventsThatWaitForASlowReaderComeAllAndInOrder) {  // W3
  GrpcServerConfig config;
  config.watch_unsent_bytes_max = 200'000;
  Serve(config);
  ASSERT_TRUE(Create("/a").ok());
  v1::WatchRequest request = Of("/a", true);
  request.set_with_data(true);
  auto watch = Watch(request);
  ASSERT_TRUE(watch->Next().has_value());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(Create(absl::StrCat("/a/", i), std::string(kValueBytes, 'x')).ok());
  EXPECT_GT(Stats().watch_stream_pauses, 0u);
  int next = 0;
  int64_t zxid = 0;
  while (next < 300) {
    v1::WatchResponse response = watch->NextWithEvents();
    ASSERT_GT(response.events_size(), 0);
    for (const v1::WatchStreamEvent& event : response.events()) {
      EXPECT_EQ(event.path(), absl::StrCat("/a/", next++));
      EXPECT_EQ(event.data().value().size(), kValueBytes);
      EXPECT_GT(event.zxid(), zxid);
      zxid = event.zxid();
    }
    // What a response ends with is where to go on.
    EXPECT_GE(response.cursor().zxid(), zxid);
  }
  // gRPC's own clients take 4 MB.
  EXPECT_LT(watch->largest(), 2u << 20);
}

}  // namespace
}  // namespace synod::frontdoor
