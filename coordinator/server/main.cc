// `synod-coordinator`: one server of an ensemble.
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/base/log.h"
#include "coordinator/server/config.h"
#include "coordinator/server/process_info.h"
#include "coordinator/server/server.h"
#include "coordinator/server/signals.h"
#include "coordinator/server/standalone.h"
#include "coordinator/server/verify.h"

namespace {

using synod::server::Server;
using synod::server::ServerConfig;

constexpr int kRefused = 1;
constexpr int kUsage = 2;

constexpr char kHelp[] = R"(synod-coordinator: one server of a Synod ensemble.

  synod-coordinator FILE                   run with the configuration FILE (zoo.cfg); dataDir/myid holds the number
  synod-coordinator --standalone --data DIR [--client-port P] [--grpc-port P] [--admin-port P]
                                           one server on loopback without a configuration, for development and tests
                                           of applications; DIR is made if it is not there, port 0 is any free one
  synod-coordinator --verify DIR [LOGDIR]  check a data directory offline (LOGDIR: dataLogDir, if it is another)
  synod-coordinator --version
  synod-coordinator --help

SIGTERM or SIGINT: hand leadership over, close the clients' connections, end. A second one: end at once.
Exit codes: 0 ended in order, or the directory is whole; 1 refused to start, failed, or damage found; 2 wrong usage.

A configuration for a single server:
  dataDir=/var/lib/synod
  clientPort=2181
ZooKeeper's clients connect to clientPort, gRPC ones to clientPort + 100, or grpcPort. Both are served on loopback
unless clientPortAddress names another address. For an ensemble add to every server's file
  server.1=host1:2888:3888
  server.2=host2:2888:3888
  server.3=host3:2888:3888
and write the server's own number into dataDir/myid.
)";

// What the signal thread may stop.
struct Running {
  std::mutex mutex;
  Server* server = nullptr;  // guarded by mutex
};

int Fail(const std::string& why) {
  std::fprintf(stderr, "synod-coordinator: %s\n", why.c_str());
  return kRefused;
}

int Verify(const std::vector<std::string>& words) {
  if (words.size() < 2 || words.size() > 3) {
    std::fputs("usage: synod-coordinator --verify DIR [LOGDIR]\n", stderr);
    return kUsage;
  }
  synod::server::VerifyResult result = synod::server::VerifyData(words[1], words.size() > 2 ? words[2] : "");
  std::fputs(result.text.c_str(), stdout);
  return result.ok ? 0 : kRefused;
}

// One line, on standard output, that a program can wait for.
void Announce(const Server& server) {
  std::printf("%s\n", server.Summary().c_str());
  std::fflush(stdout);
}

// When the line comes: as soon as it listens, or once it can be written to.
enum class Announced { kListening, kReady };

int Serve(const ServerConfig& config, Announced announced) {
  // Lives as long as the process: the signal thread refers to it.
  auto* running = new Running;
  synod::server::HandleSignals([running] {
    std::lock_guard lock(running->mutex);
    if (running->server == nullptr) std::_Exit(kRefused);  // nothing has been promised to anybody yet
    SLOG_INFO("asked to leave");
    running->server->Stop();
  });
  synod::InitLogging(config.log_level, config.log_file);
  synod::SetLogPrefix(config.id.value(), '-', 0);
  for (const std::string& warning : config.warnings) SLOG_WARN("{}", warning);
  synod::server::RaiseFileLimit();

  int code = 0;
  synod::server::ServerHooks hooks;
  Server* started = nullptr;
  if (announced == Announced::kReady) hooks.ready = [&started] { Announce(*started); };
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config, std::move(hooks));
  if (server.ok()) {
    started = server->get();
    if (announced == Announced::kListening) Announce(*started);
    {
      std::lock_guard lock(running->mutex);
      running->server = server->get();
    }
    (*server)->Run();
    {
      std::lock_guard lock(running->mutex);
      running->server = nullptr;
    }
    server->reset();
  } else {
    code = Fail(std::string(server.status().message()));
  }
  spdlog::shutdown();
  return code;
}

int ServeFile(const std::string& path) {
  absl::StatusOr<ServerConfig> config = synod::server::LoadConfig(path);
  if (!config.ok()) return Fail(std::string(config.status().message()));
  if (!config->log_file.empty() && !std::ofstream(config->log_file, std::ios::app)) {
    return Fail("logFile: cannot write to " + config->log_file);
  }
  for (std::string& warning : config->warnings) warning = path + ": " + warning;
  return Serve(*config, Announced::kListening);
}

int ServeStandalone(const std::vector<std::string>& words) {
  absl::StatusOr<ServerConfig> config = synod::server::StandaloneConfig(words);
  if (!config.ok()) {
    Fail(std::string(config.status().message()));
    std::fputs("usage: synod-coordinator --standalone --data DIR [--client-port P] [--grpc-port P] [--admin-port P]\n",
               stderr);
    return kUsage;
  }
  if (absl::Status made = synod::server::MakeDataDirectory(config->data_dir); !made.ok()) {
    return Fail(std::string(made.message()));
  }
  return Serve(*config, Announced::kReady);
}

}  // namespace

int main(int argc, char** argv) {
  // One arena per core and thread would keep what gRPC's, RocksDB's and our threads freed in several heaps at once.
  mallopt(M_ARENA_MAX, 2);
  // Stated, so that it stays: otherwise every large buffer that is freed raises it, and the ones after that leave
  // holes.
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (words.size() == 1 && words[0] == "--version") {
    std::printf("synod-coordinator %s\n", synod::server::kVersion);
    return 0;
  }
  if (!words.empty() && words[0] == "--verify") return Verify(words);
  // Any word of it, so that a wrong combination is told as such.
  for (const std::string& word : words) {
    for (const char* option : {"--standalone", "--data", "--client-port", "--grpc-port", "--admin-port"}) {
      if (word == option || word.starts_with(std::string(option) + "=")) return ServeStandalone(words);
    }
  }
  if (words.size() != 1 || words[0].empty() || words[0][0] == '-') {
    std::fputs("usage: synod-coordinator FILE (see --help)\n", stderr);
    return kUsage;
  }
  return ServeFile(words[0]);
}
