// Every operation of the API on its way to the service's values, with every field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "coordinator/frontdoor/grpc/convert.h"

namespace synod::frontdoor {
namespace {

using service::Request;

Request Convert(v1::Request in) { return FromProto(&in); }

template <typename T>
T Taken(const v1::Request& in) {
  service::Operation operation = Convert(in).operation;
  EXPECT_TRUE(std::holds_alternative<T>(operation)) << in.ShortDebugString();
  return std::holds_alternative<T>(operation) ? std::get<T>(operation) : T();
}

void AddEntry(v1::Acl* acl, uint32_t permissions, const char* scheme, const char* id) {
  v1::AclEntry* entry = acl->add_entries();
  entry->set_permissions(permissions);
  entry->set_scheme(scheme);
  entry->set_id(id);
}
const access::Acl kAcl = {{3, "digest", "bob:x"}, {1, "world", "anyone"}};
void FillAcl(v1::Acl* acl) {
  AddEntry(acl, 3, "digest", "bob:x");
  AddEntry(acl, 1, "world", "anyone");
}

TEST(ConvertOperationsTest, CreateIsTakenWithItsFields) {
  v1::Request in;
  v1::Create* create = in.mutable_create();
  create->set_path("/c");
  create->set_mode(v1::PERSISTENT_SEQUENTIAL_TTL);
  create->set_ttl_ms(uint64_t{1} << 39);
  create->set_on_existing(v1::KEEP);
  FillAcl(create->mutable_acl());
  auto out = Taken<service::CreateOp>(in);
  EXPECT_EQ(out.path, "/c");
  EXPECT_EQ(out.mode, service::CreateMode::kPersistentSequentialTtl);
  EXPECT_EQ(out.ttl_ms, uint64_t{1} << 39);
  EXPECT_EQ(out.on_existing, service::OnExisting::kKeep);
  EXPECT_EQ(out.acl, kAcl);
}

TEST(ConvertOperationsTest, TheNumbersOfCreateModesAreThoseOfTheApi) {
  for (int mode = v1::PERSISTENT; mode <= v1::PERSISTENT_SEQUENTIAL_TTL; ++mode) {
    v1::Request in;
    in.mutable_create()->set_mode(static_cast<v1::CreateMode>(mode));
    EXPECT_EQ(static_cast<int>(Taken<service::CreateOp>(in).mode), mode);
  }
  EXPECT_EQ(static_cast<int>(service::CreateMode::kContainer), v1::CONTAINER);
  EXPECT_EQ(static_cast<int>(service::CreateMode::kEphemeralSequential), v1::EPHEMERAL_SEQUENTIAL);
  EXPECT_EQ(static_cast<int>(service::OnExisting::kSet), v1::SET);
}

TEST(ConvertOperationsTest, NoAclIsNotAnEmptyOne) {
  v1::Request in;
  in.mutable_create()->set_path("/a");
  EXPECT_FALSE(Taken<service::CreateOp>(in).acl.has_value());
  in.mutable_create()->mutable_acl();
  EXPECT_EQ(Taken<service::CreateOp>(in).acl, access::Acl());
  in.mutable_set_acl()->set_path("/a");
  EXPECT_FALSE(Taken<service::SetAclOp>(in).acl.has_value());
}

TEST(ConvertOperationsTest, NullDataIsNotEmptyData) {
  v1::Request in;
  in.mutable_create()->set_path("/a");
  EXPECT_FALSE(Taken<service::CreateOp>(in).data.has_value());
  in.mutable_create()->mutable_data();
  EXPECT_EQ(Taken<service::CreateOp>(in).data, "");
  in.mutable_set_data()->set_path("/a");
  EXPECT_FALSE(Taken<service::SetDataOp>(in).data.has_value());
}

TEST(ConvertOperationsTest, TheOtherWritesAreTakenWithTheirFields) {
  v1::Request in;
  in.mutable_delete_()->set_path("/d");
  in.mutable_delete_()->set_version(-1);
  in.mutable_delete_()->set_missing_ok(true);
  auto remove = Taken<service::DeleteOp>(in);
  EXPECT_EQ(remove.path, "/d");
  EXPECT_EQ(remove.version, -1);
  EXPECT_TRUE(remove.missing_ok);
  in.mutable_set_data()->set_path("/s");
  in.mutable_set_data()->mutable_data()->set_value("v");
  in.mutable_set_data()->set_version(4);
  auto set = Taken<service::SetDataOp>(in);
  EXPECT_EQ(set.path, "/s");
  EXPECT_EQ(set.data, "v");
  EXPECT_EQ(set.version, 4);
  in.mutable_check()->set_path("/k");
  in.mutable_check()->set_version(5);
  auto check = Taken<service::CheckOp>(in);
  EXPECT_EQ(check.path, "/k");
  EXPECT_EQ(check.version, 5);
  in.mutable_set_acl()->set_path("/a");
  in.mutable_set_acl()->set_version(6);
  FillAcl(in.mutable_set_acl()->mutable_acl());
  auto acl = Taken<service::SetAclOp>(in);
  EXPECT_EQ(acl.path, "/a");
  EXPECT_EQ(acl.version, 6);
  EXPECT_EQ(acl.acl, kAcl);
  in.mutable_delete_tree()->set_path("/t");
  in.mutable_delete_tree()->set_version(7);
  in.mutable_delete_tree()->set_max_nodes(8);
  in.mutable_delete_tree()->set_partial(true);
  auto tree = Taken<service::DeleteTreeOp>(in);
  EXPECT_EQ(tree.path, "/t");
  EXPECT_EQ(tree.version, 7);
  EXPECT_EQ(tree.max_nodes, 8u);
  EXPECT_TRUE(tree.partial);
  in.mutable_authenticate()->mutable_credential()->set_scheme("digest");
  in.mutable_authenticate()->mutable_credential()->set_credential("bob:pw");
  auto authenticate = Taken<service::Authenticate>(in);
  EXPECT_EQ(authenticate.credential.scheme, "digest");
  EXPECT_EQ(authenticate.credential.credential, "bob:pw");
  in.mutable_close_session();
  Taken<service::CloseSession>(in);
}

void AddAll(google::protobuf::RepeatedPtrField<v1::MultiOperation>* out, const std::string& prefix) {
  out->Add()->mutable_create()->set_path(prefix + "1");
  out->Add()->mutable_delete_()->set_path(prefix + "2");
  out->Add()->mutable_set_data()->set_path(prefix + "3");
  out->Add()->mutable_check()->set_path(prefix + "4");
  out->Add()->mutable_set_acl()->set_path(prefix + "5");
  out->Add()->mutable_delete_tree()->set_path(prefix + "6");
}
void ExpectAll(const std::vector<service::TreeOp>& ops, const std::string& prefix) {
  ASSERT_EQ(ops.size(), std::variant_size_v<service::TreeOp>);
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_EQ(ops[i].index(), i);
    EXPECT_EQ(std::visit([](const auto& op) { return op.path; }, ops[i]), prefix + std::to_string(i + 1));
  }
}

TEST(ConvertOperationsTest, AMultiIsTakenPartByPart) {
  v1::Request in;
  AddAll(in.mutable_multi()->mutable_operations(), "/m");
  ExpectAll(Taken<service::MultiOp>(in).ops, "/m");
}

TEST(ConvertOperationsTest, ATransactionIsTakenWhole) {
  v1::Request in;
  v1::Txn* txn = in.mutable_txn();
  for (int target = v1::Compare::NODE_EXISTS_IS; target <= v1::Compare::VALUE; ++target) {
    v1::Compare* compare = txn->add_compares();
    compare->set_path("/n" + std::to_string(target));
    compare->set_target(static_cast<v1::Compare::Target>(target));
    compare->set_relation(static_cast<v1::Compare::Relation>(target % 6));
    compare->set_number(target - 3);
    if (target == v1::Compare::VALUE) compare->mutable_value()->set_value("v");
  }
  AddAll(txn->mutable_then_operations(), "/t");
  AddAll(txn->mutable_else_operations(), "/e");
  auto out = Taken<service::TxnOp>(in);
  ASSERT_EQ(out.compares.size(), 8u);
  for (int target = 0; target < 8; ++target) {
    const service::Compare& compare = out.compares[static_cast<size_t>(target)];
    EXPECT_EQ(compare.path, "/n" + std::to_string(target));
    EXPECT_EQ(static_cast<int>(compare.target), target);
    EXPECT_EQ(static_cast<int>(compare.relation), target % 6);
    EXPECT_EQ(compare.number, target - 3);
    EXPECT_EQ(compare.value.has_value(), target == v1::Compare::VALUE);
  }
  EXPECT_EQ(out.compares[7].value, "v");
  EXPECT_EQ(static_cast<int>(service::Compare::Target::kEphemeralOwner), v1::Compare::EPHEMERAL_OWNER);
  EXPECT_EQ(static_cast<int>(service::Compare::Relation::kGreaterOrEqual), v1::Compare::GREATER_OR_EQUAL);
  ExpectAll(out.then_ops, "/t");
  ExpectAll(out.else_ops, "/e");
}

TEST(ConvertOperationsTest, SimpleReadsAreTakenWithTheirFields) {
  v1::Request in;
  in.mutable_exists()->set_path("/e");
  in.mutable_exists()->set_watch(true);
  EXPECT_EQ(Taken<service::Exists>(in).path, "/e");
  EXPECT_TRUE(Taken<service::Exists>(in).watch);
  in.mutable_get_data()->set_path("/g");
  EXPECT_EQ(Taken<service::GetData>(in).path, "/g");
  EXPECT_FALSE(Taken<service::GetData>(in).watch);
  in.mutable_get_children()->set_path("/c");
  in.mutable_get_children()->set_with_stat(true);
  EXPECT_EQ(Taken<service::GetChildren>(in).path, "/c");
  EXPECT_TRUE(Taken<service::GetChildren>(in).with_stat);
  EXPECT_FALSE(Taken<service::GetChildren>(in).watch);
  in.mutable_sync()->set_path("/s");
  EXPECT_EQ(Taken<service::Sync>(in).path, "/s");
  in.mutable_get_acl()->set_path("/a");
  EXPECT_EQ(Taken<service::GetAcl>(in).path, "/a");
  in.mutable_count_descendants()->set_path("/n");
  EXPECT_EQ(Taken<service::CountDescendants>(in).path, "/n");
  in.mutable_who_am_i();
  Taken<service::WhoAmI>(in);
}

TEST(ConvertOperationsTest, ListingsAreTakenWithTheirFields) {
  v1::Request in;
  in.mutable_list()->set_path("/l");
  in.mutable_list()->set_after("b");
  in.mutable_list()->set_prefix("p");
  in.mutable_list()->set_limit(9);
  in.mutable_list()->set_with_data(true);
  auto list = Taken<service::List>(in);
  EXPECT_EQ(list.path, "/l");
  EXPECT_EQ(list.after, "b");
  EXPECT_EQ(list.prefix, "p");
  EXPECT_EQ(list.limit, 9u);
  EXPECT_TRUE(list.with_data);
  EXPECT_FALSE(list.with_stat);
  in.mutable_list()->set_with_stat(true);
  EXPECT_TRUE(Taken<service::List>(in).with_stat);
  in.mutable_get_ephemerals()->set_session_id(5);
  in.mutable_get_ephemerals()->set_prefix("/p");
  in.mutable_get_ephemerals()->set_after("/a");
  in.mutable_get_ephemerals()->set_limit(7);
  in.mutable_get_ephemerals()->set_all_sessions(true);
  auto ephemerals = Taken<service::GetEphemerals>(in);
  EXPECT_EQ(ephemerals.session, SessionId(5));
  EXPECT_EQ(ephemerals.prefix, "/p");
  EXPECT_EQ(ephemerals.after, "/a");
  EXPECT_EQ(ephemerals.limit, 7u);
  EXPECT_TRUE(ephemerals.all_sessions);
}

TEST(ConvertOperationsTest, AMultiReadIsTakenPartByPart) {
  v1::Request in;
  in.mutable_multi_read()->add_operations()->mutable_exists()->set_path("/1");
  in.mutable_multi_read()->add_operations()->mutable_get_data()->set_path("/2");
  in.mutable_multi_read()->add_operations()->mutable_get_children()->set_path("/3");
  in.mutable_multi_read()->add_operations()->mutable_get_acl()->set_path("/4");
  auto ops = Taken<service::MultiRead>(in).ops;
  ASSERT_EQ(ops.size(), 4u);
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_EQ(ops[i].index(), i);
    EXPECT_EQ(std::visit([](const auto& op) { return op.path; }, ops[i]), "/" + std::to_string(i + 1));
  }
}

