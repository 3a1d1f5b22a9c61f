#include "coordinator/transport/message_codec.h"

#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"

namespace synod::transport {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::Message;
using consensus::MessageType;
using interfaces::DigestReport;
using interfaces::Forward;
using interfaces::ForwardCredit;
using interfaces::PeerMessage;
using interfaces::RepairReply;
using interfaces::RepairRequest;
using interfaces::ServiceMessage;
using interfaces::SnapshotData;
using interfaces::SnapshotMeta;
using interfaces::SnapshotOffer;
using interfaces::SnapshotProgress;
using interfaces::SnapshotRequest;

constexpr size_t kShareBytes = 512;  // below, a piece of its own costs more than the copy

constexpr uint8_t kReject = 1;
constexpr uint8_t kTransfer = 2;

// Builds one frame's pieces.
class Builder {
 public:
  explicit Builder(FrameKind kind) {
    out_.U64(0);  // header
    out_.U8(static_cast<uint8_t>(kind));
  }
  ByteWriter& out() { return out_; }
  void Shared(const SharedBytes& bytes) {
    out_.Varint(bytes->size());
    if (bytes->size() < kShareBytes) {
      out_.Append(*bytes);
    } else {
      Cut();
      pieces_.push_back({.own = {}, .shared = bytes});
    }
  }
  void Moved(std::string bytes) {
    out_.Varint(bytes.size());
    if (bytes.size() < kShareBytes) {
      out_.Append(bytes);
    } else {
      Cut();
      pieces_.push_back({.own = std::move(bytes), .shared = nullptr});
    }
  }
  std::vector<FrameQueue::Piece> Take() {
    Cut();
    return std::move(pieces_);
  }

 private:
  void Cut() {
    if (out_.size() > 0) pieces_.push_back({.own = out_.Take(), .shared = nullptr});
    out_.Clear();
  }
  ByteWriter out_;
  std::vector<FrameQueue::Piece> pieces_;
};

void PutEntry(const Entry& entry, Builder* b) {
  b->out().Varint(entry.term.value());
  b->out().Varint(entry.index.value());
  b->out().U8(static_cast<uint8_t>(entry.type));
  SYNOD_CHECK(entry.payload != nullptr);
  b->Shared(entry.payload);
}

Entry GetEntry(ByteReader* in) {
  Entry entry;
  entry.term = Term(in->Varint());
  entry.index = LogIndex(in->Varint());
  uint8_t type = in->U8();
  if (type > static_cast<uint8_t>(EntryType::kConfiguration)) in->Fail();
  entry.type = static_cast<EntryType>(type);
  std::string_view payload = in->Blob();
  entry.payload = MakeSharedBytes(std::string(payload));
  return entry;
}

constexpr size_t kMinEntryBytes = 4;

uint32_t GetU32(ByteReader* in) {
  uint64_t value = in->Varint();
  if (value > UINT32_MAX) in->Fail();
  return static_cast<uint32_t>(value);
}

// A bool that is neither 0 nor 1 is damage.
bool GetBool(ByteReader* in) {
  uint8_t value = in->U8();
  if (value > 1) in->Fail();
  return value == 1;
}

void Put(Message m, Builder* b) {
  ByteWriter& out = b->out();
  out.U8(static_cast<uint8_t>(m.type));
  out.U8(static_cast<uint8_t>((m.reject ? kReject : 0) | (m.transfer ? kTransfer : 0)));
  out.Varint(m.term.value());
  out.Varint(m.log_end.term.value());
  out.Varint(m.log_end.index.value());
  out.Varint(m.commit.value());
  out.Varint(m.match.value());
  out.Varint(m.read_round);
  out.Varint(m.read_index.value());
  out.Varint(m.entries.size());
  for (const Entry& entry : m.entries) PutEntry(entry, b);
}

absl::StatusOr<PeerMessage> GetConsensus(ByteReader* in, const consensus::Identity& from, ServerId to) {
  Message m;
  uint8_t type = in->U8();
  uint8_t flags = in->U8();
  if (type < static_cast<uint8_t>(MessageType::kPreVote) || type > static_cast<uint8_t>(MessageType::kReadIndexReply))
    in->Fail();
  if ((flags & ~(kReject | kTransfer)) != 0) in->Fail();
  m.type = static_cast<MessageType>(type);
  m.from = from;
  m.to = to;
  m.reject = (flags & kReject) != 0;
  m.transfer = (flags & kTransfer) != 0;
  m.term = Term(in->Varint());
  m.log_end.term = Term(in->Varint());
  m.log_end.index = LogIndex(in->Varint());
  m.commit = LogIndex(in->Varint());
  m.match = LogIndex(in->Varint());
  m.read_round = in->Varint();
  m.read_index = LogIndex(in->Varint());
  uint64_t count = in->Varint();
  if (count > in->remaining() / kMinEntryBytes) in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); ++i) m.entries.push_back(GetEntry(in));
  SYNOD_RETURN_IF_ERROR(in->Finish("consensus message"));
  return m;
}

