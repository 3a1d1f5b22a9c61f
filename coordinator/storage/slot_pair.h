// Two copies of one small value, each generation written to both, one synced before the other is touched (D1). What was
// acted on is in both, so either alone tells it: one bad copy is mended from the other, and no older generation can
// pass for the newest (counterexample 2).
//
// A slot file (NAME.a, NAME.b), format version 1, little-endian:
//   slot := u32 magic , u32 version , u64 generation , u32 length , u32 checksum , byte{length} body
// The checksum is CRC-32C over magic, version, generation, length and body. Bytes behind the body mean nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/storage/file.h"

namespace synod::storage {

// One thread at a time.
class SlotPair {
 public:
  static constexpr uint32_t kMaxBody = 256 * 1024;

  struct Name {
    std::string directory;
    std::string base;    // file names are base.a and base.b
    uint32_t magic = 0;  // tells one kind of slot file from another
  };

  // Writes generation 1 to both, durably with the directory entries. A crash before it is done leaves neither file, or
  // whole ones.
  static absl::StatusOr<std::unique_ptr<SlotPair>> Create(FileSystem* fs, Name name, std::string body);
  // NotFound: neither file is there. DataLoss: there is one, but none is good. Unimplemented: written by a newer
  // format. With `mend` a bad, missing or older copy is rewritten from the good one before this returns;
  // Unavailable if the disk fails at that.
  static absl::StatusOr<std::unique_ptr<SlotPair>> Load(FileSystem* fs, Name name, bool mend);

  // Writes the next generation to a, syncs, writes it to b, syncs. Any error is fatal (D12): every later Save repeats
  // it. InvalidArgument (harmless) if the body is longer than kMaxBody.
  absl::Status Save(std::string body);

  const std::string& body() const { return body_; }
  uint64_t generation() const { return generation_; }
  // One copy was bad, missing or older when loaded.
  bool one_copy_was_bad() const { return one_copy_was_bad_; }
  // It was whole and one generation behind: the process ended between its two writes, which is no damage.
  bool one_copy_was_behind() const { return one_copy_was_behind_; }

 private:
  SlotPair(FileSystem* fs, Name name) : fs_(fs), name_(std::move(name)) {}
  std::string Path(int slot, std::string_view suffix = "") const;
  std::string Encode(uint64_t generation, const std::string& body) const;
  absl::Status Mend(int good);
  absl::Status WriteSlot(int slot, const std::string& bytes);
  absl::Status CreateSlotFile(int slot, const std::string& bytes);

  FileSystem* const fs_;
  const Name name_;
  std::unique_ptr<File> files_[2];
  std::string body_;
  uint64_t generation_ = 0;
  bool one_copy_was_bad_ = false;
  bool one_copy_was_behind_ = false;
  absl::Status failed_;
};

}  // namespace synod::storage
