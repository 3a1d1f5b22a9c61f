// Clients without a socket, on a loop whose time a test steps.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/coordinator/frontdoor/zookeeper/client_session_world.h"

namespace synod::frontdoor::zookeeper::testing {

// One connection: the session, and a host that does what a socket does.
class TestClient final : public ClientSessionHost {
 public:
  TestClient(SteppedLoop* loop, SteppedClock* clock, LoneServer* server, const ClientSessionOptions* options,
             SessionWorkspace* workspace, std::string address)
      : loop_(loop), clock_(clock) {
    session_ = std::make_unique<ClientSession>(options, server->service(), clock, this, workspace, std::move(address),
                                               uint16_t{4711});
  }

  // Gives it all bytes, at most `piece` at a time, waiting as a socket does while it wants none.
  void Send(std::string_view bytes, size_t piece = SIZE_MAX) {
    while (!bytes.empty() && !session_->finished()) {
      if (!session_->wants_input()) {
        SYNOD_CHECK(Turn()) << "it wants no input, and nothing happens";
        continue;
      }
      size_t n = std::min({piece, bytes.size(), session_->input_max()});
      session_->Take(bytes.substr(0, n));
      bytes.remove_prefix(n);
      Collect();
    }
    Run();
  }
  // Runs all that is ready now.
  void Run() {
    while (Turn()) {
    }
  }
  // Time passes.
  void Advance(absl::Duration d) {
    for (; d > absl::ZeroDuration(); d -= absl::Milliseconds(10)) {
      loop_->Advance(std::min(d, absl::Milliseconds(10)));
      Run();
    }
  }
  // One task of the loop; false: there is nothing to do.
  bool Turn() {
    bool ran = loop_->RunOne();
    if (std::exchange(resume_, false)) {
      session_->Take({});
      ran = true;
    }
    Collect();
    return ran || resume_;
  }
  // All frames since the last call.
  std::vector<std::string> Frames() { return TakeFrames(&received_); }
  std::vector<Answer> Answers() {
    std::vector<Answer> answers;
    for (const std::string& frame : Frames()) answers.push_back(Parse(frame));
    return answers;
  }
  Granted Connect(const ConnectBytes& connect = {}) {
    Send(connect.Frame());
    std::vector<std::string> frames = Frames();
    SYNOD_CHECK_EQ(frames.size(), 1u);
    return ParseGranted(frames[0]);
  }
  ClientSession& session() { return *session_; }
  std::string& received() { return received_; }

  // The client does not read: its output stays where it is.
  bool reads = true;
  bool admits = true;
  std::string word;  // asked for
  int ready = 0;     // calls of OutputReady

 private:
  void OutputReady() override { ++ready; }
  void InputWanted() override { resume_ = true; }
  bool AdmitConnect() override { return admits; }
  std::string AnswerWord(std::string_view w) override {
    word = w;
    return "answer to " + word;
  }
  void Collect() {
    session_->OutputLeaves(clock_->Monotonic());
    while (reads && !session_->unsent().empty()) {
      received_ += session_->unsent();
      session_->Sent(session_->unsent().size());
    }
    if (session_->input_waits()) resume_ = true;
  }

  SteppedLoop* loop_;
  SteppedClock* clock_;
  std::unique_ptr<ClientSession> session_;
  std::string received_;
  bool resume_ = false;
};

// A server and its clients.
struct World {
  explicit World(const service::ServiceConfig& config = {}) : server(&loop, &clock, config) {}

  std::unique_ptr<TestClient> NewClient(std::string address = "10.0.0.7") {
    return std::make_unique<TestClient>(&loop, &clock, &server, &options, &workspace, std::move(address));
  }

  SteppedClock clock;
  SteppedLoop loop{&clock};
  ClientSessionOptions options;
  SessionWorkspace workspace;
  LoneServer server;
};

MATCHER_P2(Is, xid, error, "") { return arg.xid == xid && arg.error == static_cast<int32_t>(error); }

}  // namespace synod::frontdoor::zookeeper::testing
