#include "coordinator/storage/slot_pair.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 24;
// Room that later generations overwrite without needing new blocks: the hard state can be saved when the disk is full.
constexpr uint64_t kPreallocated = 8192;

struct Slot {
  uint64_t generation = 0;
  std::string body;
  bool newer_format = false;
};

uint32_t Checksum(uint32_t magic, uint32_t version, uint64_t generation, std::string_view body) {
  ByteWriter w;
  w.U32(magic);
  w.U32(version);
  w.U64(generation);
  w.U32(static_cast<uint32_t>(body.size()));
  return Crc32c(body, Crc32c(w.bytes()));
}

std::optional<Slot> Decode(std::string_view bytes, uint32_t expected_magic) {
  ByteReader r(bytes);
  uint32_t magic = r.U32();
  uint32_t version = r.U32();
  Slot slot;
  slot.generation = r.U64();
  uint32_t length = r.U32();
  uint32_t checksum = r.U32();
  if (!r.ok() || magic != expected_magic || length > r.remaining()) return std::nullopt;
  std::string_view body = r.Take(length);
  if (Checksum(magic, version, slot.generation, body) != checksum) return std::nullopt;
  slot.newer_format = version > kVersion;
  slot.body = std::string(body);
  return slot;
}

}  // namespace

std::string SlotPair::Path(int slot, std::string_view suffix) const {
  return absl::StrCat(name_.directory, "/", name_.base, slot == 0 ? ".a" : ".b", Sv(suffix));
}

std::string SlotPair::Encode(uint64_t generation, const std::string& body) const {
  ByteWriter w;
  w.U32(name_.magic);
  w.U32(kVersion);
  w.U64(generation);
  w.U32(static_cast<uint32_t>(body.size()));
  w.U32(Checksum(name_.magic, kVersion, generation, body));
  w.Append(body);
  return w.Take();
}

absl::Status SlotPair::WriteSlot(int slot, const std::string& bytes) {
  SYNOD_RETURN_IF_ERROR(files_[slot]->WriteAt(0, bytes));
  return files_[slot]->Sync();
}

// Under another name first: a file with the slot's name is whole from the moment it exists.
absl::Status SlotPair::CreateSlotFile(int slot, const std::string& bytes) {
  SYNOD_ASSIGN_OR_RETURN(files_[slot], fs_->Open(Path(slot, ".new"), OpenMode::kCreate));
  SYNOD_RETURN_IF_ERROR(files_[slot]->Preallocate(kPreallocated));
  SYNOD_RETURN_IF_ERROR(WriteSlot(slot, bytes));
  SYNOD_RETURN_IF_ERROR(fs_->Rename(Path(slot, ".new"), Path(slot)));
  return fs_->SyncDirectory(name_.directory);
}

absl::StatusOr<std::unique_ptr<SlotPair>> SlotPair::Create(FileSystem* fs, Name name, std::string body) {
  auto pair = std::unique_ptr<SlotPair>(new SlotPair(fs, std::move(name)));
  pair->body_ = std::move(body);
  pair->generation_ = 1;
  std::string bytes = pair->Encode(1, pair->body_);
  for (int slot : {0, 1}) SYNOD_RETURN_IF_ERROR(pair->CreateSlotFile(slot, bytes));
  return pair;
}

absl::StatusOr<std::unique_ptr<SlotPair>> SlotPair::Load(FileSystem* fs, Name name, bool mend) {
  auto pair = std::unique_ptr<SlotPair>(new SlotPair(fs, std::move(name)));
  std::optional<Slot> slots[2];
  bool any_file = false;
  for (int i : {0, 1}) {
    absl::StatusOr<std::unique_ptr<File>> file = fs->Open(pair->Path(i), mend ? OpenMode::kWrite : OpenMode::kRead);
    if (absl::IsNotFound(file.status())) continue;
    SYNOD_RETURN_IF_ERROR(file.status());
    any_file = true;
    pair->files_[i] = *std::move(file);
    SYNOD_ASSIGN_OR_RETURN(std::string bytes, ReadWhole(pair->files_[i].get()));
    slots[i] = Decode(bytes, pair->name_.magic);
    if (slots[i] && slots[i]->newer_format) {
      return absl::UnimplementedError(absl::StrCat(pair->Path(i), " was written by a newer version of Synod"));
    }
  }
  if (!any_file) return absl::NotFoundError(absl::StrCat(pair->Path(0), " and ", pair->Path(1), " do not exist"));
  if (!slots[0] && !slots[1])
    return absl::DataLossError(absl::StrCat("both copies ", pair->Path(0), " and .b are damaged"));
  int best = !slots[0] || (slots[1] && slots[1]->generation > slots[0]->generation) ? 1 : 0;
  int other = 1 - best;
  pair->body_ = slots[best]->body;
  pair->generation_ = slots[best]->generation;
  pair->one_copy_was_bad_ = !slots[other] || slots[other]->generation != pair->generation_;
  pair->one_copy_was_behind_ = slots[other] && slots[other]->generation + 1 == pair->generation_;
  if (!mend) return pair;
  absl::Status mended = pair->Mend(best);
  // A disk that fails now has not lost what was just read from it.
  if (absl::IsDataLoss(mended)) return absl::UnavailableError(mended.message());
  SYNOD_RETURN_IF_ERROR(mended);
  return pair;
}

absl::Status SlotPair::Mend(int good) {
  const int other = 1 - good;
  // The good copy may be in the page cache only, from a process that was killed before its sync returned.
  SYNOD_RETURN_IF_ERROR(files_[good]->Sync());
  if (!one_copy_was_bad_) return files_[other]->Sync();
  std::string bytes = Encode(generation_, body_);
  return files_[other] ? WriteSlot(other, bytes) : CreateSlotFile(other, bytes);
}

absl::Status SlotPair::Save(std::string body) {
  if (!failed_.ok()) return failed_;
  if (body.size() > kMaxBody) {
    return absl::InvalidArgumentError(absl::StrCat(Path(0), ": ", body.size(), " bytes are more than a slot takes"));
  }
  std::string bytes = Encode(generation_ + 1, body);
  for (int slot : {0, 1}) {
    failed_ = WriteSlot(slot, bytes);
    if (!failed_.ok()) return failed_;
  }
  ++generation_;
  body_ = std::move(body);
  return absl::OkStatus();
}

}  // namespace synod::storage
