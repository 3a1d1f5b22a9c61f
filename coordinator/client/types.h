// What the client library speaks in: plain values, no protobuf, no gRPC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/access/acl.h"
#include "coordinator/access/schemes.h"
#include "coordinator/base/check.h"

namespace synod::client {

// Access control, in ZooKeeper's terms (access/acl.h): an entry grants permissions (bits) to an identity of a scheme.
using access::Acl;
using access::AclEntry;
using access::Identity;
using access::kAdmin;
using access::kAllPermissions;
using access::kCreate;
using access::kDelete;
using access::kRead;
using access::kWrite;
// The id of scheme "digest" for "user:password": AclEntry{kAllPermissions, "digest", DigestId("me:secret")}.
using access::DigestId;
// world:anyone, all permissions: what a node gets that names no list.
Acl OpenAcl();
// world:anyone, READ.
Acl ReadOnlyAcl();
// auth, all permissions: becomes the authenticated identities of whoever sends it. InvalidAcl if there are none.
Acl CreatorAcl();

// What proves an identity. Scheme "digest": "user:password".
struct Credential {
  std::string scheme;
  std::string credential;
  bool operator==(const Credential&) const = default;
};

// Why an operation failed. Below 100: the outcome of the operation, decided by the replicated state. From 100: the way
// to it. From 200: raised by this library.
enum class ErrorCode : int {
  kOk = 0,
  kNoNode = 1,
  kNodeExists = 2,
  kBadVersion = 3,
  kNotEmpty = 4,
  kNoChildrenForEphemerals = 5,
  kBadArguments = 6,
  kInvalidAcl = 7,
  kNoAuth = 8,
  kSessionExpired = 9,  // the session is gone, and its ephemerals with it
  kSessionMoved = 10,
  kQuotaExceeded = 11,
  kUnimplemented = 12,
  kRuntimeInconsistency = 13,  // (in a multi) not done because of another operation
  kTooLarge = 14,
  kRefusedMemory = 15,
  kRefusedDisk = 16,
  kNoWatcher = 17,
  kAuthFailed = 18,  // a credential was refused
  kReplyLost = 19,   // was done; its reply was confirmed earlier
  kNoQuorum = 100,   // the server asked knows no leader that a majority confirms
  kOverloaded = 101,
  kMalformed = 102,
  kInternal = 103,
  kTimeout = 200,      // no answer within the caller's limit
  kUnavailable = 201,  // no server of the list could be used
  kClosed = 202,       // the client was closed
};

// "NoNode" and so on.
std::string_view ErrorCodeName(ErrorCode code);

// Whether a failed write may have taken effect all the same. A failed read is always kNotDone.
enum class Effect { kNotDone, kMayHaveBeenDone };

struct Error {
  ErrorCode code = ErrorCode::kOk;
  Effect effect = Effect::kNotDone;
  std::string message;  // for people; names what to do where that is known

  bool ok() const { return code == ErrorCode::kOk; }
  // "NoNode: /a does not exist", with " (may have been done)" where that is so.
  std::string ToString() const;
};

// A value or an Error that is not kOk.
template <typename T>
class Result {
 public:
  Result(T value) : content_(std::move(value)) {}  // NOLINT: meant to convert
  Result(Error error) : content_(std::move(error)) { SYNOD_CHECK(!std::get<Error>(content_).ok()); }  // NOLINT
  bool ok() const { return std::holds_alternative<T>(content_); }
  // REQUIRES: ok().
  const T& value() const {
    SYNOD_CHECK(ok()) << error().ToString();
    return std::get<T>(content_);
  }
  T& value() {
    SYNOD_CHECK(ok()) << error().ToString();
    return std::get<T>(content_);
  }
  const T& operator*() const { return value(); }
  T& operator*() { return value(); }
  const T* operator->() const { return &value(); }
  // REQUIRES: !ok().
  const Error& error() const { return std::get<Error>(content_); }

 private:
  std::variant<T, Error> content_;
};

struct Stat {
  int64_t czxid = 0;
  int64_t mzxid = 0;
  int64_t pzxid = 0;
  int64_t ctime_ms = 0;
  int64_t mtime_ms = 0;
  int32_t version = 0;
  int32_t cversion = 0;
  int32_t aversion = 0;
  int64_t ephemeral_owner = 0;
  int32_t data_length = 0;
  int32_t num_children = 0;
  bool operator==(const Stat&) const = default;
};

enum class CreateMode {
  kPersistent = 0,
  kEphemeral = 1,
  kPersistentSequential = 2,
  kEphemeralSequential = 3,
  kContainer = 4,      // removed some time after its last child went
  kPersistentTtl = 5,  // removed when it has no children and was not written for `ttl`
  kPersistentSequentialTtl = 6
};

// What a create does when the node is there.
enum class OnExisting {
  kFail = 0,  // kNodeExists
  kKeep = 1,  // create-if-absent: a success that changes nothing; Created::created tells
  kSet = 2    // create-or-set: sets its data; nothing else of the node changes
};

struct CreateOptions {
  CreateMode mode = CreateMode::kPersistent;
  std::optional<Acl> acl;                      // nullopt: world:anyone, all permissions. Empty: kInvalidAcl
  absl::Duration ttl;                          // with a TTL mode: 1 ms to 2^40 - 1 ms
  OnExisting on_existing = OnExisting::kFail;  // else not with a sequential mode
};
struct DeleteOptions {
  int32_t version = -1;     // -1: any
  bool missing_ok = false;  // delete-if-there: a missing node is a success; Deleted::deleted tells
};
struct DeleteTreeOptions {
  int32_t version = -1;    // of the node itself; -1: any
  uint32_t max_nodes = 0;  // more of them: kTooLarge. 0: as many as the server allows (5,000)
  bool partial = false;    // more of them: that many go, deepest first; Deleted::remaining tells how many are left
};

// W1. kSession never goes back in what this session saw; kLinearizable sees every write acknowledged before the read
// was sent; kLocal answers even without a quorum (see ReadInfo).
enum class ReadStrength { kSession = 0, kLinearizable = 1, kLocal = 2 };

// A place between the changes of the tree (W3): everything up to and including it was seen. Within one zxid ordinals
// ascend. Two cursors of different servers of one ensemble mean the same.
struct Cursor {
  static constexpr uint32_t kAll = UINT32_MAX;  // all of the zxid

  int64_t zxid = 0;
  uint32_t ordinal = kAll;
  auto operator<=>(const Cursor&) const = default;

