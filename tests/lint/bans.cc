// What code outside the adapters must not touch: the clock, chance, threads, files, the environment.
#include <algorithm>
#include <regex>

#include "tests/lint/lint.h"

namespace synod::lint {
namespace {

// Where the outside world is met. Everything else gets a Clock, a Random, an Executor or an interface by constructor.
const std::vector<std::string_view> kAdapters = {
    "coordinator/base/system_",      "coordinator/base/log.",        "coordinator/storage/posix_",
    "coordinator/storage/log_sync_", "coordinator/storage/rocksdb_", "coordinator/storage/directory_lock",
    "coordinator/transport/",        "coordinator/frontdoor/",       "coordinator/client/",
    "coordinator/recipes/",          "coordinator/recipes/",         "coordinator/cli/",
    "coordinator/server/",
};

// One seed must replay these, and all servers must agree on what they do.
const std::vector<std::string_view> kDeterministic = {
    "coordinator/consensus/",    "coordinator/tree/", "coordinator/sessions/", "coordinator/watches/",
    "coordinator/statemachine/", "coordinator/node/", "coordinator/service/",
};

struct Ban {
  std::regex pattern;
  std::string_view what;
  std::string_view instead;
};

std::regex Pattern(const char* text) { return std::regex(text, std::regex::ECMAScript | std::regex::optimize); }

const std::vector<Ban>& WorldBans() {
  static const auto* const kBans = new std::vector<Ban>{
      {Pattern(R"(\b(system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday)\b|)"
               R"(\babsl::(Now|GetCurrentTimeNanos)\b)"),
       "reads a clock", "take a synod::Clock"},
      {Pattern(R"((^|[^\w.>:])(std::|::)?time\s*\(\s*(nullptr|NULL|0|&))"), "reads a clock", "take a synod::Clock"},
      {Pattern(R"(\brandom_device\b|(^|[^\w.>:])(std::|::)?s?rand(om)?\s*\(|\bgetrandom\b|)"
               R"(\bgetentropy\b|\bmt19937|\babsl::BitGen\b)"),
       "draws from chance", "take a synod::Random"},
      {Pattern(R"(\bsleep_(for|until)\b|\bu?sleep\s*\(|\bnanosleep\b|\babsl::SleepFor\b)"), "sleeps",
       "use Executor::PostAfter"},
      {Pattern(R"(\bstd::(thread|jthread|async)\b|\bpthread_create\b)"), "starts a thread", "take a synod::Executor"},
      {Pattern(R"(\bstd::(recursive_|shared_|timed_|recursive_timed_|shared_timed_)?mutex\b|)"
               R"(\bstd::condition_variable|\babsl::(Mutex|CondVar|Notification|BlockingCounter)\b|)"
               R"(\bstd::(lock_guard|unique_lock|scoped_lock|counting_semaphore|binary_semaphore|latch|)"
               R"(barrier)\b)"),
       "locks", "stay on the loop; adapters post to it"},
      {Pattern(R"(\bgetenv\b|\bsetenv\b)"), "reads the environment", "put it into a config struct"},
      {Pattern(R"(\bfopen\b|\bfreopen\b|\b[io]?fstream\b|\bstd::filesystem\b|(^|[^\w.>:])(::)?(open|)"
               R"(openat|creat|unlink|rename|mkdir|opendir|stat|fsync|fdatasync|pread|pwrite|ftruncate|)"
               R"(fallocate|mmap)\s*\()"),
       "touches files", "go through storage/file.h"},
      {Pattern(R"((^|[^\w.>:])(::)?(socket|bind|listen|accept|connect|recv|send|recvfrom|sendto|)"
               R"(epoll_wait|poll|select)\s*\(\s*\w*(fd|AF_|sock))"),
       "touches a socket", "go through interfaces/transport.h"},
      {Pattern(R"(\bthrow\b)"), "throws", "return a Status, an outcome, or SYNOD_CHECK"},
  };
  return *kBans;
}

bool StartsWithOneOf(std::string_view path, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return path.starts_with(p); });
}

