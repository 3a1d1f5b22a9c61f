// Credentials of a session, and what becomes of its writes when it ends (S2), stepped: no socket, no clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/client/session_harness.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Credential kMe{"digest", "me:secret"};
const Credential kYou{"digest", "you:secret"};

class SessionIdentityTest : public SessionTest {
 protected:
  // What the next connect brings.
  std::vector<std::string> Reconnect() {
    End(absl::UnavailableError("cut"));
    now_ = std::max(now_, session_->NextDeadline());
    return Brings(Attach());
  }
  static std::vector<std::string> Brings(const v1::ClientMessage& message) {
    std::vector<std::string> out;
    for (const v1::Credential& c : message.connect().credentials()) out.push_back(c.scheme() + " " + c.credential());
    return out;
  }
};

TEST_F(SessionIdentityTest, CredentialsGoWithEveryConnect) {
  Make({}, "", 3, {kMe});
  EXPECT_THAT(Brings(Attach()), ElementsAre("digest me:secret"));
  Connected();
  EXPECT_THAT(Reconnect(), ElementsAre("digest me:secret"));
}

TEST_F(SessionIdentityTest, AuthenticateIsANumberedWriteAndGoesWithLaterConnects) {
  Make({}, "", 3, {kMe});
  Open();
  Submit(AuthenticateRequest(kYou), "auth");
  Submit(AuthenticateRequest(kYou), "again");
  EXPECT_THAT(Sequences(Sent()), ElementsAre(1, 2));
  Reply(1);
  Reply(2);
  EXPECT_THAT(Reconnect(), ElementsAre("digest me:secret", "digest you:secret"));
}

TEST_F(SessionIdentityTest, ARefusedCredentialIsNotBroughtAlong) {
  Make();
  Open();
  Submit(AuthenticateRequest({"kerberos", "x"}), "auth");
  Sent();
  Reply(1, v1::AUTH_FAILED);
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "auth: AuthFailed"));
  EXPECT_THAT(Reconnect(), IsEmpty());
}

TEST_F(SessionIdentityTest, ACredentialUnderWayIsBroughtAlongOnceItWasSent) {
  // It may have been applied: then its repeated reply does nothing for the new connection.
  Make();
  Submit(AuthenticateRequest(kYou), "auth");
  EXPECT_THAT(Brings(Attach()), IsEmpty());  // not yet
  Connected();
  Submit(AuthenticateRequest({"kerberos", "x"}), "bad");
  Sent();
  EXPECT_THAT(Reconnect(), ElementsAre("digest you:secret"));  // the bad one would end the session
}

TEST_F(SessionIdentityTest, CredentialsRefusedAtTheFirstConnectEndTheClient) {
  Make({}, "", 3, {{"kerberos", "x"}});
  Submit(Set("/a"), "set");
  Attach();
  End(absl::UnauthenticatedError("scheme kerberos is unknown"));
  Submit(Set("/b"), "later");
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("closed", "set: AuthFailed", "later: AuthFailed"));
  EXPECT_EQ(session_->NextDeadline(), absl::InfiniteDuration());
}

// ---- S2: what may have been done, and what certainly was not ----

TEST_F(SessionIdentityTest, EveryWriteIsNumberedAndTellsIfItMayHaveBeenDone) {
  const std::vector<std::pair<const char*, v1::Request>> writes = {
      {"create", CreateRequest("/a", "x", CreateOptions{CreateMode::kPersistentTtl, {}, absl::Seconds(1)})},
      {"delete", DeleteRequest("/a", DeleteOptions{-1, true})},
      {"set", SetRequest("/a", "x", -1)},
      {"check", CheckRequest("/a", -1)},
      {"multi", MultiRequest({Operation::Put("/a", "x")})},
      {"txn", TxnRequest({Compare::Exists("/a")}, {}, {Operation::Delete("/a")})},
      {"acl", SetAclRequest("/a", OpenAcl(), -1)},
      {"tree", DeleteTreeRequest("/a", {})},
      {"auth", AuthenticateRequest(kMe)},
  };
  const std::vector<std::pair<const char*, v1::Request>> reads = {
      {"get acl", GetAclRequest("/a", ReadStrength::kSession)},
      {"list", ListRequest("/a", {}, ReadStrength::kSession)},
      {"multi-read", MultiReadRequest({ReadOperation::Get("/a")}, ReadStrength::kSession)},
      {"ephemerals", EphemeralsRequest({}, ReadStrength::kSession)},
      {"count", CountRequest("/a", ReadStrength::kSession)},
      {"check watch", CheckWatchRequest("/a", v1::DATA)},
      {"who", WhoAmIRequest()},
  };
  Make();
  Open();
  TakeLog();
  std::vector<std::string> wanted = {"expired"};
  for (const auto& [name, request] : writes) {
    Submit(request, name);
    wanted.push_back(std::string(name) + ": SessionExpired?");
  }
  for (const auto& [name, request] : reads) {
    Submit(request, name);
    wanted.push_back(std::string(name) + ": SessionExpired");
  }
  const std::vector<uint64_t> numbers = Sequences(Sent());
  ASSERT_EQ(numbers.size(), writes.size() + reads.size());
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i < writes.size() ? i + 1 : 0) << i;
  End(absl::UnauthenticatedError("expired"));
  EXPECT_EQ(TakeLog(), wanted);
}

TEST_F(SessionIdentityTest, AWriteSentOnAnyStreamMayHaveBeenDoneWhenTheSessionExpires) {  // S2
  Make();
  Attach();
  v1::ServerMessage hello;
  hello.mutable_connected()->set_session_id(42);
  hello.mutable_connected()->set_timeout_ms(3000);
  hello.mutable_connected()->set_max_outstanding(1);
  session_->OnMessage(attempt_, hello, now_);
  Submit(Set("/a"), "sent");
  Submit(Set("/b"), "beyond the window");
  Sent();
  End(absl::UnavailableError("cut"));
  Submit(Set("/c"), "while away");
  Attach();  // nothing is sent again before the server answers
  TakeLog();
  End(absl::UnauthenticatedError("the session expired meanwhile"));
  EXPECT_THAT(TakeLog(), ElementsAre("expired", "sent: SessionExpired?", "beyond the window: SessionExpired",
                                     "while away: SessionExpired"));
}

TEST_F(SessionIdentityTest, AWriteWhoseReplyWasLostWasDone) {  // S3
  Make();
  Open();
  Submit(Set("/a"), "a");
  Sent();
  Reply(1, v1::REPLY_LOST);
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "a: ReplyLost?"));
}

}  // namespace
}  // namespace synod::client
