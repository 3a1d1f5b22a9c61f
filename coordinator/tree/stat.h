// What a client sees of a znode besides its data (specs: ZooKeeper protocol, section 6).
#pragma once

#include <cstdint>

#include "coordinator/base/ids.h"

namespace synod::tree {

struct Stat {
  Zxid czxid;            // of the create
  Zxid mzxid;            // of the last data change
  Zxid pzxid;            // of the last create or delete of a direct child
  int64_t ctime_ms = 0;  // leader's wall clock
  int64_t mtime_ms = 0;
  int32_t version = 0;        // data changes; skips -1 on wrap
  int32_t cversion = 0;       // 2 * creates - children, low 32 bits
  int32_t aversion = 0;       // ACL changes
  SessionId ephemeral_owner;  // 0: not ephemeral
  int32_t data_length = 0;
  int32_t num_children = 0;
  bool operator==(const Stat&) const = default;
};

}  // namespace synod::tree
