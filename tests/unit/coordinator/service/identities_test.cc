// Who a connection, a call and a stream act for (specs: ZooKeeper protocol, section 7).
#include "coordinator/service/credentials.h"
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Shown(const access::IdentitySet& identities) {
  std::vector<std::string> out;
  for (const access::Identity& identity : identities) out.push_back(identity.scheme + ":" + identity.id);
  return out;
}

class Identities : public ::testing::Test {
 protected:
  Reply Ask(FakeDoor& door, Operation operation) {
    w.Submit(door, {Read(++id, std::move(operation))});
    w.loop.Run();
    return door.replies.back();
  }
  FakeDoor& ConnectAs(std::vector<Credential> credentials, std::string address = "") {
    ConnectRequest request = World::NewSession();
    request.credentials = std::move(credentials);
    FakeDoor& door = w.Open(true, std::move(address));
    w.service.Connect(door.id, std::move(request));
    w.ApplyAll();
    door.Take();
    return door;
  }
  Reply Call(Operation operation, std::vector<Credential> credentials = {}, std::string address = "") {
    std::optional<Reply> reply;
    w.service.Call({Read(1, std::move(operation)), {}, std::move(credentials), std::move(address)},
                   [&](Reply r) { reply = std::move(r); });
    w.ApplyAll();
    return *reply;
  }
  World w;
  uint64_t id = 1000;
};

// Connect brings credentials and address; whoAmI shows users, not digests (7.4).
TEST_F(Identities, ComeWithTheConnect) {
  w.Lead();
  w.ApplyOther(CreateWith("/s", ReadByAnn(), "secret"));
  FakeDoor& anyone = ConnectAs({});
  FakeDoor& ann = ConnectAs({Digest(kAnn), Digest("ann:other")}, "10.0.0.7");
  EXPECT_EQ(Ask(anyone, GetData{"/s"}).error, ToErrorCode(tree::Error::kNoAuth));
  EXPECT_EQ(Ask(ann, GetData{"/s"}).data, "secret");
  EXPECT_THAT(Shown(Ask(ann, WhoAmI{}).identities), ElementsAre("digest:ann", "ip:10.0.0.7"));
  EXPECT_THAT(Shown(Ask(anyone, WhoAmI{}).identities), IsEmpty());
}

TEST_F(Identities, RefusedCredentialClosesTheConnection) {
  w.Lead();
  FakeDoor& door = ConnectAs({Digest(kAnn), {"nonsense", "x"}});
  EXPECT_EQ(door.closed, CloseReason::kAuthFailed);
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  EXPECT_EQ(w.service.Stats().auth_failed, 1u);
}

// S4: a new owner of the session brings its own identities; the old one's are gone.
TEST_F(Identities, AreTheOwnersOfTheMoment) {
  w.Lead();
  w.ApplyOther(CreateWith("/s", ReadByAnn(), "secret"));
  FakeDoor& ann = ConnectAs({Digest(kAnn)});
  FakeDoor& again = w.Connect(World::Resume(ann));
  EXPECT_EQ(Ask(again, GetData{"/s"}).error, ToErrorCode(tree::Error::kNoAuth));
}

// Authenticate is a numbered write: what comes behind it is judged by it, reads and writes alike.
TEST_F(Identities, GrowWithAuthenticate) {
  w.Lead();
  access::Acl all_ann = AnyoneAndAnn(0, access::kAllPermissions);
  w.ApplyOther(CreateWith("/s", all_ann, "secret"));
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Set("/s", "x")), Read(9, GetData{"/s"}), Write(2, Authenticate{Digest(kAnn)}),
                  Read(10, GetData{"/s"}), Write(3, Set("/s", "y"))});
  w.ApplyAll();
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 NoAuth", "reply 9 NoAuth", "reply 2 Ok", "reply 10 Ok secret", "reply 3 Ok"));
}

// The proof goes no further than this server: what is logged is the identity.
TEST_F(Identities, CredentialNeverReachesACommand) {
  w.Lead();
  ConnectRequest request = World::NewSession();
  request.credentials = {Digest(kAnn)};
  FakeDoor& door = w.Open();
  w.service.Connect(door.id, request);
  EXPECT_THAT(w.node.submitted.back(), HasSubstr(access::DigestId(kAnn)));
  EXPECT_THAT(w.node.submitted.back(), Not(HasSubstr("secret")));
  w.ApplyAll();
  w.Submit(door, {Write(1, Authenticate{Digest(kBob)}), Write(2, Authenticate{{"nonsense", "secret"}})});
  for (const std::string& command : w.node.submitted) EXPECT_THAT(command, Not(HasSubstr("secret")));
  w.service.Call({Read(1, Create("/a")), {}, {Digest(kBob)}, ""}, [](Reply) {});
  EXPECT_THAT(w.node.submitted.back(), Not(HasSubstr("secret")));
  w.ApplyAll();
  EXPECT_THAT(door.replies[1].error, ToErrorCode(tree::Error::kAuthFailed));
}

