// What the doors ask of the service and get back: plain values, no wire type. Both doors (gRPC, ZooKeeper's own) build
// the same requests.
//
// Numbers of enums that reach clients equal those of proto/synod/v1/coordination.proto, so that a door may cast them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/event_window.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/tree/error.h"
#include "coordinator/tree/stat.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

// Names one connection of one client; random, so that it is never used again by any server (S4). 0 is none.
using ConnectionId = StrongInt<struct ConnectionIdTag, uint64_t>;

using statemachine::CheckOp;
using statemachine::Compare;
using statemachine::CreateMode;
using statemachine::CreateOp;
using statemachine::DeleteOp;
using statemachine::DeleteTreeOp;
using statemachine::MultiOp;
using statemachine::NodeData;
using statemachine::OnExisting;
using statemachine::OpResult;
using statemachine::SetAclOp;
using statemachine::SetDataOp;
using statemachine::TreeOp;
using statemachine::TxnOp;
using statemachine::WantedAcl;
using watches::NotificationType;
using watches::WatchKind;

// W1. Of reads only.
enum class ReadStrength : uint8_t {
  kSession = 0,       // never goes back in what this session saw; behind the session's own earlier requests
  kLinearizable = 1,  // sees every write acknowledged before the read came; the session's later writes wait for it (L3)
  kLocal = 2,         // answers even without a quorum; Reply::zxid and Reply::age tell how old
};

// ---- operations. Writes are the state machine's own; these are the service's. ----

struct CloseSession {};  // a write: numbered
struct Exists {
  std::string path;
  bool watch = false;  // set also when the node is missing
};
struct GetData {
  std::string path;
  bool watch = false;  // set only if the node exists
};
struct GetChildren {
  std::string path;
  bool watch = false;  // set only if the node exists
  bool with_stat = false;
};
// Answered once everything that was committed anywhere before it came is applied here. Holds back the session's later
// writes (L3).
struct Sync {
  std::string path;  // echoed by the door, if its protocol does
};
// kPersistent or kPersistentRecursive.
struct AddWatch {
  std::string path;
  WatchKind kind = WatchKind::kPersistent;
};
// kNoWatcher if this connection has none.
struct RemoveWatch {
  std::string path;
  WatchKind kind = WatchKind::kData;
  bool any = false;  // of whatever kind: all of them on this path
};
// NoWatcher if this connection has none.
struct CheckWatch {
  std::string path;
  WatchKind kind = WatchKind::kData;
  bool any = false;  // of whatever kind
};
struct WatchSet {
  std::string path;
  WatchKind kind = WatchKind::kData;
  // One-shot kinds: changes after since.zxid fire at once (specs: ZooKeeper protocol, 13.5). Persistent ones: every
  // event after it comes again, or kEventsLost.
  statemachine::Cursor since;
};
// A ZooKeeper connection sets its watches again (setWatches): at its place in the order, the events that are due before
// its reply. Persistent watches are just set (13.5).
struct SetWatches {
  std::vector<WatchSet> watches;
};
// What proves an identity (access/schemes.h).
struct Credential {
  std::string scheme;
  std::string credential;
};
// A write on a session: the identity counts for what comes after it. kAuthFailed.
struct Authenticate {
  Credential credential;
};
struct GetAcl {
  std::string path;
};
inline constexpr uint32_t kPageDefault = 1000;
inline constexpr uint32_t kPageMax = 10'000;
// A page of children (tree::PageArgs).
struct List {
  std::string path;
  std::string after = {};
  std::string prefix = {};
  uint32_t limit = 0;  // 0: kPageDefault
  bool with_stat = false;
  bool with_data = false;
};
// On one state, each with its own error; watch flags are ignored.
using ReadOp = std::variant<Exists, GetData, GetChildren, GetAcl>;
struct MultiRead {
  std::vector<ReadOp> ops;
};
struct GetEphemerals {
  SessionId session;  // 0: the caller's own
  std::string prefix;
  std::string after;
  uint32_t limit = 0;
  bool all_sessions = false;  // at or below the path `prefix`, in the order of the tree
  bool whole = false;         // of the caller's own: all at once; limit and after are not looked at
};
struct CountDescendants {
  std::string path;
};
struct WhoAmI {};
// The door could not make sense of the operation (unknown, or fields out of range). A write of that kind keeps its
// number: it is logged as a refusal (S2, counterexample 14).
struct Unintelligible {
  tree::Error error = tree::Error::kBadArguments;
  bool write = false;  // it was, or has to count as, a write
  std::string message;
};

using Operation =
    std::variant<CreateOp, DeleteOp, SetDataOp, CheckOp, SetAclOp, DeleteTreeOp, MultiOp, TxnOp, Authenticate,
                 CloseSession, Exists, GetData, GetChildren, GetAcl, List, MultiRead, GetEphemerals, CountDescendants,
                 WhoAmI, Sync, AddWatch, RemoveWatch, CheckWatch, SetWatches, Unintelligible>;

bool IsWrite(const Operation& operation);
// "create" and so on, for logs and metrics.
std::string_view OperationName(const Operation& operation);
std::string_view OperationName(size_t index);  // by Operation::index(), as in Reply::operation

struct Request {
  uint64_t id = 0;  // the client's, echoed
  // Writes of native sessions: the session's next number, or one used before (re-sent). 0: reads, unary calls,
  // ZooKeeper connections.
  Sequence sequence;
  ReadStrength strength = ReadStrength::kSession;
  Operation operation;
};

