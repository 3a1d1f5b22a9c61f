#include "coordinator/storage/file.h"

#include <algorithm>

#include "coordinator/base/status_macros.h"

namespace synod::storage {

absl::StatusOr<std::string> ReadWhole(File* file) {
  SYNOD_ASSIGN_OR_RETURN(uint64_t size, file->Size());
  std::string out(size, '\0');
  constexpr size_t kChunk = 1 << 20;
  constexpr size_t kBlock = 4096;
  for (uint64_t at = 0; at < size; at += kChunk) {
    size_t n = std::min<uint64_t>(kChunk, size - at);
    absl::StatusOr<size_t> got = file->Read(at, n, out.data() + at);
    if (got.ok()) continue;
    if (!absl::IsDataLoss(got.status())) return got.status();
    // The device cannot read part of it: take what can be had, block by block.
    for (uint64_t b = at; b < at + n; b += kBlock) {
      size_t m = std::min<uint64_t>(kBlock, at + n - b);
      absl::StatusOr<size_t> block = file->Read(b, m, out.data() + b);
      if (block.ok()) continue;
      if (!absl::IsDataLoss(block.status())) return block.status();
      std::fill(out.begin() + static_cast<ptrdiff_t>(b), out.begin() + static_cast<ptrdiff_t>(b + m), '\0');
    }
  }
  return out;
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace synod::storage
