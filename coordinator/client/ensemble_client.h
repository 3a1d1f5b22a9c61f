// Questions to single servers and to all of a list (ensemble.proto).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "synod/v1/ensemble.pb.h"

namespace synod::client {

// Blocks; any thread. Answers are the messages of ensemble.proto themselves. Errors are the server's gRPC status, or
// Unavailable: not reached in time.
class EnsembleClient {
 public:
  EnsembleClient(std::vector<std::string> addresses, absl::Duration timeout);
  ~EnsembleClient();

  const std::vector<std::string>& addresses() const { return addresses_; }
  // All servers at once; one answer per address, in the order of the list.
  std::vector<absl::StatusOr<v1::StatusReply>> StatusOfAll();
  std::vector<absl::StatusOr<v1::DigestReply>> DigestOfAll();
  std::vector<absl::StatusOr<v1::MembersReply>> MembersOfAll();
  // `server` is an index into addresses().
  absl::StatusOr<v1::TransferReply> Transfer(size_t server, uint32_t target);
  absl::StatusOr<v1::SnapshotReply> Snapshot(size_t server);

 private:
  struct Impl;
  const std::vector<std::string> addresses_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::client
