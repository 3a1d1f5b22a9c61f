// Everything at and below a node, page by page.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "coordinator/client/blocking.h"

namespace synod::cli {

struct WalkedNode {
  std::string path;
  client::Stat stat;
  client::Data data;    // if asked for
  bool denied = false;  // READ on it is missing: neither stat nor data, and what is below it is not seen
};
enum class WalkStep { kGoOn, kSkipChildren, kStop };

struct WalkOptions {
  client::ReadStrength strength = client::ReadStrength::kSession;
  bool with_data = false;
  uint32_t page = 0;  // children per request; 0: the server's default
};

// Calls for `root` and then for everything below it, a parent before its children, siblings in byte order. Holds one
// page per level, so that a list of a million children is no matter. The tree may change meanwhile: what comes or goes
// may or may not be seen, what stays is seen once. Returns the error of the root, or the first other than kNoNode.
client::Error Walk(client::BlockingClient& client, const std::string& root, const WalkOptions& options,
                   absl::FunctionRef<WalkStep(WalkedNode&)> on_node);

}  // namespace synod::cli
