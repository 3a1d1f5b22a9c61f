// Every operation through a real gRPC server: what goes in has its effect, what comes out is told whole. The semantics
// are tested with the service and below.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/frontdoor/grpc/door.h"

namespace synod::frontdoor {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr char kBob[] = "bob:pw";

void SetAcl(v1::Acl* acl, uint32_t permissions, const std::string& scheme, const std::string& id) {
  acl->clear_entries();
  v1::AclEntry* entry = acl->add_entries();
  entry->set_permissions(permissions);
  entry->set_scheme(scheme);
  entry->set_id(id);
}

class OperationsTest : public testing::DoorTest {
 protected:
  void SetUp() override {
    Serve();
    session_ = Session();
  }
  void TearDown() override {
    session_.reset();
    DoorTest::TearDown();
  }
  v1::Reply Make(const std::string& path, const std::string& data = "", v1::CreateMode mode = v1::PERSISTENT) {
    v1::Request request;
    request.mutable_create()->set_path(path);
    request.mutable_create()->mutable_data()->set_value(data);
    request.mutable_create()->set_mode(mode);
    v1::Reply reply = session_->Write(request);
    EXPECT_EQ(reply.error(), v1::OK) << path;
    return reply;
  }
  v1::Reply GetData(const std::string& path) {
    v1::Request request;
    request.mutable_get_data()->set_path(path);
    return session_->Do(request);
  }
  v1::Reply GetAcl(const std::string& path) {
    v1::Request request;
    request.mutable_get_acl()->set_path(path);
    return session_->Do(request);
  }
  std::unique_ptr<testing::SessionClient> session_;
};

// ---- writes ----

TEST_F(OperationsTest, CreateTellsPathStatAndWhetherItMadeTheNode) {
  v1::Reply reply = Make("/a", "v");
  EXPECT_EQ(reply.result().path(), "/a");
  EXPECT_TRUE(reply.result().created());
  EXPECT_EQ(reply.result().stat().czxid(), reply.zxid());
  EXPECT_EQ(reply.result().stat().data_length(), 1);
  v1::Request again;
  again.mutable_create()->set_path("/a");
  EXPECT_EQ(session_->Write(again).error(), v1::NODE_EXISTS);
  again.mutable_create()->set_on_existing(v1::KEEP);
  again.mutable_create()->mutable_data()->set_value("other");
  reply = session_->Write(again);
  EXPECT_EQ(reply.error(), v1::OK);
  EXPECT_FALSE(reply.result().created());
  EXPECT_EQ(GetData("/a").data().value(), "v");
  again.mutable_create()->set_on_existing(v1::SET);
  reply = session_->Write(again);
  EXPECT_FALSE(reply.result().created());
  EXPECT_EQ(reply.result().stat().version(), 1);
  EXPECT_EQ(GetData("/a").data().value(), "other");
}

TEST_F(OperationsTest, EveryCreateModeHasItsEffect) {
  EXPECT_EQ(Make("/e", "", v1::EPHEMERAL).result().stat().ephemeral_owner(), session_->connected().session_id());
  EXPECT_EQ(Make("/s", "", v1::PERSISTENT_SEQUENTIAL).result().path(), "/s0000000001");
  v1::Reply both = Make("/es", "", v1::EPHEMERAL_SEQUENTIAL);
  EXPECT_EQ(both.result().path(), "/es0000000002");
  EXPECT_EQ(both.result().stat().ephemeral_owner(), session_->connected().session_id());
  Make("/c", "", v1::CONTAINER);
  v1::Request ttl;
  ttl.mutable_create()->set_path("/t");
  ttl.mutable_create()->set_mode(v1::PERSISTENT_TTL);
  EXPECT_EQ(session_->Write(ttl).error(), v1::BAD_ARGUMENTS);  // no TTL
  ttl.mutable_create()->set_ttl_ms(60000);
  EXPECT_EQ(session_->Write(ttl).error(), v1::OK);
  ttl.mutable_create()->set_mode(v1::PERSISTENT_SEQUENTIAL_TTL);
  EXPECT_EQ(session_->Write(ttl).result().path(), "/t0000000005");
}

TEST_F(OperationsTest, NullDataIsNotEmptyData) {
  v1::Request request;
  request.mutable_create()->set_path("/null");
  ASSERT_EQ(session_->Write(request).error(), v1::OK);
  Make("/empty");
  EXPECT_FALSE(GetData("/null").has_data());
  EXPECT_TRUE(GetData("/empty").has_data());
}

TEST_F(OperationsTest, DeleteLooksAtTheVersionAndMayMissTheNode) {
  Make("/a");
  v1::Request request;
  request.mutable_delete_()->set_path("/a");
  request.mutable_delete_()->set_version(3);
  EXPECT_EQ(session_->Write(request).error(), v1::BAD_VERSION);
  request.mutable_delete_()->set_version(0);
  v1::Reply reply = session_->Write(request);
  EXPECT_EQ(reply.error(), v1::OK);
  EXPECT_EQ(reply.result().deleted(), 1u);
  EXPECT_EQ(session_->Write(request).error(), v1::NO_NODE);
  request.mutable_delete_()->set_missing_ok(true);
  reply = session_->Write(request);
  EXPECT_EQ(reply.error(), v1::OK);
  EXPECT_EQ(reply.result().deleted(), 0u);
}

TEST_F(OperationsTest, SetDataAndCheckLookAtTheVersion) {
  Make("/a");
  v1::Request set;
  set.mutable_set_data()->set_path("/a");
  set.mutable_set_data()->mutable_data()->set_value("new");
  set.mutable_set_data()->set_version(1);
  EXPECT_EQ(session_->Write(set).error(), v1::BAD_VERSION);
  set.mutable_set_data()->set_version(0);
  EXPECT_EQ(session_->Write(set).result().stat().version(), 1);
  v1::Request check;
  check.mutable_check()->set_path("/a");
  check.mutable_check()->set_version(1);
  EXPECT_EQ(session_->Write(check).result().stat().version(), 1);
  check.mutable_check()->set_version(0);
  EXPECT_EQ(session_->Write(check).error(), v1::BAD_VERSION);
}

TEST_F(OperationsTest, AnAclGoesInAndComesBack) {
  Make("/a");
  v1::Request set;
  set.mutable_set_acl()->set_path("/a");
  set.mutable_set_acl()->set_version(-1);
  set.mutable_set_acl()->mutable_acl();
  EXPECT_EQ(session_->Write(set).error(), v1::INVALID_ACL);  // an empty one is no ACL
  SetAcl(set.mutable_set_acl()->mutable_acl(), 17, "world", "anyone");
  EXPECT_EQ(session_->Write(set).result().stat().aversion(), 1);
  v1::Reply reply = GetAcl("/a");
  ASSERT_EQ(reply.acl().entries_size(), 1);
  EXPECT_EQ(reply.acl().entries(0).permissions(), 17u);
  EXPECT_EQ(reply.acl().entries(0).scheme(), "world");
  EXPECT_EQ(reply.acl().entries(0).id(), "anyone");
  EXPECT_EQ(reply.stat().aversion(), 1);
  set.mutable_set_acl()->set_version(0);
  EXPECT_EQ(session_->Write(set).error(), v1::BAD_VERSION);
  set.mutable_set_acl()->set_version(1);
  set.mutable_set_acl()->clear_acl();  // world:anyone, all permissions
  EXPECT_EQ(session_->Write(set).error(), v1::OK);
  EXPECT_EQ(GetAcl("/a").acl().entries(0).permissions(), 31u);
}

TEST_F(OperationsTest, ASubtreeIsDeletedWholeOrInParts) {
  Make("/t");
  for (int i = 0; i < 5; ++i) Make(absl::StrCat("/t/", i));
  v1::Request request;
  request.mutable_delete_tree()->set_path("/t");
  request.mutable_delete_tree()->set_version(-1);
  request.mutable_delete_tree()->set_max_nodes(2);
  EXPECT_EQ(session_->Write(request).error(), v1::TOO_LARGE);
  request.mutable_delete_tree()->set_partial(true);
  v1::Reply reply = session_->Write(request);
  EXPECT_EQ(reply.result().deleted(), 2u);
  EXPECT_EQ(reply.result().remaining(), 4u);
  request.mutable_delete_tree()->set_max_nodes(0);
  request.mutable_delete_tree()->set_version(7);
  EXPECT_EQ(session_->Write(request).error(), v1::BAD_VERSION);
  request.mutable_delete_tree()->set_version(0);
  reply = session_->Write(request);
  EXPECT_EQ(reply.result().deleted(), 4u);
  EXPECT_EQ(reply.result().remaining(), 0u);
}

void FillParts(google::protobuf::RepeatedPtrField<v1::MultiOperation>* parts) {
  parts->Add()->mutable_create()->set_path("/m/new");
  parts->Add()->mutable_set_data()->set_path("/m/set");
  parts->rbegin()->mutable_set_data()->set_version(-1);
  parts->Add()->mutable_check()->set_path("/m/set");
  parts->rbegin()->mutable_check()->set_version(1);
  parts->Add()->mutable_set_acl()->set_path("/m/set");
  parts->rbegin()->mutable_set_acl()->set_version(0);
  parts->Add()->mutable_delete_()->set_path("/m/gone");
  parts->rbegin()->mutable_delete_()->set_version(-1);
  parts->Add()->mutable_delete_tree()->set_path("/m/tree");
  parts->rbegin()->mutable_delete_tree()->set_version(-1);
}

TEST_F(OperationsTest, AMultiTellsEveryResult) {
  for (const char* path : {"/m", "/m/set", "/m/gone", "/m/tree", "/m/tree/leaf"}) Make(path);
  v1::Request request;
  FillParts(request.mutable_multi()->mutable_operations());
  v1::Reply reply = session_->Write(request);
  ASSERT_EQ(reply.error(), v1::OK);
  ASSERT_EQ(reply.results_size(), 6);
  EXPECT_EQ(reply.results(0).path(), "/m/new");
  EXPECT_TRUE(reply.results(0).created());
  EXPECT_EQ(reply.results(1).stat().version(), 1);
  EXPECT_EQ(reply.results(2).stat().version(), 1);
  EXPECT_EQ(reply.results(3).stat().aversion(), 1);
  EXPECT_EQ(reply.results(4).deleted(), 1u);
  EXPECT_EQ(reply.results(5).deleted(), 2u);
  reply = session_->Write(request);
  EXPECT_EQ(reply.error(), v1::NODE_EXISTS);
  ASSERT_EQ(reply.results_size(), 6);
  EXPECT_EQ(reply.results(0).error(), v1::NODE_EXISTS);
  EXPECT_EQ(reply.results(1).error(), v1::RUNTIME_INCONSISTENCY);
}

TEST_F(OperationsTest, ATransactionTakesTheBranchOfItsConditions) {
  for (const char* path : {"/m", "/m/set", "/m/gone", "/m/tree"}) Make(path, "v");
  v1::Request request;
  v1::Compare* value = request.mutable_txn()->add_compares();
  value->set_path("/m");
  value->set_target(v1::Compare::VALUE);
  value->set_relation(v1::Compare::EQUAL);
  value->mutable_value()->set_value("v");
  v1::Compare* version = request.mutable_txn()->add_compares();
  version->set_path("/m/set");
  version->set_target(v1::Compare::VERSION);
  version->set_relation(v1::Compare::LESS);
  version->set_number(1);
  FillParts(request.mutable_txn()->mutable_then_operations());
  request.mutable_txn()->add_else_operations()->mutable_create()->set_path("/m/else");
  v1::Reply reply = session_->Write(request);
  ASSERT_EQ(reply.error(), v1::OK);
  EXPECT_TRUE(reply.succeeded());
  EXPECT_EQ(reply.results_size(), 6);
  reply = session_->Write(request);
  ASSERT_EQ(reply.error(), v1::OK);
  EXPECT_FALSE(reply.succeeded());
  ASSERT_EQ(reply.results_size(), 1);
  EXPECT_EQ(reply.results(0).path(), "/m/else");
}

// ---- whom a caller acts for ----

std::vector<std::string> Schemes(const v1::Reply& reply) {
  std::vector<std::string> schemes;
  for (const v1::Identity& identity : reply.identities()) schemes.push_back(identity.scheme());
  return schemes;
}

TEST_F(OperationsTest, AuthenticateAddsAnIdentityToTheSession) {
  v1::Request who;
  who.mutable_who_am_i();
  v1::Reply reply = session_->Do(who);
  ASSERT_THAT(Schemes(reply), ElementsAre("ip"));
  EXPECT_EQ(reply.identities(0).id(), "127.0.0.1");
  v1::Request authenticate;
  authenticate.mutable_authenticate()->mutable_credential()->set_scheme("digest");
  authenticate.mutable_authenticate()->mutable_credential()->set_credential(kBob);
  EXPECT_EQ(session_->Write(authenticate).error(), v1::OK);
  EXPECT_THAT(Schemes(session_->Do(who)), UnorderedElementsAre("digest", "ip"));
  authenticate.mutable_authenticate()->mutable_credential()->set_scheme("nonesuch");
  EXPECT_EQ(session_->Write(authenticate).error(), v1::AUTH_FAILED);
}

TEST_F(OperationsTest, CredentialsOfTheConnectAndOfACallCount) {
  v1::Connect connect;
  connect.add_credentials()->set_scheme("digest");
  connect.mutable_credentials(0)->set_credential(kBob);
  auto bob = Session(connect);
  v1::Request who;
  who.mutable_who_am_i();
  EXPECT_THAT(Schemes(bob->Do(who)), UnorderedElementsAre("digest", "ip"));
  v1::Request create;
  create.mutable_create()->set_path("/bob");
  SetAcl(create.mutable_create()->mutable_acl(), 31, "auth", "");
  ASSERT_EQ(bob->Write(create).error(), v1::OK);
  EXPECT_EQ(GetData("/bob").error(), v1::NO_AUTH);
  v1::CallRequest call;
  call.mutable_request()->mutable_get_data()->set_path("/bob");
  EXPECT_EQ(Call(call).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  *call.add_credentials() = connect.credentials(0);
  EXPECT_TRUE(Call(call).ok());
  v1::Reply who_calls;
  call.mutable_request()->mutable_who_am_i();
  ASSERT_TRUE(Call(call, &who_calls).ok());
  EXPECT_THAT(Schemes(who_calls), UnorderedElementsAre("digest", "ip"));
}

TEST_F(OperationsTest, ARefusedCredentialRefusesTheConnection) {
  testing::SessionClient client(stub_.get());
  v1::Connect connect;
  connect.set_timeout_ms(30000);
  connect.add_credentials()->set_scheme("world");
  EXPECT_FALSE(client.Connect(connect));
  EXPECT_EQ(client.End().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  v1::CallRequest call;
  call.mutable_request()->mutable_exists()->set_path("/");
  *call.add_credentials() = connect.credentials(0);
  EXPECT_EQ(Call(call).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

// ---- reads ----

TEST_F(OperationsTest, ExistsGetDataAndGetChildrenTellTheirStat) {
  Make("/a", "v");
  Make("/a/y");
  Make("/a/x");
  v1::Request exists;
  exists.mutable_exists()->set_path("/a");
  EXPECT_EQ(session_->Do(exists).stat().num_children(), 2);
  EXPECT_EQ(GetData("/a").data().value(), "v");
  EXPECT_EQ(GetData("/a").stat().data_length(), 1);
  v1::Request children;
  children.mutable_get_children()->set_path("/a");
  v1::Reply reply = session_->Do(children);
  EXPECT_THAT(reply.children(), ElementsAre("x", "y"));
  EXPECT_FALSE(reply.has_stat());
  children.mutable_get_children()->set_with_stat(true);
  EXPECT_EQ(session_->Do(children).stat().cversion(), 2);
  v1::Request sync;
  sync.mutable_sync()->set_path("/a");
  EXPECT_EQ(session_->Do(sync).error(), v1::OK);
}

std::vector<std::string> Names(const v1::Reply& reply) {
  std::vector<std::string> names;
  for (const v1::ListEntry& entry : reply.entries()) names.push_back(entry.name());
  return names;
}

TEST_F(OperationsTest, AListingComesInPages) {
  Make("/l");
  for (const char* name : {"a1", "a2", "a3", "b1"}) Make(absl::StrCat("/l/", name), name);
  v1::Request request;
  request.mutable_list()->set_path("/l");
  request.mutable_list()->set_limit(2);
  v1::Reply reply = session_->Do(request);
  EXPECT_THAT(Names(reply), ElementsAre("a1", "a2"));
  EXPECT_TRUE(reply.more());
  EXPECT_EQ(reply.stat().num_children(), 4);
  EXPECT_FALSE(reply.entries(0).has_stat());
  EXPECT_FALSE(reply.entries(0).has_data());
  request.mutable_list()->set_after("a2");
  request.mutable_list()->set_prefix("a");
  request.mutable_list()->set_with_data(true);
  request.mutable_list()->set_with_stat(true);
  reply = session_->Do(request);
  EXPECT_THAT(Names(reply), ElementsAre("a3"));
  EXPECT_FALSE(reply.more());
  EXPECT_EQ(reply.entries(0).data().value(), "a3");
  EXPECT_EQ(reply.entries(0).stat().data_length(), 2);
}

TEST_F(OperationsTest, AListingSaysWhatItMayNotShow) {
  Make("/l");
  v1::Request create;
  create.mutable_create()->set_path("/l/secret");
  create.mutable_create()->mutable_data()->set_value("s");
  SetAcl(create.mutable_create()->mutable_acl(), 31, "ip", "10.0.0.1");
  ASSERT_EQ(session_->Write(create).error(), v1::OK);
  v1::Request request;
  request.mutable_list()->set_path("/l");
  request.mutable_list()->set_with_data(true);
  v1::Reply reply = session_->Do(request);
  ASSERT_EQ(reply.entries_size(), 1);
  EXPECT_EQ(reply.entries(0).name(), "secret");
  EXPECT_TRUE(reply.entries(0).denied());
  EXPECT_FALSE(reply.entries(0).has_data());
}

TEST_F(OperationsTest, AMultiReadTellsEveryOutcome) {
  Make("/a", "v");
  Make("/a/x");
  v1::Request request;
  request.mutable_multi_read()->add_operations()->mutable_exists()->set_path("/a");
  request.mutable_multi_read()->add_operations()->mutable_get_data()->set_path("/none");
  request.mutable_multi_read()->add_operations()->mutable_get_data()->set_path("/a");
  request.mutable_multi_read()->add_operations()->mutable_get_children()->set_path("/a");
  request.mutable_multi_read()->add_operations()->mutable_get_acl()->set_path("/a");
  v1::Reply reply = session_->Do(request);
  ASSERT_EQ(reply.error(), v1::OK);
  ASSERT_EQ(reply.reads_size(), 5);
  EXPECT_EQ(reply.reads(0).stat().num_children(), 1);
  EXPECT_EQ(reply.reads(1).error(), v1::NO_NODE);
  EXPECT_EQ(reply.reads(2).data().value(), "v");
  EXPECT_THAT(reply.reads(3).children(), ElementsAre("x"));
  EXPECT_EQ(reply.reads(4).acl().entries(0).permissions(), 31u);
}

TEST_F(OperationsTest, EphemeralsOfASessionOrOfAll) {
  Make("/e");
  for (const char* path : {"/e/b", "/e/a", "/f"}) Make(path, "", v1::EPHEMERAL);
  auto other = Session();
  v1::Request create;
  create.mutable_create()->set_path("/e/c");
  create.mutable_create()->set_mode(v1::EPHEMERAL);
  ASSERT_EQ(other->Write(create).error(), v1::OK);
  v1::Request request;
  request.mutable_get_ephemerals();
  EXPECT_THAT(session_->Do(request).children(), ElementsAre("/e/a", "/e/b", "/f"));
  request.mutable_get_ephemerals()->set_limit(1);
  request.mutable_get_ephemerals()->set_prefix("/e");
  request.mutable_get_ephemerals()->set_after("/e/a");
  v1::Reply reply = session_->Do(request);
  EXPECT_THAT(reply.children(), ElementsAre("/e/b"));
  EXPECT_FALSE(reply.more());
  request.mutable_get_ephemerals()->Clear();
  request.mutable_get_ephemerals()->set_session_id(other->connected().session_id());
  EXPECT_THAT(session_->Do(request).children(), ElementsAre("/e/c"));
  request.mutable_get_ephemerals()->Clear();
  request.mutable_get_ephemerals()->set_all_sessions(true);
  request.mutable_get_ephemerals()->set_prefix("/e");
  request.mutable_get_ephemerals()->set_limit(2);
  reply = session_->Do(request);
  EXPECT_THAT(reply.children(), ElementsAre("/e/a", "/e/b"));
  EXPECT_TRUE(reply.more());
  ASSERT_NE(reply.next(), "");
  request.mutable_get_ephemerals()->set_after(reply.next());
  reply = session_->Do(request);
  EXPECT_THAT(reply.children(), ElementsAre("/e/c"));
}

TEST_F(OperationsTest, DescendantsAreCounted) {
  for (const char* path : {"/d", "/d/1", "/d/1/2"}) Make(path);
  v1::Request request;
  request.mutable_count_descendants()->set_path("/d");
  EXPECT_EQ(session_->Do(request).count(), 2u);
}

// ---- watches of a session ----

TEST_F(OperationsTest, AWatchIsAddedCheckedAndRemoved) {
  v1::Request add, check, remove, exists;
  add.mutable_add_watch()->set_path("/w");
  add.mutable_add_watch()->set_kind(v1::WATCH_PERSISTENT);
  check.mutable_check_watch()->set_path("/w");
  check.mutable_check_watch()->set_kind(v1::WATCH_PERSISTENT);
  remove.mutable_remove_watch()->set_path("/w");
  remove.mutable_remove_watch()->set_kind(v1::WATCH_PERSISTENT);
  EXPECT_EQ(session_->Do(check).error(), v1::NO_WATCHER);
  EXPECT_EQ(session_->Do(add).error(), v1::OK);
  EXPECT_EQ(session_->Do(check).error(), v1::OK);
  v1::Reply made = Make("/w");
  v1::WatchEvent event = session_->Event();
  EXPECT_EQ(event.type(), v1::WatchEvent::CREATED);
  EXPECT_EQ(event.path(), "/w");
  EXPECT_EQ(event.zxid(), made.zxid());
  EXPECT_EQ(session_->Do(remove).error(), v1::OK);
  EXPECT_EQ(session_->Do(remove).error(), v1::NO_WATCHER);
  exists.mutable_exists()->set_path("/w");
  exists.mutable_exists()->set_watch(true);
  session_->Do(exists);
  check.mutable_check_watch()->set_kind(v1::EXISTS);
  EXPECT_EQ(session_->Do(check).error(), v1::OK);
}

TEST_F(OperationsTest, APersistentWatchIsSetAgainFromItsCursor) {  // W3
  Make("/p");
  v1::Request add;
  add.mutable_add_watch()->set_path("/p");
  add.mutable_add_watch()->set_kind(v1::WATCH_PERSISTENT_RECURSIVE);
  ASSERT_EQ(session_->Do(add).error(), v1::OK);
  Make("/p/1");
  v1::WatchEvent seen = session_->Event();
  v1::Connect connect;
  connect.set_session_id(session_->connected().session_id());
  connect.set_password(session_->connected().password());
  v1::WatchSet* watch = connect.add_rearm();
  watch->set_path("/p");
  watch->set_kind(v1::WATCH_PERSISTENT_RECURSIVE);
  watch->set_since_zxid(seen.zxid());
  watch->set_since_ordinal(seen.ordinal());
  session_.reset();
  ASSERT_TRUE(Create("/p/2").ok());
  ASSERT_TRUE(Create("/p/3").ok());
  auto again = Session(connect);
  EXPECT_EQ(again->Event().path(), "/p/2");
  EXPECT_EQ(again->Event().path(), "/p/3");
  EXPECT_EQ(again->events(), 0u);
}

}  // namespace
}  // namespace synod::frontdoor
