#include "coordinator/base/bytes.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace synod {

void ByteWriter::Varint(uint64_t v) {
  while (v >= 0x80) {
    U8(static_cast<uint8_t>(v) | 0x80);
    v >>= 7;
  }
  U8(static_cast<uint8_t>(v));
}

uint8_t ByteReader::U8() {
  std::string_view b = Take(1);
  return b.empty() ? 0 : static_cast<uint8_t>(b[0]);
}

uint32_t ByteReader::U32() {
  std::string_view b = Take(sizeof(uint32_t));
  uint32_t v = 0;
  if (!b.empty()) std::memcpy(&v, b.data(), sizeof v);
  return v;
}

uint64_t ByteReader::U64() {
  std::string_view b = Take(sizeof(uint64_t));
  uint64_t v = 0;
  if (!b.empty()) std::memcpy(&v, b.data(), sizeof v);
  return v;
}

uint64_t ByteReader::Varint() {
  uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t b = U8();
    if (!ok_) return 0;
    if (shift == 63 && b > 1) break;  // more than 64 bits
    v |= static_cast<uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return v;
  }
  Fail();
  return 0;
}

std::string_view ByteReader::Blob() {
  uint64_t n = Varint();
  if (n > in_.size()) {
    Fail();
    return {};
  }
  return Take(static_cast<size_t>(n));
}

std::string_view ByteReader::Take(size_t n) {
  if (!ok_ || n > in_.size()) {
    Fail();
    return {};
  }
  std::string_view out = in_.substr(0, n);
  in_.remove_prefix(n);
  return out;
}

absl::Status ByteReader::Finish(std::string_view what) const {
  if (!ok_)
    return absl::DataLossError(absl::StrCat(absl::string_view(what.data(), what.size()), ": truncated or malformed"));
  if (!in_.empty()) {
    return absl::DataLossError(
        absl::StrCat(absl::string_view(what.data(), what.size()), ": ", in_.size(), " bytes too many"));
  }
  return absl::OkStatus();
}

}  // namespace synod
