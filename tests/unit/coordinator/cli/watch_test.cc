// watch and lock: what comes from the servers by itself, and what must not outlive it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "tests/unit/coordinator/cli/cli_fixture.h"

namespace synod::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ran {
  int code = 0;
  std::string out, err;
};

class WatchTest : public CliTest {
 protected:
  std::future<Ran> Start(std::vector<std::string> arguments) {
    return std::async(std::launch::async, [this, arguments = std::move(arguments)] {
      std::istringstream in;
      std::ostringstream out, err;
      const int code = RunCommandLine(arguments, List(), false, {in, out, err});
      return Ran{code, out.str(), err.str()};
    });
  }
};

// W3
TEST_F(WatchTest, PrintsEveryEventWithTheCursorThatGoesOnBehindIt) {
  ASSERT_EQ(Synod({"create", "/other"}), 0);
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  ASSERT_EQ(Synod({"set", "/a", "y"}), 0);
  ASSERT_EQ(Synod({"delete", "/a"}), 0);
  EXPECT_EQ(Synod({"watch", "-R", "/a", "--from", "0", "--count", "3"}), 0) << err_;
  EXPECT_EQ(out_,
            "Watching /a and everything below from 0; Ctrl-C ends.\n"
            "created  /a  cursor=3-0\nchanged  /a  cursor=5-0\ndeleted  /a  cursor=7-0\n");
  EXPECT_EQ(Synod({"watch", "a"}), 2);
  EXPECT_THAT(err_, HasSubstr("a: a path starts with /"));
  // Each cursor gives exactly what stood behind it.
  EXPECT_EQ(Synod({"--json", "watch", "-R", "/a", "--from", "3-0", "--until", "7-0"}), 0) << err_;
  EXPECT_EQ(out_,
            "{\"event\":\"watching\",\"path\":\"/a\",\"cursor\":\"3-0\"}\n"
            "{\"event\":\"changed\",\"path\":\"/a\",\"zxid\":5,\"cursor\":\"5-0\"}\n"
            "{\"event\":\"deleted\",\"path\":\"/a\",\"zxid\":7,\"cursor\":\"7-0\"}\n");
}

TEST_F(WatchTest, PrintsDataOnWish) {
  ASSERT_EQ(Synod({"create", "/a", "two words"}), 0);
  EXPECT_EQ(Synod({"watch", "/a", "--data", "--from", "0", "--count", "1"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("created  /a  cursor=1-0  \"two words\"\n"));
  EXPECT_EQ(Synod({"--json", "watch", "/a", "--data", "--from", "0", "--count", "1"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("\"data\":\"two words\""), HasSubstr("\"stat\":{")));
}

TEST_F(WatchTest, SurvivesTheDeathOfItsServer) {
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  auto watching = Start({"--json", "watch", "/a", "--from", "0", "--count", "2"});
  servers_[0]->Stop();
  ASSERT_EQ(Synod({"set", "/a", "y"}), 0);
  const Ran ran = watching.get();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\"created\""), HasSubstr("\"changed\"")));
}

TEST_F(WatchTest, ACursorThatIsTooOldIsRefusedWithTheOldestOnOffer) {
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  {
    std::lock_guard lock(state_->mutex);
    state_->ForgetEvents();
  }
  EXPECT_EQ(Synod({"watch", "/a", "--from", "0-3"}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("as old as 0-3"), HasSubstr("oldest cursor on offer is 2-all")));
  EXPECT_EQ(Synod({"--json", "watch", "/a", "--from", "0-3"}), 1);
  EXPECT_THAT(err_, AllOf(StartsWith("{\"error\":\"EventsLost\""), HasSubstr("\"oldest\":\"2-all\"")));
}

TEST_F(WatchTest, SaysWhatIsWrong) {
  EXPECT_EQ(Synod({"watch", "/a", "--from", "yesterday"}), 2);
  EXPECT_EQ(Synod({"watch", "/a", "--until", "1-2-3"}), 2);
  for (auto& server : servers_) server->Stop();
  EXPECT_EQ(Synod({"--timeout", "300ms", "watch", "/a"}), 3);
  EXPECT_THAT(err_, HasSubstr("no server reached"));
}

// ---- lock, elect ----

