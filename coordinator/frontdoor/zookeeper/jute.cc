#include "coordinator/frontdoor/zookeeper/jute.h"

#include "coordinator/base/check.h"
#include "coordinator/frontdoor/zookeeper/big_endian.h"

namespace synod::frontdoor::zookeeper {

bool JuteReader::Take(size_t bytes, std::string_view* out) {
  if (bytes > rest_.size()) {
    Fail();
    return false;
  }
  *out = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return true;
}

bool JuteReader::Bool() {
  std::string_view byte;
  return Take(1, &byte) && byte[0] != 0;
}

int32_t JuteReader::Int() {
  std::string_view bytes;
  return Take(sizeof(int32_t), &bytes) ? LoadBigEndian<int32_t>(bytes.data()) : 0;
}

int64_t JuteReader::Long() {
  std::string_view bytes;
  return Take(sizeof(int64_t), &bytes) ? LoadBigEndian<int64_t>(bytes.data()) : 0;
}

std::optional<std::string_view> JuteReader::Buffer() {
  const int32_t length = Int();
  if (!ok_ || length == -1) return std::nullopt;
  std::string_view bytes;
  if (length < 0) {
    Fail();
    return std::nullopt;
  }
  if (!Take(static_cast<size_t>(length), &bytes)) return std::nullopt;
  return bytes;
}

std::string_view JuteReader::String(bool* null) {
  const std::optional<std::string_view> bytes = Buffer();
  if (null != nullptr) *null = !bytes && ok_;
  return bytes.value_or(std::string_view());
}

int32_t JuteReader::Count(size_t element_bytes_min) {
  const int32_t count = Int();
  if (count == -1) return count;
  if (count < 0 || static_cast<size_t>(count) > rest_.size() / element_bytes_min) {
    Fail();
    return 0;
  }
  return count;
}

void JuteWriter::Bool(bool value) { out_->push_back(value ? 1 : 0); }

void JuteWriter::Int(int32_t value) {
  char bytes[sizeof value];
  StoreBigEndian(value, bytes);
  out_->append(bytes, sizeof bytes);
}

void JuteWriter::Long(int64_t value) {
  char bytes[sizeof value];
  StoreBigEndian(value, bytes);
  out_->append(bytes, sizeof bytes);
}

void JuteWriter::Buffer(const std::optional<std::string>& value) {
  if (value) {
    String(*value);
  } else {
    Int(-1);
  }
}

void JuteWriter::String(std::string_view value) {
  Int(static_cast<int32_t>(value.size()));
  out_->append(value);
}

size_t JuteWriter::BeginFrame() {
  const size_t begin = out_->size();
  Int(0);
  return begin;
}

void JuteWriter::EndFrame(size_t begin) {
  SYNOD_CHECK_LE(begin + sizeof(int32_t), out_->size());
  StoreBigEndian(static_cast<int32_t>(out_->size() - begin - sizeof(int32_t)), out_->data() + begin);
}

}  // namespace synod::frontdoor::zookeeper