  // "4711-2"; "4711-all" with kAll.
  std::string ToString() const;
  // The same, each number in decimal or as 0x and hexadecimal digits; "4711" is "4711-all". InvalidArgument: anything
  // else.
  static absl::StatusOr<Cursor> Parse(std::string_view text);
};

struct WatchEvent {
  enum class Type {
    kUnknown = 0,
    kCreated = 1,
    kDeleted = 2,
    kDataChanged = 3,
    kChildrenChanged = 4,
    // Persistent watches: no server holds what happened while this client was away. Read again whatever you keep of
    // `path` (the watch's own); events go on from here.
    kEventsLost = 5
  };
  Type type = Type::kUnknown;
  std::string path;  // chroot stripped
  int64_t zxid = 0;
  uint32_t ordinal = 0;  // as in Cursor
};
// "created", "deleted", "changed", "children", "lost".
std::string_view WatchEventName(WatchEvent::Type type);

// Both call for every change of a node: kPersistent for the node itself and its list of children, kPersistentRecursive
// for it and all below it (without "children" events).
enum class PersistentWatchKind { kPersistent = 3, kPersistentRecursive = 4 };

// What a watch of this client may be: kData is set by Get and Exists, kChildren by GetChildren, the others by AddWatch.
enum class WatchKind { kData = 0, kChildren = 2, kPersistent = 3, kPersistentRecursive = 4 };

// What becomes of a session, in the order of events. See client.h for what each asks of its holder.
enum class SessionState { kConnecting, kConnected, kSuspended, kLost, kExpired, kClosed };
std::string_view SessionStateName(SessionState state);

// Data of a node: nullopt is null, which is not the same as empty.
using Data = std::optional<std::string>;

// How fresh an answer is: the last zxid applied at the server that answered; age_ms (kLocal only): since it last heard
// from a leader.
struct ReadInfo {
  int64_t zxid = 0;
  uint64_t age_ms = 0;
};
struct Written {
  int64_t zxid = 0;             // of the write
  Stat stat;                    // after it (set, create); of the node (check)
  bool repeated_reply = false;  // it had been applied before the connection broke: this is its first outcome (S2)
};
struct Created : Written {
  std::string path;     // with the sequence suffix
  bool created = true;  // false (OnExisting): it was there; kept or set
};
struct Deleted : Written {
  uint64_t deleted = 0;    // nodes that went; 0: it was missing (missing_ok)
  uint64_t remaining = 0;  // of a partial DeleteTree: nodes of the subtree, itself included, that are left
};
struct NodeValue : ReadInfo {
  Data data;
  Stat stat;
};
struct NodeStat : ReadInfo {
  std::optional<Stat> stat;  // nullopt: the node does not exist
};
struct Children : ReadInfo {
  std::vector<std::string> names;  // in byte order
  std::optional<Stat> stat;        // of the parent, when asked for
};

struct NodeAcl : ReadInfo {
  Acl acl;  // without ADMIN on the node the ids of digests are masked: "user:x"
  Stat stat;
  CreateMode mode = CreateMode::kPersistent;  // kPersistent, kEphemeral, kContainer or kPersistentTtl
  absl::Duration ttl;                         // with kPersistentTtl
};

struct ListOptions {
  std::string after;   // names greater than it; empty: from the first
  std::string prefix;  // names that begin with it
  uint32_t limit = 0;  // of a page. 0: 1,000; at most 10,000. A page ends at about 1 MB as well
  bool with_stat = false;
  bool with_data = false;
};
struct ListEntry {
  std::string name;
  std::optional<Stat> stat;  // with_stat
  Data data;                 // with_data; nullopt also: null, or denied
  bool denied = false;       // stat or data was asked for and READ on this child is missing: neither is given
};
struct Listing : ReadInfo {
  std::vector<ListEntry> entries;  // in byte order of the names
  bool more = false;               // others follow: go on after entries.back().name
  Stat stat;                       // of the parent
};

struct EphemeralsOptions {
  int64_t session_id = 0;  // whose; 0: this client's own session (kBadArguments without one)
  std::string prefix;      // of the path, as text
  std::string after;       // paths greater than it
  uint32_t limit = 0;      // of a page. 0: 1,000; at most 10,000
  bool all_sessions =
      false;  // of all sessions, at or below the path `prefix`; `after`: Ephemerals::next of the page before
};
struct Ephemerals : ReadInfo {
  std::vector<std::string>
      paths;          // in byte order; of all sessions: in the order of the tree, a node before its children
  bool more = false;  // others follow
  std::string next;   // where to go on: `after` of the next page. Empty: that was all
};

struct Count : ReadInfo {
  uint64_t count = 0;
};
struct Identities : ReadInfo {
  std::vector<Identity> identities;  // sorted; with the address (scheme ip) that the server sees
};

// One operation of a multi or of a branch of a transaction. Each kind uses the fields its maker sets.
struct Operation {
  enum class Kind { kCreate, kDelete, kSet, kCheck, kSetAcl, kDeleteTree };
  Kind kind = Kind::kCheck;
  std::string path;
  Data data;
  CreateMode mode = CreateMode::kPersistent;
  int32_t version = -1;  // -1: any
  std::optional<Acl> acl;
  absl::Duration ttl;
  OnExisting on_existing = OnExisting::kFail;
  bool missing_ok = false;
  uint32_t max_nodes = 0;
  bool partial = false;

