// Appending, syncing and reading.
#include "coordinator/storage/log_files.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {

using consensus::Entry;
using consensus::LogEnd;

namespace {
constexpr char kPadding[8] = {};
constexpr uint64_t kMaxPayload = 1u << 30;
}  // namespace

// What one sync does, away from the loop. Owns or shares all that it touches.
struct LogFiles::SyncJob {
  FileSystem* fs = nullptr;
  std::string directory;
  std::vector<std::shared_ptr<File>> files;
  bool sync_directory = false;
  std::shared_ptr<SlotPair> identity;  // null: its content stays
  std::string identity_body;
  std::string spare;  // name of a spare to prepare; empty: none
  uint64_t spare_bytes = 0;
  bool spare_made = false;

  absl::Status Run() {
    for (const std::shared_ptr<File>& file : files) SYNOD_RETURN_IF_ERROR(file->Sync());
    if (sync_directory) SYNOD_RETURN_IF_ERROR(fs->SyncDirectory(directory));
    // Only now is the new segment sure to be there after a crash.
    if (identity) SYNOD_RETURN_IF_ERROR(identity->Save(identity_body));
    if (!spare.empty()) MakeSpare();
    return absl::OkStatus();
  }

  // Failing is no harm: the loop makes a segment itself when it needs one, and reports why it cannot.
  void MakeSpare() {
    std::string path = absl::StrCat(directory, "/", spare);
    absl::StatusOr<std::unique_ptr<File>> file = fs->Open(path, OpenMode::kCreate);
    if (!file.ok()) return;
    spare_made = (*file)->Preallocate(spare_bytes).ok() && (*file)->Sync().ok();
    if (!spare_made) fs->Remove(path).IgnoreError();
  }
};

LogFiles::LogFiles(FileSystem* fs, LogOptions options, HardStateStore* state, SyncRunner* runner)
    : fs_(fs), options_(std::move(options)), state_(state), runner_(runner), alive_(std::make_shared<bool>(true)) {}

LogFiles::~LogFiles() = default;

absl::Status LogFiles::Fail(absl::Status status) {
  if (!status.ok() && failed_.ok()) failed_ = status;
  return status;
}

absl::Status LogFiles::SaveHardState(const consensus::HardState& state) {
  SYNOD_RETURN_IF_ERROR(failed_);
  StoredState stored = state_->state();
  stored.vote = state;
  return Fail(state_->Save(stored));
}

void LogFiles::MarkDirty(const std::shared_ptr<File>& file) {
  needs_sync_ = true;
  if (dirty_.empty() || dirty_.back() != file) dirty_.push_back(file);
}

RecordHeader LogFiles::NewHeader(RecordKind kind, LogIndex commit) const {
  RecordHeader h;
  h.kind = kind;
  h.storage = state_->state().identity.storage;
  h.cut_counter = state_->state().cut_counter;
  h.commit = commit;
  h.synced = synced_;
  return h;
}

absl::Status LogFiles::WriteParts(uint64_t begin) {
  if (parts_.empty()) return absl::OkStatus();
  SYNOD_RETURN_IF_ERROR(Fail(active().file->Write(begin, parts_)));
  parts_.clear();
  return absl::OkStatus();
}

absl::Status LogFiles::Append(absl::Span<const Entry> entries, LogIndex commit) {
  SYNOD_RETURN_IF_ERROR(failed_);
  parts_.clear();
  headers_.resize(entries.size());
  uint64_t begin = active().end;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    SYNOD_CHECK_EQ(entry.index, last_.index + 1);
    SYNOD_CHECK(entry.payload != nullptr);
    SYNOD_CHECK_LE(entry.payload->size(), kMaxPayload);
    uint64_t bytes = RecordBytes(entry.payload->size());
    if (active().end + bytes > active().size) {
      SYNOD_RETURN_IF_ERROR(WriteParts(begin));
      SYNOD_RETURN_IF_ERROR(Roll(bytes));
      begin = active().end;
    }
    RecordHeader header = NewHeader(RecordKind::kEntry, commit);
    header.type = entry.type;
    header.payload_bytes = static_cast<uint32_t>(entry.payload->size());
    header.term = entry.term;
    header.index = entry.index;
    header.previous_term = last_.term;
    header.previous_checksum = last_checksum_;
    header.content_checksum = ContentChecksum(entry.term, entry.index, entry.type, *entry.payload);
    EncodeHeader(header, active().number, active().end, headers_[i].data());
    parts_.emplace_back(headers_[i].data(), kRecordHeaderBytes);
    if (!entry.payload->empty()) parts_.emplace_back(*entry.payload);
    uint64_t padding = bytes - kRecordHeaderBytes - entry.payload->size();
    if (padding != 0) parts_.emplace_back(kPadding, padding);
    MarkDirty(active().file);
    active().Place(entry.index, active().end);
    active().end += bytes;
    last_ = {entry.term, entry.index};
    last_checksum_ = header.content_checksum;
    stated_synced_ = synced_.index;
  }
  return WriteParts(begin);
}

