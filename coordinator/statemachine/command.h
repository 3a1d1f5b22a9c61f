// What the log carries: commands that hold all that their outcome needs (L4). Plain values; command_codec writes and
// reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/access/acl.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/error.h"

namespace synod::statemachine {

// ---- operations on the tree ----

enum class CreateMode : uint8_t {
  kPersistent = 0,
  kEphemeral = 1,
  kPersistentSequential = 2,
  kEphemeralSequential = 3,
  kContainer = 4,
  kPersistentTtl = 5,
  kPersistentSequentialTtl = 6
};
inline bool IsEphemeral(CreateMode m) { return m == CreateMode::kEphemeral || m == CreateMode::kEphemeralSequential; }
inline bool IsSequential(CreateMode m) {
  return m == CreateMode::kPersistentSequential || m == CreateMode::kEphemeralSequential ||
         m == CreateMode::kPersistentSequentialTtl;
}
inline bool IsTtl(CreateMode m) { return m == CreateMode::kPersistentTtl || m == CreateMode::kPersistentSequentialTtl; }

// Data may be null, which is not the same as empty and comes back as it went in.
using NodeData = std::optional<std::string>;
// As the client asked for it, before FixUp (access/acl.h). nullopt: world:anyone, all permissions.
using WantedAcl = std::optional<access::Acl>;

// What a create does when the node is there.
enum class OnExisting : uint8_t {
  kFail = 0,  // kNodeExists
  kKeep = 1,  // create-if-absent: nothing, successfully; OpResult::created tells
  kSet = 2,   // create-or-set: sets the data (WRITE on the node instead of CREATE on its parent); mode and ACL stay
};

struct CreateOp {
  std::string path;
  NodeData data;
  CreateMode mode = CreateMode::kPersistent;
  WantedAcl acl;
  uint64_t ttl_ms = 0;                         // modes with TTL: 1 to kMaxTtlMs; others: 0
  OnExisting on_existing = OnExisting::kFail;  // not kFail: not with a sequential mode
};
struct DeleteOp {
  std::string path;
  int32_t version = -1;     // -1: any
  bool missing_ok = false;  // delete-if-there: no such node (or parent) is a success
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
struct SetAclOp {
  std::string path;
  WantedAcl acl;
  int32_t version = -1;  // the aversion expected
};
// A node and all below it. OpResult::deleted and remaining tell.
struct DeleteTreeOp {
  std::string path;
  int32_t version = -1;    // of the node itself
  uint32_t max_nodes = 0;  // 0 or more than kMaxTreeDelete: kMaxTreeDelete
  bool partial = false;    // more than max_nodes, or kMaxDeletedPathBytes: delete what fits, instead of kTooLarge
};
using TreeOp = std::variant<CreateOp, DeleteOp, SetDataOp, CheckOp, SetAclOp, DeleteTreeOp>;

// All or nothing: one zxid, one time (section 12 of the protocol sheet).
struct MultiOp {
  std::vector<TreeOp> ops;
};

// One condition of a transaction. Needs READ on the node (a missing one: nothing). Of a node that is missing every
// comparison but kExists is false.
struct Compare {
  enum class Target : uint8_t {
    kExists = 0,  // number 1: it does, 0: it does not; kEqual or kNotEqual
    kVersion = 1,
    kCversion = 2,
    kAversion = 3,
    kCzxid = 4,
    kMzxid = 5,
    kEphemeralOwner = 6,
    kValue = 7,  // byte order; null before everything
  };
  enum class Relation : uint8_t {
    kEqual = 0,
    kNotEqual = 1,
    kLess = 2,
    kLessOrEqual = 3,
    kGreater = 4,
    kGreaterOrEqual = 5
  };
  std::string path;
  Target target = Target::kExists;
  Relation relation = Relation::kEqual;
  int64_t number = 1;
  NodeData value;  // kValue
};
// If all conditions hold the one list, otherwise the other, as a multi: all or nothing under one zxid.
struct TxnOp {
  std::vector<Compare> compares;
  std::vector<TreeOp> then_ops;
  std::vector<TreeOp> else_ops;
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

// Adds identities that the session's connection has proved, for its later writes and reads. A new owner brings its own.
struct AuthenticateOp {
  access::IdentitySet identities;
};

// Creates a session. Outcome: its id, password, generation 1.
struct CreateSessionOp {
  uint32_t timeout_ms = 0;           // already clamped by the serving server
  uint32_t disconnect_grace_ms = 0;  // 0: none (S8)
  std::string password;              // 16 random bytes drawn by the serving server
  uint64_t connection = 0;           // the connection that owns generation 1
  bool native = true;                // numbers its own writes; false: the serving server does (ZooKeeper connections)
  access::IdentitySet identities;    // of the connection
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
  access::IdentitySet identities;
};
// The client's own goodbye. With more than kEphemeralsPerCommand ephemerals the session is *closing* afterwards: it can
// do nothing any more, and ContinueCloseOp takes the rest, so that no command holds the loop for long.
struct CloseSessionOp {};
// S5: by the leader. Does nothing if the generation moved on.
struct ExpireSessionOp {
  SessionId session;
  OwnerGeneration seen;
};

// Goes on with a session that is closing; by the leader. kSessionExpired: it is gone.
struct ContinueCloseOp {
  SessionId session;
};
// A container or TTL node whose time is over; by the leader. Does nothing if it is another node by now, was changed, or
// has children.
struct RemoveIdleOp {
  std::string path;
  Zxid czxid;
  Zxid mzxid;
};

// ---- settings of the ensemble (settings.h) ----

// L6. Proposed by the leader when every member knows `version`.
struct RaiseVersionOp {
  uint32_t version = 0;
};
struct SetSettingOp {
  std::string name;
  std::string value;
};

using Operation = std::variant<CreateOp, DeleteOp, SetDataOp, CheckOp, SetAclOp, DeleteTreeOp, MultiOp, TxnOp, SyncOp,
                               RefusedOp, AuthenticateOp, CreateSessionOp, AttachSessionOp, CloseSessionOp,
                               ExpireSessionOp, ContinueCloseOp, RemoveIdleOp, RaiseVersionOp, SetSettingOp>;

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
  // Without session: whom the caller proved to be. With one: empty, the session's own hold.
  access::IdentitySet identities;
  // Largest data the operation may carry, bytes; part of the command so that all servers judge alike.
  uint32_t max_data_bytes = 1048575;
  Origin origin;
  Operation operation;
};

}  // namespace synod::statemachine
