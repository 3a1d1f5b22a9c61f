#include "coordinator/frontdoor/zookeeper/protocol.h"

#include <gtest/gtest.h>

namespace synod::frontdoor::zookeeper {
namespace {

// Section 10.
TEST(Protocol, ErrorsHaveZooKeepersNumbers) {
  const std::pair<tree::Error, int> kNumbers[] = {
      {tree::Error::kOk, 0},
      {tree::Error::kNoNode, -101},
      {tree::Error::kNodeExists, -110},
      {tree::Error::kBadVersion, -103},
      {tree::Error::kNotEmpty, -111},
      {tree::Error::kNoChildrenForEphemerals, -108},
      {tree::Error::kBadArguments, -8},
      {tree::Error::kInvalidAcl, -114},
      {tree::Error::kNoAuth, -102},
      {tree::Error::kSessionExpired, -112},
      {tree::Error::kQuotaExceeded, -125},
      {tree::Error::kUnimplemented, -6},
      {tree::Error::kRuntimeInconsistency, -2},
      {tree::Error::kTooLarge, -8},
      {tree::Error::kRefusedMemory, -1},
      {tree::Error::kRefusedDisk, -1},
      {tree::Error::kNoWatcher, -121},
      {tree::Error::kAuthFailed, -115},
      {tree::Error::kReplyLost, -1},
  };
  for (const auto& [error, number] : kNumbers) {
    EXPECT_EQ(static_cast<int>(ToNumber(error)), number) << tree::ErrorName(error);
    EXPECT_EQ(static_cast<int>(ToNumber(service::ToErrorCode(error))), number) << tree::ErrorName(error);
  }
  EXPECT_EQ(ToNumber(service::ErrorCode::kNotReadOnly), ErrorNumber::kNotReadOnly);
  EXPECT_EQ(ToNumber(service::ErrorCode::kMalformed), ErrorNumber::kMarshallingError);
  EXPECT_EQ(ToNumber(service::ErrorCode::kNoQuorum), ErrorNumber::kSystemError);
}

TEST(Protocol, ShortNames) {
  EXPECT_EQ(ShortName(OpCode::kCreateTtl), "CREA");
  EXPECT_EQ(ShortName(OpCode::kGetChildren2), "GETC");
  EXPECT_EQ(ShortName(OpCode::kSetWatches2), "STW2");
  EXPECT_EQ(ShortName(OpCode::kCloseSession), "CLOS");
  EXPECT_EQ(ShortName(static_cast<OpCode>(999)), "NA");
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper
