// The sessions of the replicated state (S1): who may write under which generation, and what was answered to which
// number (S2).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "coordinator/base/ids.h"
#include "coordinator/sessions/reply_cache.h"

namespace synod::sessions {

class SessionTable;

// A session that is over but still has ephemerals: it may do nothing any more, and ends when the last one is deleted.
enum class Closing : uint8_t {
  kNo = 0,
  kClosed = 1,   // by its client
  kExpired = 2,  // by the leader
};

// One session. Changed only through its table. Pointers stay good until the session is removed.
class Session {
 public:
  SessionId id() const { return id_; }
  const std::string& password() const { return password_; }
  uint32_t timeout_ms() const { return timeout_ms_; }
  uint32_t disconnect_grace_ms() const { return disconnect_grace_ms_; }  // 0: none (S8)
  bool native() const { return native_; }                                // numbers its own writes
  OwnerGeneration generation() const { return generation_; }             // S4: a write under another one has no effect
  uint64_t connection() const { return connection_; }                    // that owns the generation
  IdentitySetId identities() const { return identities_; }               // the state machine counts the references
  bool closing() const { return closing_ != Closing::kNo; }
  bool expired() const { return closing_ == Closing::kExpired; }  // of a closing one: why
  Sequence last_applied() const { return replies_.end() - 1; }    // 0: none yet
  const ReplyCache& replies() const { return replies_; }

 private:
  friend class SessionTable;
  SessionId id_;
  std::string password_;
  uint32_t timeout_ms_ = 0;
  uint32_t disconnect_grace_ms_ = 0;
  bool native_ = true;
  OwnerGeneration generation_;
  uint64_t connection_ = 0;
  IdentitySetId identities_;
  Closing closing_ = Closing::kNo;
  ReplyCache replies_;

  // Snapshot bookkeeping: the reply numbers in the store as of the last cut that wrote this session, and whether its
  // own record is there.
  Sequence stored_first_ = Sequence(1);
  Sequence stored_end_ = Sequence(1);
  bool stored_ = false;
  bool loaded_ = true;  // false while only its replies were met (loading)
  uint64_t changed_in_ =
      0;  // the period (between two cuts) in which it last changed and was not written since; 0: clean
  uint64_t fixed_hash_ = 0;  // of all but numbers and replies
};

// What a new owner of a session brings (create and attach).
struct Ownership {
  OwnerGeneration generation;
  uint64_t connection = 0;
  uint32_t timeout_ms = 0;
  uint32_t disconnect_grace_ms = 0;
  IdentitySetId identities;
};

// Replicated: the same calls in the same order give the same table and digest on every server. Loop thread (or the
// loader's). No clock.
//
// Snapshot (D7): the same cut as the tree's. CloseChanges closes the set of changed sessions; until a closed one is
// written, its first change saves its old version, so that sessions and reply tables in a snapshot are as of the cut
// (counterexample 5). Reply records are never changed, only added and dropped, so a session's part of a cut is a range
// of numbers to add and one to bury.
//
// Keys: 's' + id (8 bytes, big-endian) for a session, 'r' + id + sequence (8 bytes each, big-endian) for a reply.
// docs/formats/session_record.md.
class SessionTable {
 public:
  using Emit = std::function<void(std::string key, std::optional<std::string> value)>;

  SessionTable() = default;
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // ---- reads ----
  const Session* Find(SessionId id) const;           // nullptr: unknown (never existed, closed or expired)
  Session* FindMutable(SessionId id);                // for the calls below
  size_t count() const { return sessions_.size(); }  // closing ones included
  // The session that a create of this connection with this password made, and that nobody has attached since; nullptr:
  // none, or it is closing. A create that is sent again finds it, so that no orphan is left (S1).
  const Session* FindCreated(uint64_t connection, std::string_view password) const;
  // In order: ContinueCloseOp is due for each.
  const absl::btree_set<SessionId>& closing() const { return closing_; }
  // In order of ids. `visit` must not change the table.
  template <typename F>
  void ForEach(F&& visit) const {
    for (const auto& [id, session] : sessions_) visit(static_cast<const Session&>(*session));
  }

