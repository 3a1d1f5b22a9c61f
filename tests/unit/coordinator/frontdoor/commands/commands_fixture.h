// Runs AdminServer commands over a scripted server.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/frontdoor/commands/commands.h"
#include "tests/unit/coordinator/frontdoor/commands/commands_world.h"

namespace synod::frontdoor::commands::testing {

using Json = nlohmann::ordered_json;

class CommandsTest : public ::testing::Test {
 protected:
  std::string Run(std::string_view name, int status = 200) {
    CommandAnswer answer = RunCommand(name, c_.context);
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }
  Json Parsed(std::string_view name) { return Json::parse(Run(name), nullptr, /*allow_exceptions=*/false); }
  static std::vector<std::string> Keys(const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;
  }

  CommandsWorld c_;
};

}  // namespace synod::frontdoor::commands::testing
