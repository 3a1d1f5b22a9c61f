#include "coordinator/statemachine/event_window.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kRecordVersion = 1;
constexpr size_t kBlockBytesMin = 1 << 10;
constexpr size_t kBlockBytesMax = 64 << 10;
constexpr size_t kMarkBytes = 2 << 10;
// What an event counts for in Read at least: one may take five bytes, and fifty thousand of them too much of a turn.
constexpr size_t kEventCostBytes = 64;
constexpr size_t kBlockOverheadBytes = 160;  // the struct, its pointers, heap headers
constexpr size_t kHeaderKeyBytes = 1;
constexpr size_t kBlockKeyBytes = 13;
// More than a command can make, and both ordinals fit.
constexpr uint32_t kNumberMax = 1u << 30;

// The first byte of an event: its type, and where its lists come from (2 bits each).
enum AclKind : uint8_t { kOpen = 0, kInline = 1, kAsOwn = 2 };
constexpr int kAclShift = 2;
constexpr int kParentShift = 4;
constexpr uint8_t kTwoBits = 3;

uint64_t ReadBigEndian(std::string_view in) {
  uint64_t v = 0;
  for (char c : in) v = v << 8 | static_cast<uint8_t>(c);
  return v;
}

}  // namespace

// Decodes a block from a given event on.
class EventWindow::EventReader {
 public:
  // From `offset` of a block's bytes on, where the event `at` begins.
  EventReader(std::string_view bytes, size_t offset, Position at)
      : in_(bytes.substr(offset)), at_(at), block_start_(offset == 0) {}
  bool done() const { return in_.remaining() == 0; }
  size_t remaining() const { return in_.remaining(); }
  Position at() const { return at_; }
  // The next event. False: malformed.
  bool Next(PastEvent* event);

 private:
  void ReadAcl(uint8_t kind, std::optional<access::Acl>* acl);
  // From the event before to this one.
  bool Advance(uint64_t zxid_delta);

  ByteReader in_;
  Position at_;
  bool block_start_;
  bool first_ = true;
};

bool EventWindow::EventReader::Advance(uint64_t zxid_delta) {
  if (first_) {  // its position was given; in the middle of a block the delta is to an event that is not looked at
    first_ = false;
    return !block_start_ || zxid_delta == 0;
  }
  if (zxid_delta > static_cast<uint64_t>(INT64_MAX - at_.zxid.value())) return false;
  at_.number = zxid_delta == 0 ? at_.number + 1 : 0;
  at_.zxid = at_.zxid + static_cast<int64_t>(zxid_delta);
  return at_.number < kNumberMax;
}

void EventWindow::EventReader::ReadAcl(uint8_t kind, std::optional<access::Acl>* acl) {
  if (kind == kOpen) {
    acl->reset();
  } else if (kind == kInline) {
    access::DecodeAcl(&in_, &acl->emplace());
  } else {
    in_.Fail();
  }
}

bool EventWindow::EventReader::Next(PastEvent* event) {
  const uint8_t head = in_.U8();
  const uint8_t type = head & kTwoBits;
  if (type == 0 || head >> (kParentShift + 2) != 0 || !Advance(in_.Varint())) return false;
  event->zxid = at_.zxid;
  event->number = at_.number;
  event->type = static_cast<tree::EventType>(type);
  event->path = in_.Blob();
  ReadAcl(head >> kAclShift & kTwoBits, &event->acl);
  const uint8_t parent = head >> kParentShift & kTwoBits;
  if (parent == kAsOwn) {
    if (!event->acl) return false;
    event->parent_acl = event->acl;
  } else {
    ReadAcl(parent, &event->parent_acl);
  }
  return in_.ok() && event->path.starts_with('/');
}

EventWindow::EventWindow(size_t bytes_max) : bytes_max_(bytes_max) {}

std::string EventWindow::BlockKey(Position first) {
  std::string key = "w";
  const uint64_t zxid = static_cast<uint64_t>(first.zxid.value());
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(zxid >> shift));
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(first.number >> shift));
  return key;
}

void EventWindow::Append(const std::vector<tree::Event>& events, const access::AclTable& acls) {
  if (events.empty()) return;
  SYNOD_CHECK_GT(events.front().zxid, last_);
  SYNOD_CHECK_LT(events.size(), kNumberMax);
  last_ = events.front().zxid;
  const size_t block_bytes = std::clamp(bytes_max_ / 16, kBlockBytesMin, kBlockBytesMax);
  uint32_t number = 0;
  for (const tree::Event& event : events) {
    SYNOD_CHECK_EQ(event.zxid, last_) << "events of two commands";
    if (open_ && building_.size() >= block_bytes) {
      Seal();
      Evict();  // here too: the events of one command may take many times the bound
    }
    AppendEvent(event, number++, acls);
  }
  Evict();
}

