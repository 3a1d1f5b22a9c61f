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
      {tree::Error::kNoNode, v1::NO_NODE},           {tree::Error::kNodeExists, v1::NODE_EXISTS},
      {tree::Error::kBadVersion, v1::BAD_VERSION},   {tree::Error::kNotEmpty, v1::NOT_EMPTY},
      {tree::Error::kTooLarge, v1::TOO_LARGE},       {tree::Error::kRefusedMemory, v1::REFUSED_MEMORY},
      {tree::Error::kRefusedDisk, v1::REFUSED_DISK},
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
  EXPECT_EQ(code(tree::Error::kRefusedDisk), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace synod::frontdoor
