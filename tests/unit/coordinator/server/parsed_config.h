// A configuration from its text, or the error of one that cannot be.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "coordinator/server/config.h"

namespace synod::server {

inline ServerConfig Parsed(const std::string& text, const std::string& my_id = "") {
  absl::StatusOr<ServerConfig> config = ParseConfig(text, my_id);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ServerConfig();
}

inline std::string Error(const std::string& text, const std::string& my_id = "") {
  absl::StatusOr<ServerConfig> config = ParseConfig(text, my_id);
  EXPECT_FALSE(config.ok()) << text;
  EXPECT_TRUE(config.ok() || config.status().code() == absl::StatusCode::kInvalidArgument) << config.status();
  return std::string(config.status().message());
}

}  // namespace synod::server
