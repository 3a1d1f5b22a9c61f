#include "coordinator/statemachine/command_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace synod::statemachine {
namespace {

Command WithHeader(Operation operation) {
  return {.session = SessionId(0x0012345678abcdef),
          .generation = OwnerGeneration(3),
          .sequence = Sequence(1000000),
          .confirmed_below = Sequence(999999),
          .identities = {{"digest", "bob:x"}, {"ip", "127.0.0.1"}},
          .max_data_bytes = 12345,
          .origin = {ServerId(2), 0xfedcba9876543210, 77},
          .operation = std::move(operation)};
}

const access::Acl kAcl = {{31, "world", "anyone"}, {UINT32_MAX, "digest", "bob:x"}, {0, "", ""}};

std::vector<Command> OneOfEach() {
  std::vector<Operation> operations = {
      CreateOp{"/a", "data", CreateMode::kEphemeralSequential, kAcl},
      CreateOp{"/a", std::nullopt, CreateMode::kPersistentTtl, std::nullopt, kMaxTtlMs, OnExisting::kSet},
      CreateOp{"/a", "", CreateMode::kContainer, access::Acl{}, UINT64_MAX, OnExisting::kKeep},
      DeleteOp{"/a", -1},
      DeleteOp{"/a", INT32_MIN, true},
      SetDataOp{"/a", std::string(1000, '\0'), INT32_MAX},
      SetDataOp{"/a", std::nullopt, 0},
      CheckOp{"/a", 7},
      SetAclOp{"/a", kAcl, 3},
      SetAclOp{"/a", std::nullopt, -1},
      DeleteTreeOp{"/a", 3, UINT32_MAX, true},
      DeleteTreeOp{"/a"},
      MultiOp{},
      MultiOp{{CreateOp{"/b", "x", CreateMode::kPersistent, kAcl}, DeleteOp{"/c", 1}, SetDataOp{"/d", "", 2},
               CheckOp{"/e", 3}, SetAclOp{"/f"}, DeleteTreeOp{"/g"}}},
      TxnOp{},
      TxnOp{{Compare{}, Compare{"/a", Compare::Target::kValue, Compare::Relation::kGreaterOrEqual, INT64_MIN, "value"}},
            {CreateOp{"/b"}, DeleteTreeOp{"/c"}},
            {CheckOp{"/d"}}},
      SyncOp{"/"},
      RefusedOp{tree::Error::kRefusedDisk},
      AuthenticateOp{{{"digest", "alice:y"}}},
      CreateSessionOp{4000, 200, std::string(16, '\xff'), 99, false, {{"ip", "::1"}}},
      AttachSessionOp{SessionId(8), OwnerGeneration(2), 100, std::string(16, 'p'), 5000, 1, true, {{"ip", "::1"}}},
      CloseSessionOp{},
      ExpireSessionOp{SessionId(8), OwnerGeneration(2)},
      ContinueCloseOp{SessionId(8)},
      RemoveIdleOp{"/a", Zxid(5), Zxid(INT64_MAX)},
      RaiseVersionOp{1},
      SetSettingOp{"name", "value"},
  };
  std::vector<Command> out;
  for (Operation& operation : operations) out.push_back(WithHeader(std::move(operation)));
  return out;
}

TEST(CommandCodec, EveryCommandComesBackAsItWent) {  // L4
  for (const Command& command : OneOfEach()) {
    std::string bytes = EncodeCommand(command);
    auto back = DecodeCommand(bytes);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(back->session, command.session);
    EXPECT_EQ(back->generation, command.generation);
    EXPECT_EQ(back->sequence, command.sequence);
    EXPECT_EQ(back->confirmed_below, command.confirmed_below);
    EXPECT_EQ(back->identities, command.identities);
    EXPECT_EQ(back->max_data_bytes, command.max_data_bytes);
    EXPECT_EQ(back->origin.server, command.origin.server);
    EXPECT_EQ(back->origin.incarnation, command.origin.incarnation);
    EXPECT_EQ(back->origin.request, command.origin.request);
    EXPECT_EQ(back->operation.index(), command.operation.index());
    EXPECT_EQ(EncodeCommand(*back), bytes);
  }
}

TEST(CommandCodec, EveryOperationIsCovered) {  // a new one without a row fails here
  std::set<size_t> covered;
  for (const Command& command : OneOfEach()) covered.insert(command.operation.index());
  EXPECT_EQ(covered.size(), std::variant_size_v<Operation>);
}

TEST(CommandCodec, AnEmptyAclIsNotAnAbsentOne) {
  auto absent = DecodeCommand(EncodeCommand({.operation = SetAclOp{"/a", std::nullopt, -1}}));
  auto empty = DecodeCommand(EncodeCommand({.operation = SetAclOp{"/a", access::Acl{}, -1}}));
  auto full = DecodeCommand(EncodeCommand({.operation = SetAclOp{"/a", kAcl, -1}}));
  EXPECT_EQ(std::get<SetAclOp>(absent->operation).acl, std::nullopt);
  EXPECT_EQ(std::get<SetAclOp>(empty->operation).acl, access::Acl{});
  EXPECT_EQ(std::get<SetAclOp>(full->operation).acl, kAcl);
}

TEST(CommandCodec, ANumberOutOfItsRangeIsDataLoss) {
  auto broken = [](Operation operation, size_t from_end, uint8_t value) {
    std::string bytes = EncodeCommand({.operation = std::move(operation)});
    bytes[bytes.size() - from_end] = static_cast<char>(value);
    return DecodeCommand(bytes).status().code();
  };
  EXPECT_EQ(broken(CreateOp{"/a"}, 4, 7), absl::StatusCode::kDataLoss);                  // mode
  EXPECT_EQ(broken(CreateOp{"/a"}, 1, 3), absl::StatusCode::kDataLoss);                  // on_existing
  EXPECT_EQ(broken(TxnOp{{Compare{"/a"}}, {}, {}}, 6, 8), absl::StatusCode::kDataLoss);  // target
  EXPECT_EQ(broken(TxnOp{{Compare{"/a"}}, {}, {}}, 5, 6), absl::StatusCode::kDataLoss);  // relation
  EXPECT_EQ(broken(RefusedOp{}, 1, 0), absl::StatusCode::kDataLoss);
}

TEST(CommandCodec, NullDataIsNotEmptyData) {
  auto null = DecodeCommand(EncodeCommand({.operation = SetDataOp{"/a", std::nullopt, -1}}));
  auto empty = DecodeCommand(EncodeCommand({.operation = SetDataOp{"/a", "", -1}}));
  EXPECT_EQ(std::get<SetDataOp>(null->operation).data, std::nullopt);
  EXPECT_EQ(std::get<SetDataOp>(empty->operation).data, "");
}

TEST(CommandCodec, AnOldCommandsRestsDoNotShowThrough) {
  std::vector<Command> commands = OneOfEach();
  Command reused;
  for (size_t i = 0; i < commands.size() * commands.size(); ++i) {
    for (const Command* command : {&commands[i / commands.size()], &commands[i % commands.size()]}) {
      std::string bytes = EncodeCommand(*command);
      ASSERT_TRUE(DecodeCommandInto(bytes, &reused).ok());
      ASSERT_EQ(EncodeCommand(reused), bytes);
    }
  }
}

TEST(CommandCodec, ANewerVersionIsAnErrorThatSaysSo) {  // L6
  std::string bytes = EncodeCommand({.operation = SyncOp{"/"}});
  bytes[0] = 2;
  absl::Status status = DecodeCommand(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "command: needs state-machine version 2; this server knows 1");
}

TEST(CommandCodec, AnUnknownOperationIsAnErrorThatSaysSo) {  // L6
  std::string bytes = EncodeCommand({.operation = SyncOp{"/"}});
  bytes[1] = 99;
  absl::Status status = DecodeCommand(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "command: unknown operation 99; this server knows version 1");
}

TEST(CommandCodec, EveryTruncationAndAnythingBehindItIsDataLoss) {
  for (const Command& command : OneOfEach()) {
    std::string bytes = EncodeCommand(command);
    for (size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_EQ(DecodeCommand(std::string_view(bytes).substr(0, n)).status().code(), absl::StatusCode::kDataLoss) << n;
    }
    EXPECT_EQ(DecodeCommand(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(CommandCodec, RandomCorruptionNeverCrashesADecoder) {
  std::mt19937_64 random(11);
  std::vector<Command> commands = OneOfEach();
  Command reused;
  for (int i = 0; i < 200000; ++i) {
    std::string bytes = EncodeCommand(commands[random() % commands.size()]);
    for (uint64_t n = random() % 4 + 1; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    PeekGrowth(bytes);
    if (auto refusal = EncodeRefusalOf(bytes, tree::Error::kRefusedMemory)) {
      EXPECT_TRUE(DecodeCommand(*refusal).ok());
    }
    if (DecodeCommandInto(bytes, &reused).ok()) {
      EXPECT_TRUE(DecodeCommand(EncodeCommand(reused)).ok());
    }
  }
}

TEST(CommandCodec, ACountThatLiesCostsNoMemory) {
  for (Operation operation : std::vector<Operation>{MultiOp{}, TxnOp{}, AuthenticateOp{}}) {
    std::string bytes = EncodeCommand({.operation = operation});
    bytes.back() = '\xff';
    bytes += "\xff\xff\xff\x7f";
    EXPECT_EQ(DecodeCommand(bytes).status().code(), absl::StatusCode::kDataLoss);
  }
  std::string acl = EncodeCommand({.operation = SetAclOp{"/a"}});
  acl.resize(acl.size() - 2);
  acl += "\xff\xff\xff\xff\x7f";
  EXPECT_EQ(DecodeCommand(acl).status().code(), absl::StatusCode::kDataLoss);
}

TEST(CommandCodec, OnlyWhatAddsDataGrows) {  // L11
  auto grows = [](Operation operation) { return PeekGrowth(EncodeCommand(WithHeader(std::move(operation)))); };
  EXPECT_EQ(grows(CreateOp{"/a"}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(SetDataOp{"/a"}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(MultiOp{{DeleteOp{"/a"}, CreateOp{"/a"}}}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(MultiOp{{DeleteOp{"/a"}, SetDataOp{"/a"}}}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(MultiOp{{DeleteOp{"/a"}, CheckOp{"/a"}}}), CommandGrowth::kNone);
  EXPECT_EQ(grows(CreateOp{"/a", "", CreateMode::kPersistent, std::nullopt, 0, OnExisting::kSet}),
            CommandGrowth::kGrows);
  EXPECT_EQ(grows(SetAclOp{"/a", kAcl}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(SetAclOp{"/a"}), CommandGrowth::kNone);
  EXPECT_EQ(grows(MultiOp{{SetAclOp{"/a", kAcl}}}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(MultiOp{{SetAclOp{"/a"}, DeleteTreeOp{"/a"}}}), CommandGrowth::kNone);
  EXPECT_EQ(grows(TxnOp{{}, {CreateOp{"/a"}}, {}}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(TxnOp{{}, {}, {SetDataOp{"/a"}}}), CommandGrowth::kGrows);
  EXPECT_EQ(grows(TxnOp{{Compare{"/a"}}, {DeleteOp{"/a"}}, {CheckOp{"/a"}}}), CommandGrowth::kNone);
  EXPECT_EQ(grows(DeleteTreeOp{"/a"}), CommandGrowth::kNone);
  EXPECT_EQ(grows(RemoveIdleOp{"/a"}), CommandGrowth::kNone);
  EXPECT_EQ(grows(ContinueCloseOp{}), CommandGrowth::kNone);
  EXPECT_EQ(grows(AuthenticateOp{}), CommandGrowth::kNone);
  EXPECT_EQ(grows(DeleteOp{"/a"}), CommandGrowth::kNone);
  EXPECT_EQ(grows(SyncOp{}), CommandGrowth::kNone);
  EXPECT_EQ(grows(CloseSessionOp{}), CommandGrowth::kNone);
  EXPECT_EQ(PeekGrowth(""), CommandGrowth::kMalformed);
}

TEST(CommandCodec, ARefusalKeepsTheNumberAndTheOrigin) {  // S2
  Command command = WithHeader(CreateOp{"/a", std::string(1000, 'x')});
  auto refusal = DecodeCommand(*EncodeRefusalOf(EncodeCommand(command), tree::Error::kRefusedDisk));
  ASSERT_TRUE(refusal.ok());
  EXPECT_EQ(std::get<RefusedOp>(refusal->operation).error, tree::Error::kRefusedDisk);
  command.operation = RefusedOp{tree::Error::kRefusedDisk};
  EXPECT_EQ(EncodeCommand(*refusal), EncodeCommand(command));
}

// ---- outcomes ----

tree::Stat SomeStat() {
  return {.czxid = Zxid(90),
          .mzxid = Zxid(100),
          .pzxid = Zxid(95),
          .ctime_ms = 1700000000000,
          .mtime_ms = 1700000000001,
          .version = -3,
          .cversion = 4,
          .aversion = 5,
          .ephemeral_owner = SessionId(6),
          .data_length = 7,
          .num_children = 8};
}

std::vector<Outcome> SomeOutcomes() {
  Outcome plain{.zxid = Zxid(100)};
  Outcome error{.error = tree::Error::kBadVersion, .zxid = Zxid(100), .result = {.error = tree::Error::kBadVersion}};
  Outcome refused{.error = tree::Error::kRefusedMemory, .zxid = Zxid(100)};
  Outcome created{.zxid = Zxid(100), .result = {.path = "/a0000000001", .stat = SomeStat()}};
  Outcome multi{.zxid = Zxid(100), .results = {{.path = "/a", .stat = SomeStat()}, {}, {.stat = SomeStat()}}};
  Outcome failed{.error = tree::Error::kNoNode,
                 .zxid = Zxid(100),
                 .results = {{}, {.error = tree::Error::kNoNode}, {.error = tree::Error::kRuntimeInconsistency}}};
  Outcome deleted{.zxid = Zxid(100), .result = {.deleted = 5000, .remaining = 70000}};
  Outcome then{.zxid = Zxid(100), .results = {{.path = "/a", .created = true}, {.deleted = 1}}, .succeeded = true};
  Outcome nothing{.zxid = Zxid(100), .succeeded = true};
  created.result.created = true;
  return {plain, error, refused, created, multi, failed, deleted, then, nothing};
}

std::string Encoded(const Outcome& outcome) {
  ByteWriter out;
  EncodeOutcome(outcome, &out);
  return out.Take();
}

TEST(OutcomeCodec, EveryOutcomeComesBackAsItWent) {  // S2
  for (const Outcome& outcome : SomeOutcomes()) {
    auto back = DecodeOutcome(Encoded(outcome));
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(back->error, outcome.error);
    EXPECT_EQ(back->zxid, outcome.zxid);
    ASSERT_EQ(back->results.size(), outcome.results.size());
    EXPECT_EQ(back->result.error, outcome.result.error);
    EXPECT_EQ(back->result.path, outcome.result.path);
    EXPECT_EQ(back->result.stat, outcome.result.stat);
    EXPECT_EQ(back->result.created, outcome.result.created);
    EXPECT_EQ(back->result.deleted, outcome.result.deleted);
    EXPECT_EQ(back->result.remaining, outcome.result.remaining);
    EXPECT_EQ(back->succeeded, outcome.succeeded);
    for (size_t i = 0; i < back->results.size(); ++i) {
      EXPECT_EQ(back->results[i].error, outcome.results[i].error);
      EXPECT_EQ(back->results[i].path, outcome.results[i].path);
      EXPECT_EQ(back->results[i].stat, outcome.results[i].stat);
      EXPECT_EQ(back->results[i].created, outcome.results[i].created);
      EXPECT_EQ(back->results[i].deleted, outcome.results[i].deleted);
    }
  }
}

TEST(OutcomeCodec, AReplyOfASetDataIsSmall) {
  Outcome set{.zxid = Zxid(1000000),
              .result = {.stat = {.czxid = Zxid(900000),
                                  .mzxid = Zxid(1000000),
                                  .pzxid = Zxid(900000),
                                  .ctime_ms = 1700000000000,
                                  .mtime_ms = 1700000100000,
                                  .version = 100,
                                  .data_length = 100}}};
  EXPECT_LE(Encoded(set).size(), 40u);
}

TEST(OutcomeCodec, RandomCorruptionNeverCrashesTheDecoder) {
  std::mt19937_64 random(12);
  std::vector<Outcome> outcomes = SomeOutcomes();
  for (int i = 0; i < 100000; ++i) {
    std::string bytes = Encoded(outcomes[random() % outcomes.size()]);
    for (uint64_t n = random() % 4 + 1; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    auto back = DecodeOutcome(bytes);
    if (back.ok()) {
      EXPECT_TRUE(DecodeOutcome(Encoded(*back)).ok());
    }
  }
}

TEST(OutcomeCodec, AnUnknownVersionIsRefused) {
  std::string bytes = Encoded(SomeOutcomes()[0]);
  bytes[0] = 2;
  EXPECT_EQ(DecodeOutcome(bytes).status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace synod::statemachine
