#include "coordinator/service/writes.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "coordinator/base/check.h"
#include "coordinator/statemachine/command_codec.h"
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

struct Refuser {
  uint32_t max_data_bytes;
  std::optional<Error> operator()(const CreateOp& op) const {
    if (op.mode > CreateMode::kEphemeralSequential) return Error::kUnimplemented;
    if (auto refusal = SizeRefusal(op.path, DataSize(op.data), max_data_bytes)) return refusal;
    if (HopelessName(op.path)) return Error::kBadArguments;
    return std::nullopt;
  }
  std::optional<Error> operator()(const DeleteOp& op) const {
    if (auto refusal = SizeRefusal(op.path, 0, max_data_bytes)) return refusal;
    if (HopelessName(op.path) || tree::IsSystemPath(op.path)) return Error::kBadArguments;
    return std::nullopt;
  }
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
  std::optional<Error> operator()(const Unintelligible& op) const { return op.error; }
  template <typename Other>
  std::optional<Error> operator()(const Other&) const {
    return std::nullopt;
  }
};

template <typename Op>
size_t TreeOpBytes(const Op& op) {
  if constexpr (requires { op.data; }) {
    return op.path.size() + DataSize(op.data);
  } else {
    return op.path.size();
  }
}

size_t MultiBytes(const MultiOp& op) {
  size_t bytes = 0;
  for (const TreeOp& one : op.ops) bytes += std::visit([](const auto& o) { return TreeOpBytes(o); }, one);
  return bytes;
}

template <typename Variant>
std::string_view PathOfAny(const Variant& operation) {
  return std::visit(
      [](const auto& op) -> std::string_view {
        if constexpr (std::is_same_v<std::decay_t<decltype(op)>, MultiOp>) {
          if (op.ops.empty()) return {};
          return std::visit([](const auto& o) -> std::string_view { return o.path; }, op.ops.front());
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
  if (const auto* multi = std::get_if<MultiOp>(&operation)) {
    // Malformed paths inside a multi are the state machine's to judge: each operation gets its own result.
    if (multi->ops.size() > statemachine::kMaxMultiOps) return Error::kTooLarge;
    if (MultiBytes(*multi) > size_t{max_data_bytes} + statemachine::kMaxPathBytes) return Error::kTooLarge;
    return std::nullopt;
  }
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
        if constexpr (std::is_same_v<std::decay_t<decltype(op)>, MultiOp>) {
          return MultiBytes(op);
        } else if constexpr (requires { op.path; }) {
          return TreeOpBytes(op);
        } else {
          return 0;
        }
      },
      operation);
}

size_t ReplyBytes(const statemachine::Outcome& outcome) {
  constexpr size_t kFixed = 16, kPerResult = 40;  // zxid and framing; a Stat in varints
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
  reply->repeated = outcome.repeated;
}

}  // namespace synod::service
