// L3: what bounds one command; and what the service reads of the state.
#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {
namespace {

using tree::Error;

TEST(Bounds, ATxnsComparesAreBoundedInNumberAndBytes) {
  Harness h;
  TxnOp txn;
  txn.compares.assign(kMaxCompares, Compare{"/"});
  EXPECT_TRUE(h.Unary(txn).succeeded);
  txn.compares.push_back(Compare{"/none", Compare::Target::kVersion});
  EXPECT_EQ(h.Unary(txn).error, Error::kTooLarge);

  const uint32_t limit = 100000;
  auto of_bytes = [](size_t bytes) {
    Compare half{"/", Compare::Target::kValue, Compare::Relation::kNotEqual, 0, std::string(bytes / 2 - 1, 'x')};
    return TxnOp{{half, half}, {}, {}};
  };
  EXPECT_EQ(h.Apply({.max_data_bytes = limit, .operation = of_bytes(limit + kMaxPathBytes - 1)}).error, Error::kOk);
  EXPECT_EQ(h.Apply({.max_data_bytes = limit, .operation = of_bytes(limit + kMaxPathBytes + 1)}).error,
            Error::kTooLarge);
}

TEST(Bounds, ATxnsBranchIsBoundedAsAMulti) {
  Harness h;
  TxnOp txn;
  txn.then_ops.assign(kMaxMultiOps + 1, CheckOp{"/"});
  txn.else_ops.assign(kMaxMultiOps, CheckOp{"/"});
  Outcome then = h.Unary(txn);
  EXPECT_TRUE(then.succeeded);
  EXPECT_EQ(then.error, Error::kTooLarge);
  EXPECT_EQ(then.results.back().error, Error::kTooLarge);
  txn.compares = {Compare{"/none"}};  // the branch that is not taken counts for nothing
  EXPECT_EQ(h.Unary(txn).error, Error::kOk);
}

// A node with `count` children.
void Grow(Harness* h, const std::string& path, size_t count) {
  MultiOp multi{{CreateOp{path}}};
  for (size_t i = 0; i < count; ++i) {
    multi.ops.push_back(CreateOp{path + "/" + std::to_string(i)});
    if (multi.ops.size() < kMaxMultiOps && i + 1 < count) continue;
    ASSERT_EQ(h->Unary(multi).error, Error::kOk);
    multi.ops.clear();
  }
}

TEST(Bounds, ADeleteTreeIsBoundedWhateverItAsksFor) {
  Harness h;
  Grow(&h, "/t", kMaxTreeDelete);
  EXPECT_EQ(h.Unary(DeleteTreeOp{"/t"}).error, Error::kTooLarge);
  EXPECT_EQ(h.Unary(DeleteTreeOp{"/t", -1, UINT32_MAX}).error, Error::kTooLarge);
  Outcome part = h.Unary(DeleteTreeOp{"/t", -1, UINT32_MAX, true});
  EXPECT_EQ(part.result.deleted, kMaxTreeDelete);
  EXPECT_EQ(part.result.remaining, 1u);
  EXPECT_EQ(h.seen.events_of.back().size(), kMaxTreeDelete);
  EXPECT_TRUE(h.Exists("/t"));
}

TEST(Bounds, TheDeleteTreesOfAMultiShareOneBound) {
  Harness h;
  Grow(&h, "/a", kMaxTreeDelete - 2);
  h.Unary(MultiOp{{CreateOp{"/b"}, CreateOp{"/b/1"}, CreateOp{"/c"}}});
  Outcome over = h.Unary(MultiOp{{DeleteTreeOp{"/a"}, DeleteTreeOp{"/b"}}});
  EXPECT_EQ(over.error, Error::kTooLarge);
  EXPECT_EQ(over.results[1].error, Error::kTooLarge);
  EXPECT_TRUE(h.Exists("/a/0"));
  Outcome part = h.Unary(MultiOp{{DeleteTreeOp{"/a"}, DeleteTreeOp{"/b", -1, 0, true}, DeleteOp{"/c"}}});
  EXPECT_EQ(part.error, Error::kOk);
  EXPECT_EQ(part.results[1].deleted, 1u);
  EXPECT_EQ(part.results[1].remaining, 1u);
  EXPECT_EQ(h.Unary(DeleteTreeOp{"/b"}).result.deleted, 1u);  // the next command has a bound of its own
}

TEST(Bounds, ASessionsEndTakesAThousandEphemeralsAtATime) {
  Harness h;
  SessionId session = h.NewSession();
  MultiOp multi;
  for (size_t i = 0; i < 2 * kEphemeralsPerCommand + 1; ++i)
    multi.ops.push_back(CreateOp{"/e" + std::to_string(i), "", CreateMode::kEphemeral});
  ASSERT_EQ(h.Numbered(session, 1, multi).error, Error::kOk);
  h.Numbered(session, 2, CloseSessionOp{});
  EXPECT_EQ(h.seen.events_of.back().size(), kEphemeralsPerCommand);
  EXPECT_EQ(h.machine.sessions().closing().size(), 1u);
  h.Unary(ContinueCloseOp{session});
  EXPECT_EQ(h.seen.events_of.back().size(), kEphemeralsPerCommand);
  h.Unary(ContinueCloseOp{session});
  EXPECT_EQ(h.seen.events_of.back().size(), 1u);
  EXPECT_EQ(h.machine.sessions().Find(session), nullptr);
  EXPECT_EQ(h.machine.tree().ephemeral_count(), 0u);
}

// `count` nodes, ephemerals of `session` unless that is 0, whose paths have about 60,000 bytes each.
void GrowDeep(Harness* h, SessionId session, size_t count) {
  std::string path;
  for (int i = 0; i < 60; ++i) {
    path += "/" + std::string(999, 'd');
    ASSERT_EQ(h->Unary(CreateOp{path}).error, Error::kOk);
  }
  const CreateMode mode = session == SessionId(0) ? CreateMode::kPersistent : CreateMode::kEphemeral;
  for (size_t i = 0; i < count; ++i) {
    const Command create{.session = session,
                         .generation = OwnerGeneration(session == SessionId(0) ? 0 : 1),
                         .operation = CreateOp{path + "/" + std::to_string(i), "", mode}};
    ASSERT_EQ(h->Apply(create).error, Error::kOk);
  }
}

// L3: an event holds its path, so a few thousand nodes in the depth would make a command of hundreds of megabytes.
TEST(Bounds, ADeleteTreesPathsAreBounded) {
  Harness h;
  GrowDeep(&h, SessionId(0), 80);
  const std::string top = "/" + std::string(999, 'd');
  EXPECT_EQ(h.Unary(DeleteTreeOp{top}).error, Error::kTooLarge);
  Outcome part = h.Unary(DeleteTreeOp{top, -1, 0, true});
  EXPECT_EQ(part.result.deleted, kMaxDeletedPathBytes / 60'003);
  EXPECT_EQ(part.result.deleted + part.result.remaining, 140u);
  h.Unary(CreateOp{"/b"});
  Outcome shared = h.Unary(MultiOp{{DeleteTreeOp{top, -1, 0, true}, DeleteTreeOp{"/b"}}});
  EXPECT_EQ(shared.error, Error::kOk);
  EXPECT_FALSE(h.Exists(top));
}

TEST(Bounds, AStepOfASessionsEndIsBoundedInPathsToo) {
  Harness h;
  SessionId session = h.NewSession();
  GrowDeep(&h, session, 80);
  h.Unary(ExpireSessionOp{session, OwnerGeneration(1)});
  EXPECT_EQ(h.seen.events_of.back().size(), kMaxDeletedPathBytes / 60'003 + 1);
  EXPECT_EQ(h.machine.sessions().closing().size(), 1u);
  h.Unary(ContinueCloseOp{session});
  EXPECT_EQ(h.machine.sessions().Find(session), nullptr);
}

// Or nothing could name the node again: neither a delete nor the removal of a TTL node that is over.
TEST(Bounds, ASequentialPathHasRoomForItsNumber) {
  Harness h;
  auto create = [&](size_t length) {
    return h.Unary(CreateOp{"/" + std::string(length - 1, 'x'), "", CreateMode::kPersistentSequentialTtl, {}, 1});
  };
  EXPECT_EQ(create(kMaxPathBytes - 9).error, Error::kTooLarge);
  Outcome longest = create(kMaxPathBytes - 10);
  ASSERT_EQ(longest.error, Error::kOk);
  EXPECT_EQ(longest.result.path.size(), kMaxPathBytes);
  h.now_ms += 1000;
  EXPECT_EQ(h.Unary(RemoveIdleOp{longest.result.path, longest.zxid, longest.zxid}).error, Error::kOk);
}

TEST(Bounds, AnAuthenticationBeyondTheLimitChangesNothing) {
  Harness h;
  access::IdentitySet many;
  for (size_t i = 0; i < access::kMaxIdentities; ++i) access::Insert(Digest("u" + std::to_string(i)), &many);
  SessionId session = h.NewSession(1, many);
  EXPECT_EQ(h.Numbered(session, 1, AuthenticateOp{{Digest("u3")}}).error, Error::kOk);  // it is there already
  EXPECT_EQ(h.Numbered(session, 2, AuthenticateOp{{Digest("one-more")}}).error, Error::kTooLarge);
  EXPECT_EQ(h.machine.identities().Get(h.machine.sessions().Find(session)->identities()), many);
}

// ---- what the service reads ----

TEST(Reads, ACallerIsWhoTheSettingsSayItIs) {  // L4
  Harness h;
  h.Unary(CreateOp{"/a", "", CreateMode::kPersistent, access::Acl{ForDigest("bob")}});
  SessionId bob = h.NewSession(1, {Digest("bob")});
  SessionId root = h.NewSession(2, {Digest("root")});
  auto may_read = [&](const access::Caller& caller) {
    return h.machine.tree().Exists(caller, "/a", nullptr) == Error::kOk;
  };
  const access::IdentitySet alice{Digest("alice")};
  EXPECT_TRUE(may_read(h.machine.CallerOf(bob)));
  EXPECT_FALSE(may_read(h.machine.CallerOf(root)));
  EXPECT_FALSE(may_read(h.machine.CallerOf(SessionId(99))));  // nobody
  EXPECT_FALSE(may_read(h.machine.CallerOf(alice)));
  h.Unary(SetSettingOp{std::string(kSuperDigestSetting), Digest("root").id});
  EXPECT_EQ(h.machine.settings().super_digest, Digest("root").id);
  EXPECT_TRUE(may_read(h.machine.CallerOf(root)));
  EXPECT_FALSE(may_read(h.machine.CallerOf(alice)));
  h.Unary(SetSettingOp{std::string(kSkipAclSetting), "yes"});
  EXPECT_TRUE(may_read(h.machine.CallerOf(alice)));
  EXPECT_TRUE(may_read(h.machine.CallerOf(SessionId(99))));

  Store store;
  Harness loaded;
  ASSERT_TRUE(Load(store, h.Snapshot(&store), &loaded.machine).ok());
  EXPECT_TRUE(loaded.machine.settings().skip_acl);
  EXPECT_EQ(loaded.machine.settings().super_digest, Digest("root").id);
}

TEST(Reads, AnUnknownOrEmptyValueOfASettingIsTheDefault) {
  Settings settings;
  settings.Set(kSkipAclSetting, "maybe");
  settings.Set(kEnforceQuotaSetting, "");
  settings.Set(kExtendedTypesSetting, "");
  settings.Set("nonsense", "yes");
  EXPECT_FALSE(settings.skip_acl);
  EXPECT_TRUE(settings.enforce_quota);
  EXPECT_TRUE(settings.extended_types);
  settings.Set(kSkipAclSetting, "yes");
  settings.Set(kEnforceQuotaSetting, "no");
  settings.Set(kExtendedTypesSetting, "no");
  EXPECT_TRUE(settings.skip_acl);
  EXPECT_FALSE(settings.enforce_quota);
  EXPECT_FALSE(settings.extended_types);
  settings.Set(kSkipAclSetting, "");
  EXPECT_FALSE(settings.skip_acl);
}

TEST(Reads, TheWindowHoldsACommandsEventsWhenItsObserverIsTold) {  // W3
  class Observer : public Recorder {
   public:
    void OnCommand(const Command& command, const Outcome& outcome, const std::vector<tree::Event>& events) override {
      Recorder::OnCommand(command, outcome, events);
      size_t held = 0;
      machine->window().Read(Cursor{outcome.zxid - 1}, SIZE_MAX, [&](const PastEvent& event) {
        EXPECT_EQ(event.zxid, outcome.zxid);
        ++held;
        return true;
      });
      EXPECT_EQ(held, events.size());
    }
    StateMachine* machine = nullptr;
  } observer;
  Harness h;
  observer.machine = &h.machine;
  h.machine.SetObserver(&observer);
  for (Operation operation : std::vector<Operation>{CreateOp{"/a"}, MultiOp{{SetDataOp{"/a"}, DeleteOp{"/a"}}},
                                                    DeleteOp{"/a"}, CreateOp{"/b"}}) {
    ASSERT_TRUE(h.TryApplyBytes({EncodeCommand({.operation = operation})}).ok());
  }
  EXPECT_EQ(observer.outcomes.size(), 4u);
}

TEST(Reads, TheObserverHearsOfQuotasAndClosingsBeforeTheirCommand) {  // outcome.h
  Harness h({.ephemerals_per_command = 1});
  SessionId session = h.NewSession();
  h.Unary(CreateOp{"/q"});
  h.Unary(CreateOp{"/zookeeper/quota/q"});
  h.Unary(CreateOp{"/zookeeper/quota/q/zookeeper_limits", "count=1,bytes=-1"});
  h.seen.calls.clear();
  h.Numbered(session, 1, CreateOp{"/q/e", "", CreateMode::kEphemeral});
  h.Numbered(session, 2, CreateOp{"/e", "", CreateMode::kEphemeral});
  h.Unary(MultiOp{{CreateOp{"/q/f"}, DeleteOp{"/none"}}});  // undone: nothing was exceeded
  h.Unary(ExpireSessionOp{session, OwnerGeneration(1)});
  h.Unary(ContinueCloseOp{session});
  EXPECT_EQ(h.seen.calls,
            (std::vector<std::string>{"quota /q count 2 of 1 bytes 0 of -1", "command 5", "command 6", "command 7",
                                      "closing 1, expired", "command 8", "expired 1", "command 9"}));
}

TEST(Reads, AnEventsAclsLiveInTheWindowAfterTheirNodesAreGone) {  // 13.7
  Harness h;
  h.Unary(CreateOp{"/a", "", CreateMode::kPersistent, access::Acl{ForDigest("bob")}});
  h.Unary(DeleteOp{"/a"});
  EXPECT_EQ(h.machine.acls().size(), 2u);  // the fixed ones
  std::vector<std::optional<access::Acl>> acls;
  h.machine.window().Read(h.machine.window().begin(), SIZE_MAX, [&](const PastEvent& event) {
    acls.push_back(event.acl);
    return true;
  });
  EXPECT_EQ(acls, (std::vector<std::optional<access::Acl>>(2, access::Acl{ForDigest("bob")})));
}

}  // namespace
}  // namespace synod::statemachine
