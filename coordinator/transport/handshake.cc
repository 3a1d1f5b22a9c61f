#include "coordinator/transport/handshake.h"

#include "absl/strings/str_cat.h"

namespace synod::transport {

absl::Status CheckHandshake(const HandshakeView& view, const Handshake& handshake) {
  const interfaces::PeerHello& own = view.own;
  const interfaces::PeerHello& peer = handshake.hello;
  const uint32_t own_id = own.identity.server.value();
  const uint32_t peer_id = peer.identity.server.value();
  if (peer.identity == own.identity) {
    return absl::PermissionDeniedError(
        absl::StrCat("server ", own_id, " was connected to itself: check the addresses"));
  }
  if (peer_id == own_id) return absl::PermissionDeniedError(absl::StrCat("two servers have the id ", own_id));
  if (handshake.to != own.identity.server) {
    return absl::PermissionDeniedError(
        absl::StrCat("server ", peer_id, " looked for server ", handshake.to.value(), " and found server ", own_id));
  }
  if (view.expected != ServerId(0) && peer.identity.server != view.expected) {
    return absl::PermissionDeniedError(
        absl::StrCat("server ", own_id, " looked for server ", view.expected.value(), " and found server ", peer_id));
  }
  if (!view.sender_known)
    return absl::PermissionDeniedError(absl::StrCat("server ", own_id, " knows no server ", peer_id));
  if (peer.identity.storage == StorageId(0))
    return absl::PermissionDeniedError(absl::StrCat("server ", peer_id, " has no storage id"));
  if (own.ensemble != EnsembleId(0) && peer.ensemble != EnsembleId(0) && own.ensemble != peer.ensemble) {
    return absl::PermissionDeniedError(absl::StrCat("server ", peer_id, " belongs to ensemble ",
                                                    absl::Hex(peer.ensemble.value()), ", server ", own_id,
                                                    " to ensemble ", absl::Hex(own.ensemble.value())));
  }
  return absl::OkStatus();
}

bool Replaces(const ConnectionOrigin& fresh, const ConnectionOrigin& old) {
  if (fresh.peer != old.peer || fresh.incarnation != old.incarnation) return true;
  return fresh.dialled_by_higher || !old.dialled_by_higher;
}

}  // namespace synod::transport
