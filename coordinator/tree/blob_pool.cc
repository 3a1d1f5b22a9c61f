#include "coordinator/tree/blob_pool.h"

#include <cstdlib>

#include "coordinator/base/check.h"
#include "coordinator/tree/region.h"

namespace synod::tree {
namespace {

// Under the address sanitizer every blob is an allocation of its own, so that a stale view is found.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

// What malloc takes for a block of `size`: its own header, rounded to 16.
size_t MallocBytes(size_t size) { return (size + 8 + 15) / 16 * 16; }

}  // namespace

BlobPool::~BlobPool() {
  for (char* region : regions_) std::free(region);
}

char* BlobPool::Allocate(size_t size) {
  if (!kPooled || size > kSmall) {
    char* blob = static_cast<char*>(std::malloc(Capacity(size)));
    SYNOD_CHECK(blob != nullptr) << "out of memory";
    large_bytes_ += MallocBytes(Capacity(size));
    return blob;
  }
  size_t rounded = Capacity(size);
  SizeClass& c = classes_[rounded / 8];
  if (c.free != nullptr) {
    FreeBlob* blob = c.free;
    c.free = blob->next;
    return reinterpret_cast<char*>(blob);
  }
  if (static_cast<size_t>(c.end - c.fresh) < rounded) {
    constexpr size_t kChunksPerRegion = kRegionBytes / kChunk;
    if (chunk_count_ == regions_.size() * kChunksPerRegion) regions_.push_back(NewRegion(!regions_.empty()));
    c.fresh = regions_.back() + chunk_count_++ % kChunksPerRegion * kChunk;
    c.end = c.fresh + kChunk;
  }
  char* blob = c.fresh;
  c.fresh += rounded;
  return blob;
}

void BlobPool::Free(char* blob, size_t size) {
  if (!kPooled || size > kSmall) {
    large_bytes_ -= MallocBytes(Capacity(size));
    std::free(blob);
    return;
  }
  SizeClass& c = classes_[Capacity(size) / 8];
  auto* entry = reinterpret_cast<FreeBlob*>(blob);
  entry->next = c.free;
  c.free = entry;
}

}  // namespace synod::tree
