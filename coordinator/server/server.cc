#include "coordinator/server/server.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/base/system_clock.h"
#include "coordinator/base/system_random.h"
#include "coordinator/frontdoor/admin/slow_log.h"
#include "coordinator/node/node.h"
#include "coordinator/server/disk.h"
#include "coordinator/server/doors.h"
#include "coordinator/server/ports.h"
#include "coordinator/server/process_info.h"
#include "coordinator/server/server_facts.h"
#include "coordinator/server/worker_thread.h"
#include "coordinator/service/node_adapter.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/settings.h"
#include "coordinator/storage/log_sync_thread.h"
#include "coordinator/storage/posix_file.h"
#include "coordinator/transport/loop.h"
#include "coordinator/transport/peer_transport.h"

namespace synod::server {
namespace {

constexpr absl::Duration kReadyInterval = absl::Milliseconds(100);
constexpr absl::Duration kFirstReadyInterval = absl::Milliseconds(5);
constexpr absl::Duration kDiskInterval = absl::Seconds(1);
constexpr absl::Duration kMemoryInterval = absl::Seconds(5);
constexpr absl::Duration kDiskUseInterval = absl::Seconds(5);
constexpr absl::Duration kStreamsEndWithin = absl::Seconds(1);
constexpr absl::Duration kStreamsInterval = absl::Milliseconds(5);
constexpr absl::Duration kLeftovers = absl::Milliseconds(20);  // longer than any timer that holds a part of a snapshot

// The transport of a server without peers.
class NoPeers final : public interfaces::Transport {
 public:
  void Send(ServerId, interfaces::PeerMessage) override {}
  void SetHello(const interfaces::PeerHello&) override {}
  void SetPeers(const std::vector<std::pair<ServerId, std::string>>&) override {}
  size_t QueuedBytes(ServerId) const override { return 0; }
};

uint32_t Ticks(absl::Duration duration, absl::Duration tick) {
  return static_cast<uint32_t>(std::max<int64_t>(
      absl::ToInt64Nanoseconds(duration + tick - absl::Nanoseconds(1)) / absl::ToInt64Nanoseconds(tick), 1));
}

std::string SecureBytes(size_t n) {
  std::string bytes;
  while (bytes.size() < n) {
    uint64_t word = SystemRandom();
    bytes.append(reinterpret_cast<const char*>(&word), std::min(sizeof word, n - bytes.size()));
  }
  return bytes;
}

node::NodeConfig NodeConfigOf(const ServerConfig& config, const consensus::Identity& self) {
  node::NodeConfig out;
  out.core.self = self;
  out.core.election_ticks_min = Ticks(config.election_timeout_min, out.tick);
  out.core.election_ticks_max = std::max(Ticks(config.election_timeout_max, out.tick), out.core.election_ticks_min + 1);
  // A short election timeout needs heartbeats that keep within it, several of them.
  out.core.heartbeat_ticks = std::clamp<uint32_t>(out.core.election_ticks_min / 4, 1, out.core.heartbeat_ticks);
  out.seeds = config.seeds;
  for (const node::Seed& seed : config.seeds) {
    if (seed.server == config.id) out.address = seed.address;
  }
  out.core.log_cache_bytes = config.log_cache_bytes;
  out.form_without_peers = config.form_without_peers;
  out.snapshot_every_bytes = config.snapshot_every_bytes;
  out.snapshot_every_records = config.snapshot_every_records;
  out.memory_limit_bytes = config.memory_limit_bytes;
  return out;
}

// What the file does not say is the default, written as the empty value.
std::vector<std::pair<std::string, std::string>> SettingsOf(const ServerConfig& config) {
  auto text = [](std::optional<bool> flag) { return std::string(!flag ? "" : *flag ? "yes" : "no"); };
  return {{std::string(statemachine::kSuperDigestSetting), config.super_digest},
          {std::string(statemachine::kSkipAclSetting), text(config.skip_acl)},
          {std::string(statemachine::kEnforceQuotaSetting), text(config.enforce_quota)},
          {std::string(statemachine::kExtendedTypesSetting), text(config.extended_types)},
          {std::string(statemachine::kMembershipSetting), config.membership}};
}

// datadir.autocreate
absl::Status CheckDirectories(const ServerConfig& config) {
  if (config.make_directories) return absl::OkStatus();
  for (const std::string& directory : {config.data_dir, config.data_log_dir}) {
    std::error_code error;
    if (std::filesystem::is_directory(directory, error)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(directory, " is no directory, and datadir.autocreate says that none is made"));
  }
  return absl::OkStatus();
}

service::ServiceConfig ServiceConfigOf(const ServerConfig& config) {
  service::ServiceConfig out;
  out.session_timeout_min = config.session_timeout_min;
  out.session_timeout_max = config.session_timeout_max;
  out.max_data_bytes = config.max_data_bytes;
  out.max_connections = config.max_connections == 0 ? std::numeric_limits<uint32_t>::max() : config.max_connections;
  out.max_outstanding = config.max_outstanding;
  out.read_only_mode = config.read_only_mode;
  out.slow_operation = config.slow_operation;
  out.container_idle = config.container_idle;
  out.removals_per_minute = config.removals_per_minute;
  out.settings = SettingsOf(config);
  return out;
}

}  // namespace

// Members stand in the order in which they need each other; the destructor takes them down in the reverse order, by
// hand where tasks in flight hold on to parts.
struct Server::Impl {
  Impl(const ServerConfig& server_config, ServerHooks server_hooks)
      : config(server_config), hooks(std::move(server_hooks)) {
    if (!hooks.fatal) hooks.fatal = [](absl::Status why) { EndProcess(why); };
  }