void Put(Forward m, Builder* b) {
  b->out().Varint(m.term.value());
  b->out().Varint(m.commands.size());
  for (std::string& command : m.commands) b->Moved(std::move(command));
}

absl::StatusOr<PeerMessage> GetForward(ByteReader* in) {
  Forward m;
  m.term = Term(in->Varint());
  uint64_t count = in->Varint();
  if (count > in->remaining()) in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); ++i) m.commands.emplace_back(in->Blob());
  SYNOD_RETURN_IF_ERROR(in->Finish("forward"));
  return m;
}

void Put(ForwardCredit m, Builder* b) {
  b->out().Varint(m.term.value());
  b->out().Varint(m.bytes);
}

absl::StatusOr<PeerMessage> GetForwardCredit(ByteReader* in) {
  ForwardCredit m;
  m.term = Term(in->Varint());
  m.bytes = in->Varint();
  SYNOD_RETURN_IF_ERROR(in->Finish("forward credit"));
  return m;
}

void Put(ServiceMessage m, Builder* b) { b->Moved(std::move(m.bytes)); }

absl::StatusOr<PeerMessage> GetService(ByteReader* in) {
  ServiceMessage m;
  m.bytes = std::string(in->Blob());
  SYNOD_RETURN_IF_ERROR(in->Finish("service message"));
  return m;
}

void Put(RepairRequest m, Builder* b) {
  b->out().Varint(m.index.value());
  b->out().Varint(m.term.value());
}

absl::StatusOr<PeerMessage> GetRepairRequest(ByteReader* in) {
  RepairRequest m;
  m.index = LogIndex(in->Varint());
  m.term = Term(in->Varint());
  SYNOD_RETURN_IF_ERROR(in->Finish("repair request"));
  return m;
}

void Put(RepairReply m, Builder* b) {
  b->out().Varint(m.index.value());
  b->out().Varint(m.snapshot_index.value());
  b->out().Bool(m.found);
  if (m.found) PutEntry(m.entry, b);
}

absl::StatusOr<PeerMessage> GetRepairReply(ByteReader* in) {
  RepairReply m;
  m.index = LogIndex(in->Varint());
  m.snapshot_index = LogIndex(in->Varint());
  m.found = GetBool(in);
  if (m.found) m.entry = GetEntry(in);
  SYNOD_RETURN_IF_ERROR(in->Finish("repair reply"));
  return m;
}

void Put(SnapshotOffer m, Builder* b) {
  b->out().U64(m.id);
  b->out().Varint(m.term.value());
  b->Moved(m.meta.Encode());
}

absl::StatusOr<PeerMessage> GetSnapshotOffer(ByteReader* in) {
  SnapshotOffer m;
  m.id = in->U64();
  m.term = Term(in->Varint());
  std::string_view meta = in->Blob();
  SYNOD_RETURN_IF_ERROR(in->Finish("snapshot offer"));
  SYNOD_ASSIGN_OR_RETURN(m.meta, SnapshotMeta::Decode(meta));
  return m;
}

void Put(SnapshotData m, Builder* b) {
  b->out().U64(m.id);
  b->out().Varint(m.chunk.number);
  b->out().U32(m.chunk.checksum);
  b->out().Bool(m.chunk.last);
  b->Moved(std::move(m.chunk.records));
}

absl::StatusOr<PeerMessage> GetSnapshotData(ByteReader* in) {
  SnapshotData m;
  m.id = in->U64();
  m.chunk.number = in->Varint();
  m.chunk.checksum = in->U32();
  m.chunk.last = GetBool(in);
  m.chunk.records = std::string(in->Blob());
  SYNOD_RETURN_IF_ERROR(in->Finish("snapshot data"));
  return m;
}

void Put(SnapshotProgress m, Builder* b) {
  b->out().U64(m.id);
  b->out().Varint(m.next_chunk);
  b->out().U8(static_cast<uint8_t>(m.state));
}

