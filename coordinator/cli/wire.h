// The session stream's messages, written and read by hand: the load generator shares its machine with the servers it
// measures, and must not be what is measured.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace synod::cli {

// Appends one Request as field 2 of a ClientMessage. `operation` is an encoded field of Request (tag, length, bytes),
// made by OperationField. A zero `sequence` or `strength` is left out.
void AppendRequest(uint64_t id, uint64_t sequence, uint32_t strength, std::string_view operation, std::string* message);
// Appends ClientMessage.confirmed_below and, if not 0, ping.
void AppendConfirmed(uint64_t confirmed_below, uint64_t ping, std::string* message);
// Tag, length and bytes of field `number` of Request.
std::string OperationField(int number, std::string_view bytes);

struct LightReply {
  uint64_t id = 0;
  uint64_t error = 0;
};

// Walks the replies of an encoded ServerMessage; events and pongs are passed over. `connected` tells a message that
// holds one: parse it whole.
class ReplyReader {
 public:
  explicit ReplyReader(std::string_view message);
  bool connected() const { return connected_; }
  // False at the end, and for good at malformed bytes.
  bool Next(LightReply* reply);
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool connected_ = false;
  bool ok_ = true;
};

}  // namespace synod::cli
