#include "tests/chaos/recipes_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tests/support/eventually.h"

namespace synod::testing {

client::Result<int64_t> Believer::Acquire(absl::Duration timeout) {
  token_ = 0;
  const client::Result<int64_t> token = holder_->Acquire(timeout);
  if (token.ok()) token_ = *token;
  return token;
}
void Believer::Release() {
  token_ = 0;
  holder_->Release();
}

void BeliefSampler::Run() {
  std::vector<int64_t> first(believers_.size());
  while (!stop_) {
    for (size_t i = 0; i < believers_.size(); ++i) first[i] = believers_[i]->Believes();
    int now = 0;
    for (size_t i = 0; i < believers_.size(); ++i) {
      if (first[i] != 0 && believers_[i]->Believes() == first[i]) ++now;
    }
    if (now > most_) most_ = now;
    std::this_thread::yield();
  }
}

void GrantOrder::Add(const Believer& believer, int64_t token) {
  std::lock_guard lock(mutex_);
  tokens_.push_back(token);
  // Lost in the meantime: another may have been first.
  if (believer.Believes() != token) tokens_.pop_back();
}
size_t GrantOrder::ExpectRising() const {
  std::lock_guard lock(mutex_);
  for (size_t i = 1; i < tokens_.size(); ++i) EXPECT_GT(tokens_[i], tokens_[i - 1]) << "grant " << i;
  return tokens_.size();
}
size_t GrantOrder::size() const {
  std::lock_guard lock(mutex_);
  return tokens_.size();
}

HolderProcess::HolderProcess(const std::string& servers, const std::string& path, absl::Duration session_timeout) {
  int down[2], up[2];
  EXPECT_EQ(pipe2(down, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(up, O_CLOEXEC), 0);
  const std::vector<std::string> words = {SYNOD_BIN_DIR "/lock_holder",
                                          servers,
                                          path,
                                          absl::StrCat(absl::ToInt64Milliseconds(session_timeout)),
                                          absl::StrCat(down[0]),
                                          absl::StrCat(up[1])};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fcntl(down[0], F_SETFD, 0);
    fcntl(up[1], F_SETFD, 0);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(down[0]);
  close(up[1]);
  to_ = down[1];
  from_ = up[0];
}

HolderProcess::~HolderProcess() {
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(to_);
  close(from_);
}

std::string HolderProcess::ReadLine() {
  std::string line;
  for (char c = 0; read(from_, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}
int64_t HolderProcess::WaitForToken() { return atoll(ReadLine().c_str()); }
bool HolderProcess::Believes() {
  EXPECT_EQ(write(to_, "?", 1), 1);
  return ReadLine() == "held";
}
void HolderProcess::Signal(int number) const { kill(pid_, number); }

std::string RecipeChaos::Servers() const { return absl::StrJoin(cluster_->grpc_addresses(), ","); }

std::unique_ptr<recipes::Session> RecipeChaos::Connect(absl::Duration timeout, std::string servers) {
  client::ClientOptions options;
  options.servers = servers.empty() ? Servers() : std::move(servers);
  options.session_timeout = timeout;
  auto session = recipes::Session::Create(std::move(options));
  EXPECT_TRUE(session.ok()) << session.status();
  return *std::move(session);
}

void RecipeChaos::Restart(int id) {
  const absl::Status started = cluster_->StartServer(id);
  ASSERT_TRUE(started.ok()) << started;
  const absl::Status ready = cluster_->WaitReady(kPatience);
  ASSERT_TRUE(ready.ok()) << ready;
}

void RecipeChaos::AwaitProgress(const std::function<int()>& progress, int steps) {
  const int goal = progress() + steps;
  ASSERT_TRUE(Eventually([&] { return progress() >= goal; })) << "stuck at " << progress();
}

void RecipeChaos::KillServersInTurn(const std::function<int()>& progress) {
  ASSERT_NO_FATAL_FAILURE(AwaitProgress(progress, 3));
  for (int id : cluster_->ids()) {
    cluster_->Kill(id);
    ASSERT_NO_FATAL_FAILURE(AwaitProgress(progress, 3));
    ASSERT_NO_FATAL_FAILURE(Restart(id));
  }
  const int leader = Leader();
  ASSERT_NE(leader, 0);
  cluster_->Kill(leader);
  ASSERT_NO_FATAL_FAILURE(AwaitProgress(progress, 3));
  ASSERT_NO_FATAL_FAILURE(Restart(leader));
}

}  // namespace synod::testing
