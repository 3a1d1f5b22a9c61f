// One simulated server: disks that outlive it, and the parts of a real one put together anew at each start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coordinator/consensus/invariants.h"
#include "coordinator/node/node.h"
#include "coordinator/service/node_adapter.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/log_files.h"
#include "tests/sim/event_truth.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/world.h"
#include "tests/support/memory_snapshot_store.h"
#include "tests/support/sim_file.h"

namespace synod::sim {

struct ServerOptions {
  std::vector<node::Seed> seeds;
  absl::Duration sync_delay_max = absl::Milliseconds(2);
  uint64_t segment_bytes = 64 << 10;
  uint64_t retain_bytes = 8 << 10;
  uint64_t snapshot_every_records = 60;
  uint64_t digest_every = 16;
  size_t watch_window_bytes = 1 << 20;
};

class SimServer {
 public:
  // `invariants` sees every Output of every incarnation, `truth` all that is applied.
  SimServer(World* world, SimNetwork* network, consensus::Invariants* invariants, EventTruth* truth, ServerId id,
            ServerOptions options);
  ~SimServer();

  void Start();
  // Power off: what was not synced is torn or lost.
  void Crash(CrashKind kind = CrashKind::kAny);
  // The process is gone at the n-th sync from now, in the middle of what it makes durable; down or up. Crash is to
  // follow when vanished().
  void VanishAtSync(uint64_t n);
  bool vanished() const { return vanished_; }
  // The disks are replaced by empty ones. REQUIRES crashed.
  void Wipe();
  // Rot in what is on the disk of a crashed server: one bit of one record below the synced mark.
  // False if there is none.
  bool FlipLogBit();
  void SetPaused(bool paused) { paused_ = paused; }
  void JumpWallClock(int64_t ms);

  bool up() const { return parts_ != nullptr; }
  bool paused() const { return paused_; }
  ServerId id() const { return id_; }
  node::Node* node() { return parts_ ? parts_->node.get() : nullptr; }
  statemachine::StateMachine* state_machine() { return parts_ ? parts_->state_machine.get() : nullptr; }
  std::optional<Endpoint> endpoint();
  std::weak_ptr<void> incarnation() const {
    return parts_ ? std::weak_ptr<void>(parts_->token) : std::weak_ptr<void>();
  }
  uint64_t repairs_needed() const { return repairs_needed_; }
  uint64_t installs() const { return installs_; }
  // A fatal stop (D12, D13) that no injected fault explains.
  const std::optional<std::string>& fatal() const { return fatal_; }

 private:
  class Syncs;
  // Torn down in the reverse order.
  struct Parts {
    std::shared_ptr<int> token = std::make_shared<int>(0);
    std::unique_ptr<SimExecutor> loop;
    std::unique_ptr<SimExecutor> worker;
    std::unique_ptr<SimClock> clock;
    std::unique_ptr<storage::SyncRunner> syncs;
    std::unique_ptr<storage::DataDirectory> directory;
    std::unique_ptr<MemorySnapshotStore> snapshots;
    std::unique_ptr<storage::LogFiles> log;
    std::unique_ptr<statemachine::StateMachine> state_machine;
    std::unique_ptr<service::Service> service;
    std::unique_ptr<TruthObserver> observer;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<node::Node> node;
    std::unique_ptr<service::NodeAdapter> adapter;
  };

  void Build();
  absl::Status OpenStorage(Parts& parts);
  node::NodeConfig Config(const Parts& parts) const;
  void Fail(const std::string& why);

  World* const world_;
  SimNetwork* const network_;
  consensus::Invariants* const invariants_;
  EventTruth* const truth_;
  const ServerId id_;
  const ServerOptions options_;
  Random random_;
  std::unique_ptr<SimDisk> disk_;
  std::unique_ptr<MemorySnapshotDisk> snapshot_disk_;
  bool vanished_ = false;
  std::unique_ptr<Parts> parts_;
  StorageId storage_;  // of the incarnation that crashed last
  bool paused_ = false;
  bool installed_ = false;  // a snapshot went live since the last Output
  int64_t wall_jump_ms_ = 0;
  uint64_t repairs_needed_ = 0;
  uint64_t installs_ = 0;
  std::optional<std::string> fatal_;
};

}  // namespace synod::sim