TEST(ConvertOperationsTest, WatchesAreTakenWithPathAndKind) {
  v1::Request in;
  in.mutable_add_watch()->set_path("/w");
  in.mutable_add_watch()->set_kind(v1::WATCH_PERSISTENT_RECURSIVE);
  EXPECT_EQ(Taken<service::AddWatch>(in).path, "/w");
  EXPECT_EQ(Taken<service::AddWatch>(in).kind, service::WatchKind::kPersistentRecursive);
  in.mutable_remove_watch()->set_path("/r");
  in.mutable_remove_watch()->set_kind(v1::CHILDREN);
  EXPECT_EQ(Taken<service::RemoveWatch>(in).path, "/r");
  EXPECT_EQ(Taken<service::RemoveWatch>(in).kind, service::WatchKind::kChildren);
  in.mutable_check_watch()->set_path("/k");
  in.mutable_check_watch()->set_kind(v1::EXISTS);
  EXPECT_EQ(Taken<service::CheckWatch>(in).path, "/k");
  EXPECT_EQ(Taken<service::CheckWatch>(in).kind, service::WatchKind::kExists);
}

// S2, counterexample 14: a write keeps its number whatever is in it.
TEST(ConvertOperationsTest, AWriteThatHasNoMeaningKeepsItsNumber) {
  std::vector<v1::Request> wrong(14);  // the last has no operation at all
  wrong[0].mutable_create()->set_mode(static_cast<v1::CreateMode>(17));
  wrong[1].mutable_create()->set_mode(static_cast<v1::CreateMode>(-1));
  wrong[2].mutable_create()->set_on_existing(static_cast<v1::OnExisting>(3));
  wrong[3].mutable_multi()->add_operations();
  wrong[4].mutable_multi()->add_operations()->mutable_create()->set_mode(static_cast<v1::CreateMode>(7));
  wrong[5].mutable_txn()->add_then_operations();
  wrong[6].mutable_txn()->add_else_operations();
  wrong[7].mutable_txn()->add_else_operations()->mutable_create()->set_on_existing(static_cast<v1::OnExisting>(-1));
  wrong[8].mutable_txn()->add_compares()->set_target(static_cast<v1::Compare::Target>(8));
  wrong[9].mutable_txn()->add_compares()->set_target(static_cast<v1::Compare::Target>(-1));
  wrong[10].mutable_txn()->add_compares()->set_relation(static_cast<v1::Compare::Relation>(6));
  wrong[11].mutable_txn()->add_compares()->set_relation(static_cast<v1::Compare::Relation>(-1));
  wrong[12].set_strength(static_cast<v1::ReadStrength>(9));
  for (v1::Request& in : wrong) {
    in.set_sequence(3);
    Request out = Convert(in);
    ASSERT_TRUE(std::holds_alternative<service::Unintelligible>(out.operation)) << in.ShortDebugString();
    EXPECT_TRUE(std::get<service::Unintelligible>(out.operation).write) << in.ShortDebugString();
    EXPECT_NE(std::get<service::Unintelligible>(out.operation).message, "");
    EXPECT_EQ(out.sequence, Sequence(3));
  }
}

