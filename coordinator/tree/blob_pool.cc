#include "coordinator/tree/blob_pool.h"

#include <cstdlib>

#include "coordinator/base/check.h"

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
  for (char* chunk : chunks_) std::free(chunk);
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
    c.fresh = static_cast<char*>(std::malloc(kChunk));
    SYNOD_CHECK(c.fresh != nullptr) << "out of memory";
    c.end = c.fresh + kChunk;
    chunks_.push_back(c.fresh);
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
