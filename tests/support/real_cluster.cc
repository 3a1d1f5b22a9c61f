#include "tests/support/real_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/client/ensemble_client.h"

namespace synod::testing {
namespace {

namespace fs = std::filesystem;

enum PortKind { kClient = 0, kGrpc = 1, kPeer = 2, kElection = 3, kAdmin = 4, kPortKinds = 5 };

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool PortIsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = Loopback(port);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return free;
}

// Below 32768, where the kernel draws no client ports: a restarted server finds its port as it left it.
absl::StatusOr<int> FreeBasePort() {
  static int next = static_cast<int>(getpid() % 300);
  for (int tries = 0; tries < 300; ++tries) {
    const int base = 14'000 + (next++ % 300) * 60;
    bool free = true;
    for (int port = base; free && port < base + kPortKinds * 10; ++port) free = PortIsFree(port);
    if (free) return base;
  }
  return absl::ResourceExhaustedError("no free block of ports between 14000 and 32000");
}

// One HTTP/1.0 GET; the status code, or 0 if there was no answer in time.
int HttpGetCode(int port, const std::string& path, int timeout_ms) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const sockaddr_in address = Loopback(port);
  const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[512];
    for (ssize_t n; answer.size() < 16 && (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, n);
  }
  close(fd);
  return answer.size() >= 12 && answer.starts_with("HTTP/") ? std::atoi(answer.c_str() + 9) : 0;
}

// Between fork and exec only async-signal-safe calls: the test has threads.
[[noreturn]] void BecomeServer(const char* binary, const char* config, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  close(STDIN_FILENO);
  open("/dev/null", O_RDONLY);
  close_range(3, ~0u, 0);
  // A server starts with no signal blocked or ignored, whatever the test does.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl(binary, binary, config, static_cast<char*>(nullptr));
  _exit(127);
}

std::string Binary() {
  const char* directory = std::getenv("SYNOD_BIN_DIR");
  return absl::StrCat(directory != nullptr ? directory : SYNOD_BIN_DIR, "/synod-coordinator");
}

