#include "coordinator/cli/wire.h"

#include <cstring>

namespace synod::cli {
namespace {

// Field numbers of coordination.proto; wire_test compares them with the generated code.
constexpr int kServerConnected = 1, kServerItems = 2, kItemReply = 1;
constexpr int kReplyId = 1, kReplyError = 4;
constexpr int kClientRequests = 2, kClientConfirmedBelow = 3, kClientPing = 4;
constexpr int kRequestId = 1, kRequestSequence = 2, kRequestStrength = 3;

size_t WriteVarint(uint64_t v, char* out) {
  size_t n = 0;
  while (v >= 0x80) {
    out[n++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  out[n++] = static_cast<char>(v);
  return n;
}

void AppendVarint(uint64_t v, std::string* out) {
  char buffer[10];
  out->append(buffer, WriteVarint(v, buffer));
}

bool ReadVarint(std::string_view* in, uint64_t* v) {
  *v = 0;
  for (int shift = 0; shift < 64 && !in->empty(); shift += 7) {
    const uint64_t byte = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    *v |= (byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

struct Field {
  int number = 0;
  uint64_t value = 0;      // of a varint
  std::string_view bytes;  // of a length-delimited field
};

bool ReadField(std::string_view* in, Field* field) {
  uint64_t tag = 0;
  if (!ReadVarint(in, &tag)) return false;
  field->number = static_cast<int>(tag >> 3);
  field->bytes = {};
  size_t skip = 0;
  switch (tag & 7) {
    case 0:
      return ReadVarint(in, &field->value);
    case 1:
      skip = 8;
      break;
    case 2: {
      uint64_t length = 0;
      if (!ReadVarint(in, &length) || length > in->size()) return false;
      field->bytes = in->substr(0, length);
      skip = length;
      break;
    }
    case 5:
      skip = 4;
      break;
    default:
      return false;
  }
  if (skip > in->size()) return false;
  in->remove_prefix(skip);
  return true;
}

}  // namespace

void AppendRequest(uint64_t id, uint64_t sequence, uint32_t strength, std::string_view operation,
                   std::string* message) {
  char head[40];
  size_t n = 0;
  head[n++] = kRequestId << 3;
  n += WriteVarint(id, head + n);
  if (sequence != 0) {
    head[n++] = kRequestSequence << 3;
    n += WriteVarint(sequence, head + n);
  }
  if (strength != 0) {
    head[n++] = kRequestStrength << 3;
    n += WriteVarint(strength, head + n);
  }
  message->push_back(kClientRequests << 3 | 2);
  AppendVarint(n + operation.size(), message);
  message->append(head, n);
  message->append(operation);
}

void AppendConfirmed(uint64_t confirmed_below, uint64_t ping, std::string* message) {
  message->push_back(kClientConfirmedBelow << 3);
  AppendVarint(confirmed_below, message);
  if (ping == 0) return;
  message->push_back(kClientPing << 3);
  AppendVarint(ping, message);
}

std::string OperationField(int number, std::string_view bytes) {
  std::string out;
  AppendVarint(static_cast<uint64_t>(number) << 3 | 2, &out);
  AppendVarint(bytes.size(), &out);
  out.append(bytes);
  return out;
}

ReplyReader::ReplyReader(std::string_view message) : rest_(message) {
  connected_ = !message.empty() && message[0] == (kServerConnected << 3 | 2);
}

bool ReplyReader::Next(LightReply* reply) {
  Field item;
  while (ok_ && !rest_.empty()) {
    if (!ReadField(&rest_, &item)) {
      ok_ = false;
      break;
    }
    if (item.number != kServerItems) continue;
    Field content;
    if (!ReadField(&item.bytes, &content)) ok_ = false;
    if (!ok_ || content.number != kItemReply) continue;
    *reply = {};
    std::string_view in = content.bytes;
    for (Field field; !in.empty();) {
      if (!ReadField(&in, &field)) {
        ok_ = false;
        return false;
      }
      if (field.number == kReplyId) reply->id = field.value;
      if (field.number == kReplyError) {
        reply->error = field.value;
        break;  // fields come in the order of their numbers: what follows is of no interest
      }
      if (field.number > kReplyError) break;
    }
    return true;
  }
  return false;
}

}  // namespace synod::cli
