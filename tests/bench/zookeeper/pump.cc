#include "tests/bench/zookeeper/pump.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace synod::bench {
namespace {
constexpr int64_t kPatience = 30 * kNanosecondsPerSecond;

int64_t After(int64_t now, double seconds) {
  if (seconds == Pump::kUntilDone) return std::numeric_limits<int64_t>::max();
  return now + static_cast<int64_t>(seconds * static_cast<double>(kNanosecondsPerSecond));
}
}  // namespace

Pump::Pump(Loop& loop, const Target& target, size_t sessions, size_t first) : loop_(loop), target_(target) {
  for (size_t i = 0; i < sessions; ++i) {
    sessions_.push_back(std::make_unique<Session>(loop, *this, i));
    sessions_.back()->Open(target.PortOf(first + i), target.session_timeout_ms);
  }
  last_reply_ = NowNanoseconds();
  PollUntil(After(last_reply_, kUntilDone), [this] { return open_ == sessions_.size(); });
}

template <typename Condition>
void Pump::PollUntil(int64_t deadline, Condition condition) {
  while (!condition() && NowNanoseconds() < deadline) {
    loop_.Poll(std::min(deadline, loop_.now() + kNanosecondsPerSecond));
    if (loop_.now() - last_reply_ > kPatience) Fail("nothing was answered for 30 s");
  }
}

void Pump::OnReply(Session& session, const Reply& reply) {
  ++replies_;
  last_reply_ = reply.received;
  if (reply.op == OpCode::kCloseSession) {
    if (reply.error != kOk) Fail(absl::StrCat("closing session ", session.number(), ": error ", reply.error));
    ++closed_;
    session.Close();
    return;
  }
  --outstanding_;
  if (const char* wrong = work_->Check(session, reply); wrong != nullptr) {
    Fail(absl::StrCat("operation ", static_cast<int>(reply.op), ": error ", reply.error, ", ", reply.body.size(),
                      " bytes: ", wrong));
  }
  if (measuring_) result_.latencies.Add(reply.received - reply.sent);
  if (!stopping_ && work_->Next(session)) ++outstanding_;
}

Pump::Result Pump::Run(Work& work, size_t outstanding, double warm_up, double seconds) {
  work_ = &work;
  stopping_ = measuring_ = false;
  result_ = Result();
  loop_.Advance();
  last_reply_ = loop_.now();
  const int64_t begin = After(last_reply_, warm_up);
  for (const auto& session : sessions_) {
    for (size_t i = 0; i < outstanding && work.Next(*session); ++i) ++outstanding_;
    session->Flush();
  }
  if (warm_up > 0) PollUntil(begin, [this] { return outstanding_ == 0; });

  measuring_ = true;
  const uint64_t replies_before = replies_;
  const double cpu_before = CpuSeconds(target_.processes), own_before = OwnCpuSeconds();
  const int64_t started = NowNanoseconds();
  PollUntil(After(started, seconds), [this] { return outstanding_ == 0; });
  result_.seconds = static_cast<double>(NowNanoseconds() - started) / static_cast<double>(kNanosecondsPerSecond);
  result_.server_cpu = CpuSeconds(target_.processes) - cpu_before;
  result_.own_cpu = OwnCpuSeconds() - own_before;
  result_.operations = replies_ - replies_before;
  measuring_ = false;

  stopping_ = true;
  PollUntil(After(started, kUntilDone), [this] { return outstanding_ == 0; });
  return std::move(result_);
}

void Pump::CloseSessions() {
  loop_.Advance();
  last_reply_ = loop_.now();
  for (const auto& session : sessions_) {
    session->CloseSession();
    session->Flush();
  }
  PollUntil(After(last_reply_, kUntilDone), [this] { return closed_ == sessions_.size(); });
}

}  // namespace synod::bench
