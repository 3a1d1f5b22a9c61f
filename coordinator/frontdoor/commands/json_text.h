// JSON as ZooKeeper's AdminServer lays it out: scripts with grep and sed know it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace synod::frontdoor::commands {

// Members of objects on lines of their own, indented by two, " : " after the key; arrays on the line of their key.
// Doubles as Java prints them.
std::string JsonText(const nlohmann::ordered_json& value);

}  // namespace synod::frontdoor::commands