void EventWindow::AppendEvent(const tree::Event& event, uint32_t number, const access::AclTable& acls) {
  const Position at{event.zxid, number};
  if (!open_) {
    blocks_.push_back(std::make_shared<Block>(Block{at, at, {}, {}, false}));
    open_ = true;
    bytes_ += kBlockOverheadBytes;
  }
  Block& block = *blocks_.back();
  const size_t offset = building_.size();
  if (offset >= (block.marks.empty() ? 0 : block.marks.back().offset) + kMarkBytes) block.marks.push_back({at, offset});

  const bool open = event.acl == access::kOpenAcl;
  const uint8_t own = open ? kOpen : kInline;
  uint8_t parent = kInline;
  if (event.parent_acl == access::kOpenAcl) {
    parent = kOpen;
  } else if (event.parent_acl == event.acl) {
    parent = kAsOwn;
  }
  building_.U8(static_cast<uint8_t>(static_cast<uint8_t>(event.type) | own << kAclShift | parent << kParentShift));
  building_.Varint(static_cast<uint64_t>(event.zxid - block.last.zxid));
  building_.Blob(event.path);
  if (own == kInline) access::EncodeAcl(acls.Get(event.acl), &building_);
  if (parent == kInline) access::EncodeAcl(acls.Get(event.parent_acl), &building_);
  block.last = at;
  bytes_ += building_.size() - offset;
}

void EventWindow::Seal() {
  blocks_.back()->bytes = building_.bytes();
  building_.Clear();
  open_ = false;
}

void EventWindow::MoveBegin(Cursor begin) {
  begin_ = begin;
  begin_changed_ = true;
}

void EventWindow::DropOldest() {
  const Block& block = *blocks_.front();
  bytes_ -= BytesOf(block).size() + kBlockOverheadBytes;
  if (block.stored) dropped_.insert(block.first);
  MoveBegin(After(block.last));
  if (UnderConstruction(block)) {
    building_.Clear();
    open_ = false;
  }
  blocks_.pop_front();
}

void EventWindow::Evict() {
  while (bytes_ > bytes_max_ && !blocks_.empty()) DropOldest();
}

void EventWindow::set_bytes_max(size_t bytes) {
  bytes_max_ = bytes;
  Evict();
}

void EventWindow::BeginAfter(Zxid zxid) {
  SYNOD_CHECK_GE(zxid, last_);
  while (!blocks_.empty()) DropOldest();
  last_ = zxid;
  MoveBegin({zxid, Cursor::kAll});
}

size_t EventWindow::memory_bytes() const {
  return bytes_ + (open_ ? 0 : building_.size()) + dropped_.size() * 2 * sizeof(Position) +
         closed_.size() * sizeof(ClosedBlock);
}

std::optional<Cursor> EventWindow::Read(Cursor after, size_t bytes,
                                        absl::FunctionRef<bool(const PastEvent&)> visit) const {
  SYNOD_CHECK(after >= begin_) << "a cursor before the window";
  const auto seen = [after](Position p) { return After(p) <= after; };
  auto block = std::partition_point(blocks_.begin(), blocks_.end(), [&](const auto& b) { return seen(b->last); });
  size_t looked_at = 0;
  PastEvent event;
  for (; block != blocks_.end(); ++block) {
    const std::vector<Mark>& marks = (*block)->marks;
    Mark from{(*block)->first, 0};
    auto mark = std::partition_point(marks.begin(), marks.end(), [&](const Mark& m) { return seen(m.at); });
    if (mark != marks.begin()) from = *std::prev(mark);
    EventReader reader(BytesOf(**block), from.offset, from.at);
    while (!reader.done()) {
      const size_t before = reader.remaining();
      SYNOD_CHECK(reader.Next(&event));
      if (seen(reader.at())) continue;
      looked_at += std::max(before - reader.remaining(), kEventCostBytes);
      if (visit(event) && looked_at < bytes) continue;
      if (reader.at() == blocks_.back()->last) return std::nullopt;
      return After(reader.at());
    }
  }
  return std::nullopt;
}

bool EventWindow::CutOpen() const {
  return closed_header_.has_value() || dropped_next_ < closed_dropped_.size() || closed_next_ < closed_.size();
}

void EventWindow::CloseChanges() {
  SYNOD_CHECK(!CutOpen()) << "the last cut is neither written nor reopened";
  if (open_) Seal();
  closed_begin_changed_ = std::exchange(begin_changed_, false);
  if (closed_begin_changed_) {
    ByteWriter out;
    out.U8(kRecordVersion);
    out.Varint(static_cast<uint64_t>(begin_.zxid.value()));
    out.Varint(begin_.ordinal);
    closed_header_ = out.Take();
  }
  closed_dropped_.assign(dropped_.begin(), dropped_.end());
  dropped_.clear();
  dropped_next_ = 0;
  closed_.clear();
  closed_next_ = 0;
  for (auto it = blocks_.rbegin(); it != blocks_.rend() && !(*it)->stored; ++it) {
    (*it)->stored = true;
    closed_.push_back({(*it)->first, *it, *it});
  }
  std::reverse(closed_.begin(), closed_.end());
}

