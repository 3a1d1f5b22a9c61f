// What the log carries: commands that hold all that their outcome needs (L4). Plain values; command_codec writes and
// reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/base/ids.h"
#include "coordinator/tree/error.h"

namespace synod::statemachine {

// ---- operations on the tree ----

enum class CreateMode : uint8_t {
  kPersistent = 0,
  kEphemeral = 1,
  kPersistentSequential = 2,
  kEphemeralSequential = 3,
  kContainer = 4,               // reserved: state-machine version 2
  kPersistentTtl = 5,           // reserved
  kPersistentSequentialTtl = 6  // reserved
};
inline bool IsEphemeral(CreateMode m) { return m == CreateMode::kEphemeral || m == CreateMode::kEphemeralSequential; }
inline bool IsSequential(CreateMode m) {
  return m == CreateMode::kPersistentSequential || m == CreateMode::kEphemeralSequential ||
         m == CreateMode::kPersistentSequentialTtl;
}

// Data may be null, which is not the same as empty and comes back as it went in.
using NodeData = std::optional<std::string>;

struct CreateOp {
  std::string path;
  NodeData data;
  CreateMode mode = CreateMode::kPersistent;
  AclId acl;  // must be in the ACL table
};
struct DeleteOp {
  std::string path;
  int32_t version = -1;  // -1: any
};
struct SetDataOp {
  std::string path;
  NodeData data;
  int32_t version = -1;
};
struct CheckOp {  // in a multi, or alone
  std::string path;
  int32_t version = -1;  // -1: it exists
};
using TreeOp = std::variant<CreateOp, DeleteOp, SetDataOp, CheckOp>;

// All or nothing: one zxid, one time (section 12 of the protocol sheet).
struct MultiOp {
  std::vector<TreeOp> ops;
};
// A write barrier that changes nothing; answered when applied.
struct SyncOp {
  std::string path;
};
// What a door or the leader refused, logged under its number so that no gap arises (S2).
struct RefusedOp {
  tree::Error error = tree::Error::kBadArguments;
};

// ---- sessions (section 3 of the architecture) ----

// Creates a session. Outcome: its id, password, generation 1.
struct CreateSessionOp {
  uint32_t timeout_ms = 0;           // already clamped by the serving server
  uint32_t disconnect_grace_ms = 0;  // 0: none (S8)
  std::string password;              // 16 random bytes drawn by the serving server
  uint64_t connection = 0;           // the connection that owns generation 1
  bool native = true;                // numbers its own writes; false: the serving server does (ZooKeeper connections)
};
// S4. Refused with kSessionMoved if the generation moved on from `seen`, unless by this very connection (then answered
// the same).
struct AttachSessionOp {
  SessionId session;
  OwnerGeneration seen;
  uint64_t connection = 0;
  std::string password;
  uint32_t timeout_ms = 0;
  uint32_t disconnect_grace_ms = 0;
  bool clear_replies = false;  // S3: a ZooKeeper connection's attach
};
// The client's own goodbye.
struct CloseSessionOp {};
// S5: by the leader. Does nothing if the generation moved on.
struct ExpireSessionOp {
  SessionId session;
  OwnerGeneration seen;
};

// ---- settings of the ensemble ----

// L6. Proposed by the leader when every member knows `version`.
struct RaiseVersionOp {
  uint32_t version = 0;
};
struct SetSettingOp {
  std::string name;
  std::string value;
};

using Operation = std::variant<CreateOp, DeleteOp, SetDataOp, CheckOp, MultiOp, SyncOp, RefusedOp, CreateSessionOp,
                               AttachSessionOp, CloseSessionOp, ExpireSessionOp, RaiseVersionOp, SetSettingOp>;

// Who waits for the outcome. Only that server looks at it; it has no part in the outcome.
struct Origin {
  ServerId server;
  uint64_t incarnation = 0;  // of the server process: a restarted server takes no old answer for its own
  uint64_t request = 0;
};

struct Command {
  // 0: no session (a unary call, a leader's command): plain at-least-once.
  SessionId session;
  OwnerGeneration generation;
  Sequence sequence;
  // S3: all replies with a smaller number were received.
  Sequence confirmed_below;
  IdentitySetId identities;
  // Largest data the operation may carry, bytes; part of the command so that all servers judge alike.
  uint32_t max_data_bytes = 1048575;
  Origin origin;
  Operation operation;
};

}  // namespace synod::statemachine