absl::Status LogFiles::WriteMark(LogIndex commit) {
  SYNOD_RETURN_IF_ERROR(failed_);
  if (stated_synced_ >= synced_.index) return absl::OkStatus();
  if (active().end + kRecordHeaderBytes > active().size) SYNOD_RETURN_IF_ERROR(Roll(kRecordHeaderBytes));
  RecordHeader header = NewHeader(RecordKind::kMark, commit);
  header.term = last_.term;
  header.index = last_.index;
  char bytes[kRecordHeaderBytes];
  EncodeHeader(header, active().number, active().end, bytes);
  SYNOD_RETURN_IF_ERROR(Fail(active().file->WriteAt(active().end, {bytes, sizeof bytes})));
  MarkDirty(active().file);
  active().end += RecordBytes(0);
  stated_synced_ = synced_.index;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<File>> LogFiles::CreateSpare(const std::string& path, uint64_t size) {
  for (bool tried = false;; tried = true) {
    absl::StatusOr<std::unique_ptr<File>> file = fs_->Open(path, OpenMode::kCreate);
    absl::Status status = file.ok() ? (*file)->Preallocate(size) : file.status();
    if (status.ok()) return file;
    if (tried || !absl::IsResourceExhausted(status) || !options_.on_disk_full || !options_.on_disk_full())
      return status;
  }
}

// Nothing is synced here: the header, the directory entry and the records of the new segment are all covered by the
// next sync, and none of them counts before.
absl::StatusOr<LogSegment> LogFiles::NewSegment(uint64_t number, uint64_t size) {
  LogSegment segment;
  segment.number = number;
  segment.size = size;
  std::unique_ptr<File> file;
  std::string path;
  if (size == options_.segment_bytes && !spares_.empty()) {
    path = PathOf(spares_.back());
    spares_.pop_back();
    SYNOD_ASSIGN_OR_RETURN(file, fs_->Open(path, OpenMode::kWrite));
  } else {
    path = PathOf(SpareName(next_spare_++));
    SYNOD_ASSIGN_OR_RETURN(file, CreateSpare(path, size));
  }
  SYNOD_RETURN_IF_ERROR(file->WriteAt(0, EncodeSegmentHeader(state_->state().identity.storage, number)));
  SYNOD_RETURN_IF_ERROR(fs_->Rename(path, PathOf(SegmentName(number))));
  segment.file = std::move(file);
  directory_dirty_ = true;
  return segment;
}

uint64_t LogFiles::NextNumber() const {
  uint64_t number = std::max(highest_named_, state_->state().log_starts << 32);
  if (!segments_.empty()) number = std::max(number, segments_.back().number);
  return number + 1;
}

absl::Status LogFiles::Roll(uint64_t record_bytes) {
  while (active_ + 1 < segments_.size()) {
    ++active_;  // an empty one, left by a cut
    if (active().end + record_bytes <= active().size) return absl::OkStatus();
  }
  uint64_t size = std::max(options_.segment_bytes, kSegmentHeaderBytes + record_bytes);
  absl::StatusOr<LogSegment> segment = NewSegment(NextNumber(), size);
  if (!segment.ok()) return Fail(segment.status());
  segments_.push_back(*std::move(segment));
  active_ = segments_.size() - 1;
  MarkDirty(active().file);
  return absl::OkStatus();
}

void LogFiles::StartSync(absl::AnyInvocable<void(absl::StatusOr<interfaces::SyncDone>)> done) {
  SYNOD_CHECK(!in_flight_);
  in_flight_ = true;
  needs_sync_ = false;
  floor_.reset();
  sync_done_ = std::move(done);
  auto job = std::make_shared<SyncJob>();
  job->fs = fs_;
  job->directory = options_.directory;
  job->files = std::move(dirty_);
  dirty_.clear();
  job->sync_directory = directory_dirty_;
  directory_dirty_ = false;
  if (segments_.back().number > highest_named_) {
    highest_named_ = segments_.back().number;
    job->identity = identity_;
    job->identity_body = LogIdentity{state_->state().identity.storage, highest_named_}.Encode();
  }
  if (spares_.empty() && options_.spare_segments > 0 && active_ + 1 == segments_.size() &&
      active().end > active().size / 2) {
    job->spare = SpareName(next_spare_++);
    job->spare_bytes = options_.segment_bytes;
  }
  uint64_t cut_counter = state_->state().cut_counter;
  absl::Status failed = failed_;
  runner_->Run([job, failed] { return failed.ok() ? job->Run() : failed; },
               [this, job, end = last_, cut_counter, alive = std::weak_ptr<bool>(alive_)](absl::Status status) {
                 if (alive.expired()) return;
                 FinishSync(status, job, end);
                 auto callback = std::move(sync_done_);
                 if (!status.ok()) {
                   callback(status);
                 } else {
                   callback(interfaces::SyncDone{end.index, cut_counter});
                 }
               });
}

void LogFiles::FinishSync(absl::Status status, std::shared_ptr<SyncJob> job, LogEnd end) {
  in_flight_ = false;
  Fail(status).IgnoreError();
  if (job->spare_made) spares_.push_back(job->spare);
  if (!status.ok()) return;
  if (floor_ && floor_->index < end.index) end = *floor_;
  if (end.index > synced_.index) synced_ = end;
  ForgetEndIfReached().IgnoreError();  // kept by Fail: the next call returns it
}

std::optional<LogFiles::Place> LogFiles::Find(LogIndex index) const {
  if (index < first_ || index > last_.index) return std::nullopt;
  if (auto it = repairs_.find(index); it != repairs_.end()) {
    return Place{repair_.get(), kRepairSegment, it->second.offset, it->second.bytes};
  }
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
    if (!segment->Holds(index)) continue;
    uint64_t offset = segment->OffsetOf(index);
    if (offset == 0) continue;
    uint64_t next = 0;
    for (LogIndex i = index + 1; next == 0 && i <= segment->last(); ++i) next = segment->OffsetOf(i);
    return Place{segment->file.get(), segment->number, offset, (next != 0 ? next : segment->end) - offset};
  }
  return std::nullopt;
}

