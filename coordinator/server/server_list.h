// D11: the server.N lines seed the first start only. Later ones may change addresses, but not who takes part or in
// which role.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/consensus/types.h"
#include "coordinator/node/formation.h"
#include "coordinator/storage/file.h"

namespace synod::server {

// What a data directory knows of the ensemble it belongs to.
struct KnownServers {
  // The lines of the first start, if they were found.
  std::optional<std::vector<node::Seed>> recorded;
  // The last configuration of the own log; empty: joined as a guest, and heard nothing yet.
  consensus::Configuration latest;
  // Earlier ones: founding, snapshot's, log's.
  std::vector<consensus::Configuration> earlier;
};

// FailedPrecondition with both lists. The recorded lines must name the same servers in the same roles. So must the
// configuration, but a line may lack its member: an observer that has not been added yet; a voter that `earlier` or
// `recorded` knows, for the replacement of a wiped server is a removal and then an addition (D10); anybody, where this
// server itself has no place yet.
absl::Status CheckServers(const std::vector<node::Seed>& lines, ServerId self, const KnownServers& known);

// The file `synod.servers` in dataDir, beside what is moved away when a wiped server starts over.
//   synod servers
//   <id> voter|observer
std::string EncodeServers(const std::vector<node::Seed>& lines);
// nullopt: not such a text.
std::optional<std::vector<node::Seed>> DecodeServers(const std::string& text);
// Durable on return; nothing is written if the file says so already.
absl::Status WriteServers(storage::FileSystem* fs, const std::string& data_dir, const std::vector<node::Seed>& lines);
// nullopt: missing or damaged.
std::optional<std::vector<node::Seed>> ReadServers(storage::FileSystem* fs, const std::string& data_dir);

}  // namespace synod::server
