#include "coordinator/frontdoor/commands/json_text.h"

#include "absl/strings/str_cat.h"
#include "coordinator/frontdoor/commands/monitor.h"

namespace synod::frontdoor::commands {
namespace {

using Json = nlohmann::ordered_json;

// Bytes that are no UTF-8 must not end the process.
std::string Dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void Append(const Json& value, size_t depth, std::string* out) {
  if (value.is_object() && !value.empty()) {
    std::string_view before = "{\n";
    for (const auto& [key, member] : value.items()) {
      absl::StrAppend(out, std::string(before), std::string(2 * (depth + 1), ' '), Dump(key), " : ");
      Append(member, depth + 1, out);
      before = ",\n";
    }
    absl::StrAppend(out, "\n", std::string(2 * depth, ' '), "}");
  } else if (value.is_array() && !value.empty()) {
    std::string_view before = "[ ";
    for (const Json& item : value) {
      absl::StrAppend(out, std::string(before));
      Append(item, depth, out);
      before = ", ";
    }
    absl::StrAppend(out, " ]");
  } else if (value.is_number_float()) {
    absl::StrAppend(out, JavaDouble(value.get<double>()));
  } else if (value.is_structured()) {
    absl::StrAppend(out, value.is_object() ? "{ }" : "[ ]");
  } else {
    absl::StrAppend(out, Dump(value));
  }
}

}  // namespace

std::string JsonText(const Json& value) {
  std::string out;
  Append(value, 0, &out);
  return out;
}

}  // namespace synod::frontdoor::commands
