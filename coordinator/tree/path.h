// Path rules (specs: ZooKeeper protocol, section 9).
#pragma once

#include <string_view>

namespace synod::tree {

// The full rules: starts with "/", no empty, "." or ".." component, no trailing "/", no control or private-use
// characters, valid UTF-8 of at most three bytes per character.
bool IsValidPath(std::string_view path);
// The text before the last "/"; "/" for a child of the root and for the root itself. REQUIRES a "/" in path.
std::string_view ParentPath(std::string_view path);
// The text after the last "/".
std::string_view BaseName(std::string_view path);
// "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config": may not be deleted.
bool IsSystemPath(std::string_view path);

}  // namespace synod::tree
