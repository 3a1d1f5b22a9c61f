// Who may talk to whom (D10, R25). Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "coordinator/transport/message_codec.h"

namespace synod::transport {

// What the receiver of a handshake knows.
struct HandshakeView {
  interfaces::PeerHello own;
  ServerId expected;          // whom we dialled; 0: we were dialled
  bool sender_known = false;  // the sender's server id is in the list of peers
};

// OK, or PermissionDenied with a reason that tells both operators what is wrong: a loop to ourselves, another server
// than the one meant, a server not in the list, two ensembles. An ensemble of 0 on either side is fine: formation and
// guests (D10) need to hear it.
absl::Status CheckHandshake(const HandshakeView& view, const Handshake& handshake);

// Two connections of one pair are up: does the new one replace the old? A restarted peer's does, and a second one from
// whoever made the first; of two that crossed, the one dialled by the higher id stays. Both ends come to the same
// answer.
struct ConnectionOrigin {
  consensus::Identity peer;
  uint64_t incarnation = 0;
  bool dialled_by_higher = false;
};
bool Replaces(const ConnectionOrigin& fresh, const ConnectionOrigin& old);

}  // namespace synod::transport
