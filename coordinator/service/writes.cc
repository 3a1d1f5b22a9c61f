#include "coordinator/service/writes.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "coordinator/base/check.h"
#include "coordinator/service/credentials.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/limits.h"
#include "coordinator/tree/path.h"

namespace synod::service {
namespace {

using tree::Error;

size_t DataSize(const NodeData& data) { return data ? data->size() : 0; }

std::optional<Error> SizeRefusal(const std::string& path, size_t data_bytes, uint32_t max_data_bytes) {
  if (path.size() > statemachine::kMaxPathBytes || data_bytes > max_data_bytes) return Error::kTooLarge;
  return std::nullopt;
}

// Sheet section 9: the rules that come before any look at the tree.
bool HopelessName(const std::string& path) {
  return path.empty() || path[0] != '/' || path.find('\0') != std::string::npos;
}

// A list that FixUp refuses whoever asks: bounded before it gets into the log.
bool HopelessAcl(const WantedAcl& acl) {
  if (!acl) return false;
  if (acl->size() > access::kMaxAclEntries) return true;
  return std::any_of(acl->begin(), acl->end(), [](const access::AclEntry& entry) {
    return entry.scheme.size() > access::kMaxAclTextBytes || entry.id.size() > access::kMaxAclTextBytes;
  });
}

size_t AclBytes(const WantedAcl& acl) {
  size_t bytes = 0;
  if (acl) {
    for (const access::AclEntry& entry : *acl) bytes += entry.scheme.size() + entry.id.size() + sizeof(uint32_t);
  }
  return bytes;
}

template <typename Op>
size_t TreeOpBytes(const Op& op) {
  if constexpr (requires { op.data; }) {
    return op.path.size() + DataSize(op.data);
  } else {
    return op.path.size();
  }
}

template <typename Op>
size_t AclBytesOf(const Op& op) {
  if constexpr (requires { op.acl; }) {
    return AclBytes(op.acl);
  } else {
    return 0;
  }
}

// Of a list of operations or conditions.
template <typename Part>
statemachine::OperationBytes Sum(const std::vector<Part>& parts) {
  statemachine::OperationBytes bytes;
  for (const Part& part : parts) bytes.Add(part);
  return bytes;
}

template <typename Part>
size_t Held(const std::vector<Part>& parts) {
  const statemachine::OperationBytes bytes = Sum(parts);
  return parts.size() * sizeof(Part) + bytes.data + bytes.acl;
}

// What the state machine would refuse at one of them, seen for the whole list: it does not get into the log.
bool IsTooLarge(const std::vector<TreeOp>& ops, uint32_t max_data_bytes) {
  return ops.size() > statemachine::kMaxMultiOps || Sum(ops).TooLarge(max_data_bytes);
}
bool IsTooLarge(const std::vector<Compare>& compares, uint32_t max_data_bytes) {
  return compares.size() > statemachine::kMaxCompares || Sum(compares).TooLarge(max_data_bytes);
}

// A value that no command can carry: a server that read it from the log would stop (L6), and so would all others.
template <typename Op>
bool OutOfRange(const Op& op) {
  if constexpr (std::is_same_v<Op, CreateOp>) {
    return op.mode > CreateMode::kPersistentSequentialTtl || op.on_existing > OnExisting::kSet;
  } else {
    return false;
  }
}
bool AnyOutOfRange(const std::vector<TreeOp>& ops) {
  return std::any_of(ops.begin(), ops.end(),
                     [](const TreeOp& op) { return std::visit([](const auto& one) { return OutOfRange(one); }, op); });
}
bool AnyOutOfRange(const std::vector<Compare>& compares) {
  return std::any_of(compares.begin(), compares.end(), [](const Compare& compare) {
    return compare.target > Compare::Target::kValue || compare.relation > Compare::Relation::kGreaterOrEqual;
  });
}

struct Refuser {
  uint32_t max_data_bytes;

  std::optional<Error> operator()(const CreateOp& op) const {
    if (OutOfRange(op)) return Error::kBadArguments;
    if (auto refusal = SizeRefusal(op.path, DataSize(op.data), max_data_bytes)) return refusal;
    if (HopelessName(op.path)) return Error::kBadArguments;
    if (HopelessAcl(op.acl)) return Error::kInvalidAcl;
    return std::nullopt;
  }
  std::optional<Error> operator()(const DeleteOp& op) const { return RefuseDelete(op.path); }
  std::optional<Error> operator()(const DeleteTreeOp& op) const { return RefuseDelete(op.path); }
  std::optional<Error> operator()(const SetDataOp& op) const {
    if (auto refusal = SizeRefusal(op.path, DataSize(op.data), max_data_bytes)) return refusal;
    if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
    return std::nullopt;
  }
  std::optional<Error> operator()(const CheckOp& op) const {
    if (auto refusal = SizeRefusal(op.path, 0, max_data_bytes)) return refusal;
    if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
    return std::nullopt;
  }
  std::optional<Error> operator()(const SetAclOp& op) const {
    if (auto refusal = SizeRefusal(op.path, 0, max_data_bytes)) return refusal;
    if (!tree::IsValidPath(op.path)) return Error::kBadArguments;
    if (HopelessAcl(op.acl)) return Error::kInvalidAcl;
    return std::nullopt;
  }
  // Malformed paths inside a multi are the state machine's to judge: each operation gets its own result.
  std::optional<Error> operator()(const MultiOp& op) const {
    if (AnyOutOfRange(op.ops)) return Error::kBadArguments;
    return IsTooLarge(op.ops, max_data_bytes) ? std::optional(Error::kTooLarge) : std::nullopt;
  }
  std::optional<Error> operator()(const TxnOp& op) const {
    if (AnyOutOfRange(op.compares) || AnyOutOfRange(op.then_ops) || AnyOutOfRange(op.else_ops))
      return Error::kBadArguments;
    bool too_large = IsTooLarge(op.compares, max_data_bytes) || IsTooLarge(op.then_ops, max_data_bytes) ||
                     IsTooLarge(op.else_ops, max_data_bytes);
    return too_large ? std::optional(Error::kTooLarge) : std::nullopt;
  }
  std::optional<Error> operator()(const Authenticate& op) const {
    if (!Prove(op.credential)) return Error::kAuthFailed;
    return std::nullopt;
  }
  std::optional<Error> operator()(const Unintelligible& op) const {
    return op.error == Error::kOk ? Error::kBadArguments : op.error;
  }
  template <typename Other>
  std::optional<Error> operator()(const Other&) const {
    return std::nullopt;
  }