absl::StatusOr<PeerMessage> GetSnapshotProgress(ByteReader* in) {
  SnapshotProgress m;
  m.id = in->U64();
  m.next_chunk = in->Varint();
  uint8_t state = in->U8();
  if (state > static_cast<uint8_t>(SnapshotProgress::State::kRefused)) in->Fail();
  m.state = static_cast<SnapshotProgress::State>(state);
  SYNOD_RETURN_IF_ERROR(in->Finish("snapshot progress"));
  return m;
}

void Put(SnapshotRequest m, Builder* b) { b->out().Varint(m.index.value()); }

absl::StatusOr<PeerMessage> GetSnapshotRequest(ByteReader* in) {
  SnapshotRequest m;
  m.index = LogIndex(in->Varint());
  SYNOD_RETURN_IF_ERROR(in->Finish("snapshot request"));
  return m;
}

void Put(DigestReport m, Builder* b) {
  b->out().Varint(m.index.value());
  b->out().U64(m.digest);
  b->out().Varint(m.digest_version);
  b->out().Varint(m.state_machine_version_known);
}

absl::StatusOr<PeerMessage> GetDigestReport(ByteReader* in) {
  DigestReport m;
  m.index = LogIndex(in->Varint());
  m.digest = in->U64();
  m.digest_version = GetU32(in);
  m.state_machine_version_known = GetU32(in);
  SYNOD_RETURN_IF_ERROR(in->Finish("digest report"));
  return m;
}

// One line per alternative of PeerMessage, in its order.
struct Row {
  FrameKind kind;
  Lane lane;
};
constexpr Row kRows[] = {
    {FrameKind::kConsensus, Lane::kUrgent},        {FrameKind::kForward, Lane::kForward},
    {FrameKind::kForwardCredit, Lane::kUrgent},    {FrameKind::kService, Lane::kUrgent},
    {FrameKind::kRepairRequest, Lane::kUrgent},    {FrameKind::kRepairReply, Lane::kForward},
    {FrameKind::kSnapshotOffer, Lane::kUrgent},    {FrameKind::kSnapshotData, Lane::kSnapshot},
    {FrameKind::kSnapshotProgress, Lane::kUrgent}, {FrameKind::kSnapshotRequest, Lane::kUrgent},
    {FrameKind::kDigestReport, Lane::kUrgent},
};
static_assert(std::size(kRows) == std::variant_size_v<PeerMessage>);

}  // namespace

Lane LaneOf(const PeerMessage& message) { return kRows[message.index()].lane; }

bool EncodeMessage(PeerMessage message, FrameQueue* out) {
  Builder b(kRows[message.index()].kind);
  std::visit([&b](auto&& m) { Put(std::move(m), &b); }, std::move(message));
  std::vector<FrameQueue::Piece> pieces = b.Take();
  size_t bytes = 0;
  for (const FrameQueue::Piece& piece : pieces) bytes += piece.view().size();
  if (bytes > kMaxFrameBytes) return false;
  out->Append(std::move(pieces));
  return true;
}

absl::StatusOr<PeerMessage> DecodeMessage(FrameKind kind, std::string_view payload, const consensus::Identity& from,
                                          ServerId to) {
  ByteReader in(payload);
  switch (kind) {
    case FrameKind::kConsensus:
      return GetConsensus(&in, from, to);
    case FrameKind::kForward:
      return GetForward(&in);
    case FrameKind::kForwardCredit:
      return GetForwardCredit(&in);
    case FrameKind::kService:
      return GetService(&in);
    case FrameKind::kRepairRequest:
      return GetRepairRequest(&in);
    case FrameKind::kRepairReply:
      return GetRepairReply(&in);
    case FrameKind::kSnapshotOffer:
      return GetSnapshotOffer(&in);
    case FrameKind::kSnapshotData:
      return GetSnapshotData(&in);
    case FrameKind::kSnapshotProgress:
      return GetSnapshotProgress(&in);
    case FrameKind::kSnapshotRequest:
      return GetSnapshotRequest(&in);
    case FrameKind::kDigestReport:
      return GetDigestReport(&in);
    case FrameKind::kHello:
    case FrameKind::kReady:
    case FrameKind::kRefused:
    case FrameKind::kKeepAlive:
      break;
  }
  return absl::DataLossError(absl::StrCat("peer message of unknown kind ", static_cast<int>(kind)));
}

}  // namespace synod::transport
