// `synod-coordinator --standalone --data DIR`: one server on loopback without a configuration file, for development and
// for tests of applications.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/server/config.h"

namespace synod::server {

// `words` are the program's arguments. The data directory is made if there is none. Defaults as in a zoo.cfg that names
// nothing but dataDir (ZooKeeper's protocol 2181, gRPC 2281, admin 8080, session timeouts of 2 to 20 ticks of 3 s),
// except for what makes it start at once and take little disk: short election timeouts, small log segments, no disk
// reserve; and only warnings are logged. A port 0 is any free one; without --client-port, --grpc-port 0 means that of
// both. InvalidArgument: wrong usage, with a text for people.
absl::StatusOr<ServerConfig> StandaloneConfig(const std::vector<std::string>& words);
// Makes the data directory of such a configuration. Errors name it.
absl::Status MakeDataDirectory(const std::string& data_dir);

}  // namespace synod::server
