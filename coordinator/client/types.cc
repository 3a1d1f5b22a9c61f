#include "coordinator/client/types.h"

#include <charconv>

#include "absl/strings/str_cat.h"

namespace synod::client {
namespace {

constexpr std::string_view kAllText = "all";

// All of `text`, in decimal or as 0x and hexadecimal digits, without a sign.
template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  int base = 10;
  if (text.substr(0, 2) == "0x" || text.substr(0, 2) == "0X") {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text[0] == '-') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Acl OpenAcl() { return {{kAllPermissions, "world", "anyone"}}; }
Acl ReadOnlyAcl() { return {{kRead, "world", "anyone"}}; }
Acl CreatorAcl() { return {{kAllPermissions, "auth", ""}}; }

std::string Cursor::ToString() const {
  if (ordinal == kAll) return absl::StrCat(zxid, "-all");
  return absl::StrCat(zxid, "-", ordinal);
}

absl::StatusOr<Cursor> Cursor::Parse(std::string_view text) {
  Cursor cursor;
  const size_t dash = text.find('-');
  bool ok = ParseNumber(text.substr(0, dash), &cursor.zxid);
  if (dash != std::string_view::npos) {
    const std::string_view ordinal = text.substr(dash + 1);
    ok = ok && (ordinal == kAllText || ParseNumber(ordinal, &cursor.ordinal));
  }
  if (ok) return cursor;
  return absl::InvalidArgumentError(
      absl::StrCat("bad cursor \"", std::string(text), "\": one looks like 4711-2, 0x1267-2 or 4711-all"));
}

Operation Operation::Create(std::string path, Data data, CreateMode mode) {
  Operation operation;
  operation.kind = Kind::kCreate;
  operation.path = std::move(path);
  operation.data = std::move(data);
  operation.mode = mode;
  return operation;
}
Operation Operation::Create(std::string path, Data data, CreateOptions options) {
  Operation operation = Create(std::move(path), std::move(data), options.mode);
  operation.acl = std::move(options.acl);
  operation.ttl = options.ttl;
  operation.on_existing = options.on_existing;
  return operation;
}
Operation Operation::Put(std::string path, Data data) {
  Operation operation = Create(std::move(path), std::move(data));
  operation.on_existing = OnExisting::kSet;
  return operation;
}
Operation Operation::Delete(std::string path, int32_t version, bool missing_ok) {
  Operation operation;
  operation.kind = Kind::kDelete;
  operation.path = std::move(path);
  operation.version = version;
  operation.missing_ok = missing_ok;
  return operation;
}
Operation Operation::Set(std::string path, Data data, int32_t version) {
  Operation operation;
  operation.kind = Kind::kSet;
  operation.path = std::move(path);
  operation.data = std::move(data);
  operation.version = version;
  return operation;
}
Operation Operation::Check(std::string path, int32_t version) {
  Operation operation;
  operation.path = std::move(path);
  operation.version = version;
  return operation;
}
Operation Operation::SetAcl(std::string path, Acl acl, int32_t version) {
  Operation operation;
  operation.kind = Kind::kSetAcl;
  operation.path = std::move(path);
  operation.acl = std::move(acl);
  operation.version = version;
  return operation;
}
Operation Operation::DeleteTree(std::string path, DeleteTreeOptions options) {
  Operation operation;
  operation.kind = Kind::kDeleteTree;
  operation.path = std::move(path);
  operation.version = options.version;
  operation.max_nodes = options.max_nodes;
  operation.partial = options.partial;
  return operation;
}

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return "Ok";
    case ErrorCode::kNoNode:
      return "NoNode";
    case ErrorCode::kNodeExists:
      return "NodeExists";
    case ErrorCode::kBadVersion:
      return "BadVersion";
    case ErrorCode::kNotEmpty:
      return "NotEmpty";
    case ErrorCode::kNoChildrenForEphemerals:
      return "NoChildrenForEphemerals";
    case ErrorCode::kBadArguments:
      return "BadArguments";
    case ErrorCode::kInvalidAcl:
      return "InvalidAcl";
    case ErrorCode::kNoAuth:
      return "NoAuth";
    case ErrorCode::kSessionExpired:
      return "SessionExpired";
    case ErrorCode::kSessionMoved:
      return "SessionMoved";
    case ErrorCode::kQuotaExceeded:
      return "QuotaExceeded";
    case ErrorCode::kUnimplemented:
      return "Unimplemented";
    case ErrorCode::kRuntimeInconsistency:
      return "RuntimeInconsistency";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kRefusedMemory:
      return "RefusedMemory";
    case ErrorCode::kRefusedDisk:
      return "RefusedDisk";
    case ErrorCode::kNoWatcher:
      return "NoWatcher";
    case ErrorCode::kAuthFailed:
      return "AuthFailed";
    case ErrorCode::kReplyLost:
      return "ReplyLost";
    case ErrorCode::kNoQuorum:
      return "NoQuorum";
    case ErrorCode::kOverloaded:
      return "Overloaded";
    case ErrorCode::kMalformed:
      return "Malformed";
    case ErrorCode::kInternal:
      return "Internal";
    case ErrorCode::kTimeout:
      return "Timeout";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kClosed:
      return "Closed";
  }
  return "Unknown";
}

std::string Error::ToString() const {
  std::string text(ErrorCodeName(code));
  if (!message.empty()) text += ": " + message;
  if (effect == Effect::kMayHaveBeenDone) text += " (may have been done)";
  return text;
}

std::string_view WatchEventName(WatchEvent::Type type) {
  switch (type) {
    case WatchEvent::Type::kUnknown:
      return "unknown";
    case WatchEvent::Type::kCreated:
      return "created";
    case WatchEvent::Type::kDeleted:
      return "deleted";
    case WatchEvent::Type::kDataChanged:
      return "changed";
    case WatchEvent::Type::kChildrenChanged:
      return "children";
    case WatchEvent::Type::kEventsLost:
      return "lost";
  }
  return "unknown";
}

std::string_view SessionStateName(SessionState state) {
  switch (state) {
    case SessionState::kConnecting:
      return "connecting";
    case SessionState::kConnected:
      return "connected";
    case SessionState::kSuspended:
      return "suspended";
    case SessionState::kLost:
      return "lost";
    case SessionState::kExpired:
      return "expired";
    case SessionState::kClosed:
      return "closed";
  }
  return "unknown";
}

}  // namespace synod::client
