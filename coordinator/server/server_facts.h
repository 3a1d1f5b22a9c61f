// What the operators' commands show of this server and its process.
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/frontdoor/commands/facts.h"
#include "coordinator/server/config.h"

namespace synod::server {

// "3.9.3-synod-0.1.0, built on 2026-01-31 12:00 UTC". The time is that of the program's file, so that a build is the
// same bytes whenever it is made: a packager's file keeps the time that the package gives it.
std::string VersionText();

// `client_port` is the one listened at.
frontdoor::commands::ServerFacts ServerFactsOf(const ServerConfig& config, uint16_t client_port);

// What takes a walk through directories to know.
struct DiskUse {
  uint64_t data_dir_bytes = 0;
  uint64_t data_log_dir_bytes = 0;
  uint64_t open_files = 0;
  uint64_t max_files = 0;
};
// Any thread. What is gone while it looks counts nothing.
DiskUse ReadDiskUse(const std::string& snapshot_directory, const std::string& log_directory);

// `use` and what is known at once.
frontdoor::commands::ProcessFacts ProcessFactsOf(const DiskUse& use, uint64_t uptime_ms);

}  // namespace synod::server