 private:
  std::optional<Error> RefuseDelete(const std::string& path) const {
    if (auto refusal = SizeRefusal(path, 0, max_data_bytes)) return refusal;
    if (HopelessName(path) || tree::IsSystemPath(path)) return Error::kBadArguments;
    return std::nullopt;
  }
};

template <typename Op>
std::string_view FirstPath(const std::vector<Op>& ops) {
  if (ops.empty()) return {};
  return std::visit([](const auto& o) -> std::string_view { return o.path; }, ops.front());
}

template <typename Variant>
std::string_view PathOfAny(const Variant& operation) {
  return std::visit(
      [](const auto& op) -> std::string_view {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, MultiOp>) {
          return FirstPath(op.ops);
        } else if constexpr (std::is_same_v<Op, TxnOp>) {
          return op.compares.empty() ? FirstPath(op.then_ops) : std::string_view(op.compares.front().path);
        } else if constexpr (std::is_same_v<Op, MultiRead>) {
          return FirstPath(op.ops);
        } else if constexpr (std::is_same_v<Op, SetWatches>) {
          return op.watches.empty() ? std::string_view() : std::string_view(op.watches.front().path);
        } else if constexpr (requires { op.path; }) {
          return op.path;
        } else {
          return {};
        }
      },
      operation);
}

}  // namespace

std::optional<Error> RefusalOf(const Operation& operation, uint32_t max_data_bytes) {
  return std::visit(Refuser{max_data_bytes}, operation);
}

statemachine::Operation ToCommandOperation(Operation operation) {
  return std::visit(
      [](auto&& op) -> statemachine::Operation {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, CloseSession>) {
          return statemachine::CloseSessionOp{};
        } else if constexpr (std::is_same_v<Op, Unintelligible>) {
          return statemachine::RefusedOp{op.error};
        } else if constexpr (std::is_same_v<Op, Authenticate>) {
          std::optional<access::IdentitySet> proved = Prove(op.credential);
          if (!proved) return statemachine::RefusedOp{Error::kAuthFailed};
          return statemachine::AuthenticateOp{*std::move(proved)};
        } else if constexpr (std::is_constructible_v<statemachine::Operation, Op&&>) {
          return statemachine::Operation(std::move(op));
        } else {
          SYNOD_CHECK(false) << "a read is no command";
          return statemachine::RefusedOp{};
        }
      },
      std::move(operation));
}

size_t BytesOf(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> size_t {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, MultiOp>) {
          return Held(op.ops);
        } else if constexpr (std::is_same_v<Op, TxnOp>) {
          return Held(op.compares) + Held(op.then_ops) + Held(op.else_ops);
        } else if constexpr (std::is_same_v<Op, MultiRead>) {
          size_t bytes = op.ops.size() * sizeof(ReadOp);
          for (const ReadOp& one : op.ops) bytes += std::visit([](const auto& o) { return o.path.size(); }, one);
          return bytes;
        } else if constexpr (std::is_same_v<Op, SetWatches>) {
          size_t bytes = op.watches.size() * sizeof(WatchSet);
          for (const WatchSet& set : op.watches) bytes += set.path.size();
          return bytes;
        } else if constexpr (std::is_same_v<Op, List>) {
          return op.path.size() + op.after.size() + op.prefix.size();
        } else if constexpr (std::is_same_v<Op, GetEphemerals>) {
          return op.prefix.size() + op.after.size();
        } else if constexpr (std::is_same_v<Op, Authenticate>) {
          return op.credential.scheme.size() + op.credential.credential.size();
        } else if constexpr (requires { op.path; }) {
          return TreeOpBytes(op) + AclBytesOf(op);
        } else {
          return 0;
        }
      },
      operation);
}

size_t ReplyBytes(const statemachine::Outcome& outcome) {
  constexpr size_t kFixed = 17, kPerResult = 44;  // zxid, flags and framing; a Stat and counts in varints
  size_t bytes = kFixed + kPerResult + outcome.result.path.size();
  for (const OpResult& result : outcome.results) bytes += kPerResult + result.path.size();
  return bytes;
}

std::string_view PathOf(const Operation& operation) { return PathOfAny(operation); }
std::string_view PathOf(const statemachine::Operation& operation) { return PathOfAny(operation); }

void FillReply(const statemachine::Outcome& outcome, Reply* reply) {
  reply->zxid = outcome.zxid;
  reply->error = ToErrorCode(outcome.error);
  if (outcome.error == Error::kReplyLost) reply->effect = Effect::kMayHaveBeenDone;
  reply->result = outcome.result;
  reply->results = outcome.results;
  reply->succeeded = outcome.succeeded;
  reply->repeated = outcome.repeated;
}

}  // namespace synod::service
