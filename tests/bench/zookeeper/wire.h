// ZooKeeper's client protocol as the load generator speaks it (specs: ZooKeeper protocol, sections 1 to 5). Written
// apart from the server's own codec: a mistake in one of them is seen by the other.
#pragma once

#include <arpa/inet.h>
#include <endian.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace synod::bench {

enum class OpCode : int32_t {
  kCreate = 1,
  kDelete = 2,
  kGetData = 4,
  kSetData = 5,
  kSync = 9,
  kCloseSession = -11,
};

inline constexpr int32_t kOk = 0;
inline constexpr int32_t kNodeExists = -110;
inline constexpr int32_t kNotificationXid = -1;
inline constexpr int32_t kEphemeralSequential = 3;  // flags of a create
inline constexpr size_t kStatBytes = 68;
inline constexpr size_t kReplyHeaderBytes = 16;
inline constexpr size_t kPasswordBytes = 16;

// Appends one frame to `out`; its length is filled in when the builder goes.
class FrameBuilder {
 public:
  explicit FrameBuilder(std::string& out) : out_(out), start_(out.size()) { out_.append(4, '\0'); }
  FrameBuilder(const FrameBuilder&) = delete;
  FrameBuilder& operator=(const FrameBuilder&) = delete;
  ~FrameBuilder() {
    const uint32_t bytes = htonl(static_cast<uint32_t>(out_.size() - start_ - 4));
    std::memcpy(out_.data() + start_, &bytes, sizeof(bytes));
  }

  FrameBuilder& Int(int32_t value) {
    const uint32_t bytes = htonl(static_cast<uint32_t>(value));
    out_.append(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
    return *this;
  }
  FrameBuilder& Long(int64_t value) {
    const uint64_t bytes = htobe64(static_cast<uint64_t>(value));
    out_.append(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
    return *this;
  }
  FrameBuilder& Bool(bool value) {
    out_.push_back(value ? '\1' : '\0');
    return *this;
  }
  // A buffer or a string.
  FrameBuilder& Bytes(std::string_view value) {
    Int(static_cast<int32_t>(value.size()));
    out_.append(value);
    return *this;
  }

 private:
  std::string& out_;
  const size_t start_;
};

// Reads fields off the front; after a read past the end ok() is false and every value is 0 or empty.
class FrameReader {
 public:
  explicit FrameReader(std::string_view bytes) : rest_(bytes) {}

  int32_t Int() {
    uint32_t value = 0;
    if (!Take(&value, sizeof(value))) return 0;
    return static_cast<int32_t>(ntohl(value));
  }
  int64_t Long() {
    uint64_t value = 0;
    if (!Take(&value, sizeof(value))) return 0;
    return static_cast<int64_t>(be64toh(value));
  }
  // A null buffer (length -1) reads as an empty one.
  std::string_view Bytes() {
    const int32_t size = Int();
    if (size <= 0) return {};
    if (static_cast<size_t>(size) > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view value = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(static_cast<size_t>(size));
    return value;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  bool Take(void* to, size_t size) {
    if (rest_.size() < size) {
      ok_ = false;
      return false;
    }
    std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace synod::bench
