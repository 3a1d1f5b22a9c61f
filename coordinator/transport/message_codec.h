// Peer messages as bytes (docs/formats/peer_protocol.md). Both directions are pure; sockets are elsewhere.
//
//   frame := u32 length of body , u32 crc32c of body , body
//   body  := u8 kind , payload
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/base/bytes.h"
#include "coordinator/interfaces/transport.h"

namespace synod::transport {

inline constexpr size_t kFrameHeaderBytes = 8;
inline constexpr size_t kMaxFrameBytes = 64 << 20;           // header and body
inline constexpr size_t kMaxHandshakeFrameBytes = 64 << 10;  // before the peer is known

enum class FrameKind : uint8_t {
  kHello = 1,
  kReady = 2,
  kRefused = 3,
  kKeepAlive = 4,
  kConsensus = 16,
  kForward = 17,
  kForwardCredit = 18,
  kService = 19,
  kRepairRequest = 20,
  kRepairReply = 21,
  kSnapshotOffer = 22,
  kSnapshotData = 23,
  kSnapshotProgress = 24,
  kSnapshotRequest = 25,
  kDigestReport = 26,
};

// Order of precedence on the wire (L11): a lower lane's frames never wait behind a higher one's, but for a write
// already begun.
enum class Lane : uint8_t {
  kUrgent = 0,    // consensus, acknowledgements, credit, liveness
  kForward = 1,   // forwarded commands, repaired records
  kSnapshot = 2,  // snapshot chunks
};
inline constexpr size_t kLanes = 3;
Lane LaneOf(const interfaces::PeerMessage& message);

// Encoded frames that wait to be written. Small ones share a string; big payloads are held by reference or moved in,
// never copied.
class FrameQueue {
 public:
  struct Piece {
    std::string own;
    SharedBytes shared;   // used instead of `own` if not null
    bool closes = false;  // a frame ends with it: a write may stop behind it
    std::string_view view() const { return shared != nullptr ? std::string_view(*shared) : std::string_view(own); }
  };

  // Appends one frame of several pieces: `pieces[0].own` starts with kFrameHeaderBytes bytes that are filled in here.
  void Append(std::vector<Piece> pieces);
  bool empty() const { return pieces_.empty(); }
  size_t bytes() const { return bytes_; }
  // Moves whole frames, at least one and then up to about `max_bytes`, to the end of `out`; returns their bytes.
  size_t TakeInto(std::vector<Piece>* out, size_t max_bytes);

 private:
  std::deque<Piece> pieces_;
  size_t bytes_ = 0;
};

// Appends `message` as a frame. Consensus entries' payloads are shared, not copied (those under 512 bytes are copied
// with the rest). False if it would exceed kMaxFrameBytes: nothing is appended.
bool EncodeMessage(interfaces::PeerMessage message, FrameQueue* out);

// The message in a frame's payload. `from` and `to` of a consensus message are not sent: they are the connection's
// ends. DataLoss if the bytes are not exactly one message of that kind. Every entry's payload is one SharedBytes of its
// own.
absl::StatusOr<interfaces::PeerMessage> DecodeMessage(FrameKind kind, std::string_view payload,
                                                      const consensus::Identity& from, ServerId to);

// The handshake. `incarnation` is random per start of the process, so that a restarted peer is told from a second
// connection of the same one.
struct Handshake {
  interfaces::PeerHello hello;
  ServerId to;  // whom the sender believes to talk to; 0: does not know (never sent by us)
  uint64_t incarnation = 0;
};
void EncodeHandshake(const Handshake& handshake, FrameQueue* out);
// DataLoss if malformed, InvalidArgument if it is not our protocol or of another version.
absl::StatusOr<Handshake> DecodeHandshake(std::string_view payload);
void EncodeRefused(std::string_view reason, FrameQueue* out);
std::string DecodeRefused(std::string_view payload);  // printable, cut at 200 bytes
void EncodeEmpty(FrameKind kind, FrameQueue* out);    // kReady, kKeepAlive

// Takes frames off received bytes. `consumed` tells how many bytes the frame took.
struct Frame {
  FrameKind kind = FrameKind::kKeepAlive;
  std::string_view payload;  // a view into the input
  size_t bytes = 0;          // of the whole frame; 0: not all of it is here, `needed` bytes in all would be
  size_t needed = 0;
};
// DataLoss: too long (over `max_bytes`), empty, or the checksum is wrong.
absl::StatusOr<Frame> ReadFrame(std::string_view input, size_t max_bytes);

}  // namespace synod::transport
