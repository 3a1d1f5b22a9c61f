// A live ZooKeeper tree, read through ZooKeeper's own C client.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::cli {

struct SourceNode {
  std::string path;
  bool missing = false;  // it went since its parent was listed
  client::Data data;
  client::Acl acl;
  client::Stat stat;
  std::vector<std::string> children;  // names, sorted
};

// One thread uses it; the C client has threads of its own behind it.
class ZooKeeperSource {
 public:
  virtual ~ZooKeeperSource() = default;
  // `hosts` as ZooKeeper's clients take them ("h1:2181,h2:2181", with a chroot "/app" behind); `auth` SCHEME:CREDENTIAL
  // each. `timeout`: how long to wait for a server, now and whenever the connection breaks. Unavailable: none answers;
  // Unauthenticated: a credential was refused; InvalidArgument: hosts or auth are malformed.
  static absl::StatusOr<std::unique_ptr<ZooKeeperSource>> Connect(const std::string& hosts,
                                                                  const std::vector<std::string>& auth,
                                                                  absl::Duration timeout);
  // These nodes, asked for all at once; in the order of `paths`. Begins again if the connection breaks meanwhile.
  // PermissionDenied naming the node: READ is missing; Unavailable.
  virtual absl::StatusOr<std::vector<SourceNode>> Read(const std::vector<std::string>& paths) = 0;
};

}  // namespace synod::cli
