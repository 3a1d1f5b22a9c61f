#include "coordinator/server/standalone.h"

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

absl::StatusOr<uint16_t> Port(const std::string& option, const std::string& text) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text, &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, " must be a port, or 0 for any free one, not \"", text, "\""));
  }
  return static_cast<uint16_t>(port);
}

// Option and value, "--data DIR" or "--data=DIR".
absl::StatusOr<std::map<std::string, std::string>> Options(const std::vector<std::string>& words) {
  std::map<std::string, std::string> options;
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    std::string value;
    if (name == "--standalone") {
      if (equals != std::string::npos) return absl::InvalidArgumentError("--standalone takes no value");
    } else if (name != "--data" && name != "--client-port" && name != "--grpc-port" && name != "--admin-port") {
      return absl::InvalidArgumentError(
          words[i].starts_with("-")
              ? absl::StrCat("unknown option ", name,
                             " with --standalone: there are --data, --client-port, --grpc-port and --admin-port")
              : absl::StrCat("\"", words[i],
                             "\": a configuration file and the options of --standalone exclude each other"));
    } else if (equals != std::string::npos) {
      value = words[i].substr(equals + 1);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    }
    if (name != "--standalone" && (value.empty() || value.starts_with("--"))) {
      return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
    }
    if (!options.emplace(name, std::move(value)).second) {
      return absl::InvalidArgumentError(absl::StrCat(name, " stands twice"));
    }
  }
  return options;
}

}  // namespace

absl::StatusOr<ServerConfig> StandaloneConfig(const std::vector<std::string>& words) {
  SYNOD_ASSIGN_OR_RETURN(auto options, Options(words));
  if (!options.contains("--standalone")) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.begin()->first, " goes with --standalone; a configuration file has keys for it"));
  }
  if (!options.contains("--data")) return absl::InvalidArgumentError("--standalone needs --data DIR");
  SYNOD_ASSIGN_OR_RETURN(ServerConfig config,
                         ParseConfig("dataDir=.\nelectionTimeoutMin=50\nelectionTimeoutMax=100\ndiskReserveMb=0\n"
                                     "preAllocSize=4096\nmaxClientCnxns=0\nlogLevel=warn\n",
                                     ""));
  config.data_dir = config.data_log_dir = options["--data"];
  if (options.contains("--grpc-port")) {
    SYNOD_ASSIGN_OR_RETURN(config.grpc_port, Port("--grpc-port", options["--grpc-port"]));
  }
  // Who asks for a free port asks to be in nobody's way.
  if (config.grpc_port == 0) config.client_port = 0;
  if (options.contains("--client-port")) {
    SYNOD_ASSIGN_OR_RETURN(config.client_port, Port("--client-port", options["--client-port"]));
  }
  if (options.contains("--admin-port")) {
    SYNOD_ASSIGN_OR_RETURN(config.admin_port, Port("--admin-port", options["--admin-port"]));
  }
  const std::pair<absl::string_view, uint16_t> ports[] = {
      {"client port", config.client_port}, {"gRPC port", config.grpc_port}, {"admin port", config.admin_port}};
  for (size_t i = 0; i < 3; ++i) {
    const auto& [name, port] = ports[i];
    const auto& [next, other] = ports[(i + 1) % 3];
    if (port == other && port != 0)
      return absl::InvalidArgumentError(absl::StrCat("the ", name, " and the ", next, " are both ", port));
  }
  return config;
}

absl::Status MakeDataDirectory(const std::string& data_dir) {
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);
  if (!error && std::filesystem::is_directory(data_dir, error)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the data directory ", data_dir, " cannot be made: ", error ? error.message() : "it is no directory"));
}

}  // namespace synod::server
