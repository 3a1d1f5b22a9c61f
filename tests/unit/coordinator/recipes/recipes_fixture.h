// Recipes over real gRPC against a fake ensemble in this process.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/client/blocking.h"
#include "coordinator/recipes/session.h"
#include "tests/support/fake_coordination.h"

namespace synod::recipes {

// A hang must fail, not hang.
constexpr absl::Duration kPatience = absl::Seconds(60);

// What callbacks said, in order, to wait for.
template <typename T>
class Heard {
 public:
  void Add(T value) {
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(value));
    changed_.notify_all();
  }
  // False: fewer than `count` within kPatience.
  bool WaitForCount(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(kPatience), [&] { return all_.size() >= count; });
  }
  // Asked whenever there is anything, and more came.
  template <typename Predicate>
  bool WaitFor(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(kPatience),
                             [&] { return !all_.empty() && predicate(all_); });
  }
  std::vector<T> all() const {
    std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

class Recipes : public ::testing::Test {
 protected:
  Recipes() {
    for (uint32_t id = 1; id <= 2; ++id) servers_.push_back(std::make_unique<testing::FakeServer>(state_, id));
  }
  std::string List() const { return absl::StrCat(servers_[0]->address(), ",", servers_[1]->address()); }
  std::unique_ptr<Session> MakeSession(absl::Duration timeout = absl::Seconds(10), bool renew = true) {
    client::ClientOptions options;
    options.servers = List();
    options.session_timeout = timeout;
    auto session = Session::Create(std::move(options), renew);
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }
  std::vector<std::string> Children(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    return state_->ChildrenOf(path);
  }
  // As an operator would, from outside.
  void DeleteNode(const std::string& path) {
    v1::Request request;
    request.mutable_delete_()->set_path(path);
    request.mutable_delete_()->set_version(-1);
    std::lock_guard lock(state_->mutex);
    EXPECT_EQ(Apply(request), v1::OK) << path;
  }
  // Answers of the session come in order: what was called before is done.
  void Settle(Session* session) {
    std::promise<void> synced;
    session->client()->Sync("/", [&](const auto&) { synced.set_value(); });
    synced.get_future().get();
  }
  // REQUIRES: the state's mutex held.
  v1::ErrorCode Apply(const v1::Request& request) {
    access::IdentitySet nobody;
    return state_->Apply(request, 0, 0, &nobody).error();
  }
  // The ensemble ends every session while none is connected: over a stream that still lives a client could learn of its
  // ephemerals' end before it learns of its own.
  void ExpireAllSessions() {
    for (auto& server : servers_) server->Stop();
    {
      std::lock_guard lock(state_->mutex);
      while (!state_->sessions.empty()) state_->CloseSession(state_->sessions.begin()->first);
    }
    for (auto& server : servers_) server->Start();
  }
  // Every connection breaks; the sessions live.
  void RestartServers() {
    for (auto& server : servers_) server->Stop();
    for (auto& server : servers_) server->Start();
  }

  std::shared_ptr<testing::FakeState> state_ = std::make_shared<testing::FakeState>();
  std::vector<std::unique_ptr<testing::FakeServer>> servers_;
};

}  // namespace synod::recipes
