#include "coordinator/storage/file.h"

#include <algorithm>

#include "coordinator/base/status_macros.h"

namespace synod::storage {

absl::Status ReadWhole(File* file, std::string* out) {
  SYNOD_ASSIGN_OR_RETURN(uint64_t size, file->Size());
  out->resize(size);
  constexpr size_t kChunk = 1 << 20;
  constexpr size_t kBlock = 4096;
  // What cannot be had, or is not there any more, reads as zeros.
  auto read = [&](uint64_t at, size_t n) -> absl::Status {
    absl::StatusOr<size_t> got = file->Read(at, n, out->data() + at);
    std::fill(out->begin() + static_cast<ptrdiff_t>(at + (got.ok() ? *got : 0)),
              out->begin() + static_cast<ptrdiff_t>(at + n), '\0');
    return got.status();
  };
  for (uint64_t at = 0; at < size; at += kChunk) {
    size_t n = std::min<uint64_t>(kChunk, size - at);
    absl::Status status = read(at, n);
    if (status.ok()) continue;
    if (!absl::IsDataLoss(status)) return status;
    // The device cannot read part of it: take what can be had, block by block.
    for (uint64_t b = at; b < at + n; b += kBlock) {
      absl::Status block = read(b, std::min<uint64_t>(kBlock, at + n - b));
      if (!block.ok() && !absl::IsDataLoss(block)) return block;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWhole(File* file) {
  std::string out;
  SYNOD_RETURN_IF_ERROR(ReadWhole(file, &out));
  return out;
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace synod::storage
