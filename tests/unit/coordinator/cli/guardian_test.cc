// A guarded command ends when its time is over, whatever it, its children or its owner do.
#include "coordinator/cli/guardian.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/client/stream_loop.h"

namespace synod::cli {
namespace {

using client::MonotonicNow;

class GuardianTest : public ::testing::Test {
 protected:
  GuardianTest() {
    fifo_ = ::testing::TempDir() + "/synod_guardian_" + std::to_string(getpid()) + "_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    unlink(fifo_.c_str());
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
  }
  ~GuardianTest() override { unlink(fifo_.c_str()); }

  // A shell whose descriptor 3, inherited by all it starts, is the fifo.
  std::unique_ptr<GuardedCommand> Run(const std::string& script, absl::Duration time,
                                      absl::Duration grace = absl::ZeroDuration()) {
    GuardOptions options;
    options.command = {"sh", "-c", "exec 3> " + fifo_ + "; " + script};
    options.environment = {{"ANSWER", "42"}};
    options.grace = grace;
    auto command = GuardedCommand::Start(options, MonotonicNow() + time);
    EXPECT_TRUE(command.ok()) << command.status();
    lives_ = open(fifo_.c_str(), O_RDONLY | O_CLOEXEC);  // waits for the shell
    return *std::move(command);
  }
  // The next byte the script writes to 3.
  char Read() {
    char c = 0;
    return read(lives_, &c, 1) == 1 ? c : 0;
  }
  // Returns once no process holds descriptor 3 any more: all that the shell started are dead.
  void WaitUntilAllAreDead() {
    char bytes[100];
    while (read(lives_, bytes, sizeof bytes) > 0) {
    }
    close(lives_);
  }

  std::string fifo_;
  int lives_ = -1;
};

TEST_F(GuardianTest, PassesTheExitCodeAndTheEnvironmentOn) {
  const GuardReport report = Run("test $ANSWER = 42 && exit 7", absl::Seconds(60))->Wait();
  EXPECT_EQ(report.exit_code, 7);
  EXPECT_FALSE(report.revoked);
  EXPECT_EQ(Run("kill -USR1 $$", absl::Seconds(60))->Wait().exit_code, 128 + SIGUSR1);
}

TEST_F(GuardianTest, SaysThatThereIsNoSuchCommand) {
  GuardOptions options;
  options.command = {"/no/such/command"};
  auto command = GuardedCommand::Start(options, MonotonicNow() + absl::Seconds(60));
  ASSERT_TRUE(command.ok());
  EXPECT_EQ((*command)->Wait().exit_code, 127);
}

TEST_F(GuardianTest, KillsAtTheDeadlineWhoHeedsNoSigterm) {
  auto command =
      Run("trap '' TERM; printf r >&3; while :; do sleep 1000; done", absl::Hours(1), absl::Milliseconds(200));
  EXPECT_EQ(Read(), 'r');
  const absl::Duration deadline = MonotonicNow() + absl::Milliseconds(300);
  command->HoldUntil(deadline);
  const GuardReport report = command->Wait();
  EXPECT_GE(MonotonicNow(), deadline);
  EXPECT_EQ(report.exit_code, 128 + SIGKILL);
  EXPECT_TRUE(report.revoked);
  WaitUntilAllAreDead();
}

TEST_F(GuardianTest, SendsSigtermAGraceBefore) {
  auto command =
      Run("trap 'exit 9' TERM; printf r >&3; while :; do sleep 0.01; done", absl::Hours(1), absl::Seconds(60));
  EXPECT_EQ(Read(), 'r');
  command->HoldUntil(MonotonicNow() + absl::Seconds(59));
  const GuardReport report = command->Wait();
  EXPECT_EQ(report.exit_code, 9);
  EXPECT_TRUE(report.revoked);
}

TEST_F(GuardianTest, ASigtermThatComesAtOnceIsNotLost) {
  GuardOptions options;
  options.command = {"sleep", "1000"};
  options.grace = absl::Hours(1);
  auto command = GuardedCommand::Start(options, MonotonicNow() + absl::Seconds(60));
  ASSERT_TRUE(command.ok());
  EXPECT_EQ((*command)->Wait().exit_code, 128 + SIGTERM);
}

TEST_F(GuardianTest, ADeadlineThatMovesOnKeepsTheCommandAlive) {
  auto command = Run("printf r >&3; sleep 1; exit 3", absl::Hours(1));
  EXPECT_EQ(Read(), 'r');
  command->HoldUntil(MonotonicNow() + absl::Milliseconds(500));
  command->HoldUntil(MonotonicNow() + absl::Seconds(60));
  EXPECT_EQ(command->Wait().exit_code, 3);
}

TEST_F(GuardianTest, ADeadlineThatComesNearerKills) {
  auto command = Run("printf r >&3; sleep 1000", absl::Hours(1));
  EXPECT_EQ(Read(), 'r');
  command->HoldUntil(absl::ZeroDuration());
  EXPECT_TRUE(command->Wait().revoked);
  WaitUntilAllAreDead();
}

TEST_F(GuardianTest, NothingOutlivesTheCommand) {
  // In the background, in a session of its own, and an orphan of both kinds.
  auto command =
      Run("sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &) ; exit 5", absl::Hours(1));
  EXPECT_EQ(command->Wait().exit_code, 5);
  WaitUntilAllAreDead();
}

TEST_F(GuardianTest, NothingOutlivesItsOwner) {
  const pid_t owner = fork();
  if (owner == 0) {
    GuardOptions options;
    options.command = {"sh", "-c", "exec 3> " + fifo_ + "; printf r >&3; setsid sleep 1000 & sleep 1000"};
    auto command = GuardedCommand::Start(options, MonotonicNow() + absl::Hours(1));
    pause();
    _exit(0);
  }
  lives_ = open(fifo_.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(Read(), 'r');
  kill(owner, SIGKILL);
  WaitUntilAllAreDead();
  waitpid(owner, nullptr, 0);
}

TEST_F(GuardianTest, AnOwnerThatIsStoppedChangesNothing) {
  const pid_t owner = fork();
  if (owner == 0) {
    auto command = Run("sleep 1000", absl::Hours(1));
    command->HoldUntil(MonotonicNow() + absl::Seconds(1));
    raise(SIGSTOP);
    _exit(0);
  }
  lives_ = open(fifo_.c_str(), O_RDONLY | O_CLOEXEC);
  WaitUntilAllAreDead();
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
}

TEST_F(GuardianTest, RevokeIsSigtermThenSigkill) {
  auto command = Run("trap 'printf t >&3' TERM; printf r >&3; while :; do sleep 0.01; done", absl::Hours(1),
                     absl::Milliseconds(200));
  EXPECT_EQ(Read(), 'r');
  command->Revoke();
  EXPECT_EQ(Read(), 't');
  const GuardReport report = command->Wait();
  EXPECT_EQ(report.exit_code, 128 + SIGKILL);
  EXPECT_TRUE(report.revoked);
}

TEST_F(GuardianTest, SignalsReachTheWholeGroup) {
  auto command = Run("trap 'exit 4' INT; printf r >&3; while :; do sleep 1000 & wait; done", absl::Hours(1));
  EXPECT_EQ(Read(), 'r');
  command->Signal(SIGINT);
  EXPECT_EQ(command->Wait().exit_code, 4);
}

}  // namespace
}  // namespace synod::cli
