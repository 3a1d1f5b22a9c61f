#include "coordinator/cli/format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "coordinator/client/utf8.h"

namespace synod::cli {
namespace {

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

bool IsNumber(const std::string& cell) {
  double number = 0;
  return cell.empty() || cell == "-" || absl::SimpleAtod(cell.substr(0, cell.find(' ')), &number);
}

bool IsSystemNode(std::string_view path) {
  return path == "/" || path == "/zookeeper" || path == "/zookeeper/quota" || path == "/zookeeper/config";
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = client::Utf8Length(text);
    const char c = text[0];
    if (length == 0) {
      out += "\\ufffd";
    } else if (length > 1) {
      out.append(text.substr(0, length));
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<uint8_t>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else {
      out += c;
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + "\"";
}

std::string ToHex(std::string_view bytes) { return absl::BytesToHexString(View(bytes)); }

std::optional<std::string> FromHex(std::string_view hex) {
  const auto digit = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
  if (hex.size() % 2 != 0 || !std::all_of(hex.begin(), hex.end(), digit)) return std::nullopt;
  return absl::HexStringToBytes(View(hex));
}

std::string HumanBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string WallTime(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S UTC", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string& JsonObject::Name(std::string_view name) {
  if (text_.size() > 1) text_ += ",";
  return text_ += JsonString(name) + ":";
}
JsonObject& JsonObject::Text(std::string_view name, std::string_view value) {
  Name(name) += JsonString(value);
  return *this;
}
JsonObject& JsonObject::Number(std::string_view name, int64_t value) {
  Name(name) += std::to_string(value);
  return *this;
}
JsonObject& JsonObject::Real(std::string_view name, double value) {
  Name(name) += std::isfinite(value) ? absl::StrFormat("%.3f", value) : "null";
  return *this;
}
JsonObject& JsonObject::Bool(std::string_view name, bool value) {
  Name(name) += value ? "true" : "false";
  return *this;
}
JsonObject& JsonObject::Null(std::string_view name) {
  Name(name) += "null";
  return *this;
}
JsonObject& JsonObject::Raw(std::string_view name, std::string_view json) {
  Name(name) += json;
  return *this;
}
JsonObject& JsonObject::Data(std::string_view name, const client::Data& data) {
  if (!data.has_value()) return Null(name);
  if (client::IsUtf8(*data)) return Text(name, *data);
  return Raw(name, "{\"hex\":\"" + ToHex(*data) + "\"}");
}
JsonObject& JsonObject::Stat(std::string_view name, const client::Stat& s) {
  JsonObject stat;
  stat.Number("czxid", s.czxid).Number("mzxid", s.mzxid).Number("pzxid", s.pzxid).Number("ctime_ms", s.ctime_ms);
  stat.Number("mtime_ms", s.mtime_ms)
      .Number("version", s.version)
      .Number("cversion", s.cversion)
      .Number("aversion", s.aversion);
  stat.Number("ephemeral_owner", s.ephemeral_owner)
      .Number("data_length", s.data_length)
      .Number("num_children", s.num_children);
  return Raw(name, stat.Take());
}

std::string JsonArray(const std::vector<std::string>& elements) { return "[" + absl::StrJoin(elements, ",") + "]"; }

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  std::vector<bool> numbers;
  for (size_t r = 0; r < rows.size(); ++r) {
    widths.resize(std::max(widths.size(), rows[r].size()), 0);
    numbers.resize(widths.size(), true);
    for (size_t c = 0; c < rows[r].size(); ++c) {
      widths[c] = std::max(widths[c], DisplayWidth(rows[r][c]));
      if (r > 0 && !IsNumber(rows[r][c])) numbers[c] = false;
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - DisplayWidth(row[c]), ' ');
      if (c > 0) line += "  ";
      line += numbers[c] ? padding + row[c] : row[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string StatText(const client::Stat& s) {
  std::vector<std::pair<const char*, std::string>> lines = {
      {"cZxid", absl::StrFormat("0x%x", s.czxid)},
      {"ctime", WallTime(s.ctime_ms)},
      {"mZxid", absl::StrFormat("0x%x", s.mzxid)},
      {"mtime", WallTime(s.mtime_ms)},
      {"pZxid", absl::StrFormat("0x%x", s.pzxid)},
      {"cversion", absl::StrCat(s.cversion)},
      {"dataVersion", absl::StrCat(s.version)},
      {"aclVersion", absl::StrCat(s.aversion)},
      {"ephemeralOwner", absl::StrFormat("0x%x", s.ephemeral_owner)},
      {"dataLength", absl::StrCat(s.data_length)},
      {"numChildren", absl::StrCat(s.num_children)},
  };
  std::string out;
  for (const auto& [name, value] : lines) absl::StrAppendFormat(&out, "%-14s = %s\n", name, value);
  return out;
}

std::string EventText(const client::WatchEvent& event, bool json) {
  const std::string name(client::WatchEventName(event.type));
  if (json) return JsonObject().Text("event", name).Text("path", event.path).Number("zxid", event.zxid).Take() + "\n";
  return absl::StrFormat("%-8s %s  zxid=%d\n", name, event.path, event.zxid);
}

std::string JoinPath(std::string_view parent, std::string_view name) {
  return absl::StrCat(parent == "/" ? "" : View(parent), "/", View(name));
}

std::string ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string PathProblem(std::string_view path) {
  if (path.empty() || path[0] != '/') return "a path starts with /";
  if (path == "/") return "";
  if (path.back() == '/') return "a path does not end with /";
  if (!client::IsUtf8(path)) return "a path is UTF-8";
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }))
    return "a path has no control characters";
  for (absl::string_view name : absl::StrSplit(View(path.substr(1)), '/')) {
    if (name.empty()) return "no name in a path is empty";
    if (name == "." || name == "..") return "no name in a path is . or ..";
  }
  return "";
}

std::string ErrorText(const client::Error& error, std::string_view path_view) {
  using client::ErrorCode;
  const std::string path(path_view);
  const std::string problem = PathProblem(path);
  std::string text(client::ErrorCodeName(error.code));
  switch (error.code) {
    case ErrorCode::kNoNode:
      // Of a list with a chroot: the root is there in every tree.
      text += path == "/" ? ": the chroot of the server list does not exist; create it with a list without chroot"
                          : ": " + path + " does not exist" + (problem.empty() ? "" : ", and " + problem);
      break;
    case ErrorCode::kNodeExists:
      text += ": " + path + " exists already; use `synod set` to change it";
      break;
    case ErrorCode::kBadVersion:
      text += ": " + path + " was changed meanwhile; read it again and retry with its present version";
      break;
    case ErrorCode::kNotEmpty:
      text += ": " + path + " has children; `synod rm -R` deletes them too";
      break;
    case ErrorCode::kNoChildrenForEphemerals:
      text += ": the parent of " + path + " is ephemeral and can have no children";
      break;
    case ErrorCode::kBadArguments:
      text += ": " + path + (problem.empty() ? "" : ": " + problem);
      if (IsSystemNode(path)) text += " belongs to the ensemble and cannot be deleted";
      break;
    case ErrorCode::kNoAuth:
      text += ": the ACL of " + path +
              " (or of its parent) does not allow this; `synod acl get` shows it, `synod whoami` whom you act for, "
              "--auth digest:USER:PASSWORD adds an identity";
      break;
    case ErrorCode::kAuthFailed:
      text += ": a credential was refused; digest takes USER:PASSWORD, and other schemes prove themselves elsewhere";
      break;
    case ErrorCode::kInvalidAcl:
      text += ": the ACL for " + path +
              " is not one the servers take: entries are scheme:id:perms with the schemes world (anyone), digest, ip, "
              "and auth, which needs an --auth";
      break;
    case ErrorCode::kQuotaExceeded:
      text += ": " + path + " would go beyond a hard limit; `synod quota get` shows the quota it counts to";
      break;
    case ErrorCode::kTooLarge:
      text +=
          ": beyond the servers' limit: of data (1 MiB, or their jute.maxbuffer), a path (64 KiB), the operations of a "
          "multi (5,000), or the nodes that one rm deletes (5,000, or --max); do it in parts";
      break;
    case ErrorCode::kRefusedMemory:
      text += ": the ensemble is near its memory limit; deletes still work, and it lifts by itself";
      break;
    case ErrorCode::kRefusedDisk:
      text += ": the ensemble's disk reserve is reached; free space on the servers' disks";
      break;
    case ErrorCode::kNoQuorum:
    case ErrorCode::kTimeout:
    case ErrorCode::kUnavailable:
      text =
          "no quorum, or no server reached, in time: check --servers, start the missing servers (see `synod ensemble "
          "status`), or wait longer with --timeout";
      break;
    case ErrorCode::kSessionExpired:
      text += ": the session is gone, and its ephemeral nodes with it";
      break;
    default:
      break;
  }
  if (!error.message.empty() && error.message != client::ErrorCodeName(error.code)) text += " (" + error.message + ")";
  if (error.effect == client::Effect::kMayHaveBeenDone)
    text += "\nThe write may have been done: read before you repeat it.";
  return text;
}

}  // namespace synod::cli