class LockTest : public WatchTest {
 protected:
  std::string File(const std::string& name) const {
    return ::testing::TempDir() + "/synod_" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + name;
  }
  // Opening one end waits for the other.
  std::string Fifo() const {
    const std::string fifo = File("fifo");
    unlink(fifo.c_str());
    EXPECT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    return fifo;
  }
  static std::string Content(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(LockTest, RunsTheCommandWithItsTokenAndGivesTheLockFree) {
  const std::string file = File("out");
  EXPECT_EQ(Synod({"lock", "/l/deploy", "--", "sh", "-c",
                   "echo $SYNOD_LOCK_PATH $SYNOD_FENCING_TOKEN > " + file + "; exit 7"}),
            7)
      << err_;
  EXPECT_THAT(err_, HasSubstr("holding /l/deploy, fencing token "));
  const std::string first = Content(file);
  EXPECT_THAT(first, StartsWith("/l/deploy "));
  EXPECT_TRUE(state_->sessions.empty());
  EXPECT_EQ(Synod({"--json", "elect", "/l/deploy", "--", "sh", "-c", "echo $SYNOD_FENCING_TOKEN > " + file}), 0)
      << err_;
  EXPECT_THAT(err_, HasSubstr("{\"event\":\"acquired\",\"path\":\"/l/deploy\",\"token\":"));
  EXPECT_GT(std::stoll(Content(file)), std::stoll(first.substr(first.find(' '))));
}

TEST_F(LockTest, ASecondOneWaitsForTheFirst) {
  const std::string file = File("order");
  const std::string fifo = Fifo();
  auto first = Start({"lock", "/l", "--", "sh", "-c", "cat " + fifo + " > " + file});
  std::ofstream go(fifo);  // opened: the first command runs
  EXPECT_EQ(Synod({"lock", "/l", "--timeout", "100ms", "--", "true"}), 76);
  EXPECT_THAT(err_, HasSubstr("not acquired"));
  auto second = Start({"lock", "/l", "--", "sh", "-c", "echo second >> " + file});
  go << "first" << std::endl;
  go.close();
  EXPECT_EQ(first.get().code, 0);
  EXPECT_EQ(second.get().code, 0);
  EXPECT_EQ(Content(file), "first\nsecond\n");
}

// S7
TEST_F(LockTest, TheCommandIsEndedWhenTheSessionIsLost) {
  const std::string fifo = Fifo();
  // It heeds no SIGTERM, and what it started has gone into a session of its own.
  auto running = Start({"--session-timeout", "900ms", "lock", "/l", "--", "sh", "-c",
                        "trap '' TERM; exec 3> " + fifo + "; setsid sleep 1000 & while :; do sleep 1000; done"});
  std::ifstream lives(fifo);  // until all of its processes are dead
  for (auto& server : servers_) server->Stop();
  EXPECT_EQ(lives.get(), EOF);
  const Ran ran = running.get();
  EXPECT_EQ(ran.code, 75);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("lost /l"), HasSubstr("session lost")));
}

TEST_F(LockTest, TheCommandIsEndedWhenItsNodeIsDeleted) {
  const std::string fifo = Fifo();
  auto running = Start({"lock", "/l", "--", "sh", "-c", "exec 3> " + fifo + "; sleep 1000"});
  std::ifstream lives(fifo);
  ASSERT_EQ(Synod({"ls", "/l"}), 0);
  ASSERT_EQ(Synod({"delete", "/l/" + out_.substr(0, out_.find('\n'))}), 0);
  EXPECT_EQ(lives.get(), EOF);
  const Ran ran = running.get();
  EXPECT_EQ(ran.code, 75);
  EXPECT_THAT(ran.err, HasSubstr("own node deleted"));
}

TEST_F(LockTest, SaysWhatIsWrong) {
  EXPECT_EQ(Synod({"lock", "/l"}), 2);
  EXPECT_THAT(err_, HasSubstr("-- COMMAND"));
  EXPECT_EQ(Synod({"lock", "l", "--", "true"}), 2);
  EXPECT_EQ(Synod({"lock", "/l", "--grace", "5s", "--", "true"}), 2);
  EXPECT_THAT(err_, HasSubstr("a third"));
  EXPECT_EQ(Synod({"lock", "/l", "--", "/no/such/command"}), 127);
  for (auto& server : servers_) server->Stop();
  EXPECT_EQ(Synod({"--timeout", "300ms", "lock", "/l", "--", "true"}), 3);
}

}  // namespace
}  // namespace synod::cli
