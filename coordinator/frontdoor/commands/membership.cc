#include "coordinator/frontdoor/commands/membership.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace synod::frontdoor::commands {
namespace {

constexpr char kConfigPath[] = "/zookeeper/config";

// host:port:port[:role], the host of IPv6 in brackets.
bool ParseAddress(absl::string_view text, MemberLine* line) {
  size_t host_end = absl::StartsWith(text, "[") ? text.find(']') : 0;
  if (host_end == absl::string_view::npos) return false;
  host_end = text.find(':', host_end);
  if (host_end == absl::string_view::npos) return false;
  absl::string_view host = text.substr(0, host_end);
  std::vector<absl::string_view> rest = absl::StrSplit(text.substr(host_end + 1), ':');
  if (rest.size() < 2 || rest.size() > 3) return false;
  line->quorum_addresses.push_back(absl::StrCat(host, ":", rest[0]));
  line->election_addresses.push_back(absl::StrCat(host, ":", rest[1]));
  if (rest.size() == 3) line->participant = rest[2] != "observer";
  return true;
}

std::optional<MemberLine> ParseLine(absl::string_view text) {
  MemberLine line;
  if (!absl::ConsumePrefix(&text, "server.")) return std::nullopt;
  std::pair<absl::string_view, absl::string_view> key_value = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (!absl::SimpleAtoi(key_value.first, &line.server_id)) return std::nullopt;
  std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(key_value.second, absl::MaxSplits(';', 1));
  for (absl::string_view address : absl::StrSplit(parts.first, '|')) {
    if (!ParseAddress(address, &line)) return std::nullopt;
  }
  line.client_address = std::string(parts.second);
  return line;
}

}  // namespace

std::string MembershipText(const CommandContext& context) {
  // A local read is answered inside the call; shared, should it ever not be.
  auto text = std::make_shared<std::string>();
  service::CallRequest call;
  call.request.strength = service::ReadStrength::kLocal;
  call.request.operation = service::GetData{kConfigPath, false};
  context.service->Call(std::move(call), [text](service::Reply reply) {
    if (reply.error == service::ErrorCode::kOk && reply.data) *text = std::string(*reply.data);
  });
  if (!text->empty()) return *text;
  return context.facts->membership.empty() ? "" : absl::StrCat(context.facts->membership, "\nversion=0");
}

std::vector<MemberLine> ParseMembership(std::string_view text) {
  std::vector<MemberLine> lines;
  for (absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (std::optional<MemberLine> line = ParseLine(part)) lines.push_back(*std::move(line));
  }
  return lines;
}

std::string_view HostOf(std::string_view address) { return address.substr(0, address.rfind(':')); }

std::string_view PortOf(std::string_view address) {
  size_t colon = address.rfind(':');
  return colon == std::string_view::npos ? std::string_view() : address.substr(colon + 1);
}

}  // namespace synod::frontdoor::commands
