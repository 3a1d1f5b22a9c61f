#include "coordinator/access/intern_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace synod::access {
namespace {

constexpr uint8_t kRecordVersion = 1;
constexpr size_t kKeyBytes = 5;
// Never given, so that there is a number behind each id.
constexpr uint32_t kNoId = UINT32_MAX;
// Map entries and heap headers, near enough.
constexpr size_t kEntryOverheadBytes = 128;

uint32_t ReadBigEndian(std::string_view in) {
  uint32_t v = 0;
  for (char c : in.substr(0, 4)) v = v << 8 | static_cast<uint8_t>(c);
  return v;
}

}  // namespace

template <typename Traits>
InternTable<Traits>::InternTable() {
  for (Value& value : Traits::Fixed()) {
    by_bytes_.emplace(Traits::Encode(value), fixed_);
    entries_.emplace(fixed_, std::make_unique<Entry>(Entry{std::move(value), 0}));
    ++fixed_;
  }
  next_id_ = fixed_;
}

template <typename Traits>
std::string InternTable<Traits>::Key(uint32_t id) {
  std::string key(1, Traits::kPrefix);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(id >> shift));
  return key;
}

template <typename Traits>
uint64_t InternTable<Traits>::HashOf(uint32_t id, std::string_view bytes) {
  const uint64_t seed = static_cast<uint64_t>(static_cast<uint8_t>(Traits::kPrefix)) << 32 | id;
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

template <typename Traits>
size_t InternTable<Traits>::MemoryOf(const Value& value, std::string_view bytes) {
  // The texts are held twice: in the value and in the key of by_bytes_.
  return kEntryOverheadBytes + sizeof(Entry) + 2 * bytes.size() + value.size() * sizeof(typename Value::value_type);
}

template <typename Traits>
typename InternTable<Traits>::Entry* InternTable<Traits>::FindEntry(Id id) const {
  auto it = entries_.find(id.value());
  return it == entries_.end() ? nullptr : it->second.get();
}

template <typename Traits>
typename InternTable<Traits>::Id InternTable<Traits>::Intern(const Value& value) {
  std::string bytes = Traits::Encode(value);
  auto it = by_bytes_.find(bytes);
  if (it != by_bytes_.end()) return Id(it->second);
  // Ids that came round are looked for among those free now; which these are is the same on all servers.
  while (next_id_ < fixed_ || next_id_ == kNoId || entries_.contains(next_id_)) ++next_id_;
  const uint32_t id = next_id_++;
  Add(id, std::move(bytes), value);
  Change& change = changed_[id];
  change.live = true;
  return Id(id);
}

template <typename Traits>
void InternTable<Traits>::Add(uint32_t id, std::string bytes, Value value) {
  digest_ += HashOf(id, bytes);
  memory_ += MemoryOf(value, bytes);
  by_bytes_.emplace(std::move(bytes), id);
  entries_.emplace(id, std::make_unique<Entry>(Entry{std::move(value), 0}));
  unused_.insert(id);
}

template <typename Traits>
void InternTable<Traits>::Drop(uint32_t id) {
  auto entry = entries_.find(id);
  std::string bytes = Traits::Encode(entry->second->value);
  digest_ -= HashOf(id, bytes);
  memory_ -= MemoryOf(entry->second->value, bytes);
  by_bytes_.erase(bytes);
  entries_.erase(entry);

  auto change = changed_.find(id);
  if (change != changed_.end()) {
    if (change->second.stored) {
      change->second.live = false;
    } else {
      changed_.erase(change);
    }
    return;
  }
  // Unchanged since the last cut: it is in the store, or on its way there.
  changed_.emplace(id, Change{true, false});
  if (id < closed_next_) return;
  auto closed = closed_.find(id);
  if (closed != closed_.end()) saved_.emplace(id, std::move(bytes));
}

template <typename Traits>
const typename InternTable<Traits>::Value& InternTable<Traits>::Get(Id id) const {
  const Entry* entry = FindEntry(id);
  SYNOD_CHECK(entry != nullptr) << "no value has the id " << Traits::kPrefix << id;
  return entry->value;
}

template <typename Traits>
const typename InternTable<Traits>::Value* InternTable<Traits>::Find(Id id) const {
  const Entry* entry = FindEntry(id);
  return entry == nullptr ? nullptr : &entry->value;
}

template <typename Traits>
void InternTable<Traits>::AddReference(Id id) {
  if (IsFixed(id)) return;
  Entry* entry = FindEntry(id);
  SYNOD_CHECK(entry != nullptr) << "no value has the id " << Traits::kPrefix << id;
  if (entry->references++ == 0) unused_.erase(id.value());
}

template <typename Traits>
void InternTable<Traits>::Release(Id id) {
  if (IsFixed(id)) return;
  Entry* entry = FindEntry(id);
  SYNOD_CHECK(entry != nullptr && entry->references > 0) << "nobody refers to " << Traits::kPrefix << id;
  if (--entry->references == 0) unused_.insert(id.value());
}

template <typename Traits>
void InternTable<Traits>::Collect() {
  for (uint32_t id : unused_) Drop(id);
  unused_.clear();
}

template <typename Traits>
void InternTable<Traits>::CloseChanges() {
  SYNOD_CHECK(!CutOpen()) << "the last cut is neither written nor reopened";
  SYNOD_CHECK(unused_.empty()) << "a value without reference was not collected";
  closed_.clear();
  closed_.swap(changed_);
  closed_next_ = 0;
}

template <typename Traits>
bool InternTable<Traits>::WriteClosed(const Emit& emit, const std::function<bool()>& keep_going) {
  for (auto it = closed_.lower_bound(closed_next_); it != closed_.end(); ++it) {
    const auto [id, change] = *it;
    std::optional<std::string> value;
    if (change.live) {
      auto saved = saved_.find(id);
      if (saved != saved_.end()) {
        value = std::move(saved->second);
        saved_.erase(saved);
      } else {
        value = Traits::Encode(Get(Id(id)));
      }
    }
    closed_next_ = id + 1;
    emit(Key(id), std::move(value));
    if (!keep_going()) return !CutOpen();
  }
  return true;
}

template <typename Traits>
void InternTable<Traits>::ReopenChanges() {
  for (const auto& [id, closed] : closed_) {
    auto [change, inserted] = changed_.try_emplace(id, closed);
    if (inserted) continue;
    // Changed again since: the store has what it had before the cut.
    change->second.stored = closed.stored;
    if (!change->second.stored && !change->second.live) changed_.erase(change);
  }
  closed_.clear();
  closed_next_ = 0;
  saved_.clear();
}

template <typename Traits>
absl::Status InternTable<Traits>::LoadRecord(std::string_view key, std::string_view value) {
  const std::string name = absl::StrCat("record '", std::string(1, Traits::kPrefix), "'");
  if (!IsKey(key) || key.size() != kKeyBytes) return absl::DataLossError(absl::StrCat(name, ": malformed key"));
  const uint32_t id = ReadBigEndian(key.substr(1));
  if (id == kNoId) return absl::DataLossError(absl::StrCat(name, ": id ", id, " is never given"));
  if (id < fixed_) return absl::DataLossError(absl::StrCat(name, ": id ", id, " is a fixed one"));
  if (entries_.contains(id)) return absl::DataLossError(absl::StrCat(name, ": id ", id, " twice"));
  SYNOD_ASSIGN_OR_RETURN(Value decoded, Traits::Decode(value));
  std::string bytes = Traits::Encode(decoded);
  if (bytes != value) return absl::DataLossError(absl::StrCat(name, ": id ", id, " is not in its shortest form"));
  if (by_bytes_.contains(bytes)) return absl::DataLossError(absl::StrCat(name, ": the value of id ", id, " twice"));
  Add(id, std::move(bytes), std::move(decoded));
  return absl::OkStatus();
}

template <typename Traits>
absl::Status InternTable<Traits>::FinishLoading() {
  if (unused_.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("record '", std::string(1, Traits::kPrefix), "': nobody refers to id ", *unused_.begin()));
}

template <typename Traits>
uint64_t InternTable<Traits>::ComputeDigest() const {
  uint64_t sum = 0;
  for (auto it = entries_.lower_bound(fixed_); it != entries_.end(); ++it) {
    sum += HashOf(it->first, Traits::Encode(it->second->value));
  }
  return sum;
}

template <typename Traits>
size_t InternTable<Traits>::memory_bytes() const {
  constexpr size_t kChangeBytes = sizeof(uint32_t) + sizeof(Change);
  return memory_ + (changed_.size() + closed_.size()) * kChangeBytes + saved_.size() * kEntryOverheadBytes;
}

std::string AclTraits::Encode(const Acl& acl) {
  ByteWriter out;
  out.U8(kRecordVersion);
  EncodeAcl(acl, &out);
  return out.Take();
}

absl::StatusOr<Acl> AclTraits::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.U8() != kRecordVersion) return absl::DataLossError("ACL record: unknown version");
  Acl acl;
  DecodeAcl(&in, &acl);
  bool within_limits = !acl.empty() && acl.size() <= kMaxAclEntries && TextBytes(acl) <= kMaxAclListBytes;
  for (const AclEntry& entry : acl) {
    within_limits &= entry.scheme.size() <= kMaxAclTextBytes && entry.id.size() <= kMaxAclTextBytes;
  }
  if (!within_limits) in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("ACL record"));
  return acl;
}

std::vector<Acl> AclTraits::Fixed() { return {{{kAllPermissions, "world", "anyone"}}, {{kRead, "world", "anyone"}}}; }

std::string IdentityTraits::Encode(const IdentitySet& identities) {
  ByteWriter out;
  out.U8(kRecordVersion);
  EncodeIdentities(identities, &out);
  return out.Take();
}

absl::StatusOr<IdentitySet> IdentityTraits::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.U8() != kRecordVersion) return absl::DataLossError("identities record: unknown version");
  IdentitySet identities;
  DecodeIdentities(&in, &identities);
  SYNOD_RETURN_IF_ERROR(in.Finish("identities record"));
  return identities;
}

std::vector<IdentitySet> IdentityTraits::Fixed() { return {{}}; }

template class InternTable<AclTraits>;
template class InternTable<IdentityTraits>;

}  // namespace synod::access
