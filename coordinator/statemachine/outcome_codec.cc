// Outcomes as bytes; declared in command_codec.h.
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/operation_codec.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kOutcomeVersion = 1;
// What a result has besides nothing.
constexpr uint8_t kHasPath = 1, kHasStat = 2, kHasError = 4, kCreated = 8, kHasCounts = 16;
constexpr uint8_t kKnownFlags = kHasPath | kHasStat | kHasError | kCreated | kHasCounts;
// Shapes of an outcome.
constexpr uint8_t kPlain = 0, kSingle = 1, kList = 2, kSucceededList = 3;

// Zxids as distances from the command's, mtime from ctime: a fresh node's stat takes some 15 bytes.
void WriteStat(const tree::Stat& s, Zxid base, ByteWriter* out) {
  out->SignedVarint(base - s.czxid);
  out->SignedVarint(base - s.mzxid);
  out->SignedVarint(base - s.pzxid);
  out->SignedVarint(s.ctime_ms);
  out->SignedVarint(static_cast<int64_t>(static_cast<uint64_t>(s.mtime_ms) - static_cast<uint64_t>(s.ctime_ms)));
  out->SignedVarint(s.version);
  out->SignedVarint(s.cversion);
  out->SignedVarint(s.aversion);
  WriteSession(s.ephemeral_owner, out);
  out->SignedVarint(s.data_length);
  out->SignedVarint(s.num_children);
}

int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

void ReadStat(Zxid base, ByteReader* in, tree::Stat* s) {
  s->czxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->mzxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->pzxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->ctime_ms = in->SignedVarint();
  s->mtime_ms = static_cast<int64_t>(static_cast<uint64_t>(s->ctime_ms) + static_cast<uint64_t>(in->SignedVarint()));
  s->version = ReadI32(in);
  s->cversion = ReadI32(in);
  s->aversion = ReadI32(in);
  s->ephemeral_owner = ReadSession(in);
  s->data_length = ReadI32(in);
  s->num_children = ReadI32(in);
}

uint8_t FlagsOf(const OpResult& r) {
  uint8_t flags = 0;
  if (!r.path.empty()) flags |= kHasPath;
  if (!(r.stat == tree::Stat())) flags |= kHasStat;
  if (r.error != tree::Error::kOk) flags |= kHasError;
  if (r.created) flags |= kCreated;
  if (r.deleted != 0 || r.remaining != 0) flags |= kHasCounts;
  return flags;
}

void WriteResult(const OpResult& r, Zxid base, ByteWriter* out) {
  const uint8_t flags = FlagsOf(r);
  out->U8(flags);
  if (flags & kHasError) out->U8(static_cast<uint8_t>(r.error));
  if (flags & kHasPath) out->Blob(r.path);
  if (flags & kHasStat) WriteStat(r.stat, base, out);
  if (flags & kHasCounts) {
    out->Varint(r.deleted);
    out->Varint(r.remaining);
  }
}

void ReadResult(Zxid base, ByteReader* in, OpResult* r) {
  const uint8_t flags = in->U8();
  if ((flags & ~kKnownFlags) != 0) in->Fail();
  if (flags & kHasError) r->error = ReadError(in);
  if (flags & kHasPath) r->path.assign(in->Blob());
  if (flags & kHasStat) ReadStat(base, in, &r->stat);
  r->created = (flags & kCreated) != 0;
  if (flags & kHasCounts) {
    r->deleted = in->Varint();
    r->remaining = in->Varint();
  }
}

uint8_t ShapeOf(const Outcome& outcome) {
  if (outcome.succeeded) return kSucceededList;
  if (!outcome.results.empty()) return kList;
  return FlagsOf(outcome.result) == 0 ? kPlain : kSingle;
}

}  // namespace

void EncodeOutcome(const Outcome& outcome, ByteWriter* out) {
  const uint8_t shape = ShapeOf(outcome);
  out->U8(kOutcomeVersion);
  out->U8(static_cast<uint8_t>(outcome.error));
  out->Varint(static_cast<uint64_t>(outcome.zxid.value()));
  out->U8(shape);
  if (shape == kSingle) WriteResult(outcome.result, outcome.zxid, out);
  if (shape < kList) return;
  out->Varint(outcome.results.size());
  for (const OpResult& result : outcome.results) WriteResult(result, outcome.zxid, out);
}

absl::StatusOr<Outcome> DecodeOutcome(std::string_view bytes) {
  ByteReader in(bytes);
  Outcome outcome;
  uint8_t version = in.U8();
  if (in.ok() && version != kOutcomeVersion) {
    return absl::UnimplementedError(absl::StrCat("outcome: unknown version ", static_cast<int>(version)));
  }
  outcome.error = ReadError(&in);
  outcome.zxid = Zxid(static_cast<int64_t>(in.Varint()));
  uint8_t shape = in.U8();
  if (shape > kSucceededList) in.Fail();
  if (shape == kSingle) ReadResult(outcome.zxid, &in, &outcome.result);
  if (shape >= kList) {
    uint64_t count = in.Varint();
    if (count > in.remaining()) in.Fail();
    outcome.results.resize(in.ok() ? count : 0);
    for (OpResult& result : outcome.results) ReadResult(outcome.zxid, &in, &result);
  }
  outcome.succeeded = shape == kSucceededList;
  SYNOD_RETURN_IF_ERROR(in.Finish("outcome"));
  return outcome;
}

}  // namespace synod::statemachine