  ~Impl() {
    alive.reset();
    if (leaving.joinable()) leaving.join();
    doors.reset();
    node.reset();
    transport.reset();
    no_peers.reset();
    service.reset();
    worker.Stop();
    if (ran) {
      // What the worker and the log's thread posted last holds snapshots under construction, which must go before their
      // store.
      loop.context().restart();
      loop.context().run_for(absl::ToChronoNanoseconds(kLeftovers));
    }
  }

  bool alone() const { return config.seeds.size() == 1; }

  absl::Status Build();
  void BuildService();
  void BuildNode();
  absl::Status Listen();
  frontdoor::ProcessInfo Process() const;
  frontdoor::AdminProcess AdminProcess() const;
  frontdoor::commands::ProcessFacts CommandProcess() const;
  uint64_t UptimeMs() const { return static_cast<uint64_t>(absl::ToInt64Milliseconds(clock.Monotonic() - started)); }
  void RefreshDiskUse();
  template <typename Function>
  void Every(absl::Duration interval, Function function);
  void ShowReady();
  void CheckDisk();
  void Leave();
  void LeaveDoors();
  void EndLoop(absl::Duration deadline);

  const ServerConfig config;
  ServerHooks hooks;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  SystemClock clock;
  const absl::Duration started = clock.Monotonic();
  Random random{SystemRandom()};
  storage::PosixFileSystem fs;
  frontdoor::SlowLog slow;
  transport::Loop loop;
  service::LatencyStats sync_times;
  storage::LogSyncThread syncs{&loop, [this](absl::Duration took) { sync_times.Add(took); }};
  WorkerThread worker;
  Disk disk;
  std::unique_ptr<service::Service> service;
  std::unique_ptr<transport::PeerTransport> transport;
  std::unique_ptr<NoPeers> no_peers;
  std::unique_ptr<node::Node> node;
  std::unique_ptr<service::NodeAdapter> adapter;
  DiskUse disk_use;  // of some seconds ago
  std::unique_ptr<Doors> doors;
  std::thread leaving;  // waits for the doors' threads, which need the loop to run
  bool ran = false;
  bool stopping = false;
  std::optional<bool> ready_shown;
  bool disk_low = false;
  bool reserve_failed = false;
};

absl::Status Server::Impl::Build() {
  SYNOD_RETURN_IF_ERROR(CheckDirectories(config));
  // Long before they are listened at: to form a data directory takes a while, and must not be done for nothing.
  SYNOD_RETURN_IF_ERROR(CheckPorts(config));
  DiskDependencies deps;
  deps.fs = &fs;
  deps.loop = &loop;
  deps.syncs = &syncs;
  deps.random = &random;
  deps.dispose = [this](statemachine::DiscardedState state) { worker.Post([old = std::move(state)] {}); };
  SYNOD_ASSIGN_OR_RETURN(disk, OpenDisk(config, deps));
  BuildService();
  BuildNode();
  adapter = std::make_unique<service::NodeAdapter>(node.get());
  service->Start(adapter.get());
  CheckDisk();
  // Before the node starts, which may form an ensemble: a port that is taken leaves none behind. Nothing that comes in
  // is looked at until the loop runs.
  SYNOD_RETURN_IF_ERROR(Listen());
  node->Start();
  return absl::OkStatus();
}

void Server::Impl::BuildService() {
  service::ServiceDependencies deps;
  deps.loop = &loop;
  deps.clock = &clock;
  deps.state_machine = disk.state_machine.get();
  deps.secure_bytes = SecureBytes;
  deps.on_slow_operation = [this](const service::SlowOperation& operation) { slow.Add(clock.WallMillis(), operation); };
  service = std::make_unique<service::Service>(ServiceConfigOf(config), std::move(deps));
  disk.state_machine->SetObserver(service.get());
}

void Server::Impl::BuildNode() {
  interfaces::PeerHello hello;
  hello.identity = disk.directory->identity();
  if (alone()) {
    no_peers = std::make_unique<NoPeers>();
  } else {
    transport::PeerTransportOptions options;
    options.listen_address = HostPort(config.peer_listen_address, config.peer_port);
    transport = std::make_unique<transport::PeerTransport>(&loop, &clock, random.Fork(), options, hello);
  }
  node::NodeDependencies deps;
  deps.loop = &loop;
  deps.worker = &worker;
  deps.clock = &clock;
  deps.random = random.Fork();
  deps.log = disk.log.get();
  deps.snapshots = disk.snapshots.get();
  deps.transport = alone() ? static_cast<interfaces::Transport*>(no_peers.get()) : transport.get();
  deps.state_machine = disk.state_machine.get();
  deps.observer = service.get();
  deps.save_founding = [this](EnsembleId ensemble, const consensus::Configuration& configuration) {
    SYNOD_RETURN_IF_ERROR(disk.directory->SaveFounding(ensemble, configuration));
    return disk.snapshots->SetEnsemble(ensemble);
  };
  deps.make_raise_version = [](uint32_t version) {
    statemachine::Command command;
    command.operation = statemachine::RaiseVersionOp{version};
    return statemachine::EncodeCommand(command);
  };
  deps.fatal = [this](absl::Status why) { hooks.fatal(std::move(why)); };
  node::NodeStart start;
  start.ensemble = disk.directory->ensemble();
  start.empty = start.ensemble.value() == 0;
  start.wiped = disk.directory->was_wiped();
  start.recovered = disk.log->recovered();
  node = std::make_unique<node::Node>(NodeConfigOf(config, hello.identity), std::move(deps), std::move(start));
}

absl::Status Server::Impl::Listen() {
  if (transport != nullptr) {
    absl::Status status = transport->Start(node.get());
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat("peer port: ", status.message()));
  }
  DoorsDependencies deps;
  deps.loop = &loop;
  deps.service = service.get();
  deps.clock = &clock;
  deps.slow = &slow;
  deps.grpc_process = [this] { return Process(); };
  deps.admin_process = [this] { return AdminProcess(); };
  deps.command_process = [this] { return CommandProcess(); };
  disk_use = ReadDiskUse(disk.directory->snapshot_directory(), disk.directory->log_directory());
  SYNOD_ASSIGN_OR_RETURN(doors, Doors::Open(config, std::move(deps)));
  ShowReady();
  Every(kDiskInterval, [this] { CheckDisk(); });
  Every(kMemoryInterval, [this] { worker.Post([] { ReturnFreedMemory(); }); });
  Every(kDiskUseInterval, [this] { RefreshDiskUse(); });
  return absl::OkStatus();
}