// tree::Error below 100; from 100 on what failed on the way to an outcome.
enum class ErrorCode : uint8_t {
  kOk = 0,
  kNoQuorum = 100,  // no leader that a majority confirms is known here, or this server is behind the caller
  kOverloaded = 101,
  kMalformed = 102,
  kInternal = 103,
  kNotReadOnly = 104,  // of a read-only connection: it needs a quorum (never over gRPC)
};
constexpr ErrorCode ToErrorCode(tree::Error error) { return static_cast<ErrorCode>(error); }
std::string_view ErrorCodeName(ErrorCode code);

// Whether a failed write may have taken effect.
enum class Effect : uint8_t { kNotDone = 0, kMayHaveBeenDone = 1 };

struct ListEntry {
  std::string name;
  std::optional<tree::Stat> stat;
  NodeData data;
  bool denied = false;  // READ on the child is missing
};

struct Reply {
  uint64_t id = 0;
  Sequence sequence;
  Zxid zxid;  // a write: its own; a read: of the last command applied here
  ErrorCode error = ErrorCode::kOk;
  Effect effect = Effect::kNotDone;   // with an error
  std::string message;                // for people, with some errors
  uint8_t operation = 0;              // index() of the request's Operation, so that the door knows which fields count
  OpResult result;                    // single writes on the tree
  std::vector<OpResult> results;      // multi and txn, failed ones too; empty if it was refused as a whole
  bool succeeded = false;             // txn: all conditions held
  std::optional<tree::Stat> stat;     // exists, get data, get acl, list; get children with stat
  NodeData data;                      // get data; nullopt: null
  std::vector<std::string> children;  // get children: in byte order; get ephemerals: paths
  std::vector<ListEntry> entries;     // list
  bool more = false;                  // list, get ephemerals: others follow
  std::string next;                   // get ephemerals of all sessions: where to go on
  uint64_t count = 0;                 // count descendants
  access::Acl acl;                    // get acl
  CreateMode mode = CreateMode::kPersistent;  // get acl: persistent, ephemeral, container or with TTL
  uint64_t ttl_ms = 0;                        // get acl, with TTL
  access::IdentitySet identities;             // who am I
  std::vector<Reply> reads;                   // multi read
  bool repeated = false;                      // the write had been applied before: its first outcome again
  absl::Duration age;                         // kLocal reads: since this server last heard from a leader
};

// A watch fired.
struct Notification {
  NotificationType type = NotificationType::kCreated;
  std::string path;
  Zxid zxid;             // of the change; when re-armed at connect: of the state that showed it
  uint32_t ordinal = 0;  // as in statemachine::Cursor
};

// ---- connecting ----

struct ConnectRequest {
  SessionId session;  // 0: a new one
  std::string password;
  absl::Duration timeout;           // wanted; clamped
  Zxid last_zxid;                   // the highest the client saw in any reply
  absl::Duration disconnect_grace;  // S8; zero: off
  std::vector<WatchSet> rearm;
  Sequence confirmed_below;
  std::vector<Credential> credentials;  // a refused one closes with kAuthFailed
  // May be served by a server that has no quorum, if ServiceConfig::read_only_mode (specs: ZooKeeper protocol, 16.1).
  bool may_read_only = false;
};

struct ConnectResult {
  SessionId session;
  std::string password;
  absl::Duration timeout;           // as granted
  absl::Duration disconnect_grace;  // as granted
  OwnerGeneration generation;
  Sequence last_applied;  // S2: the client goes on from the next, and re-sends what it has no answer to
  Zxid zxid;
  ServerId server;
  uint32_t max_data_bytes = 0;
  uint32_t max_outstanding = 0;  // requests in flight beyond which the server stops reading
  // Without a quorum: the session is this server's alone, nothing can be written, and the connection ends with kResume
  // once there is a quorum.
  bool read_only = false;
};

// Why the server closes a connection. The comment names the gRPC status; a ZooKeeper connection is closed without a
// word, except kSessionExpired and kAuthFailed while connecting (timeout 0).
enum class CloseReason : uint8_t {
  kSessionClosed,   // OK: the client closed its session
  kSessionExpired,  // UNAUTHENTICATED: unknown, expired or closed
  kAuthFailed,      // UNAUTHENTICATED: wrong password, or a credential was refused
  kMoved,           // ABORTED: the session was attached elsewhere since (S4)
  kOverloaded,      // RESOURCE_EXHAUSTED: budgets of the server, or a client that never confirms replies
  kNoQuorum,        // UNAVAILABLE: no leader that a majority confirms (S6)
  kBehind,          // UNAVAILABLE: this server is behind the client's last_zxid (S9)
  kResume,          // UNAVAILABLE: connect again, here or elsewhere, and re-arm (S10)
  kShutdown,        // UNAVAILABLE: the server stops
  kProtocolError,   // INVALID_ARGUMENT
};
std::string_view CloseReasonName(CloseReason reason);

// ---- unary ----

struct CallRequest {
  Request request;  // sequence 0; no watches
  Zxid last_zxid;   // as in ConnectRequest
  std::vector<Credential> credentials = {};
  std::string address = {};  // of the client, without port; for scheme ip
};
using CallDone = absl::AnyInvocable<void(Reply)>;

}  // namespace synod::service
