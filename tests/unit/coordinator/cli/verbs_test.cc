// The verbs of the whole data model, against a fake ensemble.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "coordinator/cli/shell.h"
#include "tests/unit/coordinator/cli/cli_fixture.h"

namespace synod::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class VerbsTest : public CliTest {
 protected:
  std::string DataOf(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    auto it = state_->nodes.find(path);
    return it == state_->nodes.end() ? "(missing)" : it->second.has_data ? it->second.data : "(null)";
  }
  size_t Nodes() {
    std::lock_guard lock(state_->mutex);
    return state_->nodes.size();
  }
};

TEST_F(VerbsTest, AclsAreSetAndPrintedAsTyped) {
  ASSERT_EQ(Synod({"create", "-p", "/a/b"}), 0);
  EXPECT_EQ(Synod({"acl", "get", "/a"}), 0);
  EXPECT_EQ(out_, "world:anyone:cdrwa\n");
  EXPECT_EQ(Synod({"acl", "set", "/a", "world:anyone:r,digest:u:h=:cdrwa"}), 0);
  EXPECT_EQ(out_, "Set the ACL of /a, version 1\n");
  EXPECT_EQ(Synod({"acl", "get", "/a"}), 0);
  EXPECT_EQ(out_, "world:anyone:r\ndigest:u:h=:cdrwa\n");
  EXPECT_EQ(Synod({"acl", "set", "/a", "world:anyone:r", "-v", "7"}), 1);
  EXPECT_THAT(err_, HasSubstr("BadVersion"));
  EXPECT_EQ(Synod({"acl", "set", "-R", "/a", "world:anyone:cdrwa"}), 0);
  EXPECT_EQ(out_, "Set the ACL of /a and all below it, 2 nodes\n");
  EXPECT_EQ(Synod({"--json", "acl", "get", "/a/b"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"acl\":[\"world:anyone:cdrwa\"]"));
  EXPECT_EQ(Synod({"acl", "set", "/a", "nonsense"}), 2);
  EXPECT_EQ(Synod({"acl", "get", "/none"}), 1);
  EXPECT_EQ(Synod({"acl"}), 2);
  EXPECT_THAT(err_, HasSubstr("get, set"));
}

TEST_F(VerbsTest, CredentialsAreShownToTheServers) {
  EXPECT_EQ(Synod({"whoami"}), 0);
  EXPECT_THAT(out_, HasSubstr("nobody"));
  EXPECT_EQ(Synod({"--auth", "digest:me:secret", "--auth", "digest:you:secret", "whoami"}), 0);
  EXPECT_EQ(out_, "digest:" + client::DigestId("me:secret") + "\ndigest:" + client::DigestId("you:secret") + "\n");
  EXPECT_EQ(Synod({"--json", "--auth", "digest:me:secret", "whoami"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"scheme\":\"digest\",\"id\":\"me:"));
  EXPECT_EQ(Synod({"--auth", "nonsense", "whoami"}), 2);
  EXPECT_THAT(err_, HasSubstr("SCHEME:CREDENTIAL"));
  EXPECT_EQ(Synod({"--auth", "kerberos:me", "--timeout", "2s", "create", "/a"}), 1);
  EXPECT_THAT(err_, HasSubstr("AuthFailed"));
}

TEST_F(VerbsTest, TheShellAddsIdentities) {
  EXPECT_EQ(Synod({}, "auth digest me:secret\nwhoami\n"), 0);
  EXPECT_THAT(out_, HasSubstr("digest:" + client::DigestId("me:secret")));
  EXPECT_EQ(Synod({}, "auth kerberos x\n"), 1);
  EXPECT_THAT(err_, HasSubstr("AuthFailed"));
  EXPECT_EQ(Synod({"auth", "digest", "me:secret"}), 2);
  EXPECT_THAT(err_, HasSubstr("--auth"));
}

TEST_F(VerbsTest, CreateKnowsModesAndWhatToDoWithWhatIsThere) {
  EXPECT_EQ(Synod({"create", "--ttl", "1h", "/t", "x"}), 0);
  EXPECT_EQ(Synod({"create", "--container", "/c"}), 0);
  EXPECT_EQ(state_->nodes["/t"].mode, v1::PERSISTENT_TTL);
  EXPECT_EQ(state_->nodes["/c"].mode, v1::CONTAINER);
  EXPECT_EQ(Synod({"create", "--if-absent", "/t", "y"}), 0);
  EXPECT_EQ(out_, "Kept /t\n");
  EXPECT_EQ(DataOf("/t"), "x");
  EXPECT_EQ(Synod({"create", "--or-set", "/t", "y"}), 0);
  EXPECT_EQ(out_, "Set /t\n");
  EXPECT_EQ(DataOf("/t"), "y");
  EXPECT_EQ(Synod({"--json", "create", "--or-set", "/new", "y"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"created\":true"));
  EXPECT_EQ(Synod({"create", "--acl", "world:anyone:r", "/r"}), 0);
  EXPECT_EQ(Synod({"acl", "get", "/r"}), 0);
  EXPECT_EQ(out_, "world:anyone:r\n");
  EXPECT_EQ(Synod({"create", "--ttl", "soon", "/u"}), 2);
  EXPECT_EQ(Synod({"create", "--container", "-e", "/u"}), 2);
  EXPECT_EQ(Synod({"create", "--if-absent", "-s", "/u"}), 2);
}

TEST_F(VerbsTest, DeleteIfThereIsNoError) {
  EXPECT_EQ(Synod({"delete", "/a"}), 1);
  EXPECT_EQ(Synod({"delete", "--if-there", "/a"}), 0);
  EXPECT_EQ(out_, "/a was not there\n");
  EXPECT_EQ(Synod({"rm", "-R", "--if-there", "/a"}), 0);
}

TEST_F(VerbsTest, RmTakesASubtreeAtOneMomentOrNotAtAll) {
  ASSERT_EQ(Synod({"create", "-p", "/a/b/c"}), 0);
  const int writes = state_->writes_applied;
  EXPECT_EQ(Synod({"rm", "-R", "/a"}), 0);
  EXPECT_EQ(out_, "Deleted /a, 3 nodes\n");
  EXPECT_EQ(state_->writes_applied, writes + 2);  // the tree and the session's close
  EXPECT_EQ(Synod({"rm", "-R", "/a"}), 1);
  EXPECT_EQ(Synod({"rm", "-R", "/"}), 1);
  EXPECT_THAT(err_, HasSubstr("belongs to the ensemble"));
  EXPECT_EQ(Synod({"rm", "-R", "/zookeeper"}), 1);
}

TEST_F(VerbsTest, BeyondTheBoundRmSaysSoAndGoesInStepsOnlyWhenTold) {
  ASSERT_EQ(Synod({"create", "/big"}), 0);
  {
    std::lock_guard lock(state_->mutex);
    for (int i = 0; i < 6'000; ++i) state_->nodes[absl::StrCat("/big/", i)] = {};
    state_->nodes["/big"].stat.set_num_children(6'000);
  }
  EXPECT_EQ(Synod({"rm", "-R", "/big"}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("6,001 nodes"), HasSubstr("--non-atomic")));
  EXPECT_EQ(Nodes(), 6'002u);
  EXPECT_EQ(SynodOnTerminal({"rm", "-R", "/big"}, "y\nn\n"), 1);
  EXPECT_THAT(err_, HasSubstr("in steps"));
  EXPECT_EQ(Nodes(), 6'002u);
  EXPECT_EQ(Synod({"rm", "-R", "--non-atomic", "/big"}), 0);
  EXPECT_EQ(out_, "Deleted /big, 6,001 nodes\n");
  EXPECT_EQ(Nodes(), 1u);
}

TEST_F(VerbsTest, RmAsksOnATerminalUnlessForced) {
  ASSERT_EQ(Synod({"create", "-p", "/a/b"}), 0);
  EXPECT_EQ(SynodOnTerminal({"rm", "-R", "/a"}, "n\n"), 1);
  EXPECT_THAT(err_, HasSubstr("2 nodes? [y/N]"));
  EXPECT_EQ(Nodes(), 3u);
  EXPECT_EQ(SynodOnTerminal({"rm", "-R", "/a", "--force"}, ""), 0);
  EXPECT_EQ(Nodes(), 1u);
}

TEST_F(VerbsTest, LsGoesPageByPage) {
  ASSERT_EQ(Synod({"create", "/q"}), 0);
  for (const char* name : {"a1", "a2", "a3", "b1"}) ASSERT_EQ(Synod({"create", std::string("/q/") + name}), 0);
  EXPECT_EQ(Synod({"ls", "/q", "--page", "1"}), 0);
  EXPECT_EQ(out_, "a1\na2\na3\nb1\n");
  EXPECT_EQ(Synod({"ls", "/q", "--prefix", "a", "--limit", "2"}), 0);
  EXPECT_EQ(out_, "a1\na2\n");
  EXPECT_THAT(err_, HasSubstr("--after a2"));
  EXPECT_EQ(Synod({"ls", "/q", "--prefix", "a", "--after", "a2", "--limit", "1"}), 0);
  EXPECT_EQ(out_, "a3\n");
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(Synod({"--json", "ls", "-l", "/q", "--limit", "1"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("{\"name\":\"a1\",\"path\":\"/q/a1\",\"stat\":{"),
                          HasSubstr("{\"more\":true,\"after\":\"a1\"}\n")));
  EXPECT_EQ(Synod({"ls", "-s", "/q", "--limit", "1"}), 0);
  EXPECT_THAT(out_, AllOf(StartsWith("a1\n"), HasSubstr("numChildren    = 4")));
}

TEST_F(VerbsTest, CountsAndEphemerals) {
  ASSERT_EQ(Synod({"create", "-p", "/a/b/c"}), 0);
  EXPECT_EQ(Synod({"count", "/a"}), 0);
  EXPECT_EQ(out_, "2\n");
  EXPECT_EQ(Synod({"--json", "count", "/a"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"path\":\"/a\",\"count\":2,"));
  EXPECT_EQ(Synod({"count", "/none"}), 1);
  EXPECT_EQ(Synod({}, "create -e /a/mine\nephemerals\nephemerals /b\nephemerals --all /a\n"), 0);
  EXPECT_EQ(out_, "Created /a/mine\n/a/mine\n/a/mine\n");
  {
    std::lock_guard lock(state_->mutex);
    state_->nodes["/a/other"].stat.set_ephemeral_owner(0x10);
  }
  EXPECT_EQ(Synod({"ephemerals"}), 0);
  EXPECT_EQ(out_, "/a/other\n");
  EXPECT_EQ(Synod({"--json", "ephemerals", "--session", "0x10"}), 0);
  EXPECT_EQ(out_, "{\"path\":\"/a/other\"}\n");
  EXPECT_EQ(Synod({"ephemerals", "--session", "17"}), 0);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Synod({"ephemerals", "--session", "x"}), 2);
}

TEST_F(VerbsTest, QuotasAreKeptWhereZooKeeperKeepsThem) {
  ASSERT_EQ(Synod({"create", "-p", "/zookeeper/quota"}), 0);
  EXPECT_EQ(Synod({"quota", "set", "/a", "--count", "5"}), 1);
  EXPECT_THAT(err_, HasSubstr("/a does not exist"));
  ASSERT_EQ(Synod({"create", "-p", "/a/b"}), 0);
  EXPECT_EQ(Synod({"quota", "get", "/a"}), 1);
  EXPECT_EQ(Synod({"quota", "set", "/a", "--count", "5"}), 0);
  EXPECT_EQ(DataOf("/zookeeper/quota/a/zookeeper_limits"), "count=5,bytes=-1");
  EXPECT_EQ(DataOf("/zookeeper/quota/a/zookeeper_stats"), "count=0,bytes=0");
  // What is not named stays.
  EXPECT_EQ(Synod({"quota", "set", "/a", "--hard-bytes", "1000"}), 0);
  EXPECT_EQ(DataOf("/zookeeper/quota/a/zookeeper_limits"), "count=5,bytes=-1=;byteHardLimit=1000;countHardLimit=-1");
  EXPECT_EQ(Synod({"quota", "get", "/a/b"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("/a/b counts to the quota of /a"), HasSubstr("count  "), HasSubstr("1000")));
  EXPECT_EQ(Synod({"--json", "quota", "get", "/a"}), 0);
  EXPECT_EQ(out_,
            "{\"path\":\"/a\",\"quota_path\":\"/a\",\"count\":{\"used\":0,\"soft\":5,\"hard\":null},"
            "\"bytes\":{\"used\":0,\"soft\":null,\"hard\":1000}}\n");
  EXPECT_EQ(Synod({"quota", "rm", "/a"}), 0);
  EXPECT_EQ(DataOf("/zookeeper/quota/a"), "(missing)");
  EXPECT_EQ(Synod({"quota", "rm", "/a"}), 1);
  EXPECT_EQ(Synod({"quota", "set", "/a"}), 2);
  EXPECT_EQ(Synod({"quota", "set", "/a", "--count", "-2"}), 2);
  EXPECT_EQ(Synod({"--servers", List() + "/app", "quota", "get", "/a"}), 2);
  EXPECT_THAT(err_, HasSubstr("chroot"));
}

TEST_F(VerbsTest, MultiKnowsAllOperations) {
  EXPECT_EQ(Synod({"multi", "create /a x --if-absent", "create /a y --or-set", "acl /a world:anyone:r",
                   "delete /none --if-there", "create /b", "create /b/c", "rm -R /b"}),
            0);
  EXPECT_THAT(out_, AllOf(HasSubstr("Ok, set"), HasSubstr("Ok, was not there"), HasSubstr("Ok, 2 nodes")));
  EXPECT_EQ(Synod({"--json", "multi", "create /c --if-absent"}), 0);
  EXPECT_THAT(out_, HasSubstr("{\"operation\":\"create\",\"path\":\"/c\",\"result\":\"Ok\",\"created\":true,"));
}

TEST_F(VerbsTest, ATransactionTellsWhichBranchWasDone) {
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  const std::string txn = "if version /a = 0\nif missing /b\nthen\n  set /a y\n  create /b\nelse\n  check /a\n";
  EXPECT_EQ(Synod({"txn", "-"}, txn), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("hold: then"), HasSubstr("set"), HasSubstr("/b")));
  EXPECT_EQ(DataOf("/a"), "y");
  EXPECT_EQ(Synod({"txn", "-"}, txn), 1);
  EXPECT_THAT(out_, AllOf(HasSubstr("do not hold: else"), HasSubstr("check")));
  const std::string file = ::testing::TempDir() + "/synod_txn.json";
  std::ofstream(file) << R"({"if":[{"path":"/a","value":"y"}],"then":[{"op":"set","path":"/a","data":"z"}]})";
  EXPECT_EQ(Synod({"--json", "txn", file}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("{\"succeeded\":true,\"done\":true,"));
  EXPECT_EQ(DataOf("/a"), "z");
  EXPECT_EQ(Synod({"txn", "--text", "then create /a"}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("NodeExists"), HasSubstr("/a")));
  EXPECT_EQ(Synod({"txn", "--text", "frob"}), 2);
  EXPECT_THAT(err_, HasSubstr("line 1"));
  EXPECT_EQ(Synod({"txn", "/nowhere.txt"}), 2);
  EXPECT_EQ(Synod({"txn"}), 2);
}

// ---- export, import ----

TEST_F(VerbsTest, AnImportGivesBackWhatWasExported) {
  const std::string bytes("\x00\xff\n", 3);
  ASSERT_EQ(Synod({"create", "/app"}), 0);
  ASSERT_EQ(Synod({"create", "/app/empty", ""}), 0);
  ASSERT_EQ(Synod({"create", "/app/bytes", "-", "--acl", "world:anyone:r,digest:u:h=:cdrwa"}, bytes), 0);
  ASSERT_EQ(Synod({"create", "/app/bytes/deep", "\"quoted\" \u20ac"}), 0);
  {
    std::lock_guard lock(state_->mutex);
    state_->nodes["/app/gone"].stat.set_ephemeral_owner(9);
  }
  ASSERT_EQ(Synod({"export", "/app"}), 0) << err_;
  const std::string exported = out_;
  EXPECT_THAT(exported, AllOf(StartsWith("{\"synod_export\":1,\"root\":\"/app\"}\n"),
                              HasSubstr("{\"path\":\"/app\",\"data\":null,"), HasSubstr("\"base64\":\"AP8K\""),
                              HasSubstr("{\"end\":true,\"nodes\":4,\"ephemerals_left_out\":1,\"masked_acls\":0,"
                                        "\"consistent\":true}\n")));
  EXPECT_THAT(err_, HasSubstr("1 ephemeral"));
  ASSERT_EQ(Synod({"import", "--into", "/copy"}, exported), 0) << err_;
  EXPECT_EQ(out_, "Imported into /copy: 4 created, 0 kept, 0 set\n");
  EXPECT_EQ(DataOf("/copy"), "(null)");
  EXPECT_EQ(DataOf("/copy/empty"), "");
  EXPECT_EQ(DataOf("/copy/bytes"), bytes);
  EXPECT_EQ(DataOf("/copy/gone"), "(missing)");
  EXPECT_EQ(Synod({"acl", "get", "/copy/bytes"}), 0);
  EXPECT_EQ(out_, "world:anyone:r\ndigest:u:h=:cdrwa\n");
  // Exported again, it is the same but for its place.
  ASSERT_EQ(Synod({"export", "/copy"}), 0);
  std::string moved = out_;
  for (size_t at; (at = moved.find("/copy")) != std::string::npos;) moved.replace(at, 5, "/app");
  EXPECT_EQ(moved.substr(0, moved.find("{\"end\"")), exported.substr(0, exported.find("{\"end\"")));
}

TEST_F(VerbsTest, AnImportDoesWithWhatIsThereAsItIsTold) {
  ASSERT_EQ(Synod({"create", "-p", "/app/x", "old"}), 0);
  ASSERT_EQ(Synod({"export", "/app"}), 0);
  const std::string exported = out_;
  ASSERT_EQ(Synod({"set", "/app/x", "new"}), 0);
  EXPECT_EQ(Synod({"import"}, exported), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("NodeExists"), HasSubstr("--on-existing"), HasSubstr("nothing was imported")));
  EXPECT_EQ(Synod({"import", "--on-existing", "keep"}, exported), 0);
  EXPECT_EQ(DataOf("/app/x"), "new");
  EXPECT_EQ(Synod({"--json", "import", "--on-existing", "set"}, exported), 0);
  EXPECT_EQ(out_, "{\"path\":\"/app\",\"created\":0,\"kept\":0,\"set\":2,\"complete\":true}\n");
  EXPECT_EQ(DataOf("/app/x"), "old");
}

TEST_F(VerbsTest, AnImportThatEndedGoesOnWhereItEnded) {
  ASSERT_EQ(Synod({"create", "/app"}), 0);
  {
    std::lock_guard lock(state_->mutex);
    for (int i = 0; i < 1'200; ++i) {
      auto& node = state_->nodes[absl::StrCat("/app/", 10'000 + i)];
      node.acl = testing::FakeState::OpenAcl();
    }
    state_->nodes["/app"].stat.set_num_children(1'200);
  }
  ASSERT_EQ(Synod({"export", "/app"}), 0) << err_;
  const std::string exported = out_;
  // A node in the second batch of 500 has no parent: the first one is done, nothing of the second is.
  std::string broken = exported;
  const size_t at = broken.find("\"/app/10700\"");
  broken.replace(at, 12, "\"/app/10700/no/parent\"");
  EXPECT_EQ(Synod({"import", "--into", "/copy"}, broken), 1);
  EXPECT_THAT(err_, HasSubstr("--from-line 502"));
  EXPECT_EQ(Nodes(), 1u + 1'201u + 500u);
  EXPECT_EQ(Synod({"import", "--into", "/copy", "--from-line", "502"}, exported), 0) << err_;
  EXPECT_EQ(out_, "Imported into /copy: 701 created, 0 kept, 0 set\n");
  EXPECT_EQ(Synod({"import", "--into", "/copy", "--from-line", "9999"}, exported), 1);
  EXPECT_THAT(err_, HasSubstr("no line 9999"));
  EXPECT_EQ(Nodes(), 1u + 2 * 1'201u);
}

TEST_F(VerbsTest, AnExportThatWasCutIsFoundOut) {
  ASSERT_EQ(Synod({"create", "-p", "/app/x"}), 0);
  ASSERT_EQ(Synod({"export", "/app"}), 0);
  const std::string exported = out_;
  const size_t end = exported.find("{\"end\"");
  EXPECT_EQ(Synod({"import", "--into", "/copy"}, exported.substr(0, end)), 1);
  EXPECT_THAT(err_, HasSubstr("no end line"));
  const size_t x = exported.find("{\"path\":\"/app/x\"");
  EXPECT_EQ(Synod({"import", "--into", "/other"}, exported.substr(0, x) + exported.substr(end)), 1);
  EXPECT_THAT(err_, HasSubstr("lines are missing"));
  EXPECT_EQ(Synod({"import"}, "{\"path\":\"/a\"}\n"), 1);
  EXPECT_EQ(Synod({"import"}, ""), 1);
  EXPECT_EQ(Synod({"import", "/nowhere.jsonl"}), 2);
}

TEST_F(VerbsTest, AnExportOfTheRootLeavesTheEnsemblesNodesOut) {
  ASSERT_EQ(Synod({"create", "-p", "/zookeeper/quota"}), 0);
  ASSERT_EQ(Synod({"create", "/a", "x"}), 0);
  ASSERT_EQ(Synod({"export", "/"}), 0);
  const std::string exported = out_;
  EXPECT_THAT(exported, Not(HasSubstr("zookeeper")));
  ASSERT_EQ(Synod({"create", "/there"}), 0);
  EXPECT_EQ(Synod({"import", "--into", "/there"}, exported), 1);  // the root itself is there
  EXPECT_EQ(Synod({"import", "--into", "/here"}, exported), 0) << err_;
  EXPECT_EQ(DataOf("/here/a"), "x");
  ASSERT_EQ(Synod({"delete", "/a"}), 0);
  EXPECT_EQ(Synod({"import"}, exported), 0) << err_;
  EXPECT_EQ(out_, "Imported into /: 1 created, 1 kept, 0 set\n");
}

TEST_F(VerbsTest, CompletionKnowsTheNewVerbs) {
  std::istringstream in;
  std::ostringstream out, err;
  Settings settings;
  settings.servers = List();
  Environment env(settings, {in, out, err});
  EXPECT_THAT(Completions(env, "", "e"), ElementsAre("exists", "ephemerals", "export", "elect", "ensemble"));
  EXPECT_THAT(Completions(env, "quota ", ""), ElementsAre("get", "set", "rm"));
  EXPECT_THAT(Completions(env, "acl ", "s"), ElementsAre("set"));
  EXPECT_EQ(Synod({}, "help\n"), 0);
  for (const std::string& verb : VerbNames()) {
    if (verb == "bench" || verb == "help") continue;
    EXPECT_THAT(out_, HasSubstr(verb)) << verb;
  }
}

}  // namespace
}  // namespace synod::cli
