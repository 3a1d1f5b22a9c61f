// `synod import --from-zookeeper`: a live ZooKeeper tree, copied and then compared (docs/migration.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/cli/environment.h"

namespace synod::cli {

struct ZooKeeperImportOptions {
  std::string hosts;  // with a chroot, only what is below it
  std::string into;   // "": the chroot, or the root
  client::OnExisting on_existing = client::OnExisting::kFail;
  std::vector<std::string> auth;  // for ZooKeeper, SCHEME:CREDENTIAL each
};

// The exit code.
int ImportFromZooKeeper(Environment& env, const ZooKeeperImportOptions& options);

}  // namespace synod::cli
