// What people type and files hold: ACLs, operations, transactions, quotas, exports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/export_record.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/quota_text.h"
#include "coordinator/cli/txn_text.h"
#include "coordinator/cli/words.h"

namespace synod::cli {
namespace {

using client::AclEntry;
using client::Compare;
using client::CreateMode;
using client::Operation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- ACLs ----

TEST(AclText, ReadsZooKeepersForm) {
  auto acl = ParseAcl("world:anyone:cdrwa,digest:user:h+/=:rw,auth::crwda,ip:10.0.0.0/8:r,ip:fe80::1/64:d");
  ASSERT_TRUE(acl.ok()) << acl.status();
  EXPECT_THAT(*acl,
              ElementsAre(AclEntry{31, "world", "anyone"}, AclEntry{3, "digest", "user:h+/="}, AclEntry{31, "auth", ""},
                          AclEntry{1, "ip", "10.0.0.0/8"}, AclEntry{8, "ip", "fe80::1/64"}));
  EXPECT_EQ(AclText(*acl), "world:anyone:cdrwa,digest:user:h+/=:rw,auth::cdrwa,ip:10.0.0.0/8:r,ip:fe80::1/64:d");
}

TEST(AclText, APasswordIsHashedHere) {
  auto acl = ParseAcl("digest-password:user:pass:word:rw");
  ASSERT_TRUE(acl.ok()) << acl.status();
  EXPECT_THAT(*acl, ElementsAre(AclEntry{3, "digest", client::DigestId("user:pass:word")}));
  EXPECT_EQ(AclText(*acl).find("pass:word"), std::string::npos);
}

TEST(AclText, SaysWhatIsWrong) {
  for (const char* bad : {"", "world", "world:anyone", "world:anyone:", "world:anyone:x", ":anyone:r",
                          "world:anyone:r,", "digest-password:user:r", "world:anyone:r,,ip:1.2.3.4:r"})
    EXPECT_EQ(ParseAcl(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  EXPECT_THAT(ParseAcl("world:anyone:rx").status().ToString(), HasSubstr("c, d, r, w, a"));
}

TEST(AclText, EveryPermissionComesBack) {
  for (uint32_t permissions = 0; permissions < 70; ++permissions) {
    auto entry = ParseAclEntry(AclEntryText({permissions, "x509", "CN=a,O=b:c"}));
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(*entry, (AclEntry{permissions, "x509", "CN=a,O=b:c"}));
  }
}

TEST(Credential, HasASchemeAndKeepsTheRest) {
  auto credential = ParseCredential("digest:me:se:cret");
  ASSERT_TRUE(credential.ok());
  EXPECT_EQ(credential->scheme, "digest");
  EXPECT_EQ(credential->credential, "me:se:cret");
  EXPECT_FALSE(ParseCredential("digest").ok());
  EXPECT_FALSE(ParseCredential(":me").ok());
}

// ---- words and operations ----

TEST(Statements, EndAtLinesAndSemicolonsOutsideQuotes) {
  auto statements = SplitStatements("a b; c 'x;y' # d; e\n\n  \"f\ng\" h;;\\;i\n");
  ASSERT_TRUE(statements.ok()) << statements.status();
  ASSERT_EQ(statements->size(), 4u);
  EXPECT_THAT((*statements)[0].words, ElementsAre("a", "b"));
  EXPECT_THAT((*statements)[1].words, ElementsAre("c", "x;y"));
  EXPECT_THAT((*statements)[2].words, ElementsAre("f\ng", "h"));
  EXPECT_THAT((*statements)[3].words, ElementsAre(";i"));
  EXPECT_EQ((*statements)[1].line, 1);
  EXPECT_EQ((*statements)[2].line, 3);
  EXPECT_EQ((*statements)[3].line, 4);
  EXPECT_THAT(SplitStatements("a\nb 'c\n").status().ToString(), HasSubstr("line 2"));
}

absl::StatusOr<Operation> Parse(const std::string& line) { return ParseOperation(*SplitWords(line)); }

TEST(OperationText, KnowsEveryOption) {
  auto create = Parse("create /a 'two words' -s --ttl 90s --acl world:anyone:r");
  ASSERT_TRUE(create.ok()) << create.status();
  EXPECT_EQ(create->mode, CreateMode::kPersistentSequentialTtl);
  EXPECT_EQ(create->ttl, absl::Seconds(90));
  EXPECT_EQ(create->data, "two words");
  EXPECT_THAT(*create->acl, ElementsAre(AclEntry{1, "world", "anyone"}));
  EXPECT_EQ(Parse("create /a")->data, std::nullopt);
  EXPECT_EQ(Parse("create /a ''")->data, "");
  EXPECT_EQ(Parse("create /a --hex 00ff")->data, std::string("\0\xff", 2));
  EXPECT_EQ(Parse("create /a --container")->mode, CreateMode::kContainer);
  EXPECT_EQ(Parse("create /a x --if-absent")->on_existing, client::OnExisting::kKeep);
  EXPECT_EQ(Parse("create /a x --or-set")->on_existing, client::OnExisting::kSet);
  EXPECT_EQ(Parse("set /a -1")->data, "-1");
  EXPECT_EQ(Parse("set /a x -v 3")->version, 3);
  EXPECT_TRUE(Parse("delete /a --if-there")->missing_ok);
  EXPECT_EQ(Parse("rm -R /a --max 7")->max_nodes, 7u);
  EXPECT_EQ(Parse("rm /a")->kind, Operation::Kind::kDeleteTree);
  EXPECT_EQ(Parse("acl /a auth::r -v 2")->version, 2);
  EXPECT_EQ(Parse("check /a")->version, -1);
}

TEST(OperationText, RefusesWhatMakesNoSense) {
  for (const char* bad : {"",
                          "frob /a",
                          "create",
                          "create /a b c",
                          "create /a -e --ttl 5s",
                          "create /a --container -s",
                          "create /a --ttl 0",
                          "create /a --ttl x",
                          "create /a -s --or-set",
                          "create /a --acl x",
                          "create /a --if-absent --or-set",
                          "set /a",
                          "set /a x --bogus",
                          "delete /a -v",
                          "delete /a -v x",
                          "delete /a b",
                          "acl /a",
                          "acl /a x",
                          "check /a -v 1 -v 2",
                          "create /a --hex 0"})
    EXPECT_FALSE(Parse(bad).ok()) << bad;
}

// ---- transactions ----

TEST(TxnText, ReadsConditionsAndBothBranches) {
  auto txn = ParseTransaction(
      "if exists /a; if version /a = 3   # as seen\n"
      "if value /b != 'two words'; if value /c is null; if owner /d == 0x8000000000000001\n"
      "if missing /e\n"
      "then set /a new -v 3\n"
      "     create /log/x 'a;b'\n"
      "else\n"
      "     delete /e --if-there\n");
  ASSERT_TRUE(txn.ok()) << txn.status();
  ASSERT_EQ(txn->compares.size(), 6u);
  EXPECT_EQ(txn->compares[0].target, Compare::Target::kExists);
  EXPECT_EQ(txn->compares[0].number, 1);
  EXPECT_EQ(txn->compares[1].target, Compare::Target::kVersion);
  EXPECT_EQ(txn->compares[1].number, 3);
  EXPECT_EQ(txn->compares[2].relation, Compare::Relation::kNotEqual);
  EXPECT_EQ(txn->compares[2].value, "two words");
  EXPECT_EQ(txn->compares[3].value, std::nullopt);
  EXPECT_EQ(txn->compares[3].relation, Compare::Relation::kEqual);
  EXPECT_EQ(txn->compares[4].number, INT64_MIN + 1);
  EXPECT_EQ(txn->compares[5].number, 0);
  ASSERT_EQ(txn->then_operations.size(), 2u);
  EXPECT_EQ(txn->then_operations[1].data, "a;b");
  ASSERT_EQ(txn->else_operations.size(), 1u);
  EXPECT_TRUE(txn->else_operations[0].missing_ok);
}

TEST(TxnText, OneLineIsEnoughAndNothingMayBeLeftOut) {
  EXPECT_TRUE(ParseTransaction("if exists /a; then delete /a").ok());
  EXPECT_TRUE(ParseTransaction("then create /a").ok());
  EXPECT_TRUE(ParseTransaction("if exists /a; then; else create /a").ok());
  for (const char* bad :
       {"", "if exists /a", "create /a", "if exists; then", "if version /a 3; then", "if version /a = x; then",
        "if version /a ~ 3; then", "if colour /a = 3; then", "if value /a is; then", "then; if exists /a",
        "else; then create /a", "then; then create /a", "then frob /a", "if; then"})
    EXPECT_FALSE(ParseTransaction(bad).ok()) << bad;
  EXPECT_THAT(ParseTransaction("if exists /a\nthen\nfrob /a\n").status().ToString(), HasSubstr("line 3: \"frob /a\""));
}

TEST(TxnJson, SaysTheSameAsText) {
  auto txn = ParseTransactionJson(R"({
      "if": [{"path":"/a","exists":true}, {"path":"/a","version":3}, {"path":"/b","value":{"!=":"two words"}},
             {"path":"/c","value":null}, {"path":"/d","owner":9223372036854775809}, {"path":"/e","exists":false},
             {"path":"/f","mzxid":{">=":7}}],
      "then": [{"op":"set","path":"/a","data":"new","version":3},
               {"op":"create","path":"/t","data":{"hex":"00ff"},"mode":"ttl","ttl_ms":5000,"acl":"world:anyone:r",
                "on_existing":"keep"}],
      "else": [{"op":"delete","path":"/e","if_there":true}, {"op":"rm","path":"/g","max_nodes":10}]})");
  ASSERT_TRUE(txn.ok()) << txn.status();
  ASSERT_EQ(txn->compares.size(), 7u);
  EXPECT_EQ(txn->compares[2].relation, Compare::Relation::kNotEqual);
  EXPECT_EQ(txn->compares[3].value, std::nullopt);
  EXPECT_EQ(txn->compares[4].number, INT64_MIN + 1);
  EXPECT_EQ(txn->compares[5].number, 0);
  EXPECT_EQ(txn->compares[6].relation, Compare::Relation::kGreaterOrEqual);
  EXPECT_EQ(txn->then_operations[1].data, std::string("\0\xff", 2));
  EXPECT_EQ(txn->then_operations[1].ttl, absl::Seconds(5));
  EXPECT_EQ(txn->else_operations[1].max_nodes, 10u);
}

TEST(TxnJson, NamesWhatIsWrong) {
  for (const char* bad :
       {"", "[]", "{", "{}", R"({"then":{}})", R"({"then":[],"maybe":[]})", R"({"then":[{"op":"set"}]})",
        R"({"then":[{"op":"frob","path":"/a"}]})", R"({"then":[{"op":"set","path":"/a","colour":1}]})",
        R"({"then":[{"op":"set","path":"/a","version":"3"}]})",
        R"({"then":[{"op":"set","path":"/a","version":3000000000}]})", R"({"then":[{"op":"acl","path":"/a"}]})",
        R"({"if":[{"path":"/a"}],"then":[]})", R"({"if":[{"path":"/a","version":{"~":3}}],"then":[]})",
        R"({"if":[{"path":"/a","version":3.5}],"then":[]})"})
    EXPECT_FALSE(ParseTransactionJson(bad).ok()) << bad;
  EXPECT_THAT(
      ParseTransactionJson(R"({"then":[{"op":"check","path":"/a"},{"op":"set","path":7}]})").status().ToString(),
      HasSubstr("\"then\"[1]"));
}

// ---- quotas (specs: ZooKeeper protocol, 18) ----

TEST(QuotaText, IsZooKeepersOwn) {
  EXPECT_EQ(QuotaText({5, 10, -1, -1}), "count=5,bytes=10");
  EXPECT_EQ(QuotaText({5, -1, 7, 9}), "count=5,bytes=-1=;byteHardLimit=9;countHardLimit=7");
  EXPECT_EQ(ParseQuota("count=5,bytes=10"), (QuotaLimits{5, 10, -1, -1}));
  EXPECT_EQ(ParseQuota("count=5,bytes=-1=;byteHardLimit=9;countHardLimit=7"), (QuotaLimits{5, -1, 7, 9}));
  EXPECT_EQ(ParseQuota("countHardLimit=7;bytes=3"), (QuotaLimits{-1, 3, 7, -1}));
  EXPECT_EQ(ParseQuota(""), std::nullopt);
  EXPECT_EQ(ParseQuota("count=x"), std::nullopt);
}

TEST(QuotaText, LimitsAndUsageLieBelowZookeeperQuota) {
  EXPECT_EQ(QuotaLimitsNode("/a/b"), "/zookeeper/quota/a/b/zookeeper_limits");
  EXPECT_EQ(QuotaStatsNode("/"), "/zookeeper/quota/zookeeper_stats");
  std::vector<std::string> paths;
  for (const Operation& o : SetQuotaOperations("/a/b", {5, -1, -1, -1})) paths.push_back(o.path);
  EXPECT_THAT(paths, ElementsAre("/a/b", "/zookeeper/quota/a", "/zookeeper/quota/a/b",
                                 "/zookeeper/quota/a/b/zookeeper_limits", "/zookeeper/quota/a/b/zookeeper_stats"));
  EXPECT_EQ(SetQuotaOperations("/", {5, -1, -1, -1}).size(), 3u);
}

// ---- exports ----

TEST(ExportText, ANodeComesBackAsItWas) {
  const std::string all_bytes("\x00\xff\n\"\\x", 6);
  for (const client::Data& data :
       {client::Data(), client::Data(""), client::Data("text \u20ac \"\\\n\x01"), client::Data(all_bytes)}) {
    ExportNode node{"/a/\u20ac b",
                    data,
                    {{31, "world", "anyone"}, {3, "digest", "u:h,="}},
                    CreateMode::kPersistentTtl,
                    absl::Milliseconds(1234)};
    const std::string text = ExportText(node);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    auto line = ParseExport(text);
    ASSERT_TRUE(line.ok()) << line.status() << text;
    const auto& back = std::get<ExportNode>(*line);
    EXPECT_EQ(back.path, node.path);
    EXPECT_EQ(back.data, node.data);
    EXPECT_EQ(back.acl, node.acl);
    EXPECT_EQ(back.mode, node.mode);
    EXPECT_EQ(back.ttl, node.ttl);
  }
}

TEST(ExportText, HeadAndEndComeBack) {
  EXPECT_EQ(std::get<ExportHead>(*ParseExport(ExportText(ExportHead{"/app"}))).root, "/app");
  const auto end = std::get<ExportEnd>(*ParseExport(ExportText(ExportEnd{5, 2, 1, true})));
  EXPECT_EQ(end.nodes, 5u);
  EXPECT_EQ(end.ephemerals, 2u);
  EXPECT_EQ(end.masked, 1u);
  EXPECT_TRUE(end.consistent);
}

TEST(ExportText, RefusesWhatItDoesNotKnow) {
  const std::string good = R"({"path":"/a","data":"x","acl":["world:anyone:r"],"mode":"persistent"})";
  ASSERT_TRUE(ParseExport(good).ok());
  for (const char* bad : {"", "x", "[]", R"({"synod_export":2,"root":"/"})", R"({"synod_export":1,"root":"x"})",
                          R"({"path":"a","data":"x","acl":["world:anyone:r"],"mode":"persistent"})",
                          R"({"path":"/a","acl":["world:anyone:r"],"mode":"persistent"})",
                          R"({"path":"/a","base64":"!","acl":["world:anyone:r"],"mode":"persistent"})",
                          R"({"path":"/a","data":"x","acl":[],"mode":"persistent"})",
                          R"({"path":"/a","data":"x","acl":["world"],"mode":"persistent"})",
                          R"({"path":"/a","data":"x","acl":["world:anyone:r"],"mode":"ephemeral"})",
                          R"({"path":"/a","data":"x","acl":["world:anyone:r"],"mode":"ttl"})", R"({"end":true})"})
    EXPECT_FALSE(ParseExport(bad).ok()) << bad;
  // Who had no ADMIN saw "user:x" in the place of the hash.
  EXPECT_THAT(
      ParseExport(R"({"path":"/a","data":"x","acl":["digest:user:x:r"],"mode":"persistent"})").status().ToString(),
      HasSubstr("hidden"));
}

// ---- progress ----

TEST(Progress, IsNothingWithoutATerminalAndALineOnOne) {
  Progress none(nullptr, "export /a", 10);
  none.Set(5);
  std::ostringstream out;
  Progress progress(&out, "export /app", 3000);
  progress.Set(1000);
  EXPECT_EQ(progress.Line(0.5), "export /app  [########----------------]  33%  1,000 of 3,000, 2,000/s");
  progress.Set(4000);  // more than was thought
  EXPECT_THAT(progress.Line(0), HasSubstr("100%"));
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

}  // namespace
}  // namespace synod::cli
