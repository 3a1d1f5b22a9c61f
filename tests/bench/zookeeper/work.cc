#include "tests/bench/zookeeper/work.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace synod::bench {
namespace {

const char* CheckCreated(const Reply& reply, std::string_view prefix) {
  if (reply.error != kOk) return "a create failed";
  FrameReader body(reply.body);
  const std::string_view path = body.Bytes();
  if (!body.ok() || !body.rest().empty() || !path.starts_with(prefix)) return "not the path of a created znode";
  return nullptr;
}

}  // namespace

Payload::Payload(size_t bytes) : bytes_(bytes) {
  constexpr size_t kPoolBytes = 1 << 16;
  uint64_t state = 0x9e3779b97f4a7c15;
  while (pool_.size() < kPoolBytes + bytes) {
    // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pool_.append(reinterpret_cast<const char*>(&state), sizeof(state));
  }
}
std::string_view Payload::Next() {
  constexpr size_t kStride = 61;  // no divisor of the pool: every place is used
  at_ = (at_ + kStride) & 0xffff;
  return std::string_view(pool_).substr(at_, bytes_);
}

bool Ensure::Next(Session& session) {
  if (next_ == paths_.size()) return false;
  session.Create(paths_[next_++], payload_.Next(), 0);
  return true;
}
const char* Ensure::Check(Session&, const Reply& reply) {
  return reply.error == kNodeExists ? nullptr : CheckCreated(reply, "/");
}

bool CatchUp::Next(Session& session) {
  if (asked_[session.number()]) return false;
  asked_[session.number()] = true;
  session.Sync();
  return true;
}
const char* CatchUp::Check(Session&, const Reply& reply) { return reply.error == kOk ? nullptr : "a sync failed"; }

Access::Access(Kind kind, const std::vector<std::string>& paths, size_t sessions, size_t data_bytes, Payload& payload)
    : kind_(kind), paths_(paths), data_bytes_(data_bytes), payload_(payload) {
  for (size_t i = 0; i < sessions; ++i) next_.push_back(i * paths.size() / sessions);
}
bool Access::Next(Session& session) {
  size_t& next = next_[session.number()];
  const std::string& path = paths_[next];
  next = next + 1 == paths_.size() ? 0 : next + 1;
  if (kind_ == Kind::kRead) {
    session.GetData(path, false);
  } else {
    session.SetData(path, payload_.Next());
  }
  return true;
}
const char* Access::Check(Session&, const Reply& reply) {
  if (reply.error != kOk) return "a read or write failed";
  if (kind_ == Kind::kWrite) return reply.body.size() == kStatBytes ? nullptr : "no Stat of a write";
  FrameReader body(reply.body);
  const std::string_view data = body.Bytes();
  return data.size() == data_bytes_ && body.rest().size() == kStatBytes ? nullptr : "not the znode's data and Stat";
}

Creation::Creation(std::string parent, int32_t flags, size_t sessions, Payload& payload)
    : parent_(std::move(parent)), flags_(flags), payload_(payload), next_(sessions), created_(sessions) {}
bool Creation::Next(Session& session) {
  std::vector<std::string>& created = created_[session.number()];
  if (undoing_) {
    if (created.empty()) return false;
    session.Delete(created.back());
    created.pop_back();
    return true;
  }
  const std::string path =
      flags_ == 0 ? absl::StrFormat("%s/n-%02d-%011d", parent_, session.number(), next_[session.number()]++)
                  : absl::StrCat(parent_, "/n-");
  session.Create(path, payload_.Next(), flags_);
  return true;
}
const char* Creation::Check(Session& session, const Reply& reply) {
  if (reply.op == OpCode::kDelete) return reply.error == kOk && reply.body.empty() ? nullptr : "a delete failed";
  const char* const wrong = CheckCreated(reply, parent_);
  if (wrong == nullptr) created_[session.number()].emplace_back(FrameReader(reply.body).Bytes());
  return wrong;
}

std::vector<std::string> Fill::Parents(uint64_t count) {
  std::vector<std::string> parents = {"/fill"};
  for (uint64_t i = 0; i * kPerParent < count; ++i) parents.push_back(absl::StrFormat("/fill/%04d", i));
  return parents;
}
std::string Fill::Path(uint64_t number) { return absl::StrFormat("/fill/%04d/n-%014d", number / kPerParent, number); }
bool Fill::Next(Session& session) {
  if (next_ == count_) return false;
  session.Create(Path(next_++), payload_.Next(), 0);
  return true;
}
const char* Fill::Check(Session&, const Reply& reply) { return CheckCreated(reply, "/fill/"); }

}  // namespace synod::bench
