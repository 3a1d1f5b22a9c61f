#include "tests/sim/sim_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::sim {
namespace {

constexpr char kData[] = "/data";

class LoaderSink : public interfaces::RecordSink {
 public:
  explicit LoaderSink(interfaces::StateLoader* loader) : loader_(loader) {}
  absl::Status Add(std::string_view key, std::string_view value) override { return loader_->Add(key, value); }

 private:
  interfaces::StateLoader* loader_;
};

}  // namespace

// A sync takes a while, and the crash may come first.
class SimServer::Syncs final : public storage::SyncRunner {
 public:
  Syncs(Executor* loop, World* world, absl::Duration max) : loop_(loop), world_(world), max_(max) {}
  void Run(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override {
    absl::Duration delay = absl::Nanoseconds(world_->random().Below(absl::ToInt64Nanoseconds(max_)) + 1);
    // Mostly fast, sometimes a stall.
    if (world_->random().OneIn(200)) delay *= 100;
    loop_->PostAfter(delay, [work = std::move(work), done = std::move(done)]() mutable { done(work()); });
  }

 private:
  Executor* const loop_;
  World* const world_;
  const absl::Duration max_;
};

SimServer::SimServer(World* world, SimNetwork* network, consensus::Invariants* invariants, EventTruth* truth,
                     ServerId id, ServerOptions options)
    : world_(world),
      network_(network),
      invariants_(invariants),
      truth_(truth),
      id_(id),
      options_(std::move(options)),
      random_(world->random().Fork()),
      disk_(std::make_unique<SimDisk>()),
      snapshot_disk_(std::make_unique<MemorySnapshotDisk>()) {}

SimServer::~SimServer() { parts_.reset(); }

absl::Status SimServer::OpenStorage(Parts& parts) {
  storage::DataDirectoryOptions options;
  options.data_dir = options.data_log_dir = kData;
  options.server = id_;
  options.reserve_bytes = 0;
  SYNOD_ASSIGN_OR_RETURN(parts.directory, storage::DataDirectory::Open(disk_.get(), options, &random_));
  parts.snapshots = std::make_unique<MemorySnapshotStore>(snapshot_disk_.get(), parts.loop.get(), random_.Fork(),
                                                          absl::Milliseconds(20));
  if (parts.directory->state() == storage::DataState::kWiped) {
    *snapshot_disk_ = MemorySnapshotDisk();
    SYNOD_RETURN_IF_ERROR(parts.directory->StartOver(&random_));
  }
  storage::SnapshotPoint point;
  point.configuration = parts.directory->founding();
  if (std::optional<interfaces::SnapshotMeta> meta = parts.snapshots->meta()) {
    point = {meta->index, meta->term, meta->configuration};
    std::unique_ptr<interfaces::StateLoader> loader = parts.state_machine->NewLoader();
    LoaderSink sink(loader.get());
    SYNOD_RETURN_IF_ERROR(parts.snapshots->Load(&sink));
    SYNOD_RETURN_IF_ERROR(loader->Finish(*meta));
    parts.state_machine->Install(std::move(loader), *meta);
  }
  storage::LogOptions log;
  log.directory = parts.directory->log_directory();
  log.segment_bytes = options_.segment_bytes;
  log.retain_bytes = options_.retain_bytes;
  SYNOD_ASSIGN_OR_RETURN(
      parts.log, storage::LogFiles::Open(disk_.get(), log, parts.directory->hard_state(), parts.syncs.get(), point));
  return absl::OkStatus();
}

node::NodeConfig SimServer::Config(const Parts& parts) const {
  node::NodeConfig config;
  config.core.self = parts.directory->identity();
  config.core.log_cache_bytes = 4 << 10;  // so that old entries are read back from the log
  config.core.append_window_bytes = 8 << 10;
  config.core.append_message_bytes = 2 << 10;
  config.seeds = options_.seeds;
  config.snapshot_every_records = options_.snapshot_every_records;
  config.snapshot_every_bytes = 32 << 10;
  config.snapshot_chunk_bytes = 512;
  config.digest_every = options_.digest_every;
  return config;
}

void SimServer::Build() {
  parts_ = std::make_unique<Parts>();
  Parts& parts = *parts_;
  parts.loop = std::make_unique<SimExecutor>(world_, &paused_);
  parts.worker = std::make_unique<SimExecutor>(world_, &paused_);
  parts.clock = std::make_unique<SimClock>(world_, absl::Seconds(1000 * id_.value()));
  parts.clock->wall_jump_ms = wall_jump_ms_;
  parts.syncs = std::make_unique<Syncs>(parts.loop.get(), world_, options_.sync_delay_max);
  statemachine::StateMachineOptions state_machine;
  state_machine.watch_window_bytes = options_.watch_window_bytes;
  state_machine.dispose = [this](statemachine::DiscardedState) { installed_ = true; };
  parts.state_machine = std::make_unique<statemachine::StateMachine>(std::move(state_machine));
  if (absl::Status status = OpenStorage(parts); !status.ok()) {
    Fail(status.ToString());
    if (!std::exchange(vanished_, false)) return;
    parts_.reset();
    disk_->Crash(&world_->random());
    return Build();
  }

  service::ServiceDependencies service;
  service.loop = parts.loop.get();
  service.clock = parts.clock.get();
  service.state_machine = parts.state_machine.get();
  service.secure_bytes = [this](size_t n) {
    std::string bytes;
    while (bytes.size() < n) bytes.push_back(static_cast<char>(random_.Next()));
    return bytes;
  };
  service::ServiceConfig config;
  config.container_idle = absl::Milliseconds(500);
  parts.service = std::make_unique<service::Service>(config, std::move(service));
  parts.observer = std::make_unique<TruthObserver>(id_, truth_, parts.service.get());
  parts.state_machine->SetObserver(parts.observer.get());
  parts.transport = std::make_unique<SimTransport>(network_, parts.loop.get());

  node::NodeDependencies deps;
  deps.loop = parts.loop.get();
  deps.worker = parts.worker.get();
  deps.clock = parts.clock.get();
  deps.random = random_.Fork();
  deps.log = parts.log.get();
  deps.snapshots = parts.snapshots.get();
  deps.transport = parts.transport.get();
  deps.state_machine = parts.state_machine.get();
  deps.observer = parts.service.get();
  deps.save_founding = [directory = parts.directory.get()](EnsembleId ensemble,
                                                           const consensus::Configuration& configuration) {
    return directory->SaveFounding(ensemble, configuration);
  };
  deps.make_raise_version = [](uint32_t version) {
    statemachine::Command command;
    command.operation = statemachine::RaiseVersionOp{version};
    return statemachine::EncodeCommand(command);
  };
  consensus::Identity identity = parts.directory->identity();
  deps.on_output = [this, identity](const consensus::Core& core, const consensus::Output& output) {
    if (std::exchange(installed_, false)) {
      ++installs_;
      invariants_->Installed(identity, parts_->state_machine->applied_index());
    }
    invariants_->Observe(identity, core, output);
  };
  deps.fatal = [this](absl::Status status) { Fail(status.ToString()); };
  node::NodeStart start;
  start.ensemble = parts.directory->ensemble();
  start.empty = start.ensemble.value() == 0;
  start.wiped = parts.directory->was_wiped();
  start.recovered = parts.log->recovered();
  repairs_needed_ += start.recovered.damaged.size();
  installed_ = false;
  invariants_->Restarted(identity, parts.state_machine->applied_index());
  parts.node = std::make_unique<node::Node>(Config(parts), std::move(deps), std::move(start));
  parts.adapter = std::make_unique<service::NodeAdapter>(parts.node.get());
  parts.service->Start(parts.adapter.get());
  parts.node->Start();
  parts.transport->Start(parts.node.get());
}

void SimServer::Start() {
  if (up() || fatal_) return;
  Build();
}

void SimServer::Crash(CrashKind kind) {
  if (!up()) return;
  storage_ = parts_->directory->identity().storage;
  parts_.reset();
  disk_->Crash(&world_->random(), kind);
  vanished_ = false;
}

void SimServer::VanishAtSync(uint64_t n) { disk_->StopAfterSyncs(n); }

void SimServer::Wipe() {
  disk_ = std::make_unique<SimDisk>();
  snapshot_disk_ = std::make_unique<MemorySnapshotDisk>();
}

bool SimServer::FlipLogBit() {
  // The records and the file each is in. One above the synced mark would be taken for torn, as the design says (D5): 10
  // ms later it is not.
  std::vector<std::pair<std::string, storage::ScannedRecord>> records;
  LogIndex mark;
  for (const std::string& path : disk_->Files(std::string(kData) + "/synod/log")) {
    std::optional<uint64_t> number = storage::ParseSegmentName(path.substr(path.rfind('/') + 1));
    if (!number) continue;
    std::vector<storage::ScannedRecord> found;
    storage::ScanRecords(disk_->Contents(path), storage::kSegmentHeaderBytes, *number, storage_, &found);
    for (storage::ScannedRecord& record : found) {
      mark = std::max(mark, record.header.synced.index);
      records.emplace_back(path, std::move(record));
    }
  }
  std::erase_if(records, [&](const auto& item) {
    return item.second.header.kind != storage::RecordKind::kEntry || item.second.header.index > mark;
  });
  if (records.empty()) return false;
  // Mostly near the end, where few hold the entry.
  Random& random = world_->random();
  size_t last = random.OneIn(3) ? records.size() : std::min<size_t>(records.size(), 8);
  const auto& [path, record] = records[records.size() - 1 - random.Below(last)];
  disk_->FlipBit(path, record.offset + random.Below(record.end() - record.offset), static_cast<int>(random.Below(8)));
  return true;
}

void SimServer::JumpWallClock(int64_t ms) {
  wall_jump_ms_ += ms;
  if (up()) parts_->clock->wall_jump_ms = wall_jump_ms_;
}

std::optional<Endpoint> SimServer::endpoint() {
  if (!up() || fatal_) return std::nullopt;
  return Endpoint{parts_->service.get(), parts_->loop.get(), parts_->token};
}

void SimServer::Fail(const std::string& why) {
  if (absl::StrContains(why, "the process is gone")) {
    vanished_ = true;
    return;
  }
  if (!fatal_) fatal_ = absl::StrCat("server ", id_.value(), ": ", why);
}

}  // namespace synod::sim