// A connection of its own per question: none that a killed server has left behind in backoff.
client::EnsembleClient Ask(const std::string& address, absl::Duration timeout) {
  return client::EnsembleClient({address}, timeout);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RealCluster>> RealCluster::Start(const RealClusterOptions& options) {
  if (access(Binary().c_str(), X_OK) != 0) return absl::NotFoundError(absl::StrCat(Binary(), " is not there"));
  SYNOD_ASSIGN_OR_RETURN(const int base_port, FreeBasePort());
  std::string pattern = (fs::temp_directory_path() / "synod-cluster-XXXXXX").string();
  SYNOD_CHECK(mkdtemp(pattern.data()) != nullptr) << pattern;
  std::unique_ptr<RealCluster> cluster(new RealCluster(pattern, base_port, options));
  for (int id : cluster->ids()) SYNOD_RETURN_IF_ERROR(cluster->StartServer(id));
  return cluster;
}

RealCluster::RealCluster(std::string directory, int base_port, const RealClusterOptions& options)
    : directory_(std::move(directory)), base_port_(base_port), keep_(std::getenv("SYNOD_KEEP") != nullptr) {
  SYNOD_CHECK(options.servers >= 1 && options.servers <= 9);
  for (int id = 1; id <= options.servers; ++id) servers_[id].directory = absl::StrCat(directory_, "/server-", id);
  for (int id : ids()) WriteConfig(id, options);
}

RealCluster::~RealCluster() {
  KillTogether(ids());
  if (!keep_) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
}

void RealCluster::WriteConfig(int id, const RealClusterOptions& options) const {
  const std::string& directory = servers_.at(id).directory;
  fs::create_directories(directory + "/data");
  std::ofstream(directory + "/data/myid") << id << "\n";
  std::ofstream config(directory + "/zoo.cfg");
  config << "tickTime=2000\ninitLimit=10\nsyncLimit=5\n"
         << "dataDir=" << directory << "/data\n"
         << "clientPort=" << port(id, kClient) << "\n"
         << "grpcPort=" << port(id, kGrpc) << "\n"
         << "admin.serverPort=" << port(id, kAdmin) << "\n";
  for (const std::string& line : options.config) config << line << "\n";
  for (int other : ids()) {
    config << "server." << other << "=127.0.0.1:" << port(other, kPeer) << ":" << port(other, kElection) << "\n";
  }
  SYNOD_CHECK(config.flush().good()) << directory;
}

std::vector<int> RealCluster::ids() const {
  std::vector<int> ids;
  for (const auto& [id, server] : servers_) ids.push_back(id);
  return ids;
}

std::string RealCluster::grpc_address(int id) const { return absl::StrCat("127.0.0.1:", port(id, kGrpc)); }

std::vector<std::string> RealCluster::grpc_addresses() const {
  std::vector<std::string> addresses;
  for (int id : ids()) addresses.push_back(grpc_address(id));
  return addresses;
}

std::string RealCluster::log_file(int id) const { return servers_.at(id).directory + "/log"; }

absl::Status RealCluster::StartServer(int id) {
  if (Running(id)) return absl::FailedPreconditionError(absl::StrCat("server ", id, " runs already"));
  const std::string binary = Binary();
  const std::string config = server(id).directory + "/zoo.cfg";
  const int log = open(log_file(id).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  SYNOD_CHECK(log >= 0) << log_file(id);
  const pid_t pid = fork();
  SYNOD_CHECK(pid >= 0);
  if (pid == 0) BecomeServer(binary.c_str(), config.c_str(), log);
  close(log);
  server(id).pid = pid;
  return absl::OkStatus();
}

void RealCluster::Reap(int id) {
  Server& s = server(id);
  if (s.pid == 0) return;
  SYNOD_CHECK(waitpid(s.pid, &s.exit_status, 0) == s.pid);
  s.pid = 0;
}

void RealCluster::Kill(int id) { KillTogether({id}); }

void RealCluster::KillTogether(const std::vector<int>& ids) {
  for (int id : ids) {
    if (server(id).pid != 0) kill(server(id).pid, SIGKILL);
  }
  for (int id : ids) Reap(id);
}

absl::Status RealCluster::Terminate(int id, absl::Duration timeout) {
  if (!Running(id)) return absl::FailedPreconditionError(absl::StrCat("server ", id, " does not run"));
  kill(server(id).pid, SIGTERM);
  const absl::Time deadline = absl::Now() + timeout;
  while (Running(id)) {
    if (absl::Now() > deadline) {
      Kill(id);
      return absl::DeadlineExceededError(
          absl::StrCat("server ", id, " still ran ", absl::FormatDuration(timeout), " after SIGTERM"));
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  const int status = server(id).exit_status;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InternalError(absl::StrCat("server ", id, " ended with wait status ", status, " after SIGTERM"));
  }
  return absl::OkStatus();
}

void RealCluster::Pause(int id) {
  if (Running(id)) kill(server(id).pid, SIGSTOP);
}

void RealCluster::Resume(int id) {
  if (Running(id)) kill(server(id).pid, SIGCONT);
}

bool RealCluster::Running(int id) {
  Server& s = server(id);
  if (s.pid != 0 && waitpid(s.pid, &s.exit_status, WNOHANG) == s.pid) s.pid = 0;
  return s.pid != 0;
}

void RealCluster::WipeData(int id) {
  SYNOD_CHECK(!Running(id));
  const fs::path data = server(id).directory + "/data";
  for (const auto& entry : fs::directory_iterator(data)) {
    if (entry.path().filename() != "myid") fs::remove_all(entry.path());
  }
}

bool RealCluster::Ready(int id) { return HttpGetCode(port(id, kAdmin), "/ready", 500) == 200; }

absl::Status RealCluster::WaitReady(const std::vector<int>& ids, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  for (int id : ids) {
    while (!Ready(id)) {
      if (!Running(id)) return absl::InternalError(absl::StrCat("server ", id, " ended; see ", log_file(id)));
      if (absl::Now() > deadline)
        return absl::DeadlineExceededError(absl::StrCat("server ", id, " is not ready; see ", log_file(id)));
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::StatusReply> RealCluster::Status(int id, absl::Duration timeout) {
  return std::move(Ask(grpc_address(id), timeout).StatusOfAll().front());
}

absl::StatusOr<v1::MembersReply> RealCluster::Members(int id, absl::Duration timeout) {
  return std::move(Ask(grpc_address(id), timeout).MembersOfAll().front());
}

absl::StatusOr<int> RealCluster::WaitLeader(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (absl::Now() < deadline) {
    int leader = 0;
    uint64_t term = 0;
    for (int id : ids()) {
      if (!Running(id)) continue;
      // A paused server does not answer; the others are not made to wait for it for long.
      const auto status = Status(id, absl::Milliseconds(300));
      if (status.ok() && status->role() == "leader" && status->ready() && status->term() > term) {
        leader = id;
        term = status->term();
      }
    }
    if (leader != 0) return leader;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError(
      absl::StrCat("no server led within ", absl::FormatDuration(timeout), "; see ", directory_));
}

absl::StatusOr<std::string> RealCluster::WaitEqualDigests(const std::vector<int>& ids, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::string last;
  while (absl::Now() < deadline) {
    std::map<uint64_t, std::set<std::string>> digests;  // by applied index
    size_t answered = 0;
    std::vector<std::string> said;
    for (int id : ids) {
      const auto reply = Ask(grpc_address(id), absl::Seconds(1)).DigestOfAll().front();
      if (!reply.ok()) continue;
      ++answered;
      digests[reply->applied_index()].insert(reply->digest());
      said.push_back(absl::StrCat("server ", id, " at ", reply->applied_index(), ": ", reply->digest()));
    }
    last = absl::StrJoin(said, "; ");
    for (const auto& [index, different] : digests) {
      if (different.size() > 1) return absl::InternalError(absl::StrCat("digests differ: ", last));
    }
    if (answered == ids.size() && digests.size() == 1) return *digests.begin()->second.begin();
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError(absl::StrCat("the servers do not reach one index: ", last));
}

}  // namespace synod::testing
