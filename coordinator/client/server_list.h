// The list of servers a client may use, and the root it works under.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/random.h"

namespace synod::client {

// A root of its own: every path of the client lives below it, and no answer shows it. Immutable.
class Chroot {
 public:
  // `root` is "" for none, or a path without a trailing "/".
  explicit Chroot(std::string root = "") : root_(std::move(root)) {}
  // "/a" -> "/app/a", "/" -> "/app". A path that does not start with "/" is left alone: the server refuses it by its
  // own name.
  std::string Add(std::string_view path) const;
  // The inverse. A path outside the root comes back unchanged.
  std::string Strip(std::string_view path) const;
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

struct ServerList {
  std::vector<std::string> addresses;  // "host:port", never empty
  Chroot chroot;

  // Parses "host:port,host:port/chroot" (gRPC ports). InvalidArgument names what is wrong: empty list, missing or
  // impossible port, a chroot that ends in "/".
  static absl::StatusOr<ServerList> Parse(std::string_view text);
};

// In which order servers are tried: a shuffled ring, so that clients spread and a failed server is the last to be tried
// again. Not thread-safe.
class ServerRotation {
 public:
  // REQUIRES: servers > 0.
  ServerRotation(size_t servers, Random& random);
  // The next server to try.
  size_t Next();
  // True when every server was tried since the last Succeeded(): time to back off.
  bool RoundComplete() const { return tried_ >= order_.size(); }
  // A server was of use: the next break may try all others at once.
  void Succeeded() { tried_ = 0; }
  // Begins another round.
  void NewRound() { tried_ = 0; }

 private:
  std::vector<size_t> order_;
  size_t position_ = 0;
  size_t tried_ = 0;
};

}  // namespace synod::client
