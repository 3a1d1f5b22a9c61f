#include "coordinator/storage/log_recovery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

using consensus::LogEnd;

class Recoverer {
 public:
  Recoverer(const std::vector<ScannedRecord>& records, const StoredState& stored, const SnapshotPoint& snapshot)
      : records_(records), stored_(stored), snapshot_(snapshot) {
    out_.kept.assign(records.size(), false);
    out_.dead.assign(records.size(), false);
    out_.log.hard_state = stored.vote;
    out_.log.cut_counter = stored.cut_counter;
    out_.log.snapshot_index = snapshot.index;
    out_.log.snapshot_term = snapshot.term;
    out_.log.snapshot_configuration = snapshot.configuration;
  }

  absl::StatusOr<Recovery> Run() {
    IndexRecords();
    DropBrokenChain();
    FindMark();
    if (StartsAnew()) {
      StartAnew();
    } else {
      FindEnd();
      FindFirst();
      FillTerms();
      Keep();
    }
    SYNOD_RETURN_IF_ERROR(ReadConfigurations());
    return std::move(out_);
  }

 private:
  const RecordHeader& Header(size_t i) const { return records_[i].header; }

  // D4, D9: what a cut or a reset removed for good.
  bool Dead(const RecordHeader& h) const {
    if (h.storage != stored_.identity.storage) return true;
    if (h.cut_counter < stored_.base_cut_counter || h.index < stored_.base.index) return true;
    if (h.index == stored_.base.index && h.kind == RecordKind::kEntry) return true;
    return stored_.cut_from.value() != 0 && h.index >= stored_.cut_from && h.cut_counter < stored_.cut_counter;
  }

  void IndexRecords() {
    for (size_t i = 0; i < records_.size(); ++i) {
      const RecordHeader& h = Header(i);
      if (Dead(h)) {
        out_.dead[i] = true;
        continue;
      }
      live_.push_back(i);
      if (h.kind != RecordKind::kEntry) continue;
      if (!records_[i].payload_good) {
        auto [it, fresh] = out_.header_only.emplace(h.index, i);
        if (!fresh && Header(it->second).cut_counter <= h.cut_counter) it->second = i;
        continue;
      }
      auto [it, fresh] = out_.good.emplace(h.index, i);
      if (!fresh && Header(it->second).cut_counter <= h.cut_counter) it->second = i;
    }
    // A repaired record replaces the damaged one. One written by a later cut counter does not let an earlier one stand
    // for it.
    for (auto it = out_.header_only.begin(); it != out_.header_only.end();) {
      auto good = out_.good.find(it->first);
      if (good == out_.good.end()) {
        ++it;
      } else if (Header(good->second).cut_counter < Header(it->second).cut_counter) {
        out_.good.erase(good);
        ++it;
      } else {
        it = out_.header_only.erase(it);
      }
    }
  }

  // A write that the disk swallowed leaves an older record standing: neighbours that do not know each other cannot both
  // be of this log. The one of the lower cut counter is the older.
  void DropBrokenChain() {
    std::vector<LogIndex> bad;
    for (auto it = out_.good.begin(); it != out_.good.end(); ++it) {
      auto next = std::next(it);
      if (next == out_.good.end() || next->first != it->first + 1) continue;
      const RecordHeader& a = Header(it->second);
      const RecordHeader& b = Header(next->second);
      // A repaired record was checked against its neighbours when it came, and may have had a damaged one before it.
      if (records_[next->second].segment == kRepairSegment) continue;
      bool fits = b.previous_term == a.term && (b.previous_checksum == 0 || b.previous_checksum == a.content_checksum);
      if (fits) continue;
      bad.push_back(a.cut_counter < b.cut_counter ? it->first : next->first);
      Note("entry ", bad.back(), " does not fit its neighbour");
    }
    for (LogIndex index : bad) out_.good.erase(index);
  }

  void FindMark() {
    mark_ = std::max(LogEnd{snapshot_.term, snapshot_.index}, stored_.base, ByIndex);
    if (stored_.remembered_end) mark_ = std::max(mark_, StillOwed(*stored_.remembered_end), ByIndex);
    for (size_t i : live_) {
      // A repaired record stands outside the order of writing: what it says may have been cut since.
      if (records_[i].segment != kRepairSegment) mark_ = std::max(mark_, Header(i).synced, ByIndex);
    }
  }

  // The end remembered, less what a leader of a later term overwrote: that was never committed.
  LogEnd StillOwed(LogEnd end) const {
    for (size_t i : live_) {
      const RecordHeader& h = Header(i);
      if (h.kind == RecordKind::kEntry && h.term > end.term && h.index <= end.index) end.index = h.index - 1;
    }
    return end;
  }

  static bool ByIndex(const LogEnd& a, const LogEnd& b) { return a.index < b.index; }

  bool Good(LogIndex index) const { return out_.good.contains(index); }

  bool StartsAnew() const {
    if (snapshot_.index.value() == 0) return false;
    auto at = out_.good.find(snapshot_.index);
    if (at != out_.good.end() && Header(at->second).term != snapshot_.term) return true;
    auto behind = out_.good.find(snapshot_.index + 1);
    if (behind != out_.good.end()) return Header(behind->second).previous_term != snapshot_.term;
    // Nothing behind the snapshot, and not even the snapshot's own entry: records below would leave a gap to the next
    // append.
    return mark_.index <= snapshot_.index && at == out_.good.end() && snapshot_.index > stored_.base.index;
  }

