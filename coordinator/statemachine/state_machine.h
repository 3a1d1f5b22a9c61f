// The replicated state: tree, sessions, settings and counters, changed by commands in log order and by nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/access/caller.h"
#include "coordinator/access/intern_table.h"
#include "coordinator/interfaces/state_machine.h"
#include "coordinator/sessions/session_table.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/event_window.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/statemachine/settings.h"
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
  // Bound of the window of past events (W3). May differ from server to server.
  size_t watch_window_bytes = 16 << 20;
  // Tests only: must be equal on all servers.
  size_t ephemerals_per_command = kEphemeralsPerCommand;
};

// Loop thread only. Reads no clock: a budget of WriteClosed is counted in records and bytes.
//
// A command is judged in this order:
//   1. decoding, and its version (an error of Apply: the server stops, L6)
//   2. it takes the next zxid, whatever comes of it (L7): failed, refused, repeated and gap commands too
//   3. its session exists and is not closing, else kSessionExpired; its generation is the session's, else kSessionMoved
//      and no effect (S4)
//   4. its number (S2): more than one beyond the last applied: a gap, no effect. Then replies below confirmed_below are
//      forgotten (S3). At or below the last: the stored reply (`repeated`), or kReplyLost if that was confirmed or
//      cleared.
//   5. the operation, whose outcome (errors too) is stored under the number. Number 0 is executed and stored nowhere.
// Create, attach and expire session, continue close, remove idle, raise version and set setting act for the server, not
// for a session: 3 and 4 do not apply to them and their header's session, generation, numbers and identities are not
// looked at. Commands of a session are judged by the identities that it holds at apply, others by the header's.
//
// Errors of operations, in order of precedence ("size": kTooLarge for a path beyond kMaxPathBytes or data beyond
// max_data_bytes; "ACL": kInvalidAcl as access::FixUp judges the list by the caller's identities):
//   create       kUnimplemented (a mode with TTL while extended_types is off); kBadArguments (ttl_ms outside 1 to
//                kMaxTtlMs with such a mode, or not 0 with another; on_existing with a sequential mode; ephemeral
//                without session); size; kBadArguments (no "/" in the path, or NUL); ACL; then DataTree::Create's:
//                kNoNode (parent), kNoAuth (CREATE on it), kBadArguments (path rules), kNodeExists,
//                kNoChildrenForEphemerals, kQuotaExceeded.
//                kKeep: kNodeExists is a success without `created`, with the Stat for whom READ is granted. kSet: the
//                node is there: DataTree::SetData's in place of DataTree::Create's, with any version.
//   delete       size; DataTree::Delete's: kBadArguments (path rules, system node), kNoNode (parent), kNoAuth (DELETE
//                on it), kNoNode, kBadVersion, kNotEmpty. missing_ok: kNoNode is a success that deleted 0.
//   set data     size; DataTree::SetData's: kBadArguments, kNoNode, kNoAuth (WRITE), kQuotaExceeded, kBadVersion
//   check        size; DataTree::Check's: kBadArguments, kNoNode, kNoAuth (READ), kBadVersion
//   set ACL      size; kBadArguments (path rules); ACL; DataTree::SetAcl's: kNoNode, kNoAuth (ADMIN), kBadVersion
//   delete tree  size; kTooLarge (the command's delete-trees took kMaxTreeDelete nodes already); DataTree's:
//                kBadArguments, kNoNode (parent), kNoAuth (DELETE on it), kNoNode, kBadVersion, kTooLarge (more nodes
//                than max_nodes, or than is left of kMaxTreeDelete; not if partial), kNoAuth (a node below)
//   multi        per operation as above; before that, for the operation that passes kMaxMultiOps, the sum of bytes, or
//                kMaxAclBytes: kTooLarge. The first that fails decides and undoes all.
//   txn          kTooLarge (more than kMaxCompares). Per compare, all of them, in order: kTooLarge (the sum of their
//                bytes), size, kBadArguments (existence compared with another number than 0 and 1, or by order; path
//                rules), kNoAuth (READ on a node that is there). Then the branch, as a multi.
//   authenticate kBadArguments (no session), kTooLarge (more than kMaxIdentities together)
//   sync         none. refused: its own
//   create session  kBadArguments (password not 16 bytes, timeout or connection 0). Of the same connection
//                and password as a session of generation 1: that session again (`repeated`)
//   attach session  as create; then kSessionExpired (unknown or closing), kAuthFailed (password), kSessionMoved
//                (generation is not `seen`, and not by this very connection)
//   close session   kBadArguments (no session in the header)
//   expire session  kSessionExpired (unknown or closing), kSessionMoved (generation is not `seen`, S5)
//   continue close  kSessionExpired (unknown), kBadArguments (not closing)
//   remove idle  kTooLarge (path), then DataTree::RemoveIdle's: kBadArguments (path rules), kNoNode, kBadVersion (of
//                czxid or mzxid), kNotEmpty, kBadArguments (not of that kind, never used, or its time is not over)
//   raise version   none
//   set setting  kBadArguments (empty name), kTooLarge
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
  const access::AclTable& acls() const;
  const access::IdentityTable& identities() const;
  const EventWindow& window() const;
  const Settings& settings() const;
  // Whom reads are judged by, under the present settings (super user, skip_acl). `who` must outlive the view; the
  // second one's is good until the next Apply or Install. An unknown session is nobody.
  access::Caller CallerOf(const access::IdentitySet& who) const;
  access::Caller CallerOf(SessionId session) const;
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
  // Refuses what PeekGrowth (command_codec.h) says grows, when growth is refused. Deletes, checks, syncs, closes
  // and everything about sessions go on.
  std::string AdmitCommand(std::string command, bool refuse_growth) override;

 private:
  std::unique_ptr<Applier> NewApplier();

  StateMachineOptions options_;
  ApplyObserver* observer_ = nullptr;
  tree::Error refusal_ = tree::Error::kRefusedMemory;
  std::unique_ptr<State> state_;
  std::unique_ptr<Applier> applier_;
  LogIndex applied_index_;
  Term applied_term_;
};

}  // namespace synod::statemachine
