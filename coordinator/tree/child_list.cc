#include "coordinator/tree/child_list.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {
namespace {

constexpr uint32_t kMergeBelow = ChildList::kChunkMax / 4;
constexpr uint32_t kMergedMax =
    ChildList::kChunkMax / 4 * 3;  // room is left, so that the next add does not split again
constexpr size_t kSmallCapacity = 16;

}  // namespace

void ChildList::Sort(NodeStore& store, uint32_t number, Run& run) {
  if (run.sorted) return;
  // The names are gathered first: a comparison then reads one place, not two znodes and two blobs.
  std::vector<std::pair<std::string_view, Handle>> by_name;
  by_name.reserve(run.handles.size());
  for (Handle child : run.handles) by_name.emplace_back(store.name(child), child);
  std::sort(by_name.begin(), by_name.end());
  for (uint32_t i = 0; i < by_name.size(); ++i) {
    run.handles[i] = by_name[i].second;
    store.at(by_name[i].second).child_index = number * kChunkMax + i;
  }
  run.sorted = true;
}

void ChildList::Append(NodeStore& store, uint32_t number, Run& run, Handle child) {
  if (run.sorted && !run.handles.empty() && store.name(run.handles.back()) >= store.name(child)) run.sorted = false;
  store.at(child).child_index = number * kChunkMax + static_cast<uint32_t>(run.handles.size());
  size_t capacity = run.handles.capacity();
  run.handles.push_back(child);
  if (many_ != nullptr) many_->capacity += run.handles.capacity() - capacity;
}

void ChildList::Shrink(Run& run) {
  if (run.handles.capacity() <= kSmallCapacity || run.handles.size() >= run.handles.capacity() / 4) return;
  if (many_ != nullptr) many_->capacity -= run.handles.capacity();
  std::vector<Handle> smaller;
  smaller.reserve(run.handles.size() * 2);
  smaller.assign(run.handles.begin(), run.handles.end());
  run.handles = std::move(smaller);
  if (many_ != nullptr) many_->capacity += run.handles.capacity();
}

size_t ChildList::Position(std::string_view name) const {
  const std::vector<Chunk*>& order = many_->in_order;
  if (name >= order.back()->bound) return order.size() - 1;  // names that grow are the usual case
  auto next = std::upper_bound(order.begin(), order.end(), name,
                               [](std::string_view n, const Chunk* chunk) { return n < chunk->bound; });
  return static_cast<size_t>(next - order.begin()) - 1;
}

ChildList::Chunk& ChildList::NewChunk(size_t position, std::string_view bound) {
  auto chunk = std::make_unique<Chunk>();
  chunk->bound = bound;
  Chunk& out = *chunk;
  if (many_->free_numbers.empty()) {
    SYNOD_CHECK_LT(many_->by_number.size(), UINT32_MAX / kChunkMax);
    out.number = static_cast<uint32_t>(many_->by_number.size());
    many_->by_number.push_back(std::move(chunk));
  } else {
    out.number = many_->free_numbers.back();
    many_->free_numbers.pop_back();
    many_->by_number[out.number] = std::move(chunk);
  }
  many_->in_order.insert(many_->in_order.begin() + static_cast<ptrdiff_t>(position), &out);
  return out;
}

void ChildList::DropChunk(size_t position) {
  Chunk* chunk = many_->in_order[position];
  many_->in_order.erase(many_->in_order.begin() + static_cast<ptrdiff_t>(position));
  if (position == 0 && !many_->in_order.empty()) many_->in_order[0]->bound.clear();
  many_->capacity -= chunk->handles.capacity();
  many_->free_numbers.push_back(chunk->number);
  many_->by_number[chunk->number].reset();
}

ChildList::Chunk& ChildList::Split(NodeStore& store, size_t position, std::string_view name) {
  Chunk& full = *many_->in_order[position];
  Sort(store, full.number, full);
  // Behind all of the chunk: growing names fill one chunk after the other instead of leaving each half full.
  if (name > store.name(full.handles.back())) return NewChunk(position + 1, name);
  auto half = full.handles.begin() + kChunkMax / 2;
  Chunk& upper = NewChunk(position + 1, store.name(*half));
  for (auto child = half; child != full.handles.end(); ++child) Append(store, upper.number, upper, *child);
  full.handles.erase(half, full.handles.end());
  return name < upper.bound ? full : upper;
}

void ChildList::Add(NodeStore& store, Handle child) {
  if (many_ == nullptr) {
    if (few_.handles.size() < kChunkMax) return Append(store, 0, few_, child);
    many_ = std::make_unique<Many>();
    Chunk& chunk = NewChunk(0, {});
    static_cast<Run&>(chunk) = std::exchange(few_, {});
    many_->size = chunk.handles.size();
    many_->capacity = chunk.handles.capacity();
  }
  std::string_view name = store.name(child);
  size_t position = Position(name);
  Chunk* chunk = many_->in_order[position];
  if (chunk->handles.size() == kChunkMax) chunk = &Split(store, position, name);
  Append(store, chunk->number, *chunk, child);
  ++many_->size;
}