// S2: a refused credential is an outcome under its number; the session goes on.
TEST_F(Identities, RefusedAuthenticateKeepsItsNumber) {
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Authenticate{{"world", "anyone"}}), Write(2, Create("/a")), Read(9, WhoAmI{})});
  EXPECT_TRUE(std::holds_alternative<statemachine::RefusedOp>(w.node.Submitted()[0].operation));
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 AuthFailed", "reply 2 Ok", "reply 9 Ok"));
  EXPECT_FALSE(door.closed);
  EXPECT_EQ(w.service.Stats().auth_failed, 1u);
}

// Without a session the credentials go with each call.
TEST_F(Identities, GoWithEachCall) {
  w.Lead();
  w.ApplyOther(CreateWith("/s", AnyoneAndAnn(0, access::kAllPermissions), "secret"));
  EXPECT_EQ(Call(GetData{"/s"}).error, ToErrorCode(tree::Error::kNoAuth));
  EXPECT_EQ(Call(Set("/s", "x")).error, ToErrorCode(tree::Error::kNoAuth));
  EXPECT_EQ(Call(GetData{"/s"}, {Digest(kAnn)}).data, "secret");
  EXPECT_EQ(Call(Set("/s", "x"), {Digest(kAnn)}).error, ErrorCode::kOk);
  EXPECT_THAT(Shown(Call(WhoAmI{}, {Digest(kAnn)}, "::1").identities), ElementsAre("digest:ann", "ip:::1"));
  Reply refused = Call(Set("/s", "y"), {{"nonsense", ""}});
  EXPECT_EQ(refused.error, ToErrorCode(tree::Error::kAuthFailed));
  EXPECT_EQ(refused.effect, Effect::kNotDone);
  EXPECT_EQ(Call(Authenticate{Digest(kAnn)}).error, ToErrorCode(tree::Error::kBadArguments));
}

// Settings bypass the check for everybody, or for one digest, from the moment they are applied; whoAmI shows "super".
TEST_F(Identities, SuperUserAndSkipAclAreReplicatedSettings) {
  w.Lead();
  w.ApplyOther(CreateWith("/s", AnyoneAndAnn(0, 0), "secret"));
  FakeDoor& bob = ConnectAs({Digest(kBob)});
  FakeStream stream;
  WatchStreamRequest request = Watching("/s", false);
  request.credentials = {Digest(kBob)};
  OpenStream(&w, &stream, request);
  w.Submit(bob, {Read(1, AddWatch{"/s", WatchKind::kPersistent})});
  w.ApplyOther(Set("/other", ""));
  EXPECT_EQ(Ask(bob, GetData{"/s"}).error, ToErrorCode(tree::Error::kNoAuth));
  w.ApplyOther(statemachine::SetSettingOp{"super_digest", access::DigestId(kBob)});
  EXPECT_EQ(Ask(bob, GetData{"/s"}).data, "secret");
  EXPECT_THAT(Shown(Ask(bob, WhoAmI{}).identities), ElementsAre("digest:bob", "super:"));
  w.Submit(bob, {Write(1, Set("/s", "x"))});
  w.ApplyAll();
  EXPECT_THAT(stream.Take(), ElementsAre("changed /s"));
  EXPECT_EQ(bob.notifications.size(), 1u);
  w.ApplyOther(statemachine::SetSettingOp{"super_digest", ""});
  EXPECT_EQ(Ask(bob, GetData{"/s"}).error, ToErrorCode(tree::Error::kNoAuth));
  w.ApplyOther(statemachine::SetSettingOp{"skip_acl", "yes"});
  EXPECT_EQ(Ask(bob, GetData{"/s"}).data, "x");
}

TEST_F(Identities, BeyondTheLimitsAreRefused) {
  EXPECT_FALSE(Prove(Digest(std::string(access::kMaxAclTextBytes + 1, 'u') + ":p")));
  std::vector<Credential> many;
  for (size_t i = 0; i <= access::kMaxIdentities; ++i) many.push_back(Digest(absl::StrCat("u", i, ":p")));
  EXPECT_FALSE(IdentitiesOf(many, ""));
  many.pop_back();
  EXPECT_TRUE(IdentitiesOf(many, ""));
  EXPECT_FALSE(IdentitiesOf(many, "127.0.0.1"));
}

}  // namespace
}  // namespace synod::service::testing
