// `synod` against a fake ensemble in this process: what it prints, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <sstream>

#include "coordinator/cli/shell.h"
#include "tests/unit/coordinator/cli/cli_fixture.h"

namespace synod::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(CliTest, CreateGetSetDelete) {
  EXPECT_EQ(Synod({"create", "/app", "some text"}), 0);
  EXPECT_EQ(out_, "Created /app\n");
  EXPECT_EQ(Synod({"get", "/app"}), 0);
  EXPECT_EQ(out_, "some text\n");
  EXPECT_EQ(Synod({"set", "/app", "other", "-v", "0"}), 0);
  EXPECT_EQ(out_, "Set /app, version 1\n");
  EXPECT_EQ(Synod({"set", "/app", "more", "-v", "-1"}), 0);
  EXPECT_EQ(Synod({"exists", "/app"}), 0);
  EXPECT_EQ(out_, "yes\n");
  EXPECT_EQ(Synod({"delete", "/app", "-v", "2"}), 0);
  EXPECT_EQ(Synod({"exists", "/app"}), 1);
  EXPECT_EQ(out_, "no\n");
}

TEST_F(CliTest, WritesEndTheirSession) {
  EXPECT_EQ(Synod({"create", "/app", "x"}), 0);
  EXPECT_TRUE(state_->sessions.empty());
}

TEST_F(CliTest, RefusalsSayWhatToDoAndExitWithOne) {
  EXPECT_EQ(Synod({"get", "/nowhere"}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("NoNode"), HasSubstr("/nowhere")));
  EXPECT_EQ(Synod({"create", "/a/b", "x"}), 1);
  EXPECT_THAT(err_, HasSubstr("-p"));
  ASSERT_EQ(Synod({"create", "-p", "/a/b", "x"}), 0);
  EXPECT_EQ(Synod({"create", "/a/b", "x"}), 1);
  EXPECT_THAT(err_, HasSubstr("NodeExists"));
  EXPECT_EQ(Synod({"delete", "/a"}), 1);
  EXPECT_THAT(err_, HasSubstr("rm -R"));
  EXPECT_EQ(Synod({"set", "/a/b", "x", "-v", "7"}), 1);
  EXPECT_THAT(err_, HasSubstr("BadVersion"));
  EXPECT_EQ(Synod({"--json", "get", "/nowhere"}), 1);
  EXPECT_THAT(err_, HasSubstr("\"error\":\"NoNode\""));
}

TEST_F(CliTest, UsageErrorsExitWithTwo) {
  EXPECT_EQ(Synod({"frobnicate"}), 2);
  EXPECT_EQ(Synod({"create"}), 2);
  EXPECT_EQ(Synod({"get", "/a", "--bogus"}), 2);
  EXPECT_EQ(Synod({"--timeout", "never", "get", "/a"}), 2);
  EXPECT_EQ(Synod({"--strength", "wishful", "get", "/a"}), 2);
  EXPECT_EQ(Synod({"--servers", "nowhere", "get", "/a"}), 2);
  EXPECT_THAT(err_, HasSubstr("host:port"));
  EXPECT_EQ(Synod({"create", "/a", "xyz", "--hex"}), 2);
  EXPECT_EQ(Synod({"create", "/a", "--", "true"}), 2);
  EXPECT_EQ(Synod({"multi", "frob /a"}), 2);
  EXPECT_EQ(state_->writes_applied, 0);
}

TEST_F(CliTest, ErrorsSayWhatIsWrongWithWhatWasTyped) {
  EXPECT_EQ(Synod({"frobnicate"}), 2);
  EXPECT_THAT(err_, HasSubstr("no such command: frobnicate"));
  EXPECT_EQ(Synod({"ensemble", "frob"}), 2);
  EXPECT_THAT(err_, HasSubstr("status, members"));
  EXPECT_EQ(Synod({"--strength", "wishful", "get", "/a"}), 2);
  EXPECT_THAT(err_, HasSubstr("session, linearizable, local"));
  EXPECT_EQ(Synod({"--json", "create"}), 2);
  EXPECT_THAT(err_, HasSubstr("{\"error\":\"Usage\""));
  EXPECT_EQ(Synod({"--json", "ensemble", "transfer", "9"}), 1);
  EXPECT_THAT(err_, HasSubstr("{\"error\":\"Refused\""));
  EXPECT_EQ(Synod({"create", "/\xff"}), 1);
  EXPECT_THAT(err_, HasSubstr("UTF-8"));
  EXPECT_EQ(Synod({"create", "/no/where"}), 1);
  EXPECT_THAT(err_, HasSubstr("/no does not exist"));
  EXPECT_EQ(state_->nodes.size(), 1u);
}

