// What a server must never forget (D1): who it is, its term and vote, and what the log needs to be read truthfully (D4,
// D5, D9). Format: docs/formats/hard_state.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/consensus/types.h"
#include "coordinator/storage/slot_pair.h"

namespace synod::storage {

struct StoredState {
  EnsembleId ensemble;  // 0: belongs to none yet
  consensus::Identity identity;
  consensus::HardState vote;
  // As of index 0: the founders, or what a joining server was told. Empty while ensemble is 0.
  consensus::Configuration founding;
  bool was_wiped = false;  // started over after a loss (D10): must not form an ensemble
  bool snapshot_created =
      false;  // a snapshot store naming this storage id exists; without it the server counts as wiped

  // D4. Records of a counter below `cut_counter` at or above `cut_from` are no records. 0: nothing was cut since the
  // reset.
  uint64_t cut_counter = 0;
  LogIndex cut_from;
  // D9. The log begins behind `base`: records of a counter below base_cut_counter and segments of a lower number are
  // gone.
  consensus::LogEnd base;
  uint64_t base_segment = 1;
  uint64_t base_cut_counter = 0;
  // D5. The end the server votes by, kept from the start that found damage until the last damaged record is repaired.
  std::optional<consensus::LogEnd> remembered_end;

  // How often the log was opened. In the upper half of the numbers of the segments made since, so that no number is
  // used twice, not even when a crash took a new segment's name and left its records in a file that is used again.
  uint64_t log_starts = 0;

  bool operator==(const StoredState&) const = default;
  std::string Encode() const;
  static absl::StatusOr<StoredState> Decode(std::string_view bytes);
};

// Owner: DataDirectory. Loop thread only.
class HardStateStore {
 public:
  // Both durable on return.
  static absl::StatusOr<std::unique_ptr<HardStateStore>> Create(FileSystem* fs, const std::string& directory,
                                                                const StoredState& state);
  // NotFound: there is none. DataLoss: both copies are bad (the server counts as wiped). Unimplemented: a newer format.
  static absl::StatusOr<std::unique_ptr<HardStateStore>> Load(FileSystem* fs, const std::string& directory,
                                                              bool mend = true);

  const StoredState& state() const { return state_; }
  uint64_t generation() const { return slots_->generation(); }
  bool one_copy_was_bad() const { return slots_->one_copy_was_bad(); }
  bool one_copy_was_behind() const { return slots_->one_copy_was_behind(); }
  // Durable in both slots on return; nothing is written if nothing differs. Errors are fatal (D12), but
  // InvalidArgument: too large.
  absl::Status Save(const StoredState& state);

 private:
  HardStateStore(std::unique_ptr<SlotPair> slots, StoredState state)
      : slots_(std::move(slots)), state_(std::move(state)) {}
  std::unique_ptr<SlotPair> slots_;
  StoredState state_;
};

}  // namespace synod::storage
