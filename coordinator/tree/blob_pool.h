// Memory for the variable part of znodes. Owned by one NodeStore, used by one thread.
//
// Sizes up to 512 bytes come from free lists, one per multiple of 8 bytes, carved out of 16 KB chunks, and these out of
// regions: no header per allocation and no rounding to 16, which saves about 8 bytes per znode against malloc. Freed
// small blobs stay with their size for the life of the pool. Larger ones go to malloc and back.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace synod::tree {

class BlobPool {
 public:
  BlobPool() = default;
  ~BlobPool();  // small blobs die with it; large ones must have been freed before
  BlobPool(const BlobPool&) = delete;
  BlobPool& operator=(const BlobPool&) = delete;

  // REQUIRES size > 0.
  char* Allocate(size_t size);
  // REQUIRES `size` is what `blob` was allocated with, or has the same Capacity.
  void Free(char* blob, size_t size);
  // How many bytes an allocation of `size` really has.
  static size_t Capacity(size_t size) { return size <= kSmall ? (size + 7) / 8 * 8 : size; }

  size_t memory_bytes() const { return chunk_count_ * kChunk + large_bytes_; }

 private:
  static constexpr size_t kSmall = 512;
  static constexpr size_t kChunk = 16 * 1024;
  struct FreeBlob {
    FreeBlob* next;
  };
  struct SizeClass {
    FreeBlob* free = nullptr;
    char* fresh = nullptr;  // the rest of the class's newest chunk
    char* end = nullptr;
  };

  std::array<SizeClass, kSmall / 8 + 1> classes_;
  std::vector<char*> regions_;
  size_t chunk_count_ = 0;  // taken from the regions
  size_t large_bytes_ = 0;
};

}  // namespace synod::tree