  static Operation Create(std::string path, Data data, CreateMode mode = CreateMode::kPersistent);
  static Operation Create(std::string path, Data data, CreateOptions options);
  // Create-or-set.
  static Operation Put(std::string path, Data data);
  static Operation Delete(std::string path, int32_t version = -1, bool missing_ok = false);
  static Operation Set(std::string path, Data data, int32_t version = -1);
  static Operation Check(std::string path, int32_t version = -1);
  // `version` is the aversion expected.
  static Operation SetAcl(std::string path, Acl acl, int32_t version = -1);
  static Operation DeleteTree(std::string path, DeleteTreeOptions options = {});
};
struct OperationResult {
  ErrorCode error = ErrorCode::kOk;  // kRuntimeInconsistency: not done because of another one
  std::string path;                  // create: with the sequence suffix
  Stat stat;                         // create, set, check, set ACL
  bool created = false;              // create: this one made the node
  uint64_t deleted = 0;              // delete, delete tree: nodes that went
  uint64_t remaining = 0;            // delete tree, partial
};
// A multi that was refused is a value, not an Error: `error` is its first failure and `results` says which operation
// failed. Over unary calls `results` is empty then.
struct MultiOutcome {
  Error error;
  int64_t zxid = 0;
  std::vector<OperationResult> results;
  bool repeated_reply = false;  // as Written's
};

// A condition of a transaction. Of a missing node every comparison is false but Missing.
struct Compare {
  enum class Target {
    kExists = 0,
    kVersion = 1,
    kCversion = 2,
    kAversion = 3,
    kCzxid = 4,
    kMzxid = 5,
    kEphemeralOwner = 6,
    kValue = 7
  };
  enum class Relation { kEqual = 0, kNotEqual = 1, kLess = 2, kLessOrEqual = 3, kGreater = 4, kGreaterOrEqual = 5 };
  std::string path;
  Target target = Target::kExists;
  Relation relation = Relation::kEqual;
  int64_t number = 0;
  Data value;  // kValue: byte order; null before everything

  static Compare Exists(std::string path) { return {std::move(path), Target::kExists, Relation::kEqual, 1, {}}; }
  static Compare Missing(std::string path) { return {std::move(path), Target::kExists, Relation::kEqual, 0, {}}; }
  // Version, czxid and so on.
  static Compare Number(std::string path, Target target, Relation relation, int64_t number) {
    return {std::move(path), target, relation, number, {}};
  }
  static Compare Value(std::string path, Relation relation, Data value) {
    return {std::move(path), Target::kValue, relation, 0, std::move(value)};
  }
};
// As a multi: `error` and `results` are of the branch that was taken. Over unary calls a refused one does not say which
// branch that was.
struct TxnOutcome : MultiOutcome {
  bool succeeded = false;  // all conditions held: `results` are of the then branch
};

// One part of a MultiRead.
struct ReadOperation {
  enum class Kind { kExists, kGet, kGetChildren, kGetAcl };
  Kind kind = Kind::kGet;
  std::string path;
  bool with_stat = false;  // kGetChildren

  static ReadOperation Exists(std::string path) { return {Kind::kExists, std::move(path), false}; }
  static ReadOperation Get(std::string path) { return {Kind::kGet, std::move(path), false}; }
  static ReadOperation GetChildren(std::string path, bool with_stat = false) {
    return {Kind::kGetChildren, std::move(path), with_stat};
  }
  static ReadOperation GetAcl(std::string path) { return {Kind::kGetAcl, std::move(path), false}; }
};
struct ReadResult {
  ErrorCode error = ErrorCode::kOk;  // kNoNode, kNoAuth, kBadArguments: of this part alone
  std::optional<Stat> stat;
  Data data;                          // kGet
  std::vector<std::string> children;  // kGetChildren
  Acl acl;                            // kGetAcl, with mode and ttl as NodeAcl's
  CreateMode mode = CreateMode::kPersistent;
  absl::Duration ttl;
};
struct ReadResults : ReadInfo {
  std::vector<ReadResult> results;  // one per operation, all of one state
};

template <typename T>
using Callback = absl::AnyInvocable<void(Result<T>)>;
// Gets a page; returns whether to go on with the next.
using ListPageCallback = absl::AnyInvocable<bool(Listing&)>;
using WatchCallback = absl::AnyInvocable<void(const WatchEvent&)>;
using SessionCallback = absl::AnyInvocable<void(SessionState)>;

}  // namespace synod::client
