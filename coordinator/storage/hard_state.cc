#include "coordinator/storage/hard_state.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

constexpr uint32_t kMagic = 0x53485953;  // "SYHS"
constexpr uint8_t kWasWiped = 1;
constexpr uint8_t kSnapshotCreated = 2;
constexpr uint8_t kRemembersEnd = 4;

SlotPair::Name SlotName(const std::string& directory) { return {directory, "hard_state", kMagic}; }

void PutEnd(ByteWriter* w, const consensus::LogEnd& end) {
  w->U64(end.term.value());
  w->U64(end.index.value());
}

consensus::LogEnd GetEnd(ByteReader* r) {
  Term term(r->U64());
  return {term, LogIndex(r->U64())};
}

}  // namespace

std::string StoredState::Encode() const {
  ByteWriter w;
  w.U64(ensemble.value());
  w.U32(identity.server.value());
  w.U64(identity.storage.value());
  w.U64(vote.term.value());
  w.U32(vote.voted_for.value());
  w.U8(static_cast<uint8_t>((was_wiped ? kWasWiped : 0) | (snapshot_created ? kSnapshotCreated : 0) |
                            (remembered_end ? kRemembersEnd : 0)));
  w.U64(cut_counter);
  w.U64(cut_from.value());
  PutEnd(&w, base);
  w.U64(base_segment);
  w.U64(base_cut_counter);
  PutEnd(&w, remembered_end.value_or(consensus::LogEnd{}));
  w.U64(log_starts);
  w.Blob(founding.members.empty() ? std::string() : founding.Encode());
  return w.Take();
}

absl::StatusOr<StoredState> StoredState::Decode(std::string_view bytes) {
  ByteReader r(bytes);
  StoredState s;
  s.ensemble = EnsembleId(r.U64());
  s.identity.server = ServerId(r.U32());
  s.identity.storage = StorageId(r.U64());
  s.vote.term = Term(r.U64());
  s.vote.voted_for = ServerId(r.U32());
  uint8_t flags = r.U8();
  s.was_wiped = (flags & kWasWiped) != 0;
  s.snapshot_created = (flags & kSnapshotCreated) != 0;
  s.cut_counter = r.U64();
  s.cut_from = LogIndex(r.U64());
  s.base = GetEnd(&r);
  s.base_segment = r.U64();
  s.base_cut_counter = r.U64();
  consensus::LogEnd end = GetEnd(&r);
  if ((flags & kRemembersEnd) != 0) s.remembered_end = end;
  s.log_starts = r.U64();
  std::string_view founding = r.Blob();
  SYNOD_RETURN_IF_ERROR(r.Finish("hard state"));
  if (!founding.empty()) {
    SYNOD_ASSIGN_OR_RETURN(s.founding, consensus::Configuration::Decode(founding));
  }
  return s;
}

absl::StatusOr<std::unique_ptr<HardStateStore>> HardStateStore::Create(FileSystem* fs, const std::string& directory,
                                                                       const StoredState& state) {
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<SlotPair> slots, SlotPair::Create(fs, SlotName(directory), state.Encode()));
  return std::unique_ptr<HardStateStore>(new HardStateStore(std::move(slots), state));
}

absl::StatusOr<std::unique_ptr<HardStateStore>> HardStateStore::Load(FileSystem* fs, const std::string& directory,
                                                                     bool mend) {
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<SlotPair> slots, SlotPair::Load(fs, SlotName(directory), mend));
  SYNOD_ASSIGN_OR_RETURN(StoredState state, StoredState::Decode(slots->body()));
  return std::unique_ptr<HardStateStore>(new HardStateStore(std::move(slots), std::move(state)));
}

absl::Status HardStateStore::Save(const StoredState& state) {
  if (state == state_) return absl::OkStatus();
  SYNOD_RETURN_IF_ERROR(slots_->Save(state.Encode()));
  state_ = state;
  return absl::OkStatus();
}

}  // namespace synod::storage
