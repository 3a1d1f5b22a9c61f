#include "coordinator/frontdoor/grpc/status_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "synod/v1/coordination.pb.h"

namespace synod::frontdoor {
namespace {

using ::testing::HasSubstr;

// What coordination.proto promises.
TEST(StatusMapTest, AStreamEndsWithTheCodeOfItsReason) {
  const std::map<service::CloseReason, grpc::StatusCode> kCodes = {
      {service::CloseReason::kSessionClosed, grpc::StatusCode::OK},
      {service::CloseReason::kSessionExpired, grpc::StatusCode::UNAUTHENTICATED},
      {service::CloseReason::kAuthFailed, grpc::StatusCode::UNAUTHENTICATED},
      {service::CloseReason::kMoved, grpc::StatusCode::ABORTED},
      {service::CloseReason::kOverloaded, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {service::CloseReason::kNoQuorum, grpc::StatusCode::UNAVAILABLE},
      {service::CloseReason::kBehind, grpc::StatusCode::UNAVAILABLE},
      {service::CloseReason::kResume, grpc::StatusCode::UNAVAILABLE},
      {service::CloseReason::kShutdown, grpc::StatusCode::UNAVAILABLE},
      {service::CloseReason::kProtocolError, grpc::StatusCode::INVALID_ARGUMENT},
  };
  for (const auto& [reason, code] : kCodes) EXPECT_EQ(ToStatus(reason, "why").error_code(), code);
  EXPECT_THAT(ToStatus(service::CloseReason::kMoved, "why").error_message(), HasSubstr(": why"));
}

TEST(StatusMapTest, AWatchStreamEndsWithTheCodeOfItsReason) {
  const std::map<service::WatchEnd, grpc::StatusCode> kCodes = {
      {service::WatchEnd::kEventsLost, grpc::StatusCode::OUT_OF_RANGE},
      {service::WatchEnd::kBadArguments, grpc::StatusCode::INVALID_ARGUMENT},
      {service::WatchEnd::kAuthFailed, grpc::StatusCode::UNAUTHENTICATED},
      {service::WatchEnd::kOverloaded, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {service::WatchEnd::kNoQuorum, grpc::StatusCode::UNAVAILABLE},
      {service::WatchEnd::kResume, grpc::StatusCode::UNAVAILABLE},
      {service::WatchEnd::kShutdown, grpc::StatusCode::UNAVAILABLE},
  };
  for (const auto& [reason, code] : kCodes) {
    EXPECT_EQ(ToStatus(reason).error_code(), code);
    EXPECT_NE(ToStatus(reason).error_message(), "");
  }
}

TEST(StatusMapTest, AFailedCallCarriesTheErrorAndItsEffect) {
  service::Reply reply;
  reply.error = service::ErrorCode::kNoQuorum;
  reply.effect = service::Effect::kMayHaveBeenDone;
  reply.message = "try again";
  grpc::Status status = ToStatus(reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  // The Error is the last field of the last field of the google.rpc.Status.
  const std::string& details = status.error_details();
  constexpr char kType[] = "type.googleapis.com/synod.v1.Error";
  size_t at = details.find(kType);
  ASSERT_NE(at, std::string::npos);
  at += sizeof kType - 1 + 2;  // the tag and length of the value
  v1::Error error;
  ASSERT_TRUE(error.ParseFromString(details.substr(at)));
  EXPECT_EQ(error.code(), v1::NO_QUORUM);
  EXPECT_EQ(error.effect(), v1::MAY_HAVE_BEEN_DONE);
  EXPECT_THAT(error.message(), HasSubstr("try again"));
}

TEST(StatusMapTest, TheNumbersOfErrorsAreThoseOfTheApi) {
  EXPECT_EQ(static_cast<int>(service::ErrorCode::kNoQuorum), v1::NO_QUORUM);
  EXPECT_EQ(static_cast<int>(service::ErrorCode::kInternal), v1::INTERNAL);
  const std::map<tree::Error, v1::ErrorCode> kNumbers = {
      {tree::Error::kNoNode, v1::NO_NODE},
      {tree::Error::kNodeExists, v1::NODE_EXISTS},
      {tree::Error::kBadVersion, v1::BAD_VERSION},
      {tree::Error::kNotEmpty, v1::NOT_EMPTY},
      {tree::Error::kNoChildrenForEphemerals, v1::NO_CHILDREN_FOR_EPHEMERALS},
      {tree::Error::kBadArguments, v1::BAD_ARGUMENTS},
      {tree::Error::kInvalidAcl, v1::INVALID_ACL},
      {tree::Error::kNoAuth, v1::NO_AUTH},
      {tree::Error::kSessionExpired, v1::SESSION_EXPIRED},
      {tree::Error::kSessionMoved, v1::SESSION_MOVED},
      {tree::Error::kQuotaExceeded, v1::QUOTA_EXCEEDED},
      {tree::Error::kUnimplemented, v1::UNIMPLEMENTED},
      {tree::Error::kRuntimeInconsistency, v1::RUNTIME_INCONSISTENCY},
      {tree::Error::kTooLarge, v1::TOO_LARGE},
      {tree::Error::kRefusedMemory, v1::REFUSED_MEMORY},
      {tree::Error::kRefusedDisk, v1::REFUSED_DISK},
      {tree::Error::kNoWatcher, v1::NO_WATCHER},
      {tree::Error::kAuthFailed, v1::AUTH_FAILED},
      {tree::Error::kReplyLost, v1::REPLY_LOST},
  };
  for (const auto& [error, number] : kNumbers) EXPECT_EQ(static_cast<int>(error), number);
}

TEST(StatusMapTest, OutcomesHaveTheirUsualCodes) {
  auto code = [](tree::Error error) {
    service::Reply reply;
    reply.error = service::ToErrorCode(error);
    return ToStatus(reply).error_code();
  };
  EXPECT_EQ(code(tree::Error::kNoNode), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(code(tree::Error::kNodeExists), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(code(tree::Error::kBadVersion), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(code(tree::Error::kTooLarge), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(tree::Error::kNoAuth), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(code(tree::Error::kInvalidAcl), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(tree::Error::kAuthFailed), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code(tree::Error::kQuotaExceeded), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(code(tree::Error::kUnimplemented), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(code(tree::Error::kRefusedDisk), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace synod::frontdoor