frontdoor::ProcessInfo Server::Impl::Process() const {
  ProcessUse use = ReadProcessUse();
  frontdoor::ProcessInfo info;
  info.version = kVersion;
  info.storage = disk.directory->identity().storage;
  info.uptime = clock.Monotonic() - started;
  info.cpu_us = use.cpu_us;
  info.resident_bytes = use.resident_bytes;
  return info;
}

frontdoor::AdminProcess Server::Impl::AdminProcess() const {
  ProcessUse use = ReadProcessUse();
  frontdoor::AdminProcess info;
  info.version = kVersion;
  info.uptime_ms = UptimeMs();
  info.cpu_us = use.cpu_us;
  info.resident_bytes = use.resident_bytes;
  info.open_files = use.open_files;
  info.max_files = use.max_files;
  return info;
}

frontdoor::commands::ProcessFacts Server::Impl::CommandProcess() const {
  frontdoor::commands::ProcessFacts facts = ProcessFactsOf(disk_use, UptimeMs());
  facts.sync_times = sync_times;
  return facts;
}

// A walk through directories is nothing for the loop.
void Server::Impl::RefreshDiskUse() {
  worker.Post([this, snapshots = disk.directory->snapshot_directory(), log = disk.directory->log_directory()] {
    DiskUse use = ReadDiskUse(snapshots, log);
    loop.Post([this, use, watch = std::weak_ptr<bool>(alive)] {
      if (!watch.expired()) disk_use = use;
    });
  });
}

