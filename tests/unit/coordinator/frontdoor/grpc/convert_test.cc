// Every field of the API on its way to the service's values and back.
#include "coordinator/frontdoor/grpc/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace synod::frontdoor {
namespace {

using service::Request;

Request Convert(v1::Request in) { return FromProto(&in); }

TEST(ConvertTest, TheHeadOfARequestIsTaken) {
  v1::Request in;
  in.set_id(7);
  in.set_sequence(9);
  in.set_strength(v1::LOCAL);
  in.mutable_exists()->set_path("/a");
  Request out = Convert(in);
  EXPECT_EQ(out.id, 7u);
  EXPECT_EQ(out.sequence, Sequence(9));
  EXPECT_EQ(out.strength, service::ReadStrength::kLocal);
}

TEST(ConvertTest, NullDataIsNotEmptyData) {
  v1::Request in;
  in.mutable_create()->set_path("/a");
  EXPECT_FALSE(std::get<service::CreateOp>(Convert(in).operation).data.has_value());
  in.mutable_create()->mutable_data();
  EXPECT_EQ(std::get<service::CreateOp>(Convert(in).operation).data, "");
  in.mutable_set_data()->set_path("/a");
  EXPECT_FALSE(std::get<service::SetDataOp>(Convert(in).operation).data.has_value());
}

TEST(ConvertTest, EveryWriteIsTakenWithItsFields) {
  v1::Request in;
  in.mutable_create()->set_path("/c");
  in.mutable_create()->set_mode(v1::EPHEMERAL_SEQUENTIAL);
  auto create = std::get<service::CreateOp>(Convert(in).operation);
  EXPECT_EQ(create.path, "/c");
  EXPECT_EQ(create.mode, service::CreateMode::kEphemeralSequential);
  in.mutable_delete_()->set_path("/d");
  in.mutable_delete_()->set_version(-1);
  auto remove = std::get<service::DeleteOp>(Convert(in).operation);
  EXPECT_EQ(remove.path, "/d");
  EXPECT_EQ(remove.version, -1);
  in.mutable_set_data()->set_path("/s");
  in.mutable_set_data()->mutable_data()->set_value("v");
  in.mutable_set_data()->set_version(4);
  auto set = std::get<service::SetDataOp>(Convert(in).operation);
  EXPECT_EQ(set.path, "/s");
  EXPECT_EQ(set.data, "v");
  EXPECT_EQ(set.version, 4);
  in.mutable_check()->set_path("/k");
  in.mutable_check()->set_version(5);
  auto check = std::get<service::CheckOp>(Convert(in).operation);
  EXPECT_EQ(check.path, "/k");
  EXPECT_EQ(check.version, 5);
  in.mutable_close_session();
  EXPECT_TRUE(std::holds_alternative<service::CloseSession>(Convert(in).operation));
  v1::Multi* multi = in.mutable_multi();
  multi->add_operations()->mutable_create()->set_path("/1");
  multi->add_operations()->mutable_delete_()->set_path("/2");
  multi->add_operations()->mutable_set_data()->set_path("/3");
  multi->add_operations()->mutable_check()->set_path("/4");
  auto ops = std::get<service::MultiOp>(Convert(in).operation).ops;
  ASSERT_EQ(ops.size(), 4u);
  EXPECT_EQ(std::get<service::CreateOp>(ops[0]).path, "/1");
  EXPECT_EQ(std::get<service::DeleteOp>(ops[1]).path, "/2");
  EXPECT_EQ(std::get<service::SetDataOp>(ops[2]).path, "/3");
  EXPECT_EQ(std::get<service::CheckOp>(ops[3]).path, "/4");
}

TEST(ConvertTest, EveryReadIsTakenWithItsFields) {
  v1::Request in;
  in.mutable_exists()->set_path("/e");
  in.mutable_exists()->set_watch(true);
  EXPECT_EQ(std::get<service::Exists>(Convert(in).operation).path, "/e");
  EXPECT_TRUE(std::get<service::Exists>(Convert(in).operation).watch);
  in.mutable_get_data()->set_path("/g");
  EXPECT_FALSE(std::get<service::GetData>(Convert(in).operation).watch);
  in.mutable_get_children()->set_path("/c");
  in.mutable_get_children()->set_with_stat(true);
  EXPECT_TRUE(std::get<service::GetChildren>(Convert(in).operation).with_stat);
  in.mutable_sync()->set_path("/s");
  EXPECT_EQ(std::get<service::Sync>(Convert(in).operation).path, "/s");
  in.mutable_add_watch()->set_path("/w");
  in.mutable_add_watch()->set_kind(v1::WATCH_PERSISTENT_RECURSIVE);
  EXPECT_EQ(std::get<service::AddWatch>(Convert(in).operation).kind, service::WatchKind::kPersistentRecursive);
  in.mutable_remove_watch()->set_path("/r");
  in.mutable_remove_watch()->set_kind(v1::CHILDREN);
  EXPECT_EQ(std::get<service::RemoveWatch>(Convert(in).operation).kind, service::WatchKind::kChildren);
}

TEST(ConvertTest, WhatHasNoMeaningKeepsItsNumber) {  // S2, counterexample 14
  v1::Request in;
  in.set_sequence(3);
  Request none = Convert(in);
  EXPECT_TRUE(std::holds_alternative<service::Unintelligible>(none.operation));
  EXPECT_EQ(none.sequence, Sequence(3));
  in.mutable_create()->set_mode(static_cast<v1::CreateMode>(17));
  Request mode = Convert(in);
  ASSERT_TRUE(std::holds_alternative<service::Unintelligible>(mode.operation));
  EXPECT_TRUE(std::get<service::Unintelligible>(mode.operation).write);
  in.mutable_multi()->add_operations();
  EXPECT_TRUE(std::holds_alternative<service::Unintelligible>(Convert(in).operation));
  in.mutable_multi()->mutable_operations(0)->mutable_create()->set_mode(static_cast<v1::CreateMode>(-1));
  EXPECT_TRUE(std::holds_alternative<service::Unintelligible>(Convert(in).operation));
}

TEST(ConvertTest, ConnectIsTakenWithItsFields) {
  v1::Connect in;
  in.set_session_id(5);
  in.set_password("secret");
  in.set_timeout_ms(6000);
  in.set_last_zxid(77);
  in.set_disconnect_grace_ms(200);
  in.set_confirmed_below(8);
  v1::WatchSet* watch = in.add_rearm();
  watch->set_path("/w");
  watch->set_kind(v1::EXISTS);
  watch->set_since_zxid(70);
  service::ConnectRequest out = FromProto(&in);
  EXPECT_EQ(out.session, SessionId(5));
  EXPECT_EQ(out.password, "secret");
  EXPECT_EQ(out.timeout, absl::Seconds(6));
  EXPECT_EQ(out.last_zxid, Zxid(77));
  EXPECT_EQ(out.disconnect_grace, absl::Milliseconds(200));
  EXPECT_EQ(out.confirmed_below, Sequence(8));
  ASSERT_EQ(out.rearm.size(), 1u);
  EXPECT_EQ(out.rearm[0].path, "/w");
  EXPECT_EQ(out.rearm[0].kind, service::WatchKind::kExists);
  EXPECT_EQ(out.rearm[0].since, Zxid(70));
}

TEST(ConvertTest, AConnectResultIsToldWhole) {
  service::ConnectResult in;
  in.session = SessionId(5);
  in.password = "secret";
  in.timeout = absl::Seconds(6);
  in.disconnect_grace = absl::Milliseconds(200);
  in.generation = OwnerGeneration(3);
  in.last_applied = Sequence(4);
  in.zxid = Zxid(9);
  in.server = ServerId(2);
  in.max_data_bytes = 100;
  in.max_outstanding = 10;
  v1::Connected out;
  ToProto(in, &out);
  EXPECT_EQ(out.ShortDebugString(),
            "session_id: 5 password: \"secret\" timeout_ms: 6000 disconnect_grace_ms: 200 generation: 3 "
            "last_applied_sequence: 4 zxid: 9 "
            "server_id: 2 max_data_bytes: 100 max_outstanding: 10");
}

TEST(ConvertTest, ANotificationIsToldWhole) {
  v1::WatchEvent out;
  ToProto(service::Notification{service::NotificationType::kDeleted, "/a", Zxid(4)}, &out);
  EXPECT_EQ(out.ShortDebugString(), "type: DELETED path: \"/a\" zxid: 4");
}

TEST(ConvertTest, AMemberIsToldWhole) {
  service::MemberStatus in;
  in.server = ServerId(2);
  in.storage = StorageId(0xab);
  in.role = "voter";
  in.address = "h:1";
  in.leader = in.connected = in.active = true;
  in.match = LogIndex(8);
  v1::MemberInfo out;
  ToProto(in, &out);
  EXPECT_EQ(out.ShortDebugString(),
            "server_id: 2 storage_id: \"00000000000000ab\" role: \"voter\" address: \"h:1\" leader: true connected: "
            "true match_index: 8 active: true");
}

}  // namespace
}  // namespace synod::frontdoor
