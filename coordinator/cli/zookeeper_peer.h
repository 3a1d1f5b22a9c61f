// A live ZooKeeper ensemble, read and written through ZooKeeper's own C client.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/cli/export_record.h"
#include "coordinator/client/types.h"

namespace synod::cli {

struct PeerNode {
  std::string path;
  bool missing = false;  // it went since its parent was listed
  client::Data data;
  client::Acl acl;
  client::Stat stat;
  std::vector<std::string> children;  // names, sorted
};

// One thread uses it; the C client has threads of its own behind it.
class ZooKeeperPeer {
 public:
  virtual ~ZooKeeperPeer() = default;
  // `hosts` as ZooKeeper's clients take them ("h1:2181,h2:2181", with a chroot "/app" behind); `auth` SCHEME:CREDENTIAL
  // each. `timeout`: how long to wait for a server, now and whenever the connection breaks. Unavailable: none answers;
  // Unauthenticated: a credential was refused; InvalidArgument: hosts or auth are malformed.
  static absl::StatusOr<std::unique_ptr<ZooKeeperPeer>> Connect(const std::string& hosts,
                                                                const std::vector<std::string>& auth,
                                                                absl::Duration timeout);
  // These nodes, asked for all at once; in the order of `paths`. Begins again if the connection breaks meanwhile, a few
  // times. PermissionDenied naming the node: READ is missing; Unavailable.
  virtual absl::StatusOr<std::vector<PeerNode>> Read(const std::vector<std::string>& paths) = 0;

  struct Written {
    uint64_t created = 0, kept = 0, set = 0;
  };
  // Creates these nodes, parents before children, asking for all at once. Nodes that are there: by `on_existing`; the
  // root always is. After a break it begins again, and what is there by then counts as kept. AlreadyExists, NotFound (a
  // parent is missing), PermissionDenied, FailedPrecondition (TTL nodes are switched off there), each naming the first
  // node; others may have been created all the same. Unavailable.
  virtual absl::StatusOr<Written> Write(const std::vector<ExportNode>& nodes, client::OnExisting on_existing) = 0;
};

}  // namespace synod::cli
