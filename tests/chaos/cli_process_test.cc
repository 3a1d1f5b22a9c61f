// `synod` as a process against a real ensemble: locks whose holders die, watches whose servers die, exports.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/chaos/chaos_fixture.h"

namespace synod::testing {
namespace {

using ::testing::HasSubstr;

// A `synod` that runs. What it prints goes to a file; killed with the test if nothing else ends it.
class Process {
 public:
  Process(std::vector<std::string> arguments, const std::string& output, const std::string& input = "/dev/null") {
    arguments.insert(arguments.begin(), SYNOD_BIN_DIR "/synod");
    std::vector<char*> argv;
    for (std::string& word : arguments) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const auto& [path, flags, fd] : {std::make_tuple(input, O_RDONLY, 0), std::make_tuple(output, O_WRONLY, 1),
                                          std::make_tuple(output + ".err", O_WRONLY, 2)})
      dup2(open(path.c_str(), flags | O_CREAT | (fd == 0 ? 0 : O_TRUNC), 0600), fd);
    execv(argv[0], argv.data());
    _exit(126);
  }
  Process(const Process&) = delete;
  ~Process() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    (void)Wait();
  }
  void Signal(int number) const { kill(pid_, number); }
  // Its exit code, or 128 + signal.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
};

class CliProcess : public Chaos {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(StartCluster(3, {"minSessionTimeout=1000"})); }
  void TearDown() override {
    Chaos::TearDown();
    cluster_.reset();
  }
  std::string File(const std::string& name) const { return cluster_->directory() + "/" + name; }
  std::string Content(const std::string& name) const {
    std::ifstream in(File(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> With(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--servers", absl::StrJoin(cluster_->grpc_addresses(), ",")});
    return arguments;
  }
  // To its end; what it printed is in "out" and "out.err".
  int Synod(std::vector<std::string> arguments, const std::string& input = "/dev/null") {
    return Process(With(std::move(arguments)), File("out"), input).Wait();
  }
  // A fifo that a command writes its token to; reading blocks until it does.
  std::string Fifo(const std::string& name) const {
    EXPECT_EQ(mkfifo(File(name).c_str(), 0600), 0);
    return File(name);
  }
  // What the holder runs: fails at once (exit code 99) if anything of another holder is still alive, says its token,
  // and stays. All it starts holds the file lock, also what left its session.
  std::string Holder(const std::string& fifo, const std::string& last) const {
    return "exec 9> " + File("alive") + "; flock -n 9 || exit 99; exec 3> " + fifo +
           "; echo $SYNOD_FENCING_TOKEN >&3; " + last;
  }
  static constexpr char kStay[] = "trap '' TERM; setsid sleep 1000 & while :; do sleep 1000; done";

  static int64_t ReadToken(std::ifstream& in) {
    int64_t token = 0;
    in >> token;
    return token;
  }
};

// S8: the connection of a killed process breaks, and the ensemble knows it soon.
TEST_F(CliProcess, AKilledLockHolderIsFollowedByAHigherToken) {
  const std::string first_fifo = Fifo("first"), second_fifo = Fifo("second");
  const std::vector<std::string> lock = {
      "--session-timeout", "3s", "lock", "/locks/a", "--disconnect-grace", "500ms", "--", "sh", "-c"};
  auto first_words = With(lock), second_words = With(lock);
  first_words.push_back(Holder(first_fifo, kStay));
  second_words.push_back(Holder(second_fifo, "exit 5"));
  Process first(first_words, File("first.out"));
  std::ifstream first_lives(first_fifo);
  const int64_t first_token = ReadToken(first_lives);
  ASSERT_GT(first_token, 0);
  Process second(second_words, File("second.out"));
  first.Signal(SIGKILL);
  std::ifstream second_lives(second_fifo);
  EXPECT_GT(ReadToken(second_lives), first_token);
  EXPECT_EQ(second.Wait(), 5) << Content("second.out.err");
}

// S7: nobody renews what a stopped process holds.
TEST_F(CliProcess, AStoppedLockHoldersCommandIsDeadBeforeTheNextHolds) {
  const std::string first_fifo = Fifo("first"), second_fifo = Fifo("second");
  const std::vector<std::string> lock = {"--session-timeout", "1500ms", "lock", "/locks/a", "--", "sh", "-c"};
  auto first_words = With(lock), second_words = With(lock);
  first_words.push_back(Holder(first_fifo, kStay));
  second_words.push_back(Holder(second_fifo, "exit 5"));
  Process first(first_words, File("first.out"));
  std::ifstream first_lives(first_fifo);
  const int64_t first_token = ReadToken(first_lives);
  ASSERT_GT(first_token, 0);
  Process second(second_words, File("second.out"));
  first.Signal(SIGSTOP);
  std::ifstream second_lives(second_fifo);
  EXPECT_GT(ReadToken(second_lives), first_token);
  EXPECT_EQ(second.Wait(), 5) << Content("second.out.err");
  first.Signal(SIGCONT);
  EXPECT_EQ(first.Wait(), 75) << Content("first.out.err");
}

// S7: without a quorum no ping is answered.
TEST_F(CliProcess, WithoutAQuorumTheHolderEndsItsCommand) {
  const std::string fifo = Fifo("first");
  auto words = With({"--session-timeout", "2s", "elect", "/election", "--", "sh", "-c"});
  words.push_back(Holder(fifo, kStay));
  Process leader(words, File("first.out"));
  std::ifstream lives(fifo);
  ASSERT_GT(ReadToken(lives), 0);
  cluster_->KillTogether({1, 2});
  EXPECT_EQ(leader.Wait(), 75) << Content("first.out.err");
}

// S6: a change of leader alone costs nobody a lock.
TEST_F(CliProcess, ALockOutlivesTheLeaderOfTheEnsemble) {
  const std::string fifo = Fifo("first"), go = Fifo("go");
  auto words = With({"lock", "/locks/a", "--", "sh", "-c"});
  words.push_back(Holder(fifo, "cat " + go + "; exit 5"));
  Process holder(words, File("first.out"));
  std::ifstream lives(fifo);
  ASSERT_GT(ReadToken(lives), 0);
  const int leader = Leader();
  cluster_->Kill(leader);
  ASSERT_EQ(Synod({"create", "/after"}), 0) << Content("out.err");
  std::ofstream(go) << "go" << std::endl;
  EXPECT_EQ(holder.Wait(), 5) << Content("first.out.err");
}

// W3
TEST_F(CliProcess, ARecursiveWatchGoesOnFromItsCursorAfterItsServerWasKilled) {
  for (const char* path : {"/a", "/a/1", "/a/2"}) ASSERT_EQ(Synod({"create", path}), 0) << Content("out.err");
  ASSERT_EQ(Synod({"--json", "watch", "-R", "/a", "--from", "0", "--count", "2"}), 0) << Content("out.err");
  const std::string seen = Content("out");
  const std::string mark = "\"cursor\":\"";
  const size_t at = seen.rfind(mark) + mark.size();
  const std::string cursor = seen.substr(at, seen.find('"', at) - at);
  EXPECT_THAT(seen, HasSubstr("\"path\":\"/a/1\""));
  ASSERT_EQ(Synod({"create", "/a/3"}), 0);
  cluster_->Kill(Leader());
  ASSERT_EQ(Synod({"create", "/a/4"}), 0) << Content("out.err");
  ASSERT_EQ(Synod({"watch", "-R", "/a", "--from", cursor, "--count", "3"}), 0) << Content("out.err");
  std::vector<std::string> paths;
  for (absl::string_view line : absl::StrSplit(Content("out"), '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words[0] == "created") paths.push_back(words[1]);
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"/a/2", "/a/3", "/a/4"}));
}

TEST_F(CliProcess, AnExportComesBackWithItsAclsAndIsOfOneMoment) {
  ASSERT_EQ(Synod({"create", "/app", "--acl", "world:anyone:r,digest-password:me:secret:cdrwa"}), 0);
  ASSERT_EQ(Synod({"create", "/app/x"}), 1);
  EXPECT_THAT(Content("out.err"), HasSubstr("NoAuth"));
  const std::vector<std::string> me = {"--auth", "digest:me:secret"};
  const auto as_me = [&](std::vector<std::string> words) {
    words.insert(words.begin(), me.begin(), me.end());
    return words;
  };
  ASSERT_EQ(Synod(as_me({"create", "/app/empty", "", "--acl", "auth::cdrwa"})), 0) << Content("out.err");
  ASSERT_EQ(Synod(as_me({"create", "/app/null", "--ttl", "1h"})), 0) << Content("out.err");
  ASSERT_EQ(Synod(as_me({"create", "/app/box", "--container"})), 0) << Content("out.err");
  // Somebody without ADMIN sees no hashes: such an export cannot be imported, and says so.
  EXPECT_EQ(Synod({"export", "/app"}), 1);
  ASSERT_EQ(Synod(as_me({"export", "/app"})), 0) << Content("out.err");
  const std::string exported = Content("out");
  EXPECT_THAT(exported, HasSubstr("\"consistent\":true"));
  EXPECT_THAT(exported, HasSubstr("\"mode\":\"container\""));
  EXPECT_THAT(exported, HasSubstr("\"mode\":\"ttl\",\"ttl_ms\":3600000"));
  std::ofstream(File("app.jsonl")) << exported;
  ASSERT_EQ(Synod(as_me({"rm", "-R", "/app"})), 0) << Content("out.err");
  ASSERT_EQ(Synod(as_me({"import"}), File("app.jsonl")), 0) << Content("out.err");
  ASSERT_EQ(Synod(as_me({"export", "/app"})), 0) << Content("out.err");
  EXPECT_EQ(Content("out"), exported);
}

TEST_F(CliProcess, QuotasTransactionsAndCountsWorkAsTheHelpSays) {
  ASSERT_EQ(Synod({"create", "/app"}), 0);
  ASSERT_EQ(Synod({"quota", "set", "/app", "--count", "5"}), 0) << Content("out.err");
  ASSERT_EQ(Synod({"txn", "--text", "if missing /app/x; then create /app/x value; else check /app/x"}), 0)
      << Content("out.err");
  EXPECT_EQ(Synod({"txn", "--text", "if missing /app/x; then create /app/x; else set /app/x other"}), 1);
  ASSERT_EQ(Synod({"--json", "quota", "get", "/app"}), 0) << Content("out.err");
  EXPECT_THAT(Content("out"), HasSubstr("\"count\":{\"used\":2,\"soft\":5,\"hard\":null},\"bytes\":{\"used\":5,"));
  ASSERT_EQ(Synod({"count", "/app"}), 0);
  EXPECT_EQ(Content("out"), "1\n");
  ASSERT_EQ(Synod({"quota", "rm", "/app"}), 0) << Content("out.err");
  ASSERT_EQ(Synod({"rm", "-R", "/app"}), 0) << Content("out.err");
}

}  // namespace
}  // namespace synod::testing
