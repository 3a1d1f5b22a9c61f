#include <compare>

#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {
namespace {

using tree::Error;
using Target = Compare::Target;
using Relation = Compare::Relation;

bool Holds(Relation relation, std::strong_ordering order) {
  switch (relation) {
    case Relation::kEqual:
      return order == 0;
    case Relation::kNotEqual:
      return order != 0;
    case Relation::kLess:
      return order < 0;
    case Relation::kLessOrEqual:
      return order <= 0;
    case Relation::kGreater:
      return order > 0;
    case Relation::kGreaterOrEqual:
      return order >= 0;
  }
  return false;
}

int64_t NumberOf(Target target, const tree::Stat& stat) {
  switch (target) {
    case Target::kVersion:
      return stat.version;
    case Target::kCversion:
      return stat.cversion;
    case Target::kAversion:
      return stat.aversion;
    case Target::kCzxid:
      return stat.czxid.value();
    case Target::kMzxid:
      return stat.mzxid.value();
    case Target::kEphemeralOwner:
      return stat.ephemeral_owner.value();
    case Target::kExists:
    case Target::kValue:
      break;
  }
  return 1;  // it exists
}

// Existence is yes or no: neither an order nor another number means anything.
bool IsSensible(const Compare& compare) {
  if (compare.target != Target::kExists) return true;
  return (compare.number == 0 || compare.number == 1) && compare.relation <= Relation::kNotEqual;
}

}  // namespace

Error Applier::Evaluate(const Compare& compare, bool* holds) {
  if (IsTooLarge(compare.path, compare.value, command_.max_data_bytes)) return Error::kTooLarge;
  if (!IsSensible(compare)) return Error::kBadArguments;
  tree::Stat stat;
  std::optional<std::string_view> data;
  // Views only: of the value nothing is copied.
  Error error = compare.target == Target::kValue ? state_->tree->GetData(context_.caller, compare.path, &data, &stat)
                                                 : state_->tree->Exists(context_.caller, compare.path, &stat);
  if (error == Error::kNoNode) {
    *holds = compare.target == Target::kExists && Holds(compare.relation, int64_t{0} <=> compare.number);
    return Error::kOk;
  }
  if (error != Error::kOk) return error;
  if (compare.target == Target::kValue) {
    std::optional<std::string_view> wanted;
    if (compare.value) wanted = *compare.value;
    *holds = Holds(compare.relation, data <=> wanted);  // nullopt is less than every value
  } else {
    *holds = Holds(compare.relation, NumberOf(compare.target, stat) <=> compare.number);
  }
  return Error::kOk;
}

// Every condition is looked at, so that whether one may be read does not tell of another's value.
void Applier::ApplyTxn(const TxnOp& txn) {
  if (txn.compares.size() > kMaxCompares) {
    outcome_.error = Error::kTooLarge;
    return;
  }
  OperationBytes bytes;
  bool all_hold = true;
  for (const Compare& compare : txn.compares) {
    bytes.Add(compare);
    bool holds = false;
    outcome_.error = bytes.TooLarge(command_.max_data_bytes) ? Error::kTooLarge : Evaluate(compare, &holds);
    if (outcome_.error != Error::kOk) return;
    all_hold = all_hold && holds;
  }
  outcome_.succeeded = all_hold;
  ApplyAll(all_hold ? txn.then_ops : txn.else_ops);
}

}  // namespace synod::statemachine
