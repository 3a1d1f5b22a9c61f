// The floor plan as a table, and what an #include says against it.
#include <algorithm>
#include <map>
#include <optional>

#include "tests/lint/lint.h"

namespace synod::lint {
namespace {

// Everything in coordinator/.
constexpr std::string_view kAll = "*";

// A folder of coordinator/ may include itself, `base`, and what stands on its line. "proto" is the generated code of
// proto/. CMake's DEPS in coordinator/CMakeLists.txt say the same to the linker.
const std::map<std::string, std::vector<std::string_view>, std::less<>>& FloorPlan() {
  static const auto* const kPlan = new std::map<std::string, std::vector<std::string_view>, std::less<>>{
      {"base", {}},
      {"consensus", {}},
      {"access", {}},
      {"tree", {"access"}},
      {"sessions", {}},
      {"watches", {"tree"}},
      {"interfaces", {"consensus"}},
      {"statemachine", {"access", "tree", "sessions", "interfaces", "proto"}},
      {"node", {"consensus", "interfaces"}},
      {"storage", {"interfaces", "consensus", "proto"}},
      {"transport", {"interfaces", "consensus", "proto"}},
      {"service", {"node", "statemachine", "watches", "sessions", "tree", "access"}},
      {"frontdoor/grpc", {"service", "tree", "access", "proto"}},
      {"frontdoor/commands", {"service", "tree"}},
      {"frontdoor/admin", {"frontdoor/commands", "service", "tree"}},
      {"frontdoor/zookeeper",
       {"frontdoor/commands", "transport", "service", "statemachine", "watches", "tree", "access"}},
      {"server", {kAll, "proto"}},
      {"client", {"access", "proto"}},
      {"recipes", {"client"}},
      {"cli", {"client", "recipes", "proto"}},
  };
  return *kPlan;
}

// Of some folders only the types may be seen: where a rule says "consensus types", the objects that act are out of
// reach.
struct HeaderLimit {
  std::string_view folder;
  std::string_view target_folder;
  std::vector<std::string_view> headers;
};
const std::vector<HeaderLimit>& HeaderLimits() {
  static const auto* const kLimits = new std::vector<HeaderLimit>{
      // EntryReader, which a log storage implements, is declared by its user: in core.h.
      {"interfaces",
       "consensus",
       {"coordinator/consensus/types.h", "coordinator/consensus/message.h", "coordinator/consensus/core.h"}},
      {"storage", "consensus", {"coordinator/consensus/types.h"}},
      {"transport", "consensus", {"coordinator/consensus/types.h", "coordinator/consensus/message.h"}},
      {"frontdoor/admin",
       "tree",
       {"coordinator/tree/stat.h", "coordinator/tree/error.h", "coordinator/tree/event.h", "coordinator/tree/path.h"}},
      {"frontdoor/grpc",
       "tree",
       {"coordinator/tree/stat.h", "coordinator/tree/error.h", "coordinator/tree/event.h", "coordinator/tree/path.h"}},
  };
  return *kLimits;
}

// Third-party headers that only some folders of coordinator/ may see, so that what they stand for stays behind an
// interface.
struct HeaderGroup {
  std::string_view name;
  std::vector<std::string_view> prefixes;
  std::vector<std::string_view> folders;
};
const std::vector<HeaderGroup>& HeaderGroups() {
  static const auto* const kGroups = new std::vector<HeaderGroup>{
      {"RocksDB", {"rocksdb/"}, {"storage"}},
      {"gRPC", {"grpc/", "grpcpp/", "grpc++/", "proto/grpc"}, {"frontdoor/grpc", "client", "cli", "server"}},
      {"Asio",
       {"asio.hpp", "asio/", "boost/asio"},
       {"transport", "frontdoor/grpc", "frontdoor/admin", "frontdoor/zookeeper", "server"}},
      {"cpp-httplib", {"httplib.h"}, {"frontdoor/admin"}},
      {"Prometheus", {"prometheus/"}, {"frontdoor/admin", "server"}},
      {"spdlog", {"spdlog/"}, {"base"}},
      {"isa-l", {"isa-l.h", "isa-l/", "crc.h"}, {"base"}},
      {"readline", {"readline/"}, {"cli"}},
      {"ZooKeeper's C client", {"zookeeper/"}, {"cli"}},
      {"CLI11", {"CLI/"}, {"cli", "server"}},
      {"protobuf", {"google/protobuf/"}, {"frontdoor/grpc", "client", "cli", "server"}},
      {"sockets",
       {"sys/socket.h", "netinet/", "arpa/inet.h", "netdb.h", "sys/epoll.h"},
       {"transport", "frontdoor/grpc", "frontdoor/admin", "frontdoor/zookeeper", "server", "client", "cli"}},
  };
  return *kGroups;
}

bool StartsWithOneOf(std::string_view text, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return text.starts_with(p); });
}

bool Contains(const std::vector<std::string_view>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// "coordinator/frontdoor/grpc/convert.h" -> "frontdoor/grpc"; nullopt outside coordinator/.
std::optional<std::string> FolderOf(std::string_view path) {
  constexpr std::string_view kRoot = "coordinator/";
  if (!path.starts_with(kRoot)) return std::nullopt;
  path.remove_prefix(kRoot.size());
  const size_t last = path.rfind('/');
  if (last == std::string_view::npos) return std::nullopt;
  return std::string(path.substr(0, last));
}

std::optional<std::string> Breach(const std::string& folder, const Include& include) {
  const auto& allowed = FloorPlan().find(folder)->second;
  if (const auto target = FolderOf(include.target)) {
    if (*target == folder || *target == "base") return std::nullopt;
    if (!Contains(allowed, *target) && !Contains(allowed, kAll))
      return folder + " may not include " + *target + " (floor plan)";
    for (const HeaderLimit& limit : HeaderLimits()) {
      if (limit.folder == folder && limit.target_folder == *target && !Contains(limit.headers, include.target)) {
        return folder + " may include only the types of " + *target + ", not " + include.target + " (floor plan)";
      }
    }
    return std::nullopt;
  }
  if (include.target.starts_with("broker/")) return std::string("the coordinator never includes the broker");
  if (include.target.starts_with("tests/")) return std::string("no test code in the product");
  const bool grpc_stub = include.target.ends_with(".grpc.pb.h");
  if (include.target.starts_with("synod/v1/") && !Contains(allowed, "proto"))
    return folder + " may not include proto (floor plan)";
  for (const HeaderGroup& group : HeaderGroups()) {
    const bool named = StartsWithOneOf(include.target, group.prefixes) || (grpc_stub && group.name == "gRPC");
    if (named && !Contains(group.folders, folder))
      return std::string(group.name) + " headers do not belong in " + folder;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Finding> CheckFloors(const SourceFile& file) {
  std::vector<Finding> findings;
  const auto folder = FolderOf(file.path);
  if (!folder) return findings;
  if (FloorPlan().find(*folder) == FloorPlan().end()) {
    return {{file.path, 0, "folder " + *folder + " stands on no line of the floor plan (tests/lint/floors.cc)"}};
  }
  for (const Include& include : Includes(file.text)) {
    if (auto breach = Breach(*folder, include)) findings.push_back({file.path, include.line, *breach});
  }
  return findings;
}

}  // namespace synod::lint