TEST_F(CliTest, HelpNamesExitCodesAndEveryVerbHasExamples) {
  EXPECT_EQ(Synod({"--help"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("Exit codes"), HasSubstr("SYNOD_SERVERS")));
  for (const std::string& verb : VerbNames()) {
    if (verb == "help" || verb == "quit") continue;
    EXPECT_EQ(Synod({verb, "--help"}), 0);
    EXPECT_THAT(out_, HasSubstr("Example")) << verb;
  }
}

TEST_F(CliTest, WithoutAQuorumItExitsWithThreeAndNamesTheServers) {
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "no leader is known"});
  EXPECT_EQ(Synod({"--timeout", "300ms", "set", "/a", "x"}), 3);
  EXPECT_THAT(err_, AllOf(HasSubstr("no quorum"), HasSubstr("no leader is known"), HasSubstr(servers_[2]->address())));
  EXPECT_EQ(Synod({"--timeout", "300ms", "get", "/a"}), 3);
  EXPECT_THAT(err_, HasSubstr("no quorum"));
  EXPECT_EQ(Synod({"ensemble", "status"}), 3);
  EXPECT_THAT(err_, HasSubstr("no quorum"));
}

TEST_F(CliTest, ExitCodesFollowTheEffect) {
  using client::Effect;
  using client::ErrorCode;
  EXPECT_EQ(ExitCodeOf({}), 0);
  EXPECT_EQ(ExitCodeOf({ErrorCode::kNoNode, Effect::kNotDone, ""}), 1);
  EXPECT_EQ(ExitCodeOf({ErrorCode::kTimeout, Effect::kNotDone, ""}), 3);
  EXPECT_EQ(ExitCodeOf({ErrorCode::kTimeout, Effect::kMayHaveBeenDone, ""}), 4);
  EXPECT_EQ(ExitCodeOf({ErrorCode::kSessionExpired, Effect::kNotDone, ""}), 3);
}