template <typename Function>
void Server::Impl::Every(absl::Duration interval, Function function) {
  loop.PostAfter(interval, [this, interval, function, watch = std::weak_ptr<bool>(alive)] {
    if (watch.expired()) return;
    function();
    Every(interval, function);
  });
}

void Server::Impl::ShowReady() {
  bool ready = !stopping && service->Status().ready;
  if (ready_shown != ready) doors->SetReady(ready);
  ready_shown = ready;
  if (ready && hooks.ready) std::exchange(hooks.ready, nullptr)();
  // Who starts a server waits for this: looked at often until it is so for the first time.
  absl::Duration interval = hooks.ready ? kFirstReadyInterval : kReadyInterval;
  loop.PostAfter(interval, [this, watch = std::weak_ptr<bool>(alive)] {
    if (!watch.expired()) ShowReady();
  });
}

// L11. The reserve comes back by itself once twice its size is free.
void Server::Impl::CheckDisk() {
  storage::DiskReserve* reserve = disk.directory->reserve();
  absl::Status restored = reserve->Restore();
  if (!restored.ok() && !std::exchange(reserve_failed, true))
    SLOG_WARN("the disk reserve cannot be made: {}", restored.ToString());
  bool low = reserve->Low();
  if (low != disk_low) {
    disk_low = low;
    if (low) {
      SLOG_WARN("the disk is nearly full: writes that grow are refused");
    } else {
      SLOG_INFO("the disk has room again");
    }
  }
  disk.state_machine->SetRefusal(low ? tree::Error::kRefusedDisk : tree::Error::kRefusedMemory);
  node->SetDiskLow(low);
}

void Server::Impl::Leave() {
  if (std::exchange(stopping, true)) return;
  doors->SetReady(false);
  ready_shown = false;
  node->PrepareStop([this] { LeaveDoors(); });
}

void Server::Impl::LeaveDoors() {
  service->Stop();
  doors->CloseClients();
  leaving = std::thread([this] {
    doors->Leave();
    loop.Post([this] { EndLoop(clock.Monotonic() + kStreamsEndWithin); });
  });
}

// A stream deletes itself on the loop after gRPC is done with it.
void Server::Impl::EndLoop(absl::Duration deadline) {
  if (doors->open_streams() == 0 || clock.Monotonic() >= deadline) return loop.Stop();
  loop.PostAfter(kStreamsInterval, [this, deadline] { EndLoop(deadline); });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config, ServerHooks hooks) {
  auto impl = std::make_unique<Impl>(config, std::move(hooks));
  SYNOD_RETURN_IF_ERROR(impl->Build());
  SLOG_INFO("data in {}, storage {:016x}", config.data_dir, impl->disk.directory->identity().storage.value());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::Run() {
  impl_->ran = true;
  impl_->loop.Run();
  SLOG_INFO("stopped");
}

void Server::Stop() {
  impl_->loop.Post([impl = impl_.get()] { impl->Leave(); });
}

std::string Server::Summary() const {
  const ServerConfig& config = impl_->config;
  std::string text =
      absl::StrCat("server ", config.id.value(), " serves clients on ", HostPort(config.client_address, grpc_port()),
                   " (gRPC) and ", HostPort(config.client_address, client_port()), " (ZooKeeper)");
  if (impl_->transport != nullptr)
    absl::StrAppend(&text, ", peers on ", HostPort(config.peer_listen_address, impl_->transport->port()));
  if (admin_port() != 0) absl::StrAppend(&text, ", admin http://", HostPort(config.admin_address, admin_port()));
  return text;
}

uint16_t Server::grpc_port() const { return impl_->doors->grpc_port(); }
uint16_t Server::client_port() const { return impl_->doors->client_port(); }
uint16_t Server::admin_port() const { return impl_->doors->admin_port(); }
uint16_t Server::metrics_port() const { return impl_->doors->metrics_port(); }

}  // namespace synod::server
