// Frames and the handshake: the part of message_codec.h below the messages.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/transport/message_codec.h"

namespace synod::transport {
namespace {

constexpr std::string_view kMagic = "SYNP";
constexpr uint8_t kVersion = 1;
constexpr size_t kTailBytes = 16 << 10;  // small frames are put together up to here
constexpr size_t kMaxReasonBytes = 200;

void AppendSingle(ByteWriter* body, FrameQueue* out) {
  std::vector<FrameQueue::Piece> pieces(1);
  pieces[0].own = body->Take();
  out->Append(std::move(pieces));
}

ByteWriter Begin(FrameKind kind) {
  ByteWriter out;
  out.U64(0);  // header, filled in by Append
  out.U8(static_cast<uint8_t>(kind));
  return out;
}

}  // namespace

void FrameQueue::Append(std::vector<Piece> pieces) {
  SYNOD_CHECK(!pieces.empty() && pieces[0].shared == nullptr && pieces[0].own.size() > kFrameHeaderBytes);
  uint32_t length = 0;
  uint32_t checksum = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    std::string_view part = pieces[i].view().substr(i == 0 ? kFrameHeaderBytes : 0);
    length += static_cast<uint32_t>(part.size());
    checksum = Crc32c(part, checksum);
  }
  std::memcpy(pieces[0].own.data(), &length, sizeof length);
  std::memcpy(pieces[0].own.data() + sizeof length, &checksum, sizeof checksum);
  bytes_ += length + kFrameHeaderBytes;
  pieces.back().closes = true;
  if (pieces.size() == 1 && !pieces_.empty() && pieces_.back().shared == nullptr &&
      pieces_.back().own.size() + pieces[0].own.size() <= kTailBytes) {
    pieces_.back().own.append(pieces[0].own);  // the tail closes a frame already, so this one begins a new one
    return;
  }
  std::move(pieces.begin(), pieces.end(), std::back_inserter(pieces_));
}

size_t FrameQueue::TakeInto(std::vector<Piece>* out, size_t max_bytes) {
  size_t taken = 0;
  bool closed = true;
  while (!pieces_.empty() && (!closed || taken < max_bytes)) {
    taken += pieces_.front().view().size();
    closed = pieces_.front().closes;
    out->push_back(std::move(pieces_.front()));
    pieces_.pop_front();
  }
  bytes_ -= taken;
  return taken;
}

void EncodeEmpty(FrameKind kind, FrameQueue* out) {
  ByteWriter body = Begin(kind);
  AppendSingle(&body, out);
}

void EncodeHandshake(const Handshake& handshake, FrameQueue* out) {
  const interfaces::PeerHello& hello = handshake.hello;
  ByteWriter body = Begin(FrameKind::kHello);
  body.Append(kMagic);
  body.U8(kVersion);
  body.U64(hello.ensemble.value());
  body.Varint(hello.identity.server.value());
  body.U64(hello.identity.storage.value());
  body.Varint(handshake.to.value());
  body.U64(handshake.incarnation);
  body.Bool(hello.empty);
  body.U64(hello.seed_hash);
  body.Blob(hello.address);
  body.Blob(hello.configuration.Encode());
  AppendSingle(&body, out);
}

absl::StatusOr<Handshake> DecodeHandshake(std::string_view payload) {
  ByteReader in(payload);
  if (in.Take(kMagic.size()) != kMagic) return absl::InvalidArgumentError("not a Synod peer");
  uint8_t version = in.U8();
  if (in.ok() && version != kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("speaks version ", version, " of the peer protocol, this server ", kVersion));
  }
  Handshake handshake;
  interfaces::PeerHello& hello = handshake.hello;
  hello.ensemble = EnsembleId(in.U64());
  uint64_t server = in.Varint();
  hello.identity.storage = StorageId(in.U64());
  uint64_t to = in.Varint();
  handshake.incarnation = in.U64();
  uint8_t empty = in.U8();
  hello.seed_hash = in.U64();
  hello.address = std::string(in.Blob());
  std::string_view configuration = in.Blob();
  if (server == 0 || server > UINT32_MAX || to > UINT32_MAX || empty > 1) in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("peer hello"));
  hello.identity.server = ServerId(static_cast<uint32_t>(server));
  handshake.to = ServerId(static_cast<uint32_t>(to));
  hello.empty = empty == 1;
  SYNOD_ASSIGN_OR_RETURN(hello.configuration, consensus::Configuration::Decode(configuration));
  return handshake;
}

void EncodeRefused(std::string_view reason, FrameQueue* out) {
  ByteWriter body = Begin(FrameKind::kRefused);
  body.Append(reason.substr(0, kMaxReasonBytes));
  AppendSingle(&body, out);
}

std::string DecodeRefused(std::string_view payload) {
  std::string reason(payload.substr(0, kMaxReasonBytes));
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return reason;
}

absl::StatusOr<Frame> ReadFrame(std::string_view input, size_t max_bytes) {
  Frame frame;
  frame.needed = kFrameHeaderBytes;
  if (input.size() < kFrameHeaderBytes) return frame;
  ByteReader header(input);
  uint32_t length = header.U32();
  uint32_t checksum = header.U32();
  if (length == 0 || length > max_bytes - kFrameHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("peer frame of ", length, " bytes, at most ", max_bytes - kFrameHeaderBytes));
  }
  frame.needed = kFrameHeaderBytes + length;
  if (input.size() < frame.needed) return frame;
  std::string_view body = input.substr(kFrameHeaderBytes, length);
  if (Crc32c(body) != checksum) return absl::DataLossError("peer frame: wrong checksum");
  frame.kind = static_cast<FrameKind>(static_cast<uint8_t>(body[0]));
  frame.payload = body.substr(1);
  frame.bytes = frame.needed;
  return frame;
}

}  // namespace synod::transport
