// Text for people and JSON for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/client/types.h"

namespace synod::cli {

// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD; see JsonObject::Data for data.
std::string JsonString(std::string_view text);
std::string ToHex(std::string_view bytes);
// Nothing if `hex` is not an even number of hex digits.
std::optional<std::string> FromHex(std::string_view hex);
// 1536 -> "1.5 KiB".
std::string HumanBytes(uint64_t bytes);
// "2026-11-22 20:49:29.123 UTC".
std::string WallTime(int64_t ms);

// One JSON object, written in the order of the calls.
class JsonObject {
 public:
  JsonObject& Text(std::string_view name, std::string_view value);
  JsonObject& Number(std::string_view name, int64_t value);
  JsonObject& Real(std::string_view name, double value);
  JsonObject& Bool(std::string_view name, bool value);
  JsonObject& Null(std::string_view name);
  // `json` as it stands.
  JsonObject& Raw(std::string_view name, std::string_view json);
  // null, a string, or, for bytes that are no text, {"hex": "..."}.
  JsonObject& Data(std::string_view name, const client::Data& data);
  JsonObject& Stat(std::string_view name, const client::Stat& stat);
  std::string Take() { return text_ + "}"; }

 private:
  std::string& Name(std::string_view name);
  std::string text_ = "{";
};

std::string JsonArray(const std::vector<std::string>& elements);

// Columns padded to their widest cell. The first row is the head; a column whose other cells are all numbers is aligned
// to the right.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);

// Name and value per line, as ZooKeeper's shell prints a Stat.
std::string StatText(const client::Stat& stat);
// One line about an event: "changed /a zxid=12".
std::string EventText(const client::WatchEvent& event, bool json);

// The path of a child.
std::string JoinPath(std::string_view parent, std::string_view name);
// The text before the last /, or / itself. REQUIRES a / in path.
std::string ParentOf(std::string_view path);
// Why no server would take this path; empty if nothing is wrong that is seen without asking.
std::string PathProblem(std::string_view path);
// What went wrong with `what` ("set /a") and what to do about it.
std::string ErrorText(const client::Error& error, std::string_view path);

}  // namespace synod::cli
