#include "coordinator/storage/log_directory.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

constexpr uint32_t kIdentityMagic = 0x49485953;  // "SYHI"

absl::Status ScanSegmentFile(FileSystem* fs, const std::string& path, uint64_t number, const StoredState& stored,
                             bool writable, std::string* buffer, ScannedLog* out) {
  ScannedSegment segment;
  segment.number = number;
  SYNOD_ASSIGN_OR_RETURN(segment.file, fs->Open(path, writable ? OpenMode::kWrite : OpenMode::kRead));
  if (writable) {
    SYNOD_RETURN_IF_ERROR(segment.file->Sync());
    segment.file->DropCache();
  }
  SYNOD_RETURN_IF_ERROR(ReadWhole(segment.file.get(), buffer));
  const std::string& bytes = *buffer;
  segment.size = bytes.size();
  SegmentHeaderState header = CheckSegmentHeader(bytes, stored.identity.storage, number);
  if (header == SegmentHeaderState::kNewerFormat) {
    return absl::UnimplementedError(absl::StrCat(path, " was written by a newer version of Synod"));
  }
  segment.header_good = header == SegmentHeaderState::kGood;
  ScanRecords(bytes, kSegmentHeaderBytes, number, stored.identity.storage, &out->records);
  out->segments.push_back(std::move(segment));
  return absl::OkStatus();
}

absl::Status ScanRepairs(FileSystem* fs, const std::string& directory, const StoredState& stored, bool writable,
                         ScannedLog* out) {
  std::string path = absl::StrCat(directory, "/", kRepairName);
  if (!fs->Exists(path)) return absl::OkStatus();
  SYNOD_ASSIGN_OR_RETURN(out->repair, fs->Open(path, writable ? OpenMode::kWrite : OpenMode::kRead));
  if (writable) {
    SYNOD_RETURN_IF_ERROR(out->repair->Sync());
    out->repair->DropCache();
  }
  SYNOD_ASSIGN_OR_RETURN(std::string bytes, ReadWhole(out->repair.get()));
  ScanRecords(bytes, 0, kRepairSegment, stored.identity.storage, &out->records);
  return absl::OkStatus();
}

}  // namespace

std::string LogIdentity::Encode() const {
  ByteWriter w;
  w.U64(storage.value());
  w.U64(highest_segment);
  return w.Take();
}

absl::StatusOr<LogIdentity> LogIdentity::Decode(std::string_view bytes) {
  ByteReader r(bytes);
  LogIdentity identity;
  identity.storage = StorageId(r.U64());
  identity.highest_segment = r.U64();
  SYNOD_RETURN_IF_ERROR(r.Finish("log identity"));
  return identity;
}

SlotPair::Name LogIdentityName(const std::string& directory) { return {directory, "identity", kIdentityMagic}; }

absl::StatusOr<ScannedLog> ScanLogDirectory(FileSystem* fs, const std::string& directory, const StoredState& stored,
                                            bool writable) {
  ScannedLog out;
  SYNOD_ASSIGN_OR_RETURN(out.identity_slots, SlotPair::Load(fs, LogIdentityName(directory), writable));
  SYNOD_ASSIGN_OR_RETURN(out.identity, LogIdentity::Decode(out.identity_slots->body()));
  if (out.identity.storage != stored.identity.storage) {
    return absl::FailedPreconditionError(
        absl::StrFormat("the log in %s belongs to storage %016x, the hard state to %016x", directory,
                        out.identity.storage.value(), stored.identity.storage.value()));
  }
  SYNOD_RETURN_IF_ERROR(ScanRepairs(fs, directory, stored, writable, &out));
  SYNOD_ASSIGN_OR_RETURN(std::vector<std::string> names, fs->List(directory));
  std::string buffer;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(directory, "/", name);
    if (ParseSpareName(name)) out.spares.push_back(name);
    std::optional<uint64_t> number = ParseSegmentName(name);
    if (!number) continue;
    if (*number < stored.base_segment) {
      out.leftovers.push_back(name);
      continue;
    }
    SYNOD_RETURN_IF_ERROR(ScanSegmentFile(fs, path, *number, stored, writable, &buffer, &out));
  }
  uint64_t highest = out.segments.empty() ? 0 : out.segments.back().number;
  if (out.identity.highest_segment >= stored.base_segment && highest < out.identity.highest_segment) {
    return absl::DataLossError(absl::StrCat("the last log segment ", directory, "/",
                                            SegmentName(out.identity.highest_segment),
                                            " is missing, and nothing tells what this server acknowledged in it: "
                                            "restore the file, or empty the data directory "
                                            "so that the server joins anew as a learner"));
  }
  return out;
}

}  // namespace synod::storage