bool EventWindow::WriteClosed(const Emit& emit, const std::function<bool()>& keep_going) {
  if (closed_header_) {
    emit("w", *std::exchange(closed_header_, std::nullopt));
    if (!keep_going()) return !CutOpen();
  }
  while (dropped_next_ < closed_dropped_.size()) {
    emit(BlockKey(closed_dropped_[dropped_next_++]), std::nullopt);
    if (!keep_going()) return !CutOpen();
  }
  while (closed_next_ < closed_.size()) {
    ClosedBlock& closed = closed_[closed_next_++];
    std::string value;
    value.reserve(1 + closed.unwritten->bytes.size());
    value.push_back(static_cast<char>(kRecordVersion));
    value.append(closed.unwritten->bytes);
    closed.unwritten.reset();
    emit(BlockKey(closed.first), std::move(value));
    if (!keep_going()) return !CutOpen();
  }
  return true;
}

void EventWindow::ReopenChanges() {
  for (const ClosedBlock& closed : closed_) {
    dropped_.erase(closed.first);  // the store never got it
    if (const std::shared_ptr<Block> block = closed.block.lock()) block->stored = false;
  }
  dropped_.insert(closed_dropped_.begin(), closed_dropped_.end());
  begin_changed_ |= std::exchange(closed_begin_changed_, false);
  closed_header_.reset();
  closed_dropped_.clear();
  dropped_next_ = 0;
  closed_.clear();
  closed_next_ = 0;
}

absl::Status EventWindow::LoadRecord(std::string_view key, std::string_view value) {
  if (key.size() == kHeaderKeyBytes) return LoadHeader(value);
  if (key.size() == kBlockKeyBytes) return LoadBlock(key, value);
  return absl::DataLossError("event window record: malformed key");
}

absl::Status EventWindow::LoadHeader(std::string_view value) {
  if (has_header_) return absl::DataLossError("event window header: twice");
  ByteReader in(value);
  if (in.U8() != kRecordVersion) return absl::DataLossError("event window header: unknown version");
  const uint64_t zxid = in.Varint();
  const uint64_t ordinal = in.Varint();
  if (zxid > static_cast<uint64_t>(INT64_MAX) || ordinal > UINT32_MAX) in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("event window header"));
  begin_ = {Zxid(static_cast<int64_t>(zxid)), static_cast<uint32_t>(ordinal)};
  begin_changed_ = false;
  has_header_ = true;
  return absl::OkStatus();
}

absl::Status EventWindow::LoadBlock(std::string_view key, std::string_view value) {
  const auto bad = [](std::string_view what) {
    return absl::DataLossError(absl::StrCat("event window block: ", absl::string_view(what.data(), what.size())));
  };
  if (!has_header_) return bad("without header");
  const uint64_t zxid = ReadBigEndian(key.substr(1, 8));
  const uint64_t number = ReadBigEndian(key.substr(9));
  if (zxid > static_cast<uint64_t>(INT64_MAX) || number >= kNumberMax) return bad("malformed key");
  const Position first{Zxid(static_cast<int64_t>(zxid)), static_cast<uint32_t>(number)};
  const Cursor before = blocks_.empty() ? begin_ : After(blocks_.back()->last);
  // It goes on with the command in which the one before it ended, or begins with a later one.
  const bool follows = number == 0 ? first.zxid > before.zxid : before == After({first.zxid, first.number - 1});
  if (!follows) return bad("does not follow the one before");
  if (value.size() < 2 || static_cast<uint8_t>(value[0]) != kRecordVersion) return bad("unknown version, or empty");
  value.remove_prefix(1);

  auto block = std::make_shared<Block>(Block{first, first, std::string(value), {}, true});
  EventReader reader(block->bytes, 0, first);
  PastEvent event;
  size_t mark = 0;
  while (!reader.done()) {
    const size_t offset = block->bytes.size() - reader.remaining();
    if (!reader.Next(&event)) return bad("malformed event");
    if (offset >= mark + kMarkBytes) {
      block->marks.push_back({reader.at(), offset});
      mark = offset;
    }
  }
  block->last = reader.at();
  bytes_ += block->bytes.size() + kBlockOverheadBytes;
  blocks_.push_back(std::move(block));
  return absl::OkStatus();
}

absl::Status EventWindow::FinishLoading(Zxid zxid) {
  if (begin_.zxid > zxid || (!blocks_.empty() && blocks_.back()->last.zxid > zxid)) {
    return absl::DataLossError("event window: goes beyond the state");
  }
  last_ = zxid;
  if (!has_header_) BeginAfter(zxid);
  Evict();
  return absl::OkStatus();
}

}  // namespace synod::statemachine
