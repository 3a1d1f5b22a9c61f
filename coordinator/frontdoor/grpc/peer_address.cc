#include "coordinator/frontdoor/grpc/peer_address.h"

#include <optional>

namespace synod::frontdoor {
namespace {

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// %5B becomes '['. A % that no two hex digits follow stays.
std::string Decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      std::optional<unsigned> high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high && low) {
        out.push_back(static_cast<char>(*high * 16 + *low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::string AddressOfPeer(std::string_view peer) {
  constexpr std::string_view kIpv4 = "ipv4:", kIpv6 = "ipv6:", kMapped = "::ffff:";
  if (peer.starts_with(kIpv4)) {
    peer.remove_prefix(kIpv4.size());
    return std::string(peer.substr(0, peer.rfind(':')));
  }
  if (!peer.starts_with(kIpv6)) return "";
  std::string text = Decode(peer.substr(kIpv6.size()));
  size_t end = text.find(']');
  if (text.empty() || text[0] != '[' || end == std::string::npos) return "";
  text = text.substr(1, end - 1);
  text = text.substr(0, text.find('%'));
  if (text.starts_with(kMapped) && text.find('.') != std::string::npos) return text.substr(kMapped.size());
  return text;
}

}  // namespace synod::frontdoor