  void StartAnew() {
    out_.start_anew = true;
    out_.good.clear();
    out_.header_only.clear();
    out_.log.first = snapshot_.index + 1;
    out_.log.last = snapshot_.index;
    out_.log.vote_end = {snapshot_.term, snapshot_.index};
    if (stored_.remembered_end) out_.log.vote_end = std::max(out_.log.vote_end, StillOwed(*stored_.remembered_end));
    out_.log.commit = snapshot_.index;
    if (!live_.empty())
      Note("the log does not reach or fit the snapshot at ", snapshot_.index, ": it starts anew behind it");
  }

  // D5. Up to the mark a bad record is damage; above it the first bad one ends the log.
  void FindEnd() {
    LogIndex index = snapshot_.index + 1;
    for (; index <= mark_.index || Good(index); ++index) {
      if (!Good(index)) out_.log.damaged.push_back(index);
    }
    out_.log.last = index - 1;
    for (size_t i : live_) {
      if (Header(i).kind == RecordKind::kEntry && Header(i).index > out_.log.last) out_.torn_from = index;
    }
    if (out_.torn_from) Note("torn tail: cut at ", index, ", behind the synced mark ", mark_.index);
    auto last = out_.good.find(out_.log.last);
    if (last != out_.good.end()) {
      out_.log.vote_end = {Header(last->second).term, out_.log.last};
    } else if (auto header = out_.header_only.find(out_.log.last); header != out_.header_only.end()) {
      out_.log.vote_end = {Header(header->second).term, out_.log.last};
    } else {
      out_.log.vote_end = mark_;
    }
    // What is there counts in any case, whatever a mark says.
    for (const auto& [index, i] : out_.good) {
      if (index <= out_.log.last) out_.log.vote_end = std::max(out_.log.vote_end, LogEnd{Header(i).term, index});
    }
    for (LogIndex damaged : out_.log.damaged) Note("entry ", damaged, " is damaged or missing");
    if (!out_.log.damaged.empty()) out_.remembered_end = out_.log.vote_end;
    LogIndex commit = snapshot_.index;
    for (size_t i : live_) commit = std::max(commit, Header(i).commit);
    // Beyond a damaged entry nothing can be applied; the leader tells again how far it is.
    LogIndex readable = out_.log.damaged.empty() ? out_.log.last : out_.log.damaged.front() - 1;
    out_.log.commit = std::min(commit, readable);
  }

  // D6: bad records at or below the snapshot merely shorten the retained log.
  void FindFirst() {
    LogIndex first = snapshot_.index + 1;
    while (first.value() > 1 && Good(first - 1)) first = first - 1;
    out_.log.first = first;
    out_.good.erase(out_.good.begin(), out_.good.lower_bound(first));
    out_.header_only.erase(out_.header_only.begin(), out_.header_only.lower_bound(first));
    out_.good.erase(out_.good.upper_bound(out_.log.last), out_.good.end());
    out_.header_only.erase(out_.header_only.upper_bound(out_.log.last), out_.header_only.end());
  }

  // Of a damaged entry: its own header if that is good, else the successor's predecessor field, else the mark, else no
  // less than the entry before.
  Term TermOf(LogIndex index, Term before) const {
    if (auto it = out_.good.find(index); it != out_.good.end()) return Header(it->second).term;
    if (auto it = out_.header_only.find(index); it != out_.header_only.end()) return Header(it->second).term;
    for (const auto* map : {&out_.good, &out_.header_only}) {
      if (auto it = map->find(index + 1); it != map->end()) return Header(it->second).previous_term;
    }
    if (index == out_.log.last) return out_.log.vote_end.term;
    return before;
  }

  void FillTerms() {
    Term before = snapshot_.term;
    if (auto it = out_.good.find(out_.log.first); it != out_.good.end()) before = Header(it->second).previous_term;
    for (LogIndex index = out_.log.first; index <= out_.log.last; ++index) {
      Term term = TermOf(index, before);
      if (out_.log.term_runs.empty() || term != before) out_.log.term_runs.push_back({term, index});
      before = term;
    }
  }

  void Keep() {
    for (const auto* map : {&out_.good, &out_.header_only}) {
      for (const auto& [index, i] : *map) out_.kept[i] = true;
    }
    for (size_t i : live_) {
      if (Header(i).kind == RecordKind::kMark && Header(i).index <= out_.log.last) out_.kept[i] = true;
      // Dropped for shortening the log only: not a reason to erase it.
      if (Header(i).index < out_.log.first) out_.kept[i] = true;
    }
  }

  absl::Status ReadConfigurations() {
    for (const auto& [index, i] : out_.good) {
      if (index <= snapshot_.index || Header(i).type != consensus::EntryType::kConfiguration) continue;
      absl::StatusOr<consensus::Configuration> configuration =
          consensus::Configuration::Decode(records_[i].configuration);
      if (!configuration.ok()) {
        return absl::DataLossError(absl::StrCat("the configuration in entry ", index.value(),
                                                " does not decode: ", configuration.status().message()));
      }
      out_.log.configurations.emplace_back(index, *std::move(configuration));
    }
    return absl::OkStatus();
  }

  template <typename... Parts>
  void Note(const Parts&... parts) {
    out_.notes.push_back(absl::StrCat(Text(parts)...));
  }
  static std::string Text(LogIndex index) { return std::to_string(index.value()); }
  static std::string Text(const char* text) { return text; }

  const std::vector<ScannedRecord>& records_;
  const StoredState& stored_;
  const SnapshotPoint& snapshot_;
  std::vector<size_t> live_;  // into records_: neither cut nor reset away
  LogEnd mark_;               // D5: everything at or below was synced
  Recovery out_;
};

}  // namespace

absl::StatusOr<Recovery> RecoverLog(const std::vector<ScannedRecord>& records, const StoredState& stored,
                                    const SnapshotPoint& snapshot) {
  return Recoverer(records, stored, snapshot).Run();
}

}  // namespace synod::storage
