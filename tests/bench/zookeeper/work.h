// The kinds of work that the throughput modes do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/zookeeper/pump.h"

namespace synod::bench {

// What data is made of: no two neighbours alike, so that nothing gains by compressing it.
class Payload {
 public:
  explicit Payload(size_t bytes);
  std::string_view Next();

 private:
  std::string pool_;
  const size_t bytes_;
  size_t at_ = 0;
};

// Creates these znodes, in this order if there is one session and one request at a time; those that exist already stay.
class Ensure final : public Work {
 public:
  Ensure(std::vector<std::string> paths, Payload& payload) : paths_(std::move(paths)), payload_(payload) {}
  bool Next(Session& session) override;
  const char* Check(Session& session, const Reply& reply) override;

 private:
  const std::vector<std::string> paths_;
  Payload& payload_;
  size_t next_ = 0;
};

// Every session asks its server once to catch up with the leader: it may be behind what another session made.
class CatchUp final : public Work {
 public:
  explicit CatchUp(size_t sessions) : asked_(sessions) {}
  bool Next(Session& session) override;
  const char* Check(Session& session, const Reply& reply) override;

 private:
  std::vector<bool> asked_;
};

// Writes or reads existing znodes in turn, every session from a place of its own.
class Access final : public Work {
 public:
  enum class Kind { kWrite, kRead };
  Access(Kind kind, const std::vector<std::string>& paths, size_t sessions, size_t data_bytes, Payload& payload);
  bool Next(Session& session) override;
  const char* Check(Session& session, const Reply& reply) override;

 private:
  const Kind kind_;
  const std::vector<std::string>& paths_;
  const size_t data_bytes_;
  Payload& payload_;
  std::vector<size_t> next_;  // per session
};

// Creates znodes below `parent`, and deletes them again (Undo).
class Creation final : public Work {
 public:
  // `flags` of the creates.
  Creation(std::string parent, int32_t flags, size_t sessions, Payload& payload);
  bool Next(Session& session) override;
  const char* Check(Session& session, const Reply& reply) override;
  // From now on Next deletes what was created.
  void Undo() { undoing_ = true; }

 private:
  const std::string parent_;
  const int32_t flags_;
  Payload& payload_;
  bool undoing_ = false;
  std::vector<uint64_t> next_;                     // per session: number of its next znode
  std::vector<std::vector<std::string>> created_;  // per session
};

// `count` znodes of the payload's size, kPerParent below each parent /fill/NNNN, with names of 16 bytes. All but the
// znodes themselves must exist.
class Fill final : public Work {
 public:
  static constexpr uint64_t kPerParent = 1'000;
  Fill(uint64_t count, Payload& payload) : count_(count), payload_(payload) {}
  static std::vector<std::string> Parents(uint64_t count);
  static std::string Path(uint64_t number);
  bool Next(Session& session) override;
  const char* Check(Session& session, const Reply& reply) override;

 private:
  const uint64_t count_;
  Payload& payload_;
  uint64_t next_ = 0;
};

}  // namespace synod::bench
