// The client over real gRPC, against servers in this process: a fake ensemble, and one that follows a script.
#include "coordinator/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>

#include "absl/strings/str_cat.h"
#include "coordinator/client/blocking.h"
#include "coordinator/client/ensemble_client.h"
#include "coordinator/client/stream_loop.h"
#include "tests/support/fake_coordination.h"

namespace synod::client {
namespace {

using ::synod::testing::FakeServer;
using ::synod::testing::FakeState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Session states as they come, to wait for.
class States {
 public:
  SessionCallback Callback() {
    return [this](SessionState state) {
      std::lock_guard lock(mutex_);
      seen_.push_back(state);
      changed_.notify_all();
    };
  }
  // False after a minute: a hang must fail, not hang.
  bool WaitFor(SessionState state) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1),
                             [&] { return std::find(seen_.begin(), seen_.end(), state) != seen_.end(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<SessionState> seen_;
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    for (uint32_t id = 1; id <= 3; ++id) servers_.push_back(std::make_unique<FakeServer>(state_, id));
  }
  std::string List() const {
    return absl::StrCat(servers_[0]->address(), ",", servers_[1]->address(), ",", servers_[2]->address());
  }
  std::unique_ptr<BlockingClient> Make(bool session = true, const std::string& chroot = "") {
    ClientOptions options;
    options.servers = List() + chroot;
    options.session = session;
    options.request_timeout = absl::Seconds(30);
    options.on_session = states_.Callback();
    auto client = BlockingClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  std::vector<std::unique_ptr<FakeServer>> servers_;
  States states_;
};

TEST_F(ClientTest, EveryOperationAnswers) {
  auto client = Make();
  EXPECT_EQ(client->Create("/a", "one")->path, "/a");
  EXPECT_EQ(client->Create("/a", "one").error().code, ErrorCode::kNodeExists);
  EXPECT_EQ(client->Set("/a", "two", 0)->stat.version, 1);
  EXPECT_EQ(client->Set("/a", "two", 0).error().code, ErrorCode::kBadVersion);
  EXPECT_EQ(client->Get("/a")->data, "two");
  EXPECT_TRUE(client->Check("/a", 1).ok());
  EXPECT_TRUE(client->Create("/a/null", std::nullopt).ok());
  EXPECT_EQ(client->Get("/a/null")->data, std::nullopt);
  EXPECT_THAT(client->GetChildren("/a", true)->names, ElementsAre("null"));
  EXPECT_FALSE(client->Exists("/b")->stat.has_value());
  EXPECT_TRUE(client->Sync("/").ok());
  auto multi = client->Multi({Operation::Create("/b", "x"), Operation::Check("/a", 7)});
  EXPECT_EQ(multi->error.code, ErrorCode::kBadVersion);
  EXPECT_EQ(multi->results[0].error, ErrorCode::kOk);
  EXPECT_TRUE(client->Delete("/a/null").ok());
  EXPECT_TRUE(client->async().HoldsSession());
  EXPECT_TRUE(client->Close().ok());
  EXPECT_EQ(client->Get("/a").error().code, ErrorCode::kClosed);
  EXPECT_FALSE(client->async().HoldsSession());
}

TEST_F(ClientTest, WithoutASessionTheSameCallsAreUnary) {
  auto client = Make(false, "/app");
  ASSERT_TRUE(Make(false)->Create("/app", "x").ok());
  EXPECT_EQ(client->Create("/a", "one")->path, "/a");
  EXPECT_EQ(client->Get("/a")->data, "one");
  EXPECT_FALSE(client->Exists("/b")->stat.has_value());
  EXPECT_EQ(client->Create("/e", "", CreateMode::kEphemeral).error().code, ErrorCode::kBadArguments);
  // No server could read it: as a string field it would break the stream for all requests behind it.
  EXPECT_EQ(client->Create("/\xff", "").error().code, ErrorCode::kBadArguments);
  EXPECT_EQ(client->Get("/a", ReadStrength::kSession, [](const WatchEvent&) {}).error().code, ErrorCode::kBadArguments);
  EXPECT_TRUE(state_->sessions.empty());
}

TEST_F(ClientTest, AUnaryCallGoesOnToTheNextServerWhenItCertainlyWasNotDone) {
  auto client = Make(false);
  servers_[0]->Stop();
  servers_[1]->Stop();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(client->Create(absl::StrCat("/n", i), "x").ok());
  std::lock_guard lock(state_->mutex);
  EXPECT_EQ(state_->writes_applied, 4);
}

TEST_F(ClientTest, AUnaryWriteThatAServerCutOffIsNotRepeated) {
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "shutting down"});
  auto client = Make(false);
  auto created = client->Create("/a", "x");
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().effect, Effect::kMayHaveBeenDone);
}