TEST(ConvertOperationsTest, AReadThatHasNoMeaningIsNoWrite) {
  std::vector<v1::Request> wrong(8);  // the last has no operation at all
  wrong[0].mutable_multi_read()->add_operations();
  wrong[1].mutable_add_watch()->set_kind(v1::DATA);
  wrong[2].mutable_add_watch()->set_kind(static_cast<v1::WatchKind>(5));
  wrong[3].mutable_remove_watch()->set_kind(static_cast<v1::WatchKind>(5));
  wrong[4].mutable_check_watch()->set_kind(static_cast<v1::WatchKind>(-1));
  wrong[5].set_strength(static_cast<v1::ReadStrength>(-1));
  wrong[6].set_strength(static_cast<v1::ReadStrength>(3));
  for (const v1::Request& in : wrong) {
    Request out = Convert(in);
    ASSERT_TRUE(std::holds_alternative<service::Unintelligible>(out.operation)) << in.ShortDebugString();
    EXPECT_FALSE(std::get<service::Unintelligible>(out.operation).write) << in.ShortDebugString();
  }
}

// An operation added to the API and forgotten here would count as missing.
TEST(ConvertOperationsTest, EveryOperationOfTheApiIsKnown) {
  const google::protobuf::OneofDescriptor* operations = v1::Request::descriptor()->FindOneofByName("operation");
  for (int i = 0; i < operations->field_count(); ++i) {
    v1::Request in;
    in.GetReflection()->MutableMessage(&in, operations->field(i));
    if (in.has_add_watch()) in.mutable_add_watch()->set_kind(v1::WATCH_PERSISTENT);
    EXPECT_FALSE(std::holds_alternative<service::Unintelligible>(Convert(in).operation))
        << operations->field(i)->name();
  }
  // All but Unintelligible, and SetWatches: our own clients set their watches again when they connect.
  EXPECT_EQ(static_cast<size_t>(operations->field_count()), std::variant_size_v<service::Operation> - 2);
}

}  // namespace
}  // namespace synod::frontdoor
