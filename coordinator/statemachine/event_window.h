// The last events of the tree, so that a watch goes on where it broke off (W3). Kept with the snapshot, outside the
// digest: servers may hold more or less of it.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "coordinator/access/acl.h"
#include "coordinator/access/intern_table.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/event.h"

namespace synod::statemachine {

// A place between notifications: everything up to and including it was seen. The event number i of a command (from 0)
// makes two notifications: ordinal 2i tells of the node itself, 2i + 1 of its parent's list of children.
struct Cursor {
  static constexpr uint32_t kAll = UINT32_MAX;  // all of the zxid

  Zxid zxid;
  uint32_t ordinal = kAll;
  auto operator<=>(const Cursor&) const = default;
};

// An event as the window holds it. The ACLs are those of its moment (13.7); nullopt: world:anyone, all.
struct PastEvent {
  Zxid zxid;
  uint32_t number = 0;  // within its command
  tree::EventType type = tree::EventType::kCreated;
  std::string_view path;  // into the window, good until the next Append
  std::optional<access::Acl> acl;
  std::optional<access::Acl> parent_acl;
};

// Loop thread, or the loader's.
//
// Events lie encoded in blocks of about 64 KB (of a small window: a sixteenth of its bound); the oldest block goes when
// the window is over its bound, so the window may be short of the bound by a block. Snapshot (D7): CloseChanges seals
// the block under construction; a sealed block never changes. Keys: "w" for the header (where the window begins), "w" +
// first zxid (8 bytes, big-endian) + first number (4 bytes, big-endian) for a block. docs/formats/event_window.md.
class EventWindow {
 public:
  using Emit = std::function<void(std::string key, std::optional<std::string> value)>;

  explicit EventWindow(size_t bytes_max);
  EventWindow(const EventWindow&) = delete;
  EventWindow& operator=(const EventWindow&) = delete;

  // The events of one command, before its ACLs may be dropped (AclTable::Collect). Numbered from 0. Zxids ascend.
  void Append(const std::vector<tree::Event>& events, const access::AclTable& acls);
  // Every event after this cursor is here: the oldest cursor on offer.
  Cursor begin() const { return begin_; }
  // Nothing up to `zxid`, which is not before what was appended, is known (a state loaded from a snapshot without a
  // window). Empties it.
  void BeginAfter(Zxid zxid);

  // Visits the events whose notifications come after `after`, oldest first, until `visit` returns false (the event it
  // was given counts as visited) or about `bytes` of the window were looked at (small events count for more than they
  // take); at least one, if there is one. Returns
  // the cursor up to which all was visited; nullopt: the end was reached, whatever `visit` said last. (Of an event of
  // which only ordinal 2i was seen, number i is visited.) REQUIRES after >= begin().
  std::optional<Cursor> Read(Cursor after, size_t bytes, absl::FunctionRef<bool(const PastEvent&)> visit) const;

  // Blocks, and what it costs to hold each.
  size_t bytes() const { return bytes_; }
  size_t bytes_max() const { return bytes_max_; }
  void set_bytes_max(size_t bytes);
  size_t memory_bytes() const;

  // ---- snapshot, as the other parts of the state ----
  // Closes what changed. Costs a step per block since the last cut. REQUIRES the last cut is written out or reopened.
  void CloseChanges();
  // Hands closed records to `emit` (value nullopt: a tombstone) until `keep_going` says no (asked after each) or all
  // are out (returns true; also if no cut is open). No key comes twice in a cut. A block that came and went between two
  // cuts leaves no record.
  bool WriteClosed(const Emit& emit, const std::function<bool()>& keep_going);
  // The closed records could not be stored: they count as changed again. Good until the next CloseChanges.
  void ReopenChanges();
  static bool IsKey(std::string_view key) { return !key.empty() && key[0] == 'w'; }
  // In key order, into an empty window. DataLoss if malformed: a block without header or with a hole before it
  // included.
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // `zxid` of the loaded state. Without any record the window begins after it. DataLoss: the window goes beyond it.
  absl::Status FinishLoading(Zxid zxid);

 private:
  // Of an event. Within a zxid numbers are dense.
  struct Position {
    Zxid zxid;
    uint32_t number = 0;
    auto operator<=>(const Position&) const = default;
  };
  // Where in a block an event begins, every few KB, so that a reader need not decode the block from its first.
  struct Mark {
    Position at;
    size_t offset = 0;
  };
  struct Block {
    Position first;
    Position last;
    std::string bytes;  // empty while it is under construction
    std::vector<Mark> marks;
    bool stored = false;  // written by a cut, or closed to be
  };
  // A block of the cut. It is held until written, should it leave the window meanwhile.
  struct ClosedBlock {
    Position first;
    std::shared_ptr<Block> unwritten;
    std::weak_ptr<Block> block;
  };
  class EventReader;

  // The cursor that has seen all of this event.
  static Cursor After(Position p) { return {p.zxid, 2 * p.number + 1}; }
  static std::string BlockKey(Position first);
  bool UnderConstruction(const Block& block) const { return open_ && &block == blocks_.back().get(); }
  std::string_view BytesOf(const Block& block) const {
    return UnderConstruction(block) ? building_.bytes() : block.bytes;
  }
  void AppendEvent(const tree::Event& event, uint32_t number, const access::AclTable& acls);
  void Seal();
  void DropOldest();
  void Evict();
  void MoveBegin(Cursor begin);
  bool CutOpen() const;
  absl::Status LoadHeader(std::string_view value);
  absl::Status LoadBlock(std::string_view key, std::string_view value);

  size_t bytes_max_;
  Cursor begin_;
  Zxid last_;  // appended or known of
  std::deque<std::shared_ptr<Block>> blocks_;
  bool open_ = false;    // the last block is under construction: its bytes are in building_
  ByteWriter building_;  // keeps its memory from block to block
  size_t bytes_ = 0;

  // Changes since the last cut, beside the blocks not stored, which are the newest.
  bool begin_changed_ = true;
  std::set<Position> dropped_;  // stored, and gone since
  bool has_header_ = false;     // loading

  // The running cut: what is still to be written, and how to undo it.
  std::optional<std::string> closed_header_;
  bool closed_begin_changed_ = false;
  std::vector<Position> closed_dropped_;
  size_t dropped_next_ = 0;
  std::vector<ClosedBlock> closed_;
  size_t closed_next_ = 0;
};

}  // namespace synod::statemachine