void ChildList::Remove(NodeStore& store, Handle child) {
  uint32_t index = store.at(child).child_index;
  uint32_t number = index / kChunkMax;
  Run& run = RunOf(number);
  uint32_t place = index % kChunkMax;
  SYNOD_CHECK(place < run.handles.size() && run.handles[place] == child);
  if (place + 1 != run.handles.size()) {
    run.handles[place] = run.handles.back();
    store.at(run.handles[place]).child_index = index;
    run.sorted = false;
  }
  run.handles.pop_back();
  if (run.handles.size() <= 1) run.sorted = true;
  if (many_ == nullptr) return Shrink(run);
  --many_->size;
  auto& chunk = static_cast<Chunk&>(run);
  if (chunk.handles.empty()) {
    DropChunk(Position(chunk.bound));
    if (many_->in_order.empty()) many_.reset();
    return;
  }
  Shrink(run);
  if (chunk.handles.size() <= kMergeBelow && chunk.handles.size() % 16 == 0) Merge(store, chunk);
}

void ChildList::Merge(NodeStore& store, const Chunk& chunk) {
  std::vector<Chunk*>& order = many_->in_order;
  size_t at = Position(chunk.bound);
  auto fits = [&](size_t i) { return order[i]->handles.size() + order[i + 1]->handles.size() <= kMergedMax; };
  if (at + 1 < order.size() && fits(at)) {
    MoveInto(store, *order[at], *order[at + 1]);
    DropChunk(at + 1);
  } else if (at > 0 && fits(at - 1)) {
    MoveInto(store, *order[at - 1], *order[at]);
    DropChunk(at);
  }
  if (order.size() > 1 || many_->size > kMergeBelow) return;
  few_ = std::move(static_cast<Run&>(*order[0]));
  many_.reset();
  for (uint32_t i = 0; i < few_.handles.size(); ++i) store.at(few_.handles[i]).child_index = i;
}

void ChildList::MoveInto(NodeStore& store, Chunk& left, Chunk& right) {
  bool sorted = left.sorted && right.sorted;
  for (Handle child : right.handles) Append(store, left.number, left, child);
  left.sorted = sorted;
}

Handle ChildList::First(NodeStore& store) {
  if (size() == 0) return kNoHandle;
  uint32_t number = many_ == nullptr ? 0 : many_->in_order[0]->number;
  Run& run = RunOf(number);
  Sort(store, number, run);
  return run.handles[0];
}

Handle ChildList::Next(NodeStore& store, Handle child) {
  uint32_t number = store.at(child).child_index / kChunkMax;
  Run& run = RunOf(number);
  Sort(store, number, run);
  uint32_t next = store.at(child).child_index % kChunkMax + 1;
  if (next < run.handles.size()) return run.handles[next];
  if (many_ == nullptr) return kNoHandle;
  size_t position = Position(static_cast<Chunk&>(run).bound) + 1;
  if (position == many_->in_order.size()) return kNoHandle;
  Chunk& chunk = *many_->in_order[position];
  Sort(store, chunk.number, chunk);
  return chunk.handles[0];
}

Handle ChildList::FirstNotBefore(NodeStore& store, std::string_view name) {
  if (size() == 0) return kNoHandle;
  uint32_t number = many_ == nullptr ? 0 : many_->in_order[Position(name)]->number;
  Run& run = RunOf(number);
  Sort(store, number, run);
  auto found = std::lower_bound(run.handles.begin(), run.handles.end(), name,
                                [&](Handle child, std::string_view n) { return store.name(child) < n; });
  return found != run.handles.end() ? *found : Next(store, run.handles.back());
}

void ChildList::Visit(NodeStore& store, Handle from, absl::FunctionRef<bool(Handle)> visit) {
  while (from != kNoHandle) {
    uint32_t number = store.at(from).child_index / kChunkMax;
    Run& run = RunOf(number);
    Sort(store, number, run);
    for (size_t i = store.at(from).child_index % kChunkMax; i < run.handles.size(); ++i) {
      if (!visit(run.handles[i])) return;
    }
    from = Next(store, run.handles.back());
  }
}

size_t ChildList::memory_bytes() const {
  if (many_ == nullptr) return few_.handles.capacity() * sizeof(Handle);
  constexpr size_t kMallocs = 32;  // headers of a chunk and of its vector
  return sizeof(Many) + many_->in_order.size() * (sizeof(Chunk) + kMallocs) + many_->capacity * sizeof(Handle) +
         many_->by_number.capacity() * sizeof(Chunk*) + many_->in_order.capacity() * sizeof(Chunk*);
}

}  // namespace synod::tree
