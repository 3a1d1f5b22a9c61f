#include "tests/sim/sim_network.h"

#include <algorithm>

namespace synod::sim {
namespace {

constexpr absl::Duration kReconnect = absl::Milliseconds(10);

bool KeepsOrder(const interfaces::PeerMessage& message) {
  return std::holds_alternative<interfaces::Forward>(message) ||
         std::holds_alternative<interfaces::ForwardCredit>(message) ||
         std::holds_alternative<interfaces::ServiceMessage>(message);
}

bool MayMeet(const interfaces::PeerHello& a, const interfaces::PeerHello& b) {
  return a.ensemble == b.ensemble || a.ensemble.value() == 0 || b.ensemble.value() == 0;
}

}  // namespace

void SimTransport::SetHello(const interfaces::PeerHello& hello) {
  bool anew = hello.identity != hello_.identity || hello.ensemble != hello_.ensemble;
  hello_ = hello;
  if (anew && listener_ != nullptr) network_->HelloChanged(this);
}

void SimNetwork::Attach(SimTransport* transport) {
  servers_[transport->hello_.identity.server] = transport;
  for (const auto& [server, other] : servers_) TryConnect(transport->hello_.identity.server, server);
}

void SimNetwork::Detach(SimTransport* transport) {
  ServerId self = transport->hello_.identity.server;
  auto it = servers_.find(self);
  if (it == servers_.end() || it->second != transport) return;
  servers_.erase(it);
  for (const auto& [server, other] : servers_) Drop(self, server);
}

void SimNetwork::HelloChanged(SimTransport* transport) {
  ServerId self = transport->hello_.identity.server;
  for (const auto& [server, other] : servers_) {
    if (server == self) continue;
    Drop(self, server);
    TryConnect(self, server);
  }
}

void SimNetwork::TryConnect(ServerId a, ServerId b) {
  if (a == b) return;
  world_->At(Delay() + absl::Microseconds(world_->random().Below(10000)), [this, a, b] { Connect(a, b); });
}

void SimNetwork::Connect(ServerId a, ServerId b) {
  Link& link = links_[Key(a, b)];
  auto left = servers_.find(a), right = servers_.find(b);
  if (link.up || left == servers_.end() || right == servers_.end()) return;
  if (Blocked(a, b) || Blocked(b, a) || !MayMeet(left->second->hello_, right->second->hello_)) {
    world_->At(kReconnect, [this, a, b] { Connect(a, b); });
    return;
  }
  link.up = true;
  link.lost_ordered = false;
  ++link.epoch;
  link.last_ordered[0] = link.last_ordered[1] = world_->now();
  auto tell = [this](SimTransport* to, SimTransport* of) {
    to->loop_->Post([to, hello = of->hello_] { to->listener_->OnPeerUp(hello); });
  };
  tell(left->second, right->second);
  tell(right->second, left->second);
}

void SimNetwork::Drop(ServerId a, ServerId b) {
  Link& link = links_[Key(a, b)];
  if (!link.up) return;
  link.up = false;
  ++link.epoch;
  auto tell = [this](ServerId to, ServerId of) {
    auto it = servers_.find(to);
    if (it == servers_.end()) return;
    SimTransport* transport = it->second;
    transport->loop_->Post([transport, of] { transport->listener_->OnPeerDown(of); });
  };
  tell(a, b);
  tell(b, a);
}

void SimNetwork::Block(ServerId from, ServerId to) {
  blocked_.insert({from, to});
  // A silent link is noticed late or, if it heals first, not at all.
  uint64_t epoch = links_[Key(from, to)].epoch;
  world_->At(absl::Milliseconds(world_->random().Between(20, 3000)), [this, from, to, epoch] {
    if ((Blocked(from, to) || Blocked(to, from)) && links_[Key(from, to)].epoch == epoch) {
      Drop(from, to);
      TryConnect(from, to);
    }
  });
}

void SimNetwork::HealAll() {
  blocked_.clear();
  for (auto& [pair, link] : links_) {
    if (link.up && link.lost_ordered) Reset(pair.first, pair.second);
  }
}

void SimNetwork::Reset(ServerId a, ServerId b) {
  Drop(a, b);
  TryConnect(a, b);
}

absl::Duration SimNetwork::Delay() {
  int64_t low = absl::ToInt64Nanoseconds(faults.delay_min), high = absl::ToInt64Nanoseconds(faults.delay_max);
  return absl::Nanoseconds(world_->random().Between(low, high));
}

void SimNetwork::Send(SimTransport* from, ServerId to, interfaces::PeerMessage message) {
  ServerId self = from->hello_.identity.server;
  Link& link = links_[Key(self, to)];
  if (!link.up || Blocked(self, to)) {
    ++dropped_;
    link.lost_ordered |= KeepsOrder(message);
    return;
  }
  Random& random = world_->random();
  absl::Duration delay = Delay();
  if (KeepsOrder(message)) {
    absl::Duration& last = link.last_ordered[self < to ? 0 : 1];
    last = std::max(last, world_->now() + delay);
    Deliver(last - world_->now(), link.epoch, from->hello_.identity, to, std::move(message));
    return;
  }
  // In order too, as on one connection, unless the weather is bad: a receiver that misses a chunk waits for the next
  // offer.
  if (std::holds_alternative<interfaces::SnapshotData>(message)) {
    absl::Duration& last = link.last_chunk[self < to ? 0 : 1];
    last = std::max(last, world_->now() + delay);
    delay = last - world_->now();
  }
  if (random.Below(1000) < faults.loss_per_mille) {
    ++dropped_;
    return;
  }
  if (random.Below(1000) < faults.reorder_per_mille) {
    delay += absl::Nanoseconds(random.Below(absl::ToInt64Nanoseconds(faults.reorder_max)));
  }
  if (random.Below(1000) < faults.duplicate_per_mille) {
    Deliver(delay + absl::Nanoseconds(random.Below(absl::ToInt64Nanoseconds(faults.reorder_max))), link.epoch,
            from->hello_.identity, to, message);
  }
  Deliver(delay, link.epoch, from->hello_.identity, to, std::move(message));
}

void SimNetwork::Deliver(absl::Duration delay, uint64_t epoch, consensus::Identity from, ServerId to,
                         interfaces::PeerMessage message) {
  world_->At(delay, [this, epoch, from, to, message = std::move(message)]() mutable {
    auto it = servers_.find(to);
    Link& link = links_[Key(from.server, to)];
    if (it == servers_.end() || link.epoch != epoch || Blocked(from.server, to)) {
      ++dropped_;
      if (link.epoch == epoch) link.lost_ordered |= KeepsOrder(message);
      return;
    }
    SimTransport* transport = it->second;
    transport->loop_->Post([transport, from, message = std::move(message)]() mutable {
      transport->listener_->OnPeerMessage(from, std::move(message));
    });
  });
}

}  // namespace synod::sim
