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
#include "coordinator/base/check.h"

namespace synod::client {

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
  kAuthFailed = 18,
  kReplyLost = 19,  // was done; its reply was confirmed earlier
  kNoQuorum = 100,  // the server asked knows no leader that a majority confirms
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

enum class CreateMode { kPersistent = 0, kEphemeral = 1, kPersistentSequential = 2, kEphemeralSequential = 3 };

// W1. kSession never goes back in what this session saw; kLinearizable sees every write acknowledged before the read
// was sent; kLocal answers even without a quorum (see ReadInfo).
enum class ReadStrength { kSession = 0, kLinearizable = 1, kLocal = 2 };

struct WatchEvent {
  enum class Type { kUnknown = 0, kCreated = 1, kDeleted = 2, kDataChanged = 3, kChildrenChanged = 4 };
  Type type = Type::kUnknown;
  std::string path;  // chroot stripped
  int64_t zxid = 0;
};
// "created", "deleted", "changed", "children".
std::string_view WatchEventName(WatchEvent::Type type);

// Both call for every change of a node: kPersistent for the node itself and its list of children, kPersistentRecursive
// for it and all below it (without "children" events).
enum class PersistentWatchKind { kPersistent = 3, kPersistentRecursive = 4 };

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
  std::string path;  // with the sequence suffix
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

// One operation of a multi. `version` is -1 for any.
struct Operation {
  enum class Kind { kCreate, kDelete, kSet, kCheck };
  Kind kind = Kind::kCheck;
  std::string path;
  Data data;
  CreateMode mode = CreateMode::kPersistent;
  int32_t version = -1;

  static Operation Create(std::string path, Data data, CreateMode mode = CreateMode::kPersistent) {
    return {Kind::kCreate, std::move(path), std::move(data), mode, -1};
  }
  static Operation Delete(std::string path, int32_t version = -1) {
    return {Kind::kDelete, std::move(path), {}, {}, version};
  }
  static Operation Set(std::string path, Data data, int32_t version = -1) {
    return {Kind::kSet, std::move(path), std::move(data), {}, version};
  }
  static Operation Check(std::string path, int32_t version = -1) {
    return {Kind::kCheck, std::move(path), {}, {}, version};
  }
};
struct OperationResult {
  ErrorCode error = ErrorCode::kOk;  // kRuntimeInconsistency: not done because of another one
  std::string path;
  Stat stat;
};
// A multi that was refused is a value, not an Error: `error` is its first failure and `results` says which operation
// failed. Over unary calls `results` is empty then.
struct MultiOutcome {
  Error error;
  int64_t zxid = 0;
  std::vector<OperationResult> results;
};

template <typename T>
using Callback = absl::AnyInvocable<void(Result<T>)>;
using WatchCallback = absl::AnyInvocable<void(const WatchEvent&)>;
using SessionCallback = absl::AnyInvocable<void(SessionState)>;

}  // namespace synod::client
