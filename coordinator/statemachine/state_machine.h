// The replicated state: tree, sessions, settings and counters, changed by commands in log order and by nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/interfaces/state_machine.h"
#include "coordinator/sessions/session_table.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/tree/data_tree.h"

namespace synod::statemachine {

struct State;  // state.h: all that a snapshot holds
class Applier;

// The state that an Install replaced. With a million znodes its destructor takes a good part of a second: free it off
// the loop.
class DiscardedState {
 public:
  explicit DiscardedState(std::unique_ptr<State> state);
  ~DiscardedState();
  DiscardedState(DiscardedState&&) noexcept;

 private:
  std::unique_ptr<State> state_;
};

struct StateMachineOptions {
  // Where Install hands the old state. Unset: freed at once.
  std::function<void(DiscardedState)> dispose;
  // Tests of upgrades only (L6): the newest version this "code" knows.
  uint32_t version_known = kVersionKnown;
};

// Loop thread only. Reads no clock: a budget of WriteClosed is counted in records and bytes.
//
// A command is judged in this order:
//   1. decoding, and its version (an error of Apply: the server stops, L6)
//   2. it takes the next zxid, whatever comes of it (L7): failed, refused, repeated and gap commands too
//   3. its session exists, else kSessionExpired; its generation is the session's, else kSessionMoved and no effect (S4)
//   4. its number (S2): more than one beyond the last applied: a gap, no effect. Then replies below confirmed_below are
//      forgotten (S3). At or below the last: the stored reply (`repeated`), or kReplyLost if that was confirmed or
//      cleared.
//   5. the operation, whose outcome (errors too) is stored under the number. Number 0 is executed and stored nowhere.
// Create, attach and expire session, raise version and set setting act for the server, not for a session: 3 and 4 do
// not apply to them and their header's session, generation and numbers are not looked at.
//
// Errors of operations, in order of precedence:
//   create    kUnimplemented (a mode of version 2), kBadArguments (ephemeral without session), kTooLarge, then
//   DataTree::Create's, with
//             kInvalidAcl (an acl that is not in the table; version 1 has only 0) before its first kNoNode
//   delete, set data, check   kTooLarge, then DataTree's
//   multi     per operation as above; the operation that passes kMaxMultiOps or the sum of bytes: kTooLarge
//   create session  kBadArguments (password not 16 bytes, timeout or connection 0)
//   attach session  kBadArguments (as above), kSessionExpired (unknown), kAuthFailed (password), kSessionMoved
//   (generation is not `seen`) close session   kBadArguments (no session in the header) expire session  kSessionExpired
//   (unknown), kSessionMoved (generation is not `seen`, S5) set setting     kBadArguments (empty name), kTooLarge
class StateMachine final : public interfaces::StateMachine {
 public:
  explicit StateMachine(StateMachineOptions options = {});
  ~StateMachine() override;
  StateMachine(const StateMachine&) = delete;

  // Told of every command from now on; null: nobody. Not owned, must outlive its use.
  void SetObserver(ApplyObserver* observer) { observer_ = observer; }
  // What AdmitCommand refuses with: kRefusedMemory (the default) or kRefusedDisk.
  void SetRefusal(tree::Error error) { refusal_ = error; }

  // ---- reads, for the service. References and views are good until the next Apply or Install. ----
  const tree::DataTree& tree() const;
  const sessions::SessionTable& sessions() const;
  Zxid last_zxid() const;  // of the last applied command; the first is 1
  SessionId next_session_id() const;
  std::optional<std::string_view> Setting(std::string_view name) const;
  uint64_t ComputeDigest() const;  // from scratch; equals digest()

  // ---- interfaces::StateMachine ----
  absl::Status Apply(LogIndex index, Term term, const interfaces::CommandBatch& batch) override;
  void Skip(LogIndex index, Term term) override;
  LogIndex applied_index() const override { return applied_index_; }
  Term applied_term() const override { return applied_term_; }
  uint64_t log_clock_us() const override;
  uint64_t digest() const override;
  uint32_t digest_version() const override;
  uint32_t version_in_force() const override;
  uint32_t version_known() const override { return options_.version_known; }
  interfaces::SnapshotMeta CloseSnapshot() override;
  // The budget is taken at 1 us per record and 1 GB/s of values; at least 64 records. True also when no cut is open
  // (after Install).
  bool WriteClosed(absl::Duration budget, std::vector<interfaces::SnapshotRecord>* out) override;
  // Possible until the next CloseSnapshot or Install, after WriteClosed returned true as well.
  void AbandonSnapshot() override;
  size_t changed_records() const override;
  std::unique_ptr<interfaces::StateLoader> NewLoader() override;
  void Install(std::unique_ptr<interfaces::StateLoader> loader, const interfaces::SnapshotMeta& meta) override;
  size_t memory_bytes() const override;
  // Refuses create, set data, and multis with one of them, when growth is refused. Deletes, checks, syncs, closes and
  // everything about sessions go on.
  std::string AdmitCommand(std::string command, bool refuse_growth) override;

 private:
  StateMachineOptions options_;
  ApplyObserver* observer_ = nullptr;
  tree::Error refusal_ = tree::Error::kRefusedMemory;
  std::unique_ptr<State> state_;
  std::unique_ptr<Applier> applier_;
  LogIndex applied_index_;
  Term applied_term_;
};

}  // namespace synod::statemachine
