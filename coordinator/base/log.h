// The log of a process. Lines start with server, role and term ("2L t7"), which the node sets; the sink never blocks
// the loop.
#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <string>

namespace synod {

// Sets up the process's log: lines to standard error, or to `file` if not empty, through a bounded queue on a thread of
// its own that drops its oldest lines when full (faults.md R58). `level`: trace, debug, info, warn, error.
void InitLogging(const std::string& level, const std::string& file);
// The prefix of every later line: server id, role letter (L leader, C candidate, F follower, O learner, - not started),
// term.
void SetLogPrefix(uint32_t server, char role, uint64_t term);

}  // namespace synod

#define SLOG_DEBUG(...) SPDLOG_LOGGER_DEBUG(spdlog::default_logger_raw(), __VA_ARGS__)
#define SLOG_INFO(...) spdlog::info(__VA_ARGS__)
#define SLOG_WARN(...) spdlog::warn(__VA_ARGS__)
#define SLOG_ERROR(...) spdlog::error(__VA_ARGS__)
