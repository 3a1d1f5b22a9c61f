// The network between simulated servers. Consensus, snapshot, repair and digest messages may be lost, delayed,
// duplicated and reordered at will; forwards and service messages keep TCP's promise: in order, and lost only with
// their connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/interfaces/transport.h"
#include "tests/sim/world.h"

namespace synod::sim {

struct NetworkFaults {
  uint32_t loss_per_mille = 0;
  uint32_t duplicate_per_mille = 0;
  uint32_t reorder_per_mille = 0;  // gets up to `reorder_max` more delay
  absl::Duration delay_min = absl::Microseconds(50);
  absl::Duration delay_max = absl::Microseconds(500);
  absl::Duration reorder_max = absl::Milliseconds(50);
};

class SimTransport;

// One per world.
class SimNetwork {
 public:
  explicit SimNetwork(World* world) : world_(world) {}
  NetworkFaults faults;

  // Messages from a to b vanish; the connection is noticed as down by each end at some later time. Both directions are
  // blocked by two calls.
  void Block(ServerId from, ServerId to);
  void HealAll();
  bool Blocked(ServerId from, ServerId to) const { return blocked_.contains({from, to}); }
  // The connection between the two is reset now, at both ends.
  void Reset(ServerId a, ServerId b);
  uint64_t messages_dropped() const { return dropped_; }

 private:
  friend class SimTransport;
  struct Link {
    uint64_t epoch = 0;  // of the connection; messages of an older one are lost
    bool up = false;
    bool lost_ordered = false;       // TCP would not go on after that: the connection breaks when the block is lifted
    absl::Duration last_ordered[2];  // arrival of the last message that keeps order, per direction
    absl::Duration last_chunk[2];    // of a snapshot, likewise
  };
  using Pair = std::pair<ServerId, ServerId>;
  static Pair Key(ServerId a, ServerId b) { return a < b ? Pair(a, b) : Pair(b, a); }

  void Attach(SimTransport* transport);
  void Detach(SimTransport* transport);
  void HelloChanged(SimTransport* transport);
  void TryConnect(ServerId a, ServerId b);
  void Connect(ServerId a, ServerId b);
  void Drop(ServerId a, ServerId b);
  void Send(SimTransport* from, ServerId to, interfaces::PeerMessage message);
  void Deliver(absl::Duration delay, uint64_t epoch, consensus::Identity from, ServerId to,
               interfaces::PeerMessage message);
  absl::Duration Delay();

  World* const world_;
  std::map<ServerId, SimTransport*> servers_;
  std::map<Pair, Link> links_;
  std::set<Pair> blocked_;
  uint64_t dropped_ = 0;
};

// One incarnation's. Detaching (the destructor) is the crash.
class SimTransport final : public interfaces::Transport {
 public:
  SimTransport(SimNetwork* network, Executor* loop) : network_(network), loop_(loop) {}
  ~SimTransport() override { network_->Detach(this); }
  void Start(interfaces::TransportListener* listener) {
    listener_ = listener;
    network_->Attach(this);
  }
  void Send(ServerId to, interfaces::PeerMessage message) override { network_->Send(this, to, std::move(message)); }
  void SetHello(const interfaces::PeerHello& hello) override;
  void SetPeers(const std::vector<std::pair<ServerId, std::string>>&) override {}
  size_t QueuedBytes(ServerId) const override { return 0; }

 private:
  friend class SimNetwork;
  SimNetwork* const network_;
  Executor* const loop_;
  interfaces::TransportListener* listener_ = nullptr;
  interfaces::PeerHello hello_;
};

}  // namespace synod::sim
