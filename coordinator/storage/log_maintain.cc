// Cutting, resetting, compacting and repairing.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/log_files.h"

namespace synod::storage {
namespace {

using consensus::Entry;
using consensus::LogEnd;

absl::Status WriteZeros(File* file, uint64_t begin, uint64_t end) {
  static const std::string zeros(256 * 1024, '\0');
  for (uint64_t at = begin; at < end; at += zeros.size()) {
    size_t n = std::min<uint64_t>(zeros.size(), end - at);
    SYNOD_RETURN_IF_ERROR(file->WriteAt(at, std::string_view(zeros).substr(0, n)));
  }
  return absl::OkStatus();
}

}  // namespace

LogFiles::Link LogFiles::LinkOf(LogIndex index) const {
  if (index == last_.index) return {last_.term, last_checksum_};
  if (std::optional<Place> place = Find(index)) {
    absl::StatusOr<RecordHeader> header = ReadHeader(*place, index);
    if (header.ok()) return {header->term, header->content_checksum};
  }
  if (auto it = damaged_links_.find(index); it != damaged_links_.end()) return it->second;
  if (std::optional<Place> place = Find(index + 1); place && place->segment != kRepairSegment) {
    absl::StatusOr<RecordHeader> header = ReadHeader(*place, index + 1);
    if (header.ok()) return {header->previous_term, header->previous_checksum};
  }
  if (index == recovered_.snapshot_index) return {recovered_.snapshot_term, 0};
  if (index == state_->state().base.index) return {state_->state().base.term, 0};
  Term term;
  for (const LogEnd& run : recovered_.term_runs) {
    if (run.index <= index) term = run.term;
  }
  return {term, 0};
}

absl::Status LogFiles::CutSuffix(LogIndex from) {
  SYNOD_RETURN_IF_ERROR(failed_);
  SYNOD_CHECK_GE(from, first_);
  SYNOD_CHECK_LE(from, last_.index);
  Link before = LinkOf(from - 1);
  damaged_.erase(damaged_.lower_bound(from), damaged_.end());
  StoredState stored = state_->state();
  ++stored.cut_counter;
  stored.cut_from = from;
  // The end remembered stays (D5): the term of a damaged entry may have been a guess, and then what is cut here was
  // acknowledged and comes again.
  SYNOD_RETURN_IF_ERROR(Fail(state_->Save(stored)));
  // The next cut replaces this one in the hard state, so what this one killed must be gone from the disk by then.
  SYNOD_RETURN_IF_ERROR(Fail(EraseBehind(from)));
  SYNOD_RETURN_IF_ERROR(Fail(EraseRepairs(from)));
  damaged_links_.erase(damaged_links_.lower_bound(from), damaged_links_.end());
  last_ = {before.term, from - 1};
  last_checksum_ = before.checksum;
  if (synced_.index >= from) synced_ = last_;
  stated_synced_ = std::min(stated_synced_, synced_.index - (synced_.index.value() > 0 ? 1 : 0));
  if (in_flight_) {
    needs_sync_ = true;  // the one in flight was begun under the old counter and may count for nothing (L8)
    if (!floor_ || last_.index < floor_->index) floor_ = last_;
  }
  return absl::OkStatus();
}

// Zeros over all records from `from` on; the place of the first of them is where the next record goes.
absl::Status LogFiles::EraseBehind(LogIndex from) {
  size_t target = 0;
  uint64_t end = kSegmentHeaderBytes;
  for (size_t i = segments_.size(); i-- > 0;) {
    LogSegment& segment = segments_[i];
    if (segment.Holds(from) && segment.OffsetOf(from) != 0) {
      target = i;
      end = segment.OffsetOf(from);
      break;
    }
    if (segment.empty() || segment.first >= from) continue;
    LogIndex good = std::min(segment.last(), from - 1);
    while (good > segment.first && segment.OffsetOf(good) == 0) good = good - 1;  // places[0] is never 0
    SYNOD_ASSIGN_OR_RETURN(
        RecordHeader header,
        ReadHeader({segment.file.get(), segment.number, segment.OffsetOf(good), segment.size}, good));
    target = i;
    end = segment.OffsetOf(good) + RecordBytes(header.payload_bytes);
    break;
  }
  for (size_t i = target; i < segments_.size(); ++i) {
    LogSegment& segment = segments_[i];
    uint64_t begin = i == target ? end : kSegmentHeaderBytes;
    if (segment.end > begin) {
      SYNOD_RETURN_IF_ERROR(WriteZeros(segment.file.get(), begin, segment.end));
      SYNOD_RETURN_IF_ERROR(segment.file->Sync());
    }
    segment.end = begin;
    if (!segment.empty() && segment.last() >= from) {
      segment.places.resize(from > segment.first ? from - segment.first : 0);
      while (!segment.places.empty() && segment.places.back() == 0) segment.places.pop_back();
    }
  }
  active_ = target;
  return absl::OkStatus();
}

absl::Status LogFiles::EraseRepairs(LogIndex from) {
  auto begin = repairs_.lower_bound(from);
  if (begin == repairs_.end()) return absl::OkStatus();
  for (auto it = begin; it != repairs_.end(); ++it) {
    SYNOD_RETURN_IF_ERROR(WriteZeros(repair_.get(), it->second.offset, it->second.offset + it->second.bytes));
  }
  SYNOD_RETURN_IF_ERROR(repair_->Sync());
  repairs_.erase(begin, repairs_.end());
  return absl::OkStatus();
}

absl::Status LogFiles::DropSegment(LogSegment segment) {
  std::string path = PathOf(SegmentName(segment.number));
  directory_dirty_ = true;
  if (segment.size == options_.segment_bytes && spares_.size() < options_.spare_segments) {
    std::string spare = SpareName(next_spare_++);
    SYNOD_RETURN_IF_ERROR(fs_->Rename(path, PathOf(spare)));
    spares_.push_back(spare);
    return absl::OkStatus();
  }
  return fs_->Remove(path);
}

absl::Status LogFiles::DropRepairs(LogIndex below) {
  if (!repair_) return absl::OkStatus();
  repairs_.erase(repairs_.begin(), repairs_.lower_bound(below));
  damaged_links_.erase(damaged_links_.begin(), damaged_links_.lower_bound(below));
  if (!repairs_.empty()) return absl::OkStatus();
  repair_.reset();
  repair_end_ = 0;
  directory_dirty_ = true;
  return fs_->Remove(PathOf(kRepairName));
}

absl::StatusOr<LogIndex> LogFiles::CompactTo(LogIndex through, LogIndex keep_from) {
  SYNOD_RETURN_IF_ERROR(failed_);
  // A snapshot at or above `through` is durable: damage below it merely shortens the log (D6).
  auto covered = damaged_.upper_bound(through);
  if (covered != damaged_.begin()) {
    first_ = std::max(first_, *std::prev(covered) + 1);
    damaged_.erase(damaged_.begin(), covered);
    SYNOD_RETURN_IF_ERROR(ForgetEndIfReached());
  }
  uint64_t bytes = 0;
  for (const LogSegment& segment : segments_) bytes += segment.end - kSegmentHeaderBytes;
  while (active_ > 0) {
    const LogSegment& oldest = segments_.front();
    uint64_t freed = oldest.end - kSegmentHeaderBytes;
    if (!oldest.empty() &&
        (oldest.last() > through || oldest.last() >= keep_from || bytes - freed < options_.retain_bytes))
      break;
    bytes -= freed;
    if (!oldest.empty()) first_ = std::max(first_, oldest.last() + 1);
    LogSegment dropped = std::move(segments_.front());
    segments_.erase(segments_.begin());
    --active_;
    SYNOD_RETURN_IF_ERROR(Fail(DropSegment(std::move(dropped))));
  }
  SYNOD_RETURN_IF_ERROR(Fail(DropRepairs(first_)));
  return first_;
}

absl::Status LogFiles::ResetTo(LogIndex index, Term term) {
  SYNOD_RETURN_IF_ERROR(failed_);
  StoredState stored = state_->state();
  ++stored.cut_counter;
  stored.cut_from = LogIndex(0);
  stored.base = {term, index};
  stored.base_segment = NextNumber();
  stored.base_cut_counter = stored.cut_counter;
  // An install never lowers the end the server votes by (D9).
  LogEnd before = std::max(synced_, stored.remembered_end.value_or(LogEnd{}));
  stored.remembered_end.reset();
  if (LogEnd{term, index} < before) stored.remembered_end = before;
  // From here on the old segments are leftovers, whatever happens.
  SYNOD_RETURN_IF_ERROR(Fail(state_->Save(stored)));
  std::vector<LogSegment> old = std::move(segments_);
  segments_.clear();
  dirty_.clear();
  for (LogSegment& segment : old) SYNOD_RETURN_IF_ERROR(Fail(DropSegment(std::move(segment))));
  repairs_.clear();
  damaged_.clear();
  damaged_links_.clear();
  SYNOD_RETURN_IF_ERROR(Fail(DropRepairs(index + 1)));
  absl::StatusOr<LogSegment> segment = NewSegment(stored.base_segment, options_.segment_bytes);
  if (!segment.ok()) return Fail(segment.status());
  SYNOD_RETURN_IF_ERROR(Fail(segment->file->Sync()));
  SYNOD_RETURN_IF_ERROR(Fail(fs_->SyncDirectory(options_.directory)));
  segments_.push_back(*std::move(segment));
  active_ = 0;
  first_ = index + 1;
  last_ = {term, index};
  last_checksum_ = 0;
  synced_ = last_;
  stated_synced_ = index;
  if (in_flight_) floor_ = floor_ && floor_->index < index ? *floor_ : last_;
  return absl::OkStatus();
}

absl::Status LogFiles::ForgetEndIfReached() {
  StoredState stored = state_->state();
  if (!stored.remembered_end || !damaged_.empty() || synced_ < *stored.remembered_end) return absl::OkStatus();
  stored.remembered_end.reset();
  return Fail(state_->Save(stored));
}

bool LogFiles::RottedSinceTheStart(LogIndex index) const {
  std::optional<Place> place = Find(index);
  return place && absl::IsDataLoss(ReadAt(*place, index).status());
}

absl::Status LogFiles::Repair(const Entry& entry) {
  SYNOD_RETURN_IF_ERROR(failed_);
  if (!damaged_.contains(entry.index) && !RottedSinceTheStart(entry.index)) {
    return absl::InvalidArgumentError(absl::StrCat("entry ", entry.index.value(), " is not damaged"));
  }
  uint32_t content = ContentChecksum(entry.term, entry.index, entry.type, *entry.payload);
  auto disagrees = [&](const std::string& with) {
    return absl::InvalidArgumentError(
        absl::StrCat("the fetched entry ", entry.index.value(), " disagrees with ", with));
  };
  if (auto own = damaged_links_.find(entry.index); own != damaged_links_.end()) {
    if (own->second.term != entry.term || own->second.checksum != content)
      return disagrees("the header of the damaged record");
  }
  if (std::optional<Place> next = Find(entry.index + 1); next && next->segment != kRepairSegment) {
    SYNOD_ASSIGN_OR_RETURN(RecordHeader header, ReadHeader(*next, entry.index + 1));
    if (header.previous_term != entry.term || (header.previous_checksum != 0 && header.previous_checksum != content)) {
      return disagrees("the record behind it");
    }
  }
  if (entry.index == last_.index && entry.term != last_.term) return disagrees("the end of the log");
  Link before = LinkOf(entry.index - 1);
  if (before.term > entry.term) return disagrees("the record before it");

  if (!repair_) {
    absl::StatusOr<std::unique_ptr<File>> file = fs_->Open(PathOf(kRepairName), OpenMode::kCreate);
    if (!file.ok()) return Fail(file.status());
    repair_ = *std::move(file);
    SYNOD_RETURN_IF_ERROR(Fail(fs_->SyncDirectory(options_.directory)));
  }
  RecordHeader header = NewHeader(RecordKind::kEntry, LogIndex(0));
  header.type = entry.type;
  header.payload_bytes = static_cast<uint32_t>(entry.payload->size());
  header.term = entry.term;
  header.index = entry.index;
  header.previous_term = before.term;
  header.previous_checksum = damaged_.contains(entry.index - 1) ? 0 : before.checksum;
  header.content_checksum = content;
  header.synced = {};  // it may outlive a cut of what is synced now, and would call it damaged
  uint64_t bytes = RecordBytes(entry.payload->size());
  std::string record(bytes, '\0');
  EncodeHeader(header, kRepairSegment, repair_end_, record.data());
  std::copy(entry.payload->begin(), entry.payload->end(), record.begin() + kRecordHeaderBytes);
  SYNOD_RETURN_IF_ERROR(Fail(repair_->WriteAt(repair_end_, record)));
  SYNOD_RETURN_IF_ERROR(Fail(repair_->Sync()));
  repairs_[entry.index] = {repair_end_, bytes};
  repair_end_ += bytes;
  damaged_.erase(entry.index);
  damaged_links_.erase(entry.index);
  if (entry.index == last_.index) last_checksum_ = content;
  return ForgetEndIfReached();
}

}  // namespace synod::storage