TEST_F(CliTest, DataIsBinarySafe) {
  const std::string bytes("\x00\xff\n\"x", 5);
  ASSERT_EQ(Synod({"create", "/blob", "-"}, bytes), 0);
  EXPECT_EQ(Synod({"get", "--raw", "/blob"}), 0);
  EXPECT_EQ(out_, bytes);
  EXPECT_EQ(Synod({"get", "--hex", "/blob"}), 0);
  EXPECT_EQ(out_, "00ff0a2278\n");
  EXPECT_EQ(Synod({"get", "--json", "/blob"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"data\":{\"hex\":\"00ff0a2278\"}"));
  ASSERT_EQ(Synod({"set", "/blob", "--hex", "0A0b"}), 0);
  EXPECT_EQ(Synod({"get", "--raw", "/blob"}), 0);
  EXPECT_EQ(out_, "\n\x0b");
}

TEST_F(CliTest, NullIsNotEmpty) {
  ASSERT_EQ(Synod({"create", "/null"}), 0);
  ASSERT_EQ(Synod({"create", "/empty", ""}), 0);
  Synod({"--json", "get", "/null"});
  EXPECT_THAT(out_, HasSubstr("\"data\":null"));
  Synod({"--json", "get", "/empty"});
  EXPECT_THAT(out_, HasSubstr("\"data\":\"\""));
}

TEST_F(CliTest, ListsAndTrees) {
  ASSERT_EQ(Synod({"create", "-p", "/a/b/c", "123"}), 0);
  ASSERT_EQ(Synod({"create", "/a/d"}), 0);
  EXPECT_EQ(Synod({"ls", "/a"}), 0);
  EXPECT_EQ(out_, "b\nd\n");
  EXPECT_EQ(Synod({"ls", "-R", "/a"}), 0);
  EXPECT_EQ(out_, "/a\n/a/b\n/a/b/c\n/a/d\n");
  // Nothing that was asked for is left out without a word.
  for (const char* other : {"-l", "-s", "-w", "--limit=1", "--after=b", "--prefix=b", "--page=1"})
    EXPECT_EQ(Synod({"ls", "-R", other, "/a"}), 2) << other;
  EXPECT_EQ(Synod({"ls", "--limit", "0", "/a"}), 2);
  EXPECT_THAT(err_, HasSubstr("range 1 to"));
  EXPECT_EQ(Synod({"ls", "-l", "/a/b"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("NAME"), HasSubstr("c         3"), HasSubstr("persistent")));
  EXPECT_EQ(Synod({"ls", "--json", "/a"}), 0);
  EXPECT_EQ(out_, "{\"name\":\"b\",\"path\":\"/a/b\"}\n{\"name\":\"d\",\"path\":\"/a/d\"}\n");
  EXPECT_EQ(Synod({"tree", "/a"}), 0);
  EXPECT_EQ(out_, "/a\n├── b\n│   └── c\n└── d\n4 nodes\n");
  EXPECT_EQ(Synod({"tree", "/a", "--depth", "1"}), 0);
  EXPECT_EQ(out_, "/a\n├── b\n└── d\n3 nodes, and more below\n");
  EXPECT_EQ(Synod({"stat", "/a"}), 0);
  EXPECT_THAT(out_, HasSubstr("numChildren    = 2"));
  EXPECT_EQ(Synod({"delete", "-R", "/a"}), 0);
  EXPECT_EQ(out_, "Deleted /a, 4 nodes\n");
  EXPECT_EQ(state_->nodes.size(), 1u);
}

TEST_F(CliTest, SequentialNamesArePrinted) {
  ASSERT_EQ(Synod({"create", "-s", "/job-", "x"}), 0);
  EXPECT_EQ(out_, "Created /job-0000000000\n");
}

TEST_F(CliTest, AnEphemeralNodeLivesWhileItsCommandRuns) {
  const std::string seen = ::testing::TempDir() + "/synod_cli_seen";
  EXPECT_EQ(Synod({"create", "-e", "/worker", "x", "--", "sh", "-c", "echo ran > " + seen + "; exit 7"}), 7);
  std::string text;
  std::ifstream(seen) >> text;
  EXPECT_EQ(text, "ran");
  EXPECT_EQ(state_->nodes.count("/worker"), 0u);
}

TEST_F(CliTest, AMultiIsAllOrNothing) {
  EXPECT_EQ(Synod({"multi", "create /a 'two words'", "set /a x -v 0", "check /a -v 1"}), 0);
  EXPECT_THAT(out_, HasSubstr("create     /a    Ok"));
  EXPECT_EQ(Synod({"multi"}, "# a comment\ncreate /b\n\ncheck /a -v 9\n"), 1);
  EXPECT_THAT(out_, AllOf(HasSubstr("create     /b    Ok, but not done"), HasSubstr("BadVersion")));
  EXPECT_THAT(err_, HasSubstr("/a"));
  EXPECT_EQ(state_->nodes.count("/b"), 0u);
  EXPECT_EQ(Synod({"--json", "multi", "delete /a"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"done\":true"));
}

TEST_F(CliTest, GetWithWatchWaitsForOneChange) {
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  auto watching = std::async(std::launch::async, [this] {
    std::istringstream in;
    std::ostringstream out, err;
    (void)RunCommandLine({"get", "-w", "/a"}, List(), false, {in, out, err});
    return out.str();
  });
  state_->WaitForWatch();
  ASSERT_EQ(Synod({"set", "/a", "y"}), 0);
  EXPECT_THAT(watching.get(), AllOf(HasSubstr("x\n"), HasSubstr("changed  /a")));
}

TEST_F(CliTest, EnsembleCommandsPrintTables) {
  servers_[2]->Stop();
  EXPECT_EQ(Synod({"ensemble", "status"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("ROLE"), HasSubstr("leader"), HasSubstr("follower"), HasSubstr("unreachable"),
                          HasSubstr("server 1 leads"), HasSubstr("2 of 3 servers ready")));
  EXPECT_EQ(Synod({"ensemble", "members"}), 0);
  EXPECT_THAT(out_, HasSubstr("127.0.0.1:2888"));
  EXPECT_EQ(Synod({"ensemble", "transfer", "2"}), 0);
  EXPECT_THAT(out_, HasSubstr("Server 2 leads now"));
  EXPECT_EQ(Synod({"ensemble", "transfer", "9"}), 1);
  EXPECT_THAT(err_, HasSubstr("no voter"));
  EXPECT_EQ(Synod({"ensemble", "snapshot"}), 3);
  EXPECT_EQ(Synod({"--json", "ensemble", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"reachable\":false"));
  EXPECT_THAT(out_, StartsWith("{")) << "an object per line";
}

TEST_F(CliTest, DigestsThatDifferAreAnError) {
  EXPECT_EQ(Synod({"ensemble", "digest"}), 0);
  EXPECT_THAT(out_, HasSubstr("The digests agree"));
  servers_[1]->digest = "ef01";
  EXPECT_EQ(Synod({"ensemble", "digest"}), 1);
  EXPECT_THAT(err_, HasSubstr("DIFFER"));
}

TEST_F(CliTest, TheShellRunsLinesInOneSession) {
  const int code = Synod({}, "create -e /me 'two words'\n# nothing\nget /me\nls / --json\nquit\nget /never\n");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(out_, "Created /me\ntwo words\n{\"name\":\"me\",\"path\":\"/me\"}\n");
  EXPECT_EQ(state_->nodes.count("/me"), 0u);  // gone with the shell's session
}

TEST_F(CliTest, TheShellGoesOnAfterAnErrorAndEndsWithItsCode) {
  EXPECT_EQ(Synod({}, "get /nowhere\nfrobnicate\ncreate /a 'x\ncreate /a\n"), 1);
  EXPECT_THAT(err_, HasSubstr("quote"));
  EXPECT_EQ(out_, "Created /a\n");
}

TEST_F(CliTest, CompletionKnowsVerbsAndPaths) {
  ASSERT_EQ(Synod({"create", "-p", "/app/one/x"}), 0);
  ASSERT_EQ(Synod({"create", "/app/only"}), 0);
  std::istringstream in;
  std::ostringstream out, err;
  Settings settings;
  settings.servers = List();
  Environment env(settings, {in, out, err});
  EXPECT_THAT(Completions(env, "", "cr"), ElementsAre("create"));
  EXPECT_THAT(Completions(env, "ensemble ", "s"), ElementsAre("status", "snapshot"));
  EXPECT_THAT(Completions(env, "get ", "/app/on"), ElementsAre("/app/one", "/app/only"));
  EXPECT_THAT(Completions(env, "get ", "/app/one"), ElementsAre("/app/one/"));
  EXPECT_TRUE(Completions(env, "get ", "/none/").empty());
}

TEST_F(CliTest, BenchMeasuresAndCleansUp) {
  for (const char* op : {"set", "get", "create", "mixed"}) {
    EXPECT_EQ(Synod({"--json", "bench", "--op", op, "--seconds", "0.2", "--warmup", "0", "--sessions", "4",
                     "--outstanding", "8"}),
              0)
        << err_;
    EXPECT_THAT(out_, AllOf(HasSubstr("\"operations_per_second\""), HasSubstr("\"errors\":0,\"broken_streams\":0"),
                            Not(HasSubstr("\"operations\":0,")), HasSubstr("\"servers_cpu_us_per_operation\"")));
  }
  EXPECT_EQ(state_->nodes.size(), 1u);
  EXPECT_EQ(Synod({"bench", "--seconds", "0.1", "--warmup", "0", "--sessions", "2", "--outstanding", "2"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("operations/s"), HasSubstr("p99.9"), HasSubstr("all servers")));
}

}  // namespace
}  // namespace synod::cli
