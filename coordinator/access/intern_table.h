// Values that many share, stored once and named by a small number: ACLs and identity sets. Part of the replicated
// state.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/access/acl.h"
#include "coordinator/base/ids.h"

namespace synod::access {

// `Traits` names Id (a StrongInt over uint32_t), Value, kPrefix (the letter of its snapshot keys), Encode and Decode,
// and Fixed(): the values that are always there, as ids 0, 1, ... Loop thread, or the loader's.
//
// Numbers are given in the order of the log, so that all servers agree; none is given again before all others were. A
// value nobody refers to any more is dropped by Collect, which runs between commands: whatever a command interned and
// did not use is gone after it.
//
// Snapshot (D7): CloseChanges cuts; values never change, so a closed one is written from here, or from its saved bytes
// if it was dropped since. Key: kPrefix + id, 4 bytes big-endian (docs/formats/access_record.md). The digest and the
// snapshot hold values, not counts: these come back as nodes and sessions are loaded. The fixed values are in neither.
template <typename Traits>
class InternTable {
 public:
  using Id = typename Traits::Id;
  using Value = typename Traits::Value;
  using Emit = std::function<void(std::string key, std::optional<std::string> value)>;

  InternTable();
  InternTable(const InternTable&) = delete;
  InternTable& operator=(const InternTable&) = delete;

  // The id of an equal value, or a new one. Without a reference it lives until the next Collect.
  Id Intern(const Value& value);
  // REQUIRES it is there. Good until the value is dropped.
  const Value& Get(Id id) const;
  const Value* Find(Id id) const;  // nullptr: not there
  void AddReference(Id id);
  void Release(Id id);
  // Drops what nobody refers to.
  void Collect();
  // The fixed ones included.
  size_t size() const { return entries_.size(); }

  // ---- snapshot ----
  // Closes the set of changes. O(1). REQUIRES the last cut is written out or reopened, and Collect was called: a value
  // without reference could not be loaded.
  void CloseChanges();
  // Hands closed records to `emit` (value nullopt: a tombstone), in key order, until `keep_going` says no (asked after
  // each) or all are out (returns true; also if no cut is open). No key comes twice in a cut. A value that came and
  // went between two cuts leaves no record.
  bool WriteClosed(const Emit& emit, const std::function<bool()>& keep_going);
  // The closed records could not be stored: they count as changed again. Good until the next CloseChanges.
  void ReopenChanges();
  size_t changed() const { return changed_.size(); }
  // ---- loading: before what refers to it (which asks Find, and adds its references). DataLoss if malformed. ----
  static bool IsKey(std::string_view key) { return !key.empty() && key[0] == Traits::kPrefix; }
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // Once all references were added: nothing is there without one. DataLoss otherwise.
  absl::Status FinishLoading();

  uint64_t digest() const { return digest_; }
  uint64_t ComputeDigest() const;
  size_t memory_bytes() const;

  // From where the next new value looks for a free id: part of the replicated counters. The setter is for loading.
  uint32_t next_id() const { return next_id_; }
  void set_next_id(uint32_t next) { next_id_ = next; }

 private:
  struct Entry {
    Value value;
    uint64_t references = 0;
  };
  // What happened to an id since the last cut. Only what a store can see: neither `stored` nor `live` is no change.
  struct Change {
    bool stored = false;  // the store has a record of it from before
    bool live = false;    // it has a value now
  };
  static std::string Key(uint32_t id);
  static uint64_t HashOf(uint32_t id, std::string_view bytes);
  static size_t MemoryOf(const Value& value, std::string_view bytes);
  Entry* FindEntry(Id id) const;  // nullptr: not there
  bool IsFixed(Id id) const { return id.value() < fixed_; }
  bool CutOpen() const { return closed_.lower_bound(closed_next_) != closed_.end(); }
  void Add(uint32_t id, std::string bytes, Value value);
  void Drop(uint32_t id);

  absl::btree_map<uint32_t, std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<std::string, uint32_t> by_bytes_;  // looked up only
  absl::btree_set<uint32_t> unused_;                     // no reference; looked at by Collect
  uint32_t fixed_ = 0;                                   // ids below
  uint32_t next_id_ = 0;
  uint64_t digest_ = 0;
  size_t memory_ = 0;

  absl::btree_map<uint32_t, Change> changed_;  // since the last cut
  // The running cut, kept when it is written for ReopenChanges.
  absl::btree_map<uint32_t, Change> closed_;
  uint32_t closed_next_ = 0;               // smaller ids are written
  std::map<uint32_t, std::string> saved_;  // closed, not yet written, dropped since
};

struct AclTraits {
  using Id = AclId;
  using Value = Acl;
  static constexpr char kPrefix = 'a';
  static std::string Encode(const Acl& acl);  // the value of a record
  static absl::StatusOr<Acl> Decode(std::string_view bytes);
  static std::vector<Acl> Fixed();  // kOpenAcl, kReadOnlyAcl
};
struct IdentityTraits {
  using Id = IdentitySetId;
  using Value = IdentitySet;
  static constexpr char kPrefix = 'i';
  static std::string Encode(const IdentitySet& identities);
  static absl::StatusOr<IdentitySet> Decode(std::string_view bytes);
  static std::vector<IdentitySet> Fixed();  // kNoIdentities
};
using AclTable = InternTable<AclTraits>;
using IdentityTable = InternTable<IdentityTraits>;
extern template class InternTable<AclTraits>;
extern template class InternTable<IdentityTraits>;

}  // namespace synod::access
