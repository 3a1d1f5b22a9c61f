#include "coordinator/tree/change_set.h"

#include "coordinator/base/check.h"
#include "coordinator/tree/znode_record.h"

namespace synod::tree {
namespace {

constexpr size_t kRecordsPerAsk = 16;
constexpr size_t kTombstoneOverhead = 48;  // the string object, and the malloc of a long path

}  // namespace

void ChangeSet::SaveIfClosed(Handle handle) {
  Znode& node = store_.at(handle);
  if ((node.change_bits & Listed(closed_parity())) == 0) return;
  saved_.push_back(Saved{handle, ZnodeKey(store_.Path(handle)), EncodeZnode(store_, handle)});
  saved_bytes_ += saved_.back().key.size() + saved_.back().value.size();
  node.change_bits &= ~Listed(closed_parity());
}

void ChangeSet::List(Handle handle) {
  Znode& node = store_.at(handle);
  if ((node.change_bits & Listed(parity_)) != 0) return;
  node.change_bits |= Listed(parity_);
  open_.push_back(handle);
}

void ChangeSet::BeforeChange(Handle handle) {
  SaveIfClosed(handle);
  if ((store_.at(handle).change_bits & Listed(parity_)) != 0) return;
  List(handle);
  ++changed_nodes_;
}

bool ChangeSet::Created(Handle handle, std::string_view path) {
  Znode& node = store_.at(handle);
  // The slot may come from a node that died: what its bits said of the closed set and of being new is not true of this
  // one.
  node.change_bits &= Listed(parity_);
  List(handle);
  ++changed_nodes_;
  bool replaced = !tombstones_.empty() && tombstones_.contains(path);
  if (replaced) {
    DropTombstone(path);
  } else {
    node.change_bits |= New(parity_);
  }
  return replaced;
}

bool ChangeSet::BeforeDelete(Handle handle, std::string_view path) {
  SaveIfClosed(handle);
  uint8_t bits = store_.at(handle).change_bits;
  if ((bits & Listed(parity_)) != 0) --changed_nodes_;
  if ((bits & New(parity_)) != 0) return false;
  AddTombstone(path);
  return true;
}

void ChangeSet::AddTombstone(std::string_view path) {
  tombstones_.emplace(path);
  tombstone_bytes_ += path.size() + kTombstoneOverhead;
}

void ChangeSet::DropTombstone(std::string_view path) {
  SYNOD_CHECK(tombstones_.erase(path) == 1);
  tombstone_bytes_ -= path.size() + kTombstoneOverhead;
}

void ChangeSet::RollBackTo(const Mark& mark) {
  for (size_t i = mark.listed; i < open_.size(); ++i) store_.at(open_[i]).change_bits &= ~Listed(parity_);
  open_.resize(mark.listed);
  for (size_t i = mark.saved; i < saved_.size(); ++i) {
    store_.at(saved_[i].handle).change_bits |= Listed(closed_parity());
    saved_bytes_ -= saved_[i].key.size() + saved_[i].value.size();
  }
  saved_.resize(mark.saved);
  changed_nodes_ = mark.changed_nodes;
}

void ChangeSet::Close() {
  SYNOD_CHECK(closed_written_ == closed_.size() && next_tombstone_ == closed_tombstones_.end() &&
              saved_written_ == saved_.size())
      << "the last closed set is neither written out nor reopened";
  closed_ = std::move(open_);
  open_ = {};
  closed_written_ = 0;
  closed_tombstones_ = std::move(tombstones_);
  tombstones_ = {};
  next_tombstone_ = closed_tombstones_.begin();
  closed_tombstone_bytes_ = std::exchange(tombstone_bytes_, 0);
  saved_ = {};
  saved_written_ = 0;
  saved_bytes_ = 0;
  changed_nodes_ = 0;
  parity_ ^= 1;
}

bool ChangeSet::Write(const std::function<void(std::string key, std::optional<std::string> value)>& emit,
                      const std::function<bool()>& keep_going) {
  size_t emitted = 0;
  auto tired = [&] { return ++emitted % kRecordsPerAsk == 0 && !keep_going(); };
  while (saved_written_ < saved_.size()) {
    Saved& saved = saved_[saved_written_++];
    saved_bytes_ -= saved.key.size() + saved.value.size();
    emit(std::move(saved.key), std::move(saved.value));
    saved.key.clear();
    saved.value.clear();
    if (tired()) return false;
  }
  const uint8_t listed = Listed(closed_parity());
  while (closed_written_ < closed_.size()) {
    Handle handle = closed_[closed_written_++];
    Znode& node = store_.at(handle);
    bool pending = node.alive() && (node.change_bits & listed) != 0;
    node.change_bits &= ~(listed | New(closed_parity()));
    if (pending) emit(ZnodeKey(store_.Path(handle)), EncodeZnode(store_, handle));
    if (tired()) return false;
  }
  while (next_tombstone_ != closed_tombstones_.end()) {
    emit(ZnodeKey(*next_tombstone_++), std::nullopt);
    if (tired()) return false;
  }
  return true;
}

void ChangeSet::Reopen(const std::function<Handle(std::string_view path)>& find) {
  const uint8_t closed_bits = Listed(closed_parity()) | New(closed_parity());
  for (Handle handle : closed_) {
    Znode& node = store_.at(handle);
    node.change_bits &= ~closed_bits;
    // A slot whose node died since left its tombstone in the open set; a slot reused since is there as a new node.
    if (!node.alive() || (node.change_bits & Listed(parity_)) != 0) continue;
    List(handle);
    ++changed_nodes_;
  }
  for (const std::string& path : closed_tombstones_) {
    Handle handle = find(path);
    if (handle == kNoHandle) {
      if (!tombstones_.contains(path)) AddTombstone(path);
    } else {
      // Created again since. The stored snapshot still knows the path, so a deletion must leave a tombstone after all.
      store_.at(handle).change_bits &= ~New(parity_);
    }
  }
  closed_ = {};
  closed_written_ = 0;
  closed_tombstones_ = {};
  next_tombstone_ = closed_tombstones_.end();
  closed_tombstone_bytes_ = 0;
  saved_ = {};
  saved_written_ = 0;
  saved_bytes_ = 0;
}

size_t ChangeSet::memory_bytes() const {
  return (open_.capacity() + closed_.capacity()) * sizeof(Handle) + tombstone_bytes_ + closed_tombstone_bytes_ +
         saved_.capacity() * sizeof(Saved) + saved_bytes_;
}

}  // namespace synod::tree
