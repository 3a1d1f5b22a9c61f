// What a change of the tree tells watches (specs: ZooKeeper protocol, section 13).
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/base/ids.h"

namespace synod::tree {

enum class EventType : uint8_t { kCreated = 1, kDeleted = 2, kDataChanged = 3 };

// One change of one znode, in the order of the changes. Watches derive from it the parent's "children changed".
struct Event {
  EventType type = EventType::kCreated;
  std::string path;
  Zxid zxid;
  AclId acl;         // the node's own, at this moment (deleted: the one just removed), checked at delivery
  AclId parent_acl;  // checked for "children changed"
};

}  // namespace synod::tree
