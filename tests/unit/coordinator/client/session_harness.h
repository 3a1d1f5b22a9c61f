// A stepped session: a server's messages by hand, and a log of what its user heard.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/client/requests.h"
#include "coordinator/client/session.h"

namespace synod::client {

class SessionTest : public ::testing::Test {
 protected:
  void Make(SessionTimes times = {}, std::string chroot = "", size_t servers = 3,
            std::vector<Credential> credentials = {}) {
    std::vector<std::string> addresses;
    for (size_t i = 0; i < servers; ++i) addresses.push_back("server" + std::to_string(i) + ":1");
    session_ = std::make_unique<Session>(addresses, Chroot(chroot), std::move(credentials), times, 7,
                                         [this](SessionState s) { log_.push_back(std::string(SessionStateName(s))); });
  }
  // Runs what the session wants done at `now_`.
  void Step() {
    session_->OnTick(now_);
    if (session_->TakeDisconnect()) ++disconnects_;
    if (auto connect = session_->TakeConnect()) {
      attempt_ = connect->attempt;
      servers_.push_back(connect->server);
    }
    for (auto& task : session_->TakeDeliveries()) task();
  }
  v1::ClientMessage Sent() {
    v1::ClientMessage message;
    if (auto bytes = session_->TakeMessage(now_)) {
      EXPECT_TRUE(message.ParseFromString(*bytes));
    }
    return message;
  }
  // Brings the stream to where Connect was sent; returns it.
  v1::ClientMessage Attach() {
    Step();
    session_->OnStarted(attempt_, now_);
    return Sent();
  }
  void Connected(uint32_t timeout_ms = 3000, uint32_t grace_ms = 0, int64_t zxid = 0) {
    v1::ServerMessage message;
    v1::Connected* c = message.mutable_connected();
    c->set_session_id(42);
    c->set_password("secret");
    c->set_timeout_ms(timeout_ms);
    c->set_disconnect_grace_ms(grace_ms);
    c->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Open(uint32_t timeout_ms = 3000, uint32_t grace_ms = 0) {
    Attach();
    Connected(timeout_ms, grace_ms);
  }
  void Pong(uint64_t ping, int64_t zxid = 0) {
    v1::ServerMessage message;
    message.add_items()->mutable_pong()->set_ping(ping);
    message.mutable_items(0)->mutable_pong()->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Reply(uint64_t id, v1::ErrorCode error = v1::OK, int64_t zxid = 0) {
    v1::ServerMessage message;
    v1::Reply* reply = message.add_items()->mutable_reply();
    reply->set_id(id);
    reply->set_error(error);
    reply->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Event(v1::WatchEvent::Type type, const std::string& path, int64_t zxid = 0, uint32_t ordinal = 0) {
    v1::ServerMessage message;
    v1::WatchEvent* event = message.add_items()->mutable_event();
    event->set_type(type);
    event->set_path(path);
    event->set_zxid(zxid);
    event->set_ordinal(ordinal);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void End(absl::Status status) {
    session_->OnEnded(attempt_, status, now_);
    for (auto& task : session_->TakeDeliveries()) task();
  }
  // Logs "name: result".
  void Submit(v1::Request request, const std::string& name, bool watch = false,
              absl::Duration deadline = absl::InfiniteDuration()) {
    Submission submission{std::move(request), nullptr, nullptr, deadline};
    submission.done = [this, name](const Error& error, v1::Reply& reply) {
      std::string line = name + ": " + std::string(ErrorCodeName(error.code));
      if (error.effect == Effect::kMayHaveBeenDone) line += "?";
      if (!reply.result().path().empty()) line += " " + reply.result().path();
      last_message_ = error.message;
      log_.push_back(line);
    };
    if (watch) submission.watch = [this, name](const WatchEvent& e) { log_.push_back(name + " fired " + e.path); };
    session_->Submit(std::move(submission), now_);
  }
  static v1::Request Set(const std::string& path) { return SetRequest(path, "x", -1); }
  static std::vector<uint64_t> Sequences(const v1::ClientMessage& message) {
    std::vector<uint64_t> out;
    for (const v1::Request& r : message.requests()) out.push_back(r.sequence());
    return out;
  }
  std::vector<std::string> TakeLog() { return std::exchange(log_, {}); }

  std::unique_ptr<Session> session_;
  absl::Duration now_ = absl::Seconds(1000);
  uint64_t attempt_ = 0;
  int disconnects_ = 0;
  std::vector<size_t> servers_;
  std::vector<std::string> log_;
  std::string last_message_;
};

}  // namespace synod::client
