// The operations of commands as bytes: numbers and bodies. The header around them is command_codec's. Grammar:
// docs/formats/command.md.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "coordinator/base/bytes.h"
#include "coordinator/statemachine/command.h"

namespace synod::statemachine {

// Numbers of the format; never reused.
enum class OperationKind : uint8_t {
  kCreate = 1,
  kDelete = 2,
  kSetData = 3,
  kCheck = 4,
  kMulti = 5,
  kSync = 6,
  kRefused = 7,
  kSetAcl = 8,
  kDeleteTree = 9,
  kTxn = 10,
  kCreateSession = 16,
  kAttachSession = 17,
  kCloseSession = 18,
  kExpireSession = 19,
  kAuthenticate = 20,
  kContinueClose = 21,
  kRemoveIdle = 22,
  kRaiseVersion = 32,
  kSetSetting = 33,
};

OperationKind KindOf(const Operation& operation);
// Writes the body, without the kind.
void EncodeOperation(const Operation& operation, ByteWriter* out);
// Reads the body of an operation of this kind into an old one, whose memory is reused. Unimplemented: a kind this code
// does not know. A malformed body fails the reader.
absl::Status DecodeOperation(OperationKind kind, ByteReader* in, Operation* operation);

// What other codecs of this folder share.
SessionId ReadSession(ByteReader* in);
tree::Error ReadError(ByteReader* in);
uint32_t ReadU32(ByteReader* in);
int32_t ReadI32(ByteReader* in);
inline void WriteSession(SessionId id, ByteWriter* out) { out->Varint(static_cast<uint64_t>(id.value())); }

}  // namespace synod::statemachine
