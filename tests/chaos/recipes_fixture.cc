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
#include "coordinator/recipes/lock.h"
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
  const std::string milliseconds = absl::StrCat(absl::ToInt64Milliseconds(session_timeout));
  const std::vector<std::string> settings = {
      absl::StrCat("SYNOD_RECIPE_SERVERS=", servers), absl::StrCat("SYNOD_RECIPE_PATH=", path),
      absl::StrCat("SYNOD_RECIPE_TIMEOUT=", milliseconds), absl::StrCat("SYNOD_RECIPE_IN=", down[0]),
      absl::StrCat("SYNOD_RECIPE_OUT=", up[1])};
  std::vector<char*> environment;
  for (const std::string& setting : settings) environment.push_back(const_cast<char*>(setting.c_str()));
  environment.push_back(nullptr);
  const char* const arguments[] = {"recipe-process", "--gtest_also_run_disabled_tests",
                                   "--gtest_filter=RecipeProcess.DISABLED_HoldsALock", nullptr};
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fcntl(down[0], F_SETFD, 0);
    fcntl(up[1], F_SETFD, 0);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    execve("/proc/self/exe", const_cast<char* const*>(arguments), environment.data());
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

// No test: the other side of HolderProcess.
TEST(RecipeProcess, DISABLED_HoldsALock) {
  const char* const servers = getenv("SYNOD_RECIPE_SERVERS");
  ASSERT_NE(servers, nullptr) << "this is run by HolderProcess";
  const int in = atoi(getenv("SYNOD_RECIPE_IN"));
  const int out = atoi(getenv("SYNOD_RECIPE_OUT"));
  client::ClientOptions options;
  options.servers = servers;
  options.session_timeout = absl::Milliseconds(atoi(getenv("SYNOD_RECIPE_TIMEOUT")));
  auto session = recipes::Session::Create(std::move(options));
  ASSERT_TRUE(session.ok());
  recipes::Lock lock(session->get(), getenv("SYNOD_RECIPE_PATH"));
  const auto say = [out](const std::string& line) {
    ASSERT_EQ(write(out, line.data(), line.size()), ssize_t(line.size()));
  };
  const auto token = lock.Acquire();
  say(absl::StrCat(token.ok() ? *token : 0, "\n"));
  for (char c = 0; read(in, &c, 1) == 1;) say(lock.held() ? "held\n" : "not held\n");
}

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