  // ---- changes (the state machine's) ----
  // REQUIRES an id that is new and greater than 0.
  Session* Add(SessionId id, std::string password, bool native, const Ownership& owner);
  // S4. Raising the generation is the caller's decision; this stores it.
  void SetOwner(Session* session, const Ownership& owner);
  // The owner proved to be more than it was known to be.
  void SetIdentities(Session* session, IdentitySetId identities);
  // For good. REQUIRES it is not closing yet.
  void SetClosing(Session* session, bool expired);
  // S3: replies below `below` were received. Clamped to what was applied.
  void ConfirmBelow(Session* session, Sequence below);
  // S3: an attach of a ZooKeeper connection. The numbers go on, the replies go.
  void ClearReplies(Session* session) { ConfirmBelow(session, session->replies_.end()); }
  // The number last_applied() + 1 was executed and gave `reply`.
  void Record(Session* session, std::string_view reply);
  // The session ended. Frees it.
  void Remove(Session* session);

  // ---- snapshot (D7) ----
  // Closes the set of changed sessions. O(1). REQUIRES the last cut is written out or reopened.
  void CloseChanges();
  // Hands closed records to `emit` (value nullopt: a tombstone) until `keep_going` says no (asked after each session)
  // or all are out (returns true; also if no cut is open). No key comes twice in a cut.
  bool WriteClosed(const Emit& emit, const std::function<bool()>& keep_going);
  // The closed records could not be stored: they count as changed again. Good until the next CloseChanges.
  void ReopenChanges();
  size_t changed_sessions() const { return changed_.size() + removed_.size(); }

  // ---- loading: into an empty table, in key order (replies come before their sessions). DataLoss if malformed. ----
  static bool IsKey(std::string_view key) { return !key.empty() && (key[0] == 's' || key[0] == 'r'); }
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // Every reply has its session, and numbers are dense. Call once after the last record.
  absl::Status FinishLoading();

  // Sum over sessions and replies of a 64-bit hash (D13); order-independent, wraps. Kept up incrementally.
  uint64_t digest() const { return digest_; }
  // From scratch, for tests and loads.
  uint64_t ComputeDigest() const;
  size_t memory_bytes() const;

 private:
  struct StoredRange {
    SessionId id;
    Sequence first;
    Sequence end;
    bool stored = false;
  };
  using SavedRecord = std::pair<std::string, std::optional<std::string>>;

  // Call before any change of `session`: saves its closed version if a cut still needs it, and notes the change.
  void BeforeChange(Session* session);
  template <typename F>
  void EmitSession(Session* session, F&& emit);
  // Forgets the running cut and makes room for the next.
  void ClearCut();
  bool CutOpen() const;
  static uint64_t FixedHash(const Session& session);
  static uint64_t NumberHash(const Session& session);
  static std::string EncodeSession(const Session& session);
  // Enters a session into, and takes it out of, what is derived from the records: created_ and closing_.
  void Index(const Session& session);
  void Unindex(const Session& session);
  absl::Status LoadSession(SessionId id, std::string_view value);
  absl::Status LoadReply(SessionId id, Sequence sequence, std::string_view value);

  absl::btree_map<SessionId, std::unique_ptr<Session>> sessions_;
  absl::btree_set<std::pair<uint64_t, SessionId>> created_;  // (connection, session) of those of generation 1
  absl::btree_set<SessionId> closing_;
  uint64_t digest_ = 0;
  size_t reply_memory_ = 0;  // sum of the caches' memory_bytes()

  // Changes since the last cut.
  uint64_t period_ = 1;
  std::vector<SessionId> changed_;                   // existing or removed since
  absl::btree_map<SessionId, StoredRange> removed_;  // were in the store and are gone

  // The running cut: what is still to be written, and how to undo it.
  std::vector<SessionId> closed_;
  size_t closed_next_ = 0;
  absl::btree_map<SessionId, StoredRange> closed_removed_;
  SessionId removed_next_;          // tombstones of closed_removed_ are out up to here
  std::vector<SavedRecord> saved_;  // old versions of sessions that changed before they were written
  size_t saved_next_ = 0;
  size_t saved_bytes_ = 0;
  std::vector<StoredRange> written_;  // what the store held of each session emitted or saved, before this cut
};

}  // namespace synod::sessions