TEST_F(ClientTest, WritesGoOnAndAreDoneOnceWhileServersAreKilled) {  // S2
  auto client = Make();
  ASSERT_TRUE(client->Create("/a", "x").ok());
  constexpr int kWrites = 600;
  std::atomic<int> answered = 0, failed = 0;
  std::promise<void> all;
  for (int i = 0; i < kWrites; ++i) {
    client->async().Set("/a", "y", i,
                        [&](Result<Written> result) {  // compare-and-set: a repetition or a gap would be refused
                          if (!result.ok()) ++failed;
                          if (++answered == kWrites) all.set_value();
                        });
    if (i == 150 || i == 300 || i == 450) {
      servers_[0]->Stop();
      servers_[1]->Stop();
      servers_[0]->Start();
      servers_[2]->Stop();
      servers_[1]->Start();
      servers_[2]->Start();
    }
  }
  ASSERT_EQ(all.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(client->Get("/a")->stat.version, kWrites);
}

TEST_F(ClientTest, AfterAKilledServerTheNextWriteIsQuick) {
  auto client = Make();
  ASSERT_TRUE(client->Create("/a", "x").ok());
  for (int round = 0; round < 3; ++round) {
    const absl::Duration before = MonotonicNow();
    servers_[0]->Stop();
    servers_[1]->Stop();
    ASSERT_TRUE(client->Set("/a", "y").ok());
    EXPECT_LT(MonotonicNow() - before,
              absl::Seconds(3));  // far from any back-off in seconds; the 300 ms are measured elsewhere
    servers_[0]->Start();
    servers_[1]->Start();
  }
}

TEST_F(ClientTest, WatchesSurviveAReconnect) {  // W2
  auto client = Make();
  ASSERT_TRUE(client->Create("/a", "x").ok());
  std::promise<std::string> fired;
  ASSERT_TRUE(client->Get("/a", ReadStrength::kSession, [&](const WatchEvent& e) { fired.set_value(e.path); }).ok());
  std::promise<std::string> below;
  ASSERT_TRUE(client
                  ->AddWatch("/a", PersistentWatchKind::kPersistentRecursive,
                             [&](const WatchEvent& e) {
                               if (e.path != "/a") below.set_value(e.path);
                             })
                  .ok());
  for (auto& server : servers_) server->Stop();
  ASSERT_TRUE(states_.WaitFor(SessionState::kSuspended));
  for (auto& server : servers_) server->Start();
  ASSERT_TRUE(client->Sync("/").ok());
  ASSERT_TRUE(Make()->Set("/a", "y").ok());
  ASSERT_TRUE(Make()->Create("/a/b", "y").ok());
  EXPECT_EQ(fired.get_future().get(), "/a");
  EXPECT_EQ(below.get_future().get(), "/a/b");
}

TEST_F(ClientTest, EachReadCanSetAWatch) {  // W2
  auto client = Make();
  ASSERT_TRUE(client->Create("/a", "x").ok());
  std::promise<std::string> data, exists, children;
  const auto into = [](std::promise<std::string>* promise) {
    return [promise](const WatchEvent& e) { promise->set_value(std::string(WatchEventName(e.type)) + e.path); };
  };
  ASSERT_TRUE(client->Get("/a", ReadStrength::kSession, into(&data)).ok());
  ASSERT_TRUE(client->Exists("/b", ReadStrength::kSession, into(&exists)).ok());
  ASSERT_TRUE(client->GetChildren("/a", false, ReadStrength::kSession, into(&children)).ok());
  ASSERT_TRUE(client->Set("/a", "y").ok());
  ASSERT_TRUE(client->Create("/b", "y").ok());
  ASSERT_TRUE(client->Create("/a/c", "y").ok());
  for (auto* promise : {&data, &exists, &children}) {
    auto future = promise->get_future();
    ASSERT_EQ(future.wait_for(std::chrono::minutes(1)), std::future_status::ready);
  }
}

TEST_F(ClientTest, ExpiryIsTold) {
  auto client = Make();
  ASSERT_TRUE(client->Create("/e", "x", CreateMode::kEphemeral).ok());
  {
    std::lock_guard lock(state_->mutex);
    state_->CloseSession(client->async().session_id());
  }
  EXPECT_EQ(client->Set("/e", "y").error().code, ErrorCode::kSessionExpired);
  EXPECT_TRUE(states_.WaitFor(SessionState::kExpired));
  EXPECT_FALSE(client->async().HoldsSession());
}

TEST_F(ClientTest, NoServerMeansATimeoutThatNamesThem) {
  for (auto& server : servers_) server->Stop();
  for (const bool session : {true, false}) {
    ClientOptions options;
    options.servers = List();
    options.session = session;
    options.request_timeout = absl::Milliseconds(200);
    auto client = *BlockingClient::Create(std::move(options));
    auto created = client->Create("/a", "x");
    ASSERT_FALSE(created.ok());
    EXPECT_EQ(created.error().effect, Effect::kNotDone);
    EXPECT_THAT(created.error().message, HasSubstr(servers_[0]->address()));
  }
}

TEST_F(ClientTest, UnansweredOperationsFailWhenTheClientIsDestroyed) {
  for (auto& server : servers_) server->Stop();
  auto client = Make();
  std::promise<ErrorCode> code;
  client->async().Create("/a", "x", CreateMode::kPersistent,
                         [&](Result<Created> r) { code.set_value(r.error().code); });
  client.reset();
  EXPECT_EQ(code.get_future().get(), ErrorCode::kClosed);
}

TEST_F(ClientTest, CallbacksMayCallTheClient) {
  auto client = Make();
  std::promise<std::string> path;
  client->async().Create("/a", "x", CreateMode::kPersistent, [&](Result<Created>) {
    client->async().Create("/a/b", "x", CreateMode::kPersistent, [&](Result<Created> r) { path.set_value(r->path); });
  });
  EXPECT_EQ(path.get_future().get(), "/a/b");
}

TEST_F(ClientTest, TheEnsembleAnswersServerByServer) {
  servers_[1]->Stop();
  EnsembleClient ensemble({servers_[0]->address(), servers_[1]->address()}, absl::Seconds(10));
  auto status = ensemble.StatusOfAll();
  EXPECT_EQ(status[0]->role(), "leader");
  EXPECT_EQ(status[1].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ensemble.Transfer(0, 9).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ClientOptions, NonsenseIsRefused) {
  ClientOptions grace;
  grace.servers = "a:1";
  grace.disconnect_grace = absl::Seconds(11);
  EXPECT_FALSE(Client::Create(std::move(grace)).ok());
  ClientOptions list;
  list.servers = "nowhere";
  EXPECT_FALSE(Client::Create(std::move(list)).ok());
}

// A server that does with each stream what the next step of its script says; the last step repeats.
class Script : public v1::Coordination::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::ServerMessage, v1::ClientMessage>;
  using Act = std::function<grpc::Status(Stream*)>;

  explicit Script(std::vector<Act> acts) : acts_(std::move(acts)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Script() override { server_->Shutdown(std::chrono::system_clock::now()); }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int streams() const { return streams_; }

  grpc::Status Session(grpc::ServerContext*, Stream* stream) override {
    const size_t n = static_cast<size_t>(streams_++);
    return acts_[std::min(n, acts_.size() - 1)](stream);
  }

  static void Hello(Stream* stream) {
    v1::ClientMessage message;
    stream->Read(&message);
    v1::ServerMessage hello;
    hello.mutable_connected()->set_session_id(5);
    hello.mutable_connected()->set_timeout_ms(message.connect().timeout_ms());
    stream->Write(hello);
  }
  // Answers, `per_message` items in each message, until `limit` requests were answered.
  static grpc::Status Serve(Stream* stream, int per_message, int limit, grpc::Status end) {
    Hello(stream);
    v1::ServerMessage out;
    int answered = 0;
    const auto flush = [&](bool all) {
      if (out.items_size() == 0 || (!all && out.items_size() < per_message)) return;
      stream->Write(out);
      out.Clear();
    };
    for (v1::ClientMessage message; answered < limit && stream->Read(&message);) {
      for (const v1::Request& request : message.requests()) {
        if (answered == limit) break;
        v1::Reply* reply = out.add_items()->mutable_reply();
        reply->set_id(request.id());
        reply->set_sequence(request.sequence());
        reply->set_zxid(static_cast<int64_t>(request.id()));
        ++answered;
        flush(false);
      }
      if (message.ping() != 0) out.add_items()->mutable_pong()->set_ping(message.ping());
      flush(true);
    }
    return end;
  }

 private:
  std::vector<Act> acts_;
  int port_ = 0;
  std::atomic<int> streams_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

constexpr int kEverything = 1 << 30;

class ScriptTest : public ::testing::Test {
 protected:
  // Sends `n` writes; the answers in the order they came: the sequence, or the error's name.
  std::vector<std::string> Run(Script& script, int n, ClientOptions options = {}) {
    options.servers = script.address();
    if (options.request_timeout == absl::InfiniteDuration()) options.request_timeout = absl::Seconds(30);
    auto client = *Client::Create(std::move(options));
    std::mutex mutex;
    std::vector<std::string> answers;
    std::promise<void> all;
    for (int i = 0; i < n; ++i) {
      client->Set("/a", "x", -1, [&](Result<Written> r) {
        std::lock_guard lock(mutex);
        answers.push_back(r.ok() ? absl::StrCat(r->zxid) : std::string(ErrorCodeName(r.error().code)));
        if (static_cast<int>(answers.size()) == n) all.set_value();
      });
    }
    EXPECT_EQ(all.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
    client.reset();
    return answers;
  }
  static std::vector<std::string> UpTo(int n) {
    std::vector<std::string> out;
    for (int i = 1; i <= n; ++i) out.push_back(absl::StrCat(i));
    return out;
  }
};

TEST_F(ScriptTest, RepliesComeInOrderHoweverTheyAreSplit) {
  for (const int per_message : {1, 2, 7, 1000}) {
    Script script({[=](auto* s) { return Script::Serve(s, per_message, kEverything, grpc::Status::OK); }});
    EXPECT_EQ(Run(script, 100), UpTo(100));
  }
}

TEST_F(ScriptTest, AStreamCutOffAnywhereIsTakenUpAgain) {
  for (const grpc::StatusCode code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED,
                                      grpc::StatusCode::ABORTED, grpc::StatusCode::OK}) {
    const grpc::Status end(code, "cut");
    Script script({[=](auto*) { return end; },                            // before the first message
                   [=](auto* s) { return Script::Serve(s, 1, 0, end); },  // after connected
                   [=](auto* s) { return Script::Serve(s, 1, 3, end); },  // in the middle
                   [=](auto* s) { return Script::Serve(s, 5, 40, end); },
                   [=](auto* s) { return Script::Serve(s, 1000, kEverything, grpc::Status::OK); }});
    EXPECT_EQ(Run(script, 100), UpTo(100)) << code;
    EXPECT_EQ(script.streams(), 5);
  }
}

TEST_F(ScriptTest, UnauthenticatedEndsTheSession) {
  Script script({[](auto* s) { return Script::Serve(s, 1, 2, {grpc::StatusCode::UNAUTHENTICATED, "expired"}); }});
  EXPECT_THAT(Run(script, 4), ElementsAre("1", "2", "SessionExpired", "SessionExpired"));
  EXPECT_EQ(script.streams(), 1);
}

TEST_F(ScriptTest, ASilentServerIsLeft) {
  Script script({[](auto* s) {
                   Script::Hello(s);
                   for (v1::ClientMessage message; s->Read(&message);) {
                   }
                   return grpc::Status::OK;
                 },
                 [](auto* s) { return Script::Serve(s, 1, kEverything, grpc::Status::OK); }});
  ClientOptions options;
  options.stall_timeout = absl::Milliseconds(50);
  EXPECT_EQ(Run(script, 3, std::move(options)), UpTo(3));
}

TEST_F(ScriptTest, AMessageTheServerCallsMalformedIsFinal) {
  Script script({[](auto* s) {
    return Script::Serve(s, 1, 1, {grpc::StatusCode::INVALID_ARGUMENT, "a number out of order"});
  }});
  EXPECT_THAT(Run(script, 2), ElementsAre("1", "Malformed"));
}

}  // namespace
}  // namespace synod::client
