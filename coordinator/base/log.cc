#include "coordinator/base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace synod {
namespace {

constexpr char kTime[] = "%Y-%m-%dT%H:%M:%S.%e";

}  // namespace

void InitLogging(const std::string& level, const std::string& file) {
  spdlog::init_thread_pool(8192, 1);
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  }
  auto logger = std::make_shared<spdlog::async_logger>("synod", std::move(sink), spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  SetLogPrefix(0, '-', 0);
}

void SetLogPrefix(uint32_t server, char role, uint64_t term) {
  spdlog::set_pattern(fmt::format("{} {}{} t{} %l %v", kTime, server, role, term));
}

}  // namespace synod
