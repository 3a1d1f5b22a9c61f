#include "coordinator/statemachine/limits.h"

#include <type_traits>

namespace synod::statemachine {
namespace {

constexpr size_t kAclEntryBytes = 4;

size_t BytesOf(const NodeData& data) { return data ? data->size() : 0; }

size_t BytesOf(const WantedAcl& acl) {
  size_t bytes = 0;
  if (!acl) return bytes;
  for (const access::AclEntry& entry : *acl) bytes += kAclEntryBytes + entry.scheme.size() + entry.id.size();
  return bytes;
}

}  // namespace

void OperationBytes::Add(const TreeOp& op) {
  std::visit(
      [this](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        data += one.path.size();
        if constexpr (std::is_same_v<Op, CreateOp> || std::is_same_v<Op, SetDataOp>) data += BytesOf(one.data);
        if constexpr (std::is_same_v<Op, CreateOp> || std::is_same_v<Op, SetAclOp>) acl += BytesOf(one.acl);
      },
      op);
}

void OperationBytes::Add(const Compare& compare) { data += compare.path.size() + BytesOf(compare.value); }

}  // namespace synod::statemachine
