// Frames of a client become requests of the service. Pure: bytes in, values out; no socket, no state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/frontdoor/zookeeper/protocol.h"
#include "coordinator/service/request.h"

namespace synod::frontdoor::zookeeper {

// Section 2.1.
struct ConnectFrame {
  service::ConnectRequest request;
  bool has_read_only = false;  // the byte was there; the answer then has it too
};
// nullopt: it is none (the connection is closed without a word). Lengths of the password other than 16 are taken for a
// new session and fail the comparison for another.
std::optional<ConnectFrame> DecodeConnect(std::string_view payload);

// What the door has to remember of a request to answer it, besides its xid. Replies come in the order of the requests.
struct Shape {
  int32_t xid = 0;
  OpCode op = OpCode::kError;  // as sent; a number that nobody knows stays as it came
  // Rare: one of these, else nullptr.
  struct More {
    std::optional<std::string> path;  // sync: echoed, null too
    // Multi and multiRead: what each operation is answered as (12.3). A create whose flag makes a container of it is a
    // createContainer.
    std::vector<OpCode> parts;
    // Known at once; the request goes through the session's queue only for the order (section 3). Overrides what the
    // service says.
    std::optional<ErrorNumber> answer;
    bool close_after = false;  // unknown operations (section 4)
  };
  std::unique_ptr<More> more;
};

// What to do with a frame.
struct DecodedRequest {
  enum class Kind : uint8_t {
    kRequest,  // for Service::Submit
    kPing,     // for Service::Ping; answered with xid -2 whatever it came with
  };
  Kind kind = Kind::kRequest;
  Shape shape;
  service::Operation operation;
};

// Never fails: what cannot be made sense of becomes service::Unintelligible with the error of sections 8.2, 9, 10, 12.1
// and 13.6 in shape.more->answer, at its place in the order. What the section gives a domain error (a bad path, flags
// that no create has) is that error; what does not decode is kMarshallingError; an unknown operation, or 0, 13, 20 and
// -10 sent alone, is kUnimplemented with close_after. Reconfig that decodes is kReconfigDisabled; SASL is answered with
// a null token and no error, as by a ZooKeeper server without JAAS. Bytes behind a record are ignored, as ZooKeeper
// does. A frame shorter than a header is nullopt: the connection is closed.
std::optional<DecodedRequest> DecodeRequest(std::string_view payload);

}  // namespace synod::frontdoor::zookeeper
