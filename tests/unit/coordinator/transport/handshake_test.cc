#include "coordinator/transport/handshake.h"

#include <gtest/gtest.h>

namespace synod::transport {
namespace {

Handshake From(uint32_t server, uint64_t storage, uint64_t ensemble, uint32_t to) {
  Handshake handshake;
  handshake.hello.identity = {ServerId(server), StorageId(storage)};
  handshake.hello.ensemble = EnsembleId(ensemble);
  handshake.to = ServerId(to);
  return handshake;
}

HandshakeView View(uint64_t ensemble) {
  HandshakeView view;
  view.own.identity = {ServerId(1), StorageId(11)};
  view.own.ensemble = EnsembleId(ensemble);
  view.sender_known = true;
  return view;
}

TEST(CheckHandshake, AMemberOfTheSameEnsembleIsTaken) { EXPECT_TRUE(CheckHandshake(View(5), From(2, 22, 5, 1)).ok()); }

TEST(CheckHandshake, AnotherEnsembleIsRefusedWithBothIdsInTheReason) {  // R25
  absl::Status status = CheckHandshake(View(0xaaa), From(2, 22, 0xbbb, 1));
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_NE(status.message().find("aaa"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("bbb"), absl::string_view::npos) << status;
}

TEST(CheckHandshake, AServerWithoutEnsembleIsHeardOnEitherSide) {  // D10
  EXPECT_TRUE(CheckHandshake(View(0), From(2, 22, 5, 1)).ok());
  EXPECT_TRUE(CheckHandshake(View(5), From(2, 22, 0, 1)).ok());
  EXPECT_TRUE(CheckHandshake(View(0), From(2, 22, 0, 1)).ok());
}

TEST(CheckHandshake, OurselvesATwinAndAnUnknownServerAreRefused) {
  EXPECT_FALSE(CheckHandshake(View(5), From(1, 11, 5, 1)).ok());
  EXPECT_FALSE(CheckHandshake(View(5), From(1, 12, 5, 1)).ok());
  HandshakeView view = View(5);
  view.sender_known = false;
  EXPECT_FALSE(CheckHandshake(view, From(2, 22, 5, 1)).ok());
}

TEST(CheckHandshake, AConnectionToAnotherServerThanTheOneMeantIsRefused) {
  EXPECT_FALSE(CheckHandshake(View(5), From(2, 22, 5, 3)).ok());
  HandshakeView view = View(5);
  view.expected = ServerId(3);
  EXPECT_FALSE(CheckHandshake(view, From(2, 22, 5, 1)).ok());
}

TEST(CheckHandshake, APeerWithoutStorageIdIsRefused) { EXPECT_FALSE(CheckHandshake(View(5), From(2, 0, 5, 1)).ok()); }

TEST(Replaces, OfTwoThatCrossedTheOneDialledByTheHigherIdStaysWhicheverCameFirst) {
  ConnectionOrigin by_higher{{ServerId(2), StorageId(2)}, 7, true};
  ConnectionOrigin by_lower{{ServerId(2), StorageId(2)}, 7, false};
  EXPECT_TRUE(Replaces(by_higher, by_lower));
  EXPECT_FALSE(Replaces(by_lower, by_higher));
}

TEST(Replaces, ASecondOneFromTheSameDiallerReplacesTheFirst) {
  ConnectionOrigin by_lower{{ServerId(2), StorageId(2)}, 7, false};
  ConnectionOrigin by_higher{{ServerId(2), StorageId(2)}, 7, true};
  EXPECT_TRUE(Replaces(by_lower, by_lower));
  EXPECT_TRUE(Replaces(by_higher, by_higher));
}

TEST(Replaces, ARestartedOrWipedPeersConnectionReplacesAny) {
  ConnectionOrigin old{{ServerId(2), StorageId(2)}, 7, true};
  EXPECT_TRUE(Replaces({{ServerId(2), StorageId(2)}, 8, false}, old));
  EXPECT_TRUE(Replaces({{ServerId(2), StorageId(3)}, 7, false}, old));
}

}  // namespace
}  // namespace synod::transport
