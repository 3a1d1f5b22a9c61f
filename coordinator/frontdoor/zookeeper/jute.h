// The primitives of ZooKeeper's wire format (specs: ZooKeeper protocol, section 1): big-endian, no tags, no alignment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synod::frontdoor::zookeeper {

// Reads the payload of one frame. What it returns points into the bytes it was given, which must live as long. After
// the first thing that is not there, or has an impossible length, ok() is false and everything read is zero or empty.
class JuteReader {
 public:
  explicit JuteReader(std::string_view bytes) : rest_(bytes) {}

  bool Bool();  // any byte but 0 is true
  int32_t Int();
  int64_t Long();
  // nullopt: null (length -1), which is not the same as empty. Any other negative length, or one beyond the rest,
  // fails.
  std::optional<std::string_view> Buffer();
  // kazoo writes an empty string as null: null reads as empty. `null`, if given, tells it apart.
  std::string_view String(bool* null = nullptr);
  // The number of elements that follow; -1: a null vector. Below -1, or more than the rest can hold at
  // `element_bytes_min` (at least 1) each, fails: no length makes anybody reserve memory that the frame does not pay
  // for.
  int32_t Count(size_t element_bytes_min);
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  bool Take(size_t bytes, std::string_view* out);

  std::string_view rest_;
  bool ok_ = true;
};

// Appends to a string that it does not own.
class JuteWriter {
 public:
  explicit JuteWriter(std::string* out) : out_(out) {}

  void Bool(bool value);
  void Int(int32_t value);
  void Long(int64_t value);
  void Buffer(const std::optional<std::string>& value);  // nullopt: length -1
  void String(std::string_view value);
  // Leaves room for a frame's length; EndFrame(the returned value) writes it once the payload is there.
  size_t BeginFrame();
  void EndFrame(size_t begin);

 private:
  std::string* const out_;
};

}  // namespace synod::frontdoor::zookeeper
