// Bytes in and out: the primitives of every format of ours, on disk and between servers. Fixed-width integers are
// little-endian; a varint is LEB128, at most 10 bytes; a blob is varint length + bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace synod {

// Immutable bytes shared by the log, the peers and apply (L2): encoded once, never copied.
using SharedBytes = std::shared_ptr<const std::string>;

inline SharedBytes MakeSharedBytes(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

// Appends to a string that it owns. Not thread-safe.
class ByteWriter {
 public:
  ByteWriter() = default;
  void U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U32(uint32_t v) { Raw(&v, sizeof v); }
  void U64(uint64_t v) { Raw(&v, sizeof v); }
  void Varint(uint64_t v);
  // Zigzag: small negative numbers stay small.
  void SignedVarint(int64_t v) { Varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void Bool(bool v) { U8(v ? 1 : 0); }
  void Blob(std::string_view v) {
    Varint(v.size());
    out_.append(v);
  }
  void Append(std::string_view v) { out_.append(v); }
  size_t size() const { return out_.size(); }
  const std::string& bytes() const { return out_; }
  std::string Take() { return std::move(out_); }
  void Clear() { out_.clear(); }

 private:
  void Raw(const void* p, size_t n) { out_.append(static_cast<const char*>(p), n); }
  std::string out_;
};

// Reads from bytes owned by somebody else. The first read beyond the end, or malformed varint, makes it fail for good:
// later reads return zeros and empty views, so that a decoder checks ok() once at its end. Allocates nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  uint8_t U8();
  uint32_t U32();
  uint64_t U64();
  uint64_t Varint();
  int64_t SignedVarint() {
    uint64_t v = Varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  bool Bool() { return U8() != 0; }
  // A view into the input.
  std::string_view Blob();
  std::string_view Take(size_t n);
  size_t remaining() const { return in_.size(); }
  bool ok() const { return ok_; }
  void Fail() {
    ok_ = false;
    in_ = {};
  }
  // OK if nothing failed and nothing is left; DataLoss naming `what` otherwise.
  absl::Status Finish(std::string_view what) const;

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace synod