absl::StatusOr<RecordHeader> LogFiles::ReadHeader(const Place& place, LogIndex index) const {
  char bytes[kRecordHeaderBytes];
  SYNOD_ASSIGN_OR_RETURN(size_t got, place.file->Read(place.offset, sizeof bytes, bytes));
  std::optional<RecordHeader> header;
  if (got == sizeof bytes) header = DecodeHeader(bytes, place.segment, place.offset);
  if (!header || header->kind != RecordKind::kEntry || header->index != index ||
      RecordBytes(header->payload_bytes) > place.span) {
    return absl::DataLossError(absl::StrCat("the record of entry ", index.value(), " at offset ", place.offset,
                                            " of segment ", place.segment, " is damaged"));
  }
  return *header;
}

absl::StatusOr<Entry> LogFiles::ReadAt(const Place& place, LogIndex index) const {
  SYNOD_ASSIGN_OR_RETURN(RecordHeader header, ReadHeader(place, index));
  std::string payload(header.payload_bytes, '\0');
  SYNOD_ASSIGN_OR_RETURN(size_t got,
                         place.file->Read(place.offset + kRecordHeaderBytes, payload.size(), payload.data()));
  if (got != payload.size() ||
      ContentChecksum(header.term, header.index, header.type, payload) != header.content_checksum) {
    return absl::DataLossError(absl::StrCat("the payload of entry ", index.value(), " is damaged"));
  }
  return Entry{header.term, index, header.type, MakeSharedBytes(std::move(payload))};
}

absl::StatusOr<std::vector<Entry>> LogFiles::ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) {
  if (low < first_) return absl::NotFoundError(absl::StrCat("entry ", low.value(), " is compacted away"));
  if (high > last_.index + 1) high = last_.index + 1;
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  for (LogIndex index = low; index < high; ++index) {
    std::optional<Place> place = Find(index);
    if (!place) return absl::DataLossError(absl::StrCat("entry ", index.value(), " is damaged or missing"));
    SYNOD_ASSIGN_OR_RETURN(Entry entry, ReadAt(*place, index));
    bytes += entry.payload->size();
    if (bytes > max_bytes && !entries.empty()) break;
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<Entry> LogFiles::ReadRecord(LogIndex index, Term term) {
  std::optional<Place> place = Find(index);
  if (!place) return absl::NotFoundError(absl::StrCat("no good record of entry ", index.value()));
  absl::StatusOr<Entry> entry = ReadAt(*place, index);
  if (absl::IsDataLoss(entry.status())) return absl::NotFoundError(entry.status().message());
  SYNOD_RETURN_IF_ERROR(entry.status());
  if (entry->term != term) {
    return absl::NotFoundError(
        absl::StrCat("entry ", index.value(), " is of term ", entry->term.value(), ", not ", term.value()));
  }
  return entry;
}

uint64_t LogFiles::bytes_on_disk() const {
  uint64_t bytes = repair_end_ + spares_.size() * options_.segment_bytes;
  for (const LogSegment& segment : segments_) bytes += segment.size;
  return bytes;
}

}  // namespace synod::storage
