// Every operation with every error, in order of precedence: each case breaks the rule it names and all that come after
// it.
#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {
namespace {

using tree::Error;

class Apply : public ::testing::Test {
 protected:
  Apply() {
    h_.Unary(CreateOp{"/parent"});
    h_.Unary(CreateOp{"/parent/child"});
    h_.Numbered(session_, 0, CreateOp{"/ephemeral", "x", CreateMode::kEphemeral});
    h_.Unary(CreateOp{"/closed", "", CreateMode::kPersistent, access::Acl{ForDigest("bob")}});
    h_.By({Digest("bob")}, CreateOp{"/closed/child", "", CreateMode::kPersistent, access::Acl{ForDigest("bob")}});
  }
  Error Limited(Operation operation, uint32_t max_data_bytes = 100) {
    return h_.Apply({.max_data_bytes = max_data_bytes, .operation = std::move(operation)}).error;
  }
  static NodeData Big() { return std::string(101, 'x'); }

  Harness h_;
  const SessionId session_ = h_.NewSession(1);
  const std::string too_long_ = "/" + std::string(kMaxPathBytes, 'x');
};

TEST_F(Apply, ASessionsChecksComeBeforeAllOthers) {
  for (Operation operation :
       std::vector<Operation>{CreateOp{"bad", Big(), CreateMode::kContainer}, DeleteOp{"bad"}, SetDataOp{"bad", Big()},
                              CheckOp{"bad"}, SetAclOp{"bad"}, DeleteTreeOp{"bad"}, MultiOp{{DeleteOp{"bad"}}}, TxnOp{},
                              AuthenticateOp{}, SyncOp{}, RefusedOp{}, CloseSessionOp{}}) {
    Command command{
        .session = SessionId(99), .generation = OwnerGeneration(9), .sequence = Sequence(9), .operation = operation};
    EXPECT_EQ(h_.Apply(command).error, Error::kSessionExpired);
    command.session = session_;
    Outcome moved = h_.Apply(command);
    EXPECT_EQ(moved.error, Error::kSessionMoved);
    EXPECT_FALSE(moved.gap);
    command.generation = OwnerGeneration(1);
    EXPECT_TRUE(h_.Apply(command).gap);
  }
}

TEST_F(Apply, CreateErrorsInOrderOfPrecedence) {  // protocol sheet 11.1
  const access::Acl none;
  const std::string nul("/a\0", 3);
  using M = CreateMode;
  h_.Unary(SetSettingOp{std::string(kExtendedTypesSetting), "no"});
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kPersistentTtl, none, 0}), Error::kUnimplemented);
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kPersistentSequentialTtl, none, 1}), Error::kUnimplemented);
  EXPECT_EQ(Limited(CreateOp{"/container", "", M::kContainer}), Error::kOk);
  h_.Unary(SetSettingOp{std::string(kExtendedTypesSetting), ""});
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kPersistentTtl, none, 0}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kPersistentTtl, none, kMaxTtlMs + 1}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/x", "", M::kContainer, std::nullopt, 5}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/x", "", M::kPersistentSequential, std::nullopt, 0, OnExisting::kKeep}),
            Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/x", "", M::kPersistentSequentialTtl, std::nullopt, 1, OnExisting::kSet}),
            Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kEphemeral, none}), Error::kBadArguments);  // no session
  EXPECT_EQ(Limited(CreateOp{"bad", Big(), M::kPersistent, none}), Error::kTooLarge);
  EXPECT_EQ(Limited(CreateOp{too_long_ + "/x", "", M::kPersistent, none}), Error::kTooLarge);
  EXPECT_EQ(Limited(CreateOp{"bad", "", M::kPersistent, none}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{nul, "", M::kPersistent, none}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/none/x", "", M::kPersistent, none}), Error::kInvalidAcl);  // before NoNode
  EXPECT_EQ(Limited(CreateOp{"/none/x/"}), Error::kNoNode);
  EXPECT_EQ(Limited(CreateOp{"/closed/"}), Error::kNoAuth);       // before the full path rules,
  EXPECT_EQ(Limited(CreateOp{"/closed/child"}), Error::kNoAuth);  // and before NodeExists
  EXPECT_EQ(Limited(CreateOp{"/parent/"}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/parent/."}), Error::kBadArguments);
  EXPECT_EQ(Limited(CreateOp{"/parent/child"}), Error::kNodeExists);
  EXPECT_EQ(Limited(CreateOp{"/"}), Error::kNodeExists);
  EXPECT_EQ(Limited(CreateOp{"/ephemeral/x"}), Error::kNoChildrenForEphemerals);
  EXPECT_EQ(Limited(CreateOp{"/parent/new", std::string(100, 'x')}), Error::kOk);
  EXPECT_EQ(Limited(CreateOp{"/ttl", "", M::kPersistentTtl, std::nullopt, kMaxTtlMs}), Error::kOk);
}

TEST_F(Apply, DeleteErrorsInOrderOfPrecedence) {  // 11.2
  EXPECT_EQ(Limited(DeleteOp{too_long_ + "/", 9}), Error::kTooLarge);
  EXPECT_EQ(Limited(DeleteOp{"bad", 9}), Error::kBadArguments);
  EXPECT_EQ(Limited(DeleteOp{"/zookeeper", 9}), Error::kBadArguments);
  EXPECT_EQ(Limited(DeleteOp{"/none/x", 9}), Error::kNoNode);
  EXPECT_EQ(Limited(DeleteOp{"/closed/none", 9}), Error::kNoAuth);
  EXPECT_EQ(Limited(DeleteOp{"/none", 9}), Error::kNoNode);
  EXPECT_EQ(Limited(DeleteOp{"/parent", 9}), Error::kBadVersion);
  EXPECT_EQ(Limited(DeleteOp{"/parent", 0}), Error::kNotEmpty);
  EXPECT_EQ(Limited(DeleteOp{"/parent/child", 0}), Error::kOk);
}

TEST_F(Apply, SetDataErrorsInOrderOfPrecedence) {  // 11.3
  EXPECT_EQ(Limited(SetDataOp{"bad", Big(), 9}), Error::kTooLarge);
  EXPECT_EQ(Limited(SetDataOp{too_long_, "", 9}), Error::kTooLarge);
  EXPECT_EQ(Limited(SetDataOp{"/bad/", "", 9}), Error::kBadArguments);
  EXPECT_EQ(Limited(SetDataOp{"/none", "", 9}), Error::kNoNode);
  EXPECT_EQ(Limited(SetDataOp{"/closed", "", 9}), Error::kNoAuth);
  EXPECT_EQ(Limited(SetDataOp{"/parent", "", 9}), Error::kBadVersion);
  Outcome set = h_.Unary(SetDataOp{"/parent", "new", 0});
  EXPECT_EQ(set.error, Error::kOk);
  EXPECT_EQ(set.result.stat.version, 1);
  EXPECT_EQ(set.result.stat.mzxid, set.zxid);
}

TEST_F(Apply, CheckErrorsInOrderOfPrecedence) {  // 11.5, and alone (gRPC)
  EXPECT_EQ(Limited(CheckOp{too_long_, 9}), Error::kTooLarge);
  EXPECT_EQ(Limited(CheckOp{"/bad/", 9}), Error::kBadArguments);
  EXPECT_EQ(Limited(CheckOp{"/none", -1}), Error::kNoNode);
  EXPECT_EQ(Limited(CheckOp{"/closed", 9}), Error::kNoAuth);
  EXPECT_EQ(Limited(CheckOp{"/parent", 9}), Error::kBadVersion);
  Outcome check = h_.Unary(CheckOp{"/parent", -1});
  EXPECT_EQ(check.error, Error::kOk);
  EXPECT_EQ(check.result.stat.num_children, 1);
}

TEST_F(Apply, TheDataLimitIsTheCommandsOwn) {  // L4
  EXPECT_EQ(Limited(CreateOp{"/a", Big()}, 100), Error::kTooLarge);
  EXPECT_EQ(Limited(CreateOp{"/a", Big()}, 101), Error::kOk);
  EXPECT_EQ(Limited(CreateOp{"/null", std::nullopt}, 0), Error::kOk);
  EXPECT_EQ(Limited(CreateOp{"/" + std::string(kMaxPathBytes - 1, 'x')}), Error::kOk);
}

TEST_F(Apply, AnEphemeralBelongsToItsSession) {
  Outcome created = h_.Numbered(session_, 1, CreateOp{"/e", "x", CreateMode::kEphemeralSequential});
  EXPECT_EQ(created.result.stat.ephemeral_owner, session_);
  EXPECT_EQ(h_.machine.tree().Ephemerals(session_).size(), 2u);
  h_.Numbered(session_, 2, CloseSessionOp{});
  EXPECT_FALSE(h_.Exists("/ephemeral"));
  EXPECT_FALSE(h_.Exists(created.result.path));
}

TEST_F(Apply, WallTimeOfTheBatchIsTheTimeOfItsChanges) {  // L5
  h_.now_ms = 123456;
  EXPECT_EQ(h_.Unary(CreateOp{"/a"}).result.stat.ctime_ms, 123456);
  h_.now_ms = 100;  // the next leader's wall clock is behind; the log's clock never goes back
  EXPECT_EQ(h_.Unary(SetDataOp{"/a"}).result.stat.mtime_ms, 100);
  EXPECT_EQ(h_.machine.log_clock_us(), 123456000u);
}

// ---- multi ----

std::vector<Error> Errors(const Outcome& outcome) {
  std::vector<Error> out;
  for (const OpResult& result : outcome.results) out.push_back(result.error);
  return out;
}

TEST_F(Apply, AMultiSeesItsOwnChangesUnderOneZxid) {  // 12.2
  Outcome multi = h_.Unary(MultiOp{{CreateOp{"/m"}, CreateOp{"/m/a"}, SetDataOp{"/m", "x", 0}, CheckOp{"/m", 1},
                                    CreateOp{"/m/q-", "", CreateMode::kPersistentSequential},
                                    CreateOp{"/m/q-", "", CreateMode::kPersistentSequential}, DeleteOp{"/m/a", 0}}});
  EXPECT_EQ(multi.error, Error::kOk);
  EXPECT_EQ(Errors(multi), std::vector<Error>(7, Error::kOk));
  EXPECT_EQ(multi.results[4].path, "/m/q-0000000001");
  EXPECT_EQ(multi.results[5].path, "/m/q-0000000002");
  for (const tree::Event& event : h_.seen.events_of.back()) EXPECT_EQ(event.zxid, multi.zxid);
  EXPECT_EQ(h_.seen.events_of.back().size(), 6u);
}

TEST_F(Apply, AFailedMultiChangesNothingAndSaysWhichOperationFailed) {  // 12.4
  uint64_t tree_digest = h_.machine.tree().digest();
  Outcome multi = h_.Unary(MultiOp{{CreateOp{"/m"}, CreateOp{"/parent/q-", "", CreateMode::kPersistentSequential},
                                    SetDataOp{"/parent", "y"}, DeleteOp{"/none"}, CreateOp{"/n"}, DeleteOp{"bad"}}});
  EXPECT_EQ(multi.error, Error::kNoNode);
  EXPECT_EQ(Errors(multi), (std::vector<Error>{Error::kOk, Error::kOk, Error::kOk, Error::kNoNode,
                                               Error::kRuntimeInconsistency, Error::kRuntimeInconsistency}));
  EXPECT_EQ(multi.results[1].path, "");
  EXPECT_EQ(h_.machine.tree().digest(), tree_digest);
  EXPECT_TRUE(h_.seen.events_of.back().empty());
  // The sequence number was not used up.
  EXPECT_EQ(h_.Unary(CreateOp{"/parent/q-", "", CreateMode::kPersistentSequential}).result.path,
            "/parent/q-0000000001");
}

TEST_F(Apply, AnEmptyMultiIsFine) {  // 12.1
  Outcome multi = h_.Unary(MultiOp{});
  EXPECT_EQ(multi.error, Error::kOk);
  EXPECT_TRUE(multi.results.empty());
}

TEST_F(Apply, AMultisLimitsAreOnOperationsAndBytes) {  // L3
  MultiOp many;
  many.ops.assign(kMaxMultiOps, CheckOp{"/"});
  EXPECT_EQ(h_.Unary(many).error, Error::kOk);
  many.ops.push_back(CheckOp{"/"});
  Outcome over = h_.Unary(many);
  EXPECT_EQ(over.error, Error::kTooLarge);
  EXPECT_EQ(over.results.back().error, Error::kTooLarge);
  EXPECT_EQ(over.results.front().error, Error::kOk);

  auto of_bytes = [](size_t bytes) {
    return MultiOp{{CreateOp{"/x", std::string(bytes / 2, 'x')}, CreateOp{"/y", std::string(bytes - bytes / 2, 'x')}}};
  };
  const uint32_t limit = 100000;
  EXPECT_EQ(Limited(of_bytes(limit + kMaxPathBytes - 4), limit), Error::kOk);
  h_.Unary(MultiOp{{DeleteOp{"/x"}, DeleteOp{"/y"}}});
  EXPECT_EQ(Limited(of_bytes(limit + kMaxPathBytes - 3), limit), Error::kTooLarge);
  EXPECT_FALSE(h_.Exists("/x"));
}

TEST_F(Apply, TheAclsOfAMultiHaveABoundOfTheirOwn) {  // L3
  access::Acl long_list{ForAnyone(access::kAdmin)};
  for (int i = 0; i < 15; ++i)
    long_list.push_back({31, "digest", "u" + std::to_string(i) + ":" + std::string(1000, 'x')});
  MultiOp multi;
  multi.ops.assign(kMaxAclBytes / (access::TextBytes(long_list) + 4 * long_list.size()),
                   SetAclOp{"/parent", long_list, -1});
  EXPECT_EQ(h_.Unary(multi).error, Error::kOk);
  multi.ops.push_back(SetAclOp{"/parent", long_list, -1});
  Outcome over = h_.Unary(multi);
  EXPECT_EQ(over.error, Error::kTooLarge);
  EXPECT_EQ(over.results.back().error, Error::kTooLarge);
}

// ---- the server's commands ----

TEST_F(Apply, AnUnknownCommandStopsTheServerAndChangesNothing) {  // L6, counterexample 19
  uint64_t digest = h_.machine.digest();
  Zxid zxid = h_.machine.last_zxid();
  std::string newer = EncodeCommand({.operation = CreateOp{"/a"}});
  newer[0] = 2;
  EXPECT_EQ(h_.TryApplyBytes({newer}).code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(h_.machine.last_zxid(), zxid);
  EXPECT_EQ(h_.machine.tree().digest() + h_.machine.sessions().digest(),
            h_.machine.tree().ComputeDigest() + h_.machine.sessions().ComputeDigest());
  EXPECT_FALSE(h_.Exists("/a"));
  EXPECT_EQ(h_.TryApplyBytes({"garbage"}).code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(h_.TryApplyBytes({"\x01"}).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(h_.machine.digest(), digest);
}

TEST_F(Apply, ARaiseBeyondWhatTheCodeKnowsStopsTheServer) {  // L6
  absl::Status status = h_.TryApplyBytes({EncodeCommand({.operation = RaiseVersionOp{2}})});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("raised its state-machine version to 2"), std::string::npos);
  EXPECT_EQ(h_.machine.version_in_force(), 1u);

  Harness newer({.version_known = 2});
  EXPECT_EQ(newer.machine.version_in_force(), 1u);
  EXPECT_EQ(newer.Unary(RaiseVersionOp{2}).error, Error::kOk);
  EXPECT_EQ(newer.machine.version_in_force(), 2u);
  EXPECT_EQ(newer.Unary(RaiseVersionOp{1}).error, Error::kOk);  // two leaders proposed: never down
  EXPECT_EQ(newer.machine.version_in_force(), 2u);
}

TEST_F(Apply, SettingsAreStored) {
  EXPECT_EQ(h_.machine.Setting("a"), std::nullopt);
  EXPECT_EQ(h_.Unary(SetSettingOp{"a", "1"}).error, Error::kOk);
  uint64_t digest = h_.machine.digest();
  EXPECT_EQ(h_.Unary(SetSettingOp{"a", "2"}).error, Error::kOk);
  EXPECT_EQ(h_.machine.Setting("a"), "2");
  EXPECT_NE(h_.machine.digest(), digest);
  EXPECT_EQ(h_.machine.digest(), h_.machine.ComputeDigest());
  EXPECT_TRUE(h_.machine.settings().enforce_quota);  // a name that means nothing here
  EXPECT_EQ(h_.Unary(SetSettingOp{"", "2"}).error, Error::kBadArguments);
  EXPECT_EQ(h_.Unary(SetSettingOp{std::string(kMaxSettingNameBytes + 1, 'n'), ""}).error, Error::kTooLarge);
  EXPECT_EQ(Limited(SetSettingOp{"b", *Big()}), Error::kTooLarge);
}

// Protocol sheet, section 17: the server lines are the data of /zookeeper/config, whose version stays -1.
TEST_F(Apply, MembershipIsWrittenIntoTheConfigNode) {
  const std::string name(kMembershipSetting);
  h_.Unary(CreateOp{"/zookeeper/quota/zookeeper"});
  h_.Unary(CreateOp{"/zookeeper/quota/zookeeper/zookeeper_limits", "byteHardLimit=1"});
  auto config = [&](tree::Stat* stat) {
    std::optional<std::string_view> data;
    EXPECT_EQ(h_.machine.tree().GetData(access::Caller::Unrestricted(), "/zookeeper/config", &data, stat), Error::kOk);
    return std::string(data.value());
  };
  tree::Stat stat;
  EXPECT_EQ(config(&stat), "");
  Outcome outcome = h_.Unary(SetSettingOp{name, "server.1=a\nserver.2=b"});
  EXPECT_EQ(outcome.error, Error::kOk);
  EXPECT_EQ(config(&stat), absl::StrCat("server.1=a\nserver.2=b\nversion=", absl::Hex(outcome.zxid.value())));
  EXPECT_EQ(stat.version, -1);
  EXPECT_EQ(stat.aversion, -1);
  EXPECT_EQ(stat.czxid, Zxid(0));
  EXPECT_EQ(stat.mzxid, outcome.zxid);
  EXPECT_EQ(h_.seen.events_of.back().size(), 1u);
  EXPECT_EQ(h_.machine.Setting(name), "server.1=a\nserver.2=b");
  EXPECT_EQ(h_.machine.digest(), h_.machine.ComputeDigest());
  uint64_t digest = h_.machine.tree().digest();
  EXPECT_EQ(Limited(SetSettingOp{name, std::string(99, 's')}), Error::kTooLarge);  // with its version
  EXPECT_EQ(h_.machine.tree().digest(), digest);
  EXPECT_EQ(h_.Unary(SetSettingOp{name, ""}).error, Error::kOk);
  EXPECT_EQ(config(&stat), "");
  EXPECT_EQ(stat.version, -1);
}

TEST_F(Apply, CountersAreInTheDigest) {  // D13
  uint64_t digest = h_.machine.digest();
  h_.Unary(SyncOp{"/"});
  EXPECT_NE(h_.machine.digest(), digest);  // the zxid alone
}

// ---- admission ----

TEST_F(Apply, WritesThatGrowAreRefusedUnderTheirNumberAndLiftedByThemselves) {  // L11, S2, counterexample 14
  auto admitted = [&](uint64_t sequence, Operation operation, bool refuse) {
    Command command{.session = session_,
                    .generation = OwnerGeneration(1),
                    .sequence = Sequence(sequence),
                    .operation = std::move(operation)};
    std::string bytes = h_.machine.AdmitCommand(EncodeCommand(command), refuse);
    EXPECT_TRUE(h_.TryApplyBytes({bytes}).ok());
    return h_.seen.outcomes.back();
  };
  EXPECT_EQ(admitted(1, CreateOp{"/a"}, true).error, Error::kRefusedMemory);
  EXPECT_EQ(admitted(2, SetDataOp{"/parent", "x"}, true).error, Error::kRefusedMemory);
  h_.machine.SetRefusal(Error::kRefusedDisk);
  EXPECT_EQ(admitted(3, MultiOp{{DeleteOp{"/parent/child"}, CreateOp{"/a"}}}, true).error, Error::kRefusedDisk);
  EXPECT_EQ(admitted(4, DeleteOp{"/parent/child"}, true).error, Error::kOk);
  EXPECT_EQ(admitted(5, MultiOp{{CheckOp{"/parent"}, DeleteOp{"/parent"}}}, true).error, Error::kOk);
  EXPECT_EQ(admitted(6, SyncOp{"/"}, true).error, Error::kOk);
  EXPECT_EQ(admitted(7, CreateOp{"/a"}, false).error, Error::kOk);
  EXPECT_EQ(admitted(8, CloseSessionOp{}, true).error, Error::kOk);
}

TEST_F(Apply, WhatIsNotRefusedIsAdmittedByteForByte) {
  std::string create = EncodeCommand({.operation = CreateOp{"/a"}});
  EXPECT_EQ(h_.machine.AdmitCommand(create, false), create);
  std::string close = EncodeCommand({.session = session_, .operation = CloseSessionOp{}});
  EXPECT_EQ(h_.machine.AdmitCommand(close, true), close);
  EXPECT_EQ(h_.machine.AdmitCommand("garbage", true), "garbage");  // apply says what is wrong with it
}

TEST_F(Apply, SkippedEntriesKeepTheIndexInStep) {
  LogIndex index = h_.machine.applied_index();
  uint64_t digest = h_.machine.digest();
  h_.machine.Skip(index + 1, Term(7));
  EXPECT_EQ(h_.machine.applied_index(), index + 1);
  EXPECT_EQ(h_.machine.applied_term(), Term(7));
  EXPECT_EQ(h_.machine.digest(), digest);
}

}  // namespace
}  // namespace synod::statemachine
