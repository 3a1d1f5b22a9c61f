// Creates nodes that come from elsewhere, many at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/client/blocking.h"

namespace synod::cli {

struct NewNode {
  std::string path;  // where it goes
  client::Data data;
  client::Acl acl;
  client::CreateMode mode = client::CreateMode::kPersistent;
  absl::Duration ttl;
};

// In multis of up to 500 nodes: each is done as a whole or not at all, in the order added. One thread.
class NodeWriter {
 public:
  struct Failure {
    client::Error error;
    std::string path;  // of the node that failed, if it is known; of the first one that waited otherwise
  };

  NodeWriter(client::BlockingClient* client, client::OnExisting on_existing)
      : client_(client), on_existing_(on_existing) {}

  // Whether this one has to wait until what is there was flushed.
  bool Full(const NewNode& node) const;
  // The root is always there: only kSet touches it.
  void Add(NewNode node);
  bool empty() const { return operations_.empty(); }
  // Creates what waits. After a failure it still waits; Failure::error.effect tells whether it may have been done.
  std::optional<Failure> Flush();

  uint64_t created() const { return created_; }
  uint64_t kept() const { return kept_; }
  uint64_t set() const { return set_; }
  uint64_t done() const { return created_ + kept_ + set_; }

 private:
  Failure FailureOf(const client::MultiOutcome& outcome) const;

  client::BlockingClient* const client_;
  const client::OnExisting on_existing_;
  // One create each, some with an ACL behind it.
  std::vector<client::Operation> operations_;
  size_t nodes_ = 0, bytes_ = 0;
  uint64_t created_ = 0, kept_ = 0, set_ = 0;
};

}  // namespace synod::cli
