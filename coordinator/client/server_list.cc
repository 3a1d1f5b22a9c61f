#include "coordinator/client/server_list.h"

#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/base/check.h"

namespace synod::client {

std::string Chroot::Add(std::string_view path) const {
  if (root_.empty() || path.empty() || path[0] != '/') return std::string(path);
  if (path == "/") return root_;
  std::string full = root_;
  full.append(path);
  return full;
}

std::string Chroot::Strip(std::string_view path) const {
  if (root_.empty() || path.substr(0, root_.size()) != root_) return std::string(path);
  if (path.size() == root_.size()) return "/";
  if (path[root_.size()] != '/') return std::string(path);
  return std::string(path.substr(root_.size()));
}

absl::StatusOr<ServerList> ServerList::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  std::string root;
  if (slash != std::string_view::npos) {
    root = std::string(text.substr(slash));
    text = text.substr(0, slash);
    if (root == "/") root.clear();
    if (!root.empty() && (root.back() == '/' || root.find("//") != std::string::npos)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "bad chroot \"", root, "\" in the server list: it looks like /a/b, without empty names or a last /"));
    }
  }
  ServerList list;
  list.chroot = Chroot(std::move(root));
  for (absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    part = absl::StripAsciiWhitespace(part);
    const size_t colon = part.rfind(':');
    int port = 0;
    if (part.empty() || colon == absl::string_view::npos || colon == 0 ||
        !absl::SimpleAtoi(part.substr(colon + 1), &port) || port < 1 || port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat(
          "bad server \"", part, "\": a list looks like host:port,host:port or host:port,host:port/chroot"));
    }
    list.addresses.emplace_back(part);
  }
  return list;
}

ServerRotation::ServerRotation(size_t servers, Random& random) : order_(servers) {
  SYNOD_CHECK_GT(servers, 0u);
  std::iota(order_.begin(), order_.end(), 0);
  for (size_t i = servers; i > 1; --i) std::swap(order_[i - 1], order_[random.Below(i)]);
}

size_t ServerRotation::Next() {
  const size_t server = order_[position_];
  position_ = (position_ + 1) % order_.size();
  ++tried_;
  return server;
}

}  // namespace synod::client
