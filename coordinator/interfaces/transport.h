// Messages between the servers of an ensemble. Lossy by contract: a message may vanish with its connection.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "coordinator/consensus/message.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace synod::interfaces {

// Commands that clients of the sender's gave it, for the leader to log (S2). Each is an encoded statemachine::Command.
struct Forward {
  Term term;  // of the leader the sender believes in; the receiver drops it if it does not lead in that term
  std::vector<std::string> commands;
};
// L11: how many more bytes of Forward the receiver may send in `term`.
struct ForwardCredit {
  Term term;
  uint64_t bytes = 0;
};
// Anything the services of two servers tell each other (session liveness and its acknowledgement), opaque to the node.
struct ServiceMessage {
  std::string bytes;
};
// D6: asks any peer for the record at (index, term), or for news of a snapshot that covers it.
struct RepairRequest {
  LogIndex index;
  Term term;
};
struct RepairReply {
  LogIndex index;
  bool found = false;
  consensus::Entry entry;   // if found
  LogIndex snapshot_index;  // the replier's own snapshot; it can be asked for if it covers the index
};
// D9: sender to receiver: I will send the snapshot `id`; receiver answers from which chunk.
struct SnapshotOffer {
  uint64_t id = 0;  // the sender's storage id mixed with the index: the same sender and id mean the same bytes (resume)
  Term term;        // the sender's; a receiver in a later term ignores it
  SnapshotMeta meta;
};
struct SnapshotData {
  uint64_t id = 0;
  SnapshotChunk chunk;
};
struct SnapshotProgress {
  uint64_t id = 0;
  uint64_t next_chunk = 0;  // everything before is kept
  enum class State : uint8_t { kReceiving, kInstalled, kRefused } state = State::kReceiving;
};
// A snapshot is wanted for repair, from whoever has one at or above `index` (D6).
struct SnapshotRequest {
  LogIndex index;
};
// D13: the state's digest after the commands of `index`.
struct DigestReport {
  LogIndex index;
  uint64_t digest = 0;
  uint32_t digest_version = 0;
  uint32_t state_machine_version_known = 0;  // the highest the sender's code knows (L6)
};

using PeerMessage = std::variant<consensus::Message, Forward, ForwardCredit, ServiceMessage, RepairRequest, RepairReply,
                                 SnapshotOffer, SnapshotData, SnapshotProgress, SnapshotRequest, DigestReport>;

// What a server says of itself in the handshake (and while no ensemble exists, D10).
struct PeerHello {
  consensus::Identity identity;
  EnsembleId ensemble;  // 0: has joined none
  bool empty = true;    // no hard state, log or snapshot of any ensemble
  // Hash over the sorted (server id, role) list of its configuration file, to refuse forming from different files.
  uint64_t seed_hash = 0;
  std::string address;  // its host:peerPort as configured
  // The configuration in force at the sender (empty: none), so that a founding member that crashed before it wrote
  // anything finds itself in it and forms the same ensemble.
  consensus::Configuration configuration;
};

// Told by the transport, on the loop.
class TransportListener {
 public:
  virtual ~TransportListener() = default;
  // The connection to and from `hello.identity` is up and authenticated as far as configured. Hello of the same peer
  // again replaces the old.
  virtual void OnPeerUp(const PeerHello& hello) = 0;
  // The peer's connection closed (EOF, reset) or its heartbeat on the wire timed out. Prompt: L10's fast election
  // depends on it.
  virtual void OnPeerDown(ServerId peer) = 0;
  // `from` is the identity of the handshake, never of the payload.
  virtual void OnPeerMessage(const consensus::Identity& from, PeerMessage message) = 0;
};

// Loop thread only.
class Transport {
 public:
  virtual ~Transport() = default;
  // Queues for sending; all that one turn of the loop queued to a peer leaves in one write. Dropped if the peer is
  // down. Consensus messages, acknowledgements and votes never wait behind Forward or SnapshotData (L11).
  virtual void Send(ServerId to, PeerMessage message) = 0;
  // What later handshakes say; open connections are closed and made anew if identity or ensemble changed.
  virtual void SetHello(const PeerHello& hello) = 0;
  // Where to find the peers, from the file and later from the configuration.
  virtual void SetPeers(const std::vector<std::pair<ServerId, std::string>>& addresses) = 0;
  // Bytes queued to `to` and not yet handed to the kernel, for snapshot pacing.
  virtual size_t QueuedBytes(ServerId to) const = 0;
};

}  // namespace synod::interfaces
