// An ensemble of real synod-coordinator processes on loopback, for tests that kill, pause and wipe them.
//
// Each cluster has a directory of its own (zoo.cfg, data and log per server) and ports of its own outside the range
// from which the kernel draws client ports. The destructor ends exactly the processes this object started, by their
// pids; the directory goes unless Keep() was called or SYNOD_KEEP is set. Should the test itself die, the kernel kills
// the servers.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "synod/v1/ensemble.pb.h"

namespace synod::testing {

struct RealClusterOptions {
  int servers = 3;
  // Lines for every zoo.cfg, e.g. "minSessionTimeout=500".
  std::vector<std::string> config;
};

// Not thread-safe. The thread that starts servers must outlive them: the kernel ties their lives to it.
class RealCluster {
 public:
  // Writes the configuration and starts all servers; they may not serve yet. NotFound: no binary in SYNOD_BIN_DIR.
  // ResourceExhausted: no free ports.
  static absl::StatusOr<std::unique_ptr<RealCluster>> Start(const RealClusterOptions& options);
  ~RealCluster();
  RealCluster(const RealCluster&) = delete;

  int size() const { return static_cast<int>(servers_.size()); }
  std::vector<int> ids() const;
  // host:port of the gRPC door of one server, and of all.
  std::string grpc_address(int id) const;
  std::vector<std::string> grpc_addresses() const;
  const std::string& directory() const { return directory_; }
  std::string log_file(int id) const;

  // ---- processes ----
  // FailedPrecondition: it runs already.
  absl::Status StartServer(int id);
  // SIGKILL, and waits until it is gone.
  void Kill(int id);
  // Several at one moment: all get the signal before any is waited for.
  void KillTogether(const std::vector<int>& ids);
  // SIGTERM, and waits until it has ended by itself. DeadlineExceeded: it had to be killed. Internal: it ended with an
  // error.
  absl::Status Terminate(int id, absl::Duration timeout = absl::Seconds(10));
  void Pause(int id);   // SIGSTOP
  void Resume(int id);  // SIGCONT
  // Looks whether the process has ended meanwhile.
  bool Running(int id);
  // Empties the data directory. REQUIRES: it does not run.
  void WipeData(int id);

  // ---- what servers say ----
  // GET /ready of the admin door.
  bool Ready(int id);
  absl::Status WaitReady(const std::vector<int>& ids, absl::Duration timeout);
  absl::Status WaitReady(absl::Duration timeout) { return WaitReady(ids(), timeout); }
  // Unavailable: it does not answer within `timeout`.
  absl::StatusOr<v1::StatusReply> Status(int id, absl::Duration timeout = absl::Seconds(1));
  absl::StatusOr<v1::MembersReply> Members(int id, absl::Duration timeout = absl::Seconds(1));
  // The server that says of itself, in the highest term, that it leads and is ready.
  absl::StatusOr<int> WaitLeader(absl::Duration timeout);
  // Waits until all of `ids` have applied the same index and answers their digest. Internal: at one index they differ.
  absl::StatusOr<std::string> WaitEqualDigests(const std::vector<int>& ids, absl::Duration timeout);

  // The directory stays, for whoever looks into a failure.
  void Keep() { keep_ = true; }

 private:
  struct Server {
    pid_t pid = 0;  // 0: does not run
    int exit_status = 0;
    std::string directory;
  };

  RealCluster(std::string directory, int base_port, const RealClusterOptions& options);
  void WriteConfig(int id, const RealClusterOptions& options) const;
  // Waits for the end of a process that got a deadly signal.
  void Reap(int id);
  Server& server(int id) { return servers_.at(id); }
  int port(int id, int kind) const { return base_port_ + kind * 10 + id; }

  const std::string directory_;
  const int base_port_;
  std::map<int, Server> servers_;
  bool keep_ = false;
};

}  // namespace synod::testing
