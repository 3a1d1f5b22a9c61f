// A subtree as lines of JSON (docs/formats/export.md): a head, a line per node, parents before children, and an end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::cli {

inline constexpr int64_t kExportVersion = 1;

struct ExportHead {
  std::string root;
};
struct ExportNode {
  std::string path;
  client::Data data;
  client::Acl acl;
  client::CreateMode mode = client::CreateMode::kPersistent;  // kPersistent, kContainer or kPersistentTtl
  absl::Duration ttl;
};
struct ExportEnd {
  uint64_t nodes = 0;
  uint64_t ephemerals = 0;  // left out
  uint64_t masked = 0;      // nodes whose ACL was not shown in full
  bool consistent = false;  // all of it was so at one moment
};
using ExportLine = std::variant<ExportHead, ExportNode, ExportEnd>;

// Without a line end.
std::string ExportText(const ExportLine& line);
// InvalidArgument: no such line, a version that is not known, or a node whose ACL was masked.
absl::StatusOr<ExportLine> ParseExport(std::string_view text);
// Whether an ACL hides a digest, as the servers do for those without ADMIN on the node.
bool IsMasked(const client::Acl& acl);

}  // namespace synod::cli