std::vector<Finding> Match(const SourceFile& file, const std::vector<Ban>& bans) {
  std::vector<Finding> findings;
  const std::vector<std::string> lines = SplitLines(BlankCommentsAndLiterals(file.text));
  for (size_t i = 0; i < lines.size(); ++i) {
    // A declaration that merely ends in such a name (bool Rename(), file->open()) is not matched: the patterns want a
    // bare call.
    if (lines[i].empty() || lines[i].find_first_not_of(' ') == std::string::npos || lines[i].starts_with("#include"))
      continue;
    for (const Ban& ban : bans) {
      if (std::regex_search(lines[i], ban.pattern)) {
        findings.push_back(
            {file.path, static_cast<int>(i + 1), std::string(ban.what) + ": " + std::string(ban.instead)});
      }
    }
  }
  return findings;
}

}  // namespace

std::vector<Finding> CheckBans(const SourceFile& file) {
  if (!file.path.starts_with("coordinator/")) return {};
  std::vector<Finding> findings;
  if (!StartsWithOneOf(file.path, kAdapters)) findings = Match(file, WorldBans());
  if (StartsWithOneOf(file.path, kDeterministic)) {
    static const auto* const kHash =
        new std::vector<Ban>{{Pattern(R"(\bstd::unordered_\w+)"), "a hash table of the standard library",
                              "use absl::flat_hash_map for look-up, btree_map for order"}};
    const std::vector<Finding> more = Match(file, *kHash);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  return findings;
}

std::vector<Finding> CheckHashOrder(const SourceFile& file, std::string_view header) {
  if (!StartsWithOneOf(file.path, kDeterministic)) return {};
  static const std::regex kDeclaration = Pattern(R"(\b(?:flat|node)_hash_(?:map|set)<)");
  static const std::regex kLoop = Pattern(R"(\bfor\s*\([^;]*[^:]:\s*\*?([\w.>-]*?)(\w+)\s*\))");
  // Names of hash tables: the identifier behind the template's closing bracket.
  std::set<std::string> tables;
  const std::string code = BlankCommentsAndLiterals(file.text);
  for (const std::string& text : {code, BlankCommentsAndLiterals(header)}) {
    for (auto it = std::sregex_iterator(text.begin(), text.end(), kDeclaration); it != std::sregex_iterator(); ++it) {
      size_t at = static_cast<size_t>(it->position() + it->length());
      for (int depth = 1; at < text.size() && depth > 0; ++at) depth += text[at] == '<' ? 1 : text[at] == '>' ? -1 : 0;
      while (at < text.size() && (text[at] == ' ' || text[at] == '&' || text[at] == '*' || text[at] == '\n')) ++at;
      size_t end = at;
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
      if (end > at && (end == text.size() || text[end] != '(')) tables.insert(text.substr(at, end - at));
    }
  }
  std::vector<Finding> findings;
  const std::vector<std::string> lines = SplitLines(code);
  const std::vector<std::string> raw = SplitLines(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(lines[i], match, kLoop) || tables.count(match[2].str()) == 0) continue;
    const bool explained = raw[i].find("order-free:") != std::string::npos ||
                           (i > 0 && raw[i - 1].find("order-free:") != std::string::npos);
    if (!explained) {
      findings.push_back(
          {file.path, static_cast<int>(i + 1),
           "follows the hash order of " + match[2].str() + ": keep an ordered table, or say 'order-free: why'"});
    }
  }
  return findings;
}

std::vector<Finding> CheckSleeps(const SourceFile& file) {
  static const std::vector<std::string_view> kStepped = {"tests/unit/", "tests/sim/", "tests/scenarios/",
                                                         "tests/lint/"};
  if (!StartsWithOneOf(file.path, kStepped)) return {};
  static const auto* const kSleeps =
      new std::vector<Ban>{{Pattern(R"(\bsleep_(for|until)\b|\bu?sleep\s*\(|\bnanosleep\b|\babsl::SleepFor\b)"),
                            "a test sleeps", "step the clock, or wait for the event"}};
  return Match(file, *kSleeps);
}

}  // namespace synod::lint
