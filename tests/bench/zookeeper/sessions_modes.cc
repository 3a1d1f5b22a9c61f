// Many sessions at once: opening them, and one event to all of them. And the moment at which a server serves again.
#include <time.h>

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "tests/bench/zookeeper/modes.h"

namespace synod::bench {
namespace {

constexpr int64_t kPatience = 30 * kNanosecondsPerSecond;

void PollUntil(Loop& loop, const char* what, const std::function<bool()>& condition) {
  const int64_t deadline = NowNanoseconds() + kPatience;
  while (!condition()) {
    loop.Poll(NowNanoseconds() + kNanosecondsPerSecond);
    if (NowNanoseconds() > deadline) Fail(absl::StrCat("not within 30 s: ", what));
  }
}

// Opens sessions, a bounded number at a time, and ends them.
class Crowd : public SessionOwner {
 public:
  Crowd(Loop& loop, const Target& target, size_t sessions, size_t concurrent) : loop_(loop), target_(target) {
    for (size_t i = 0; i < sessions; ++i) sessions_.push_back(std::make_unique<Session>(loop, *this, i));
    for (size_t i = 0; i < concurrent; ++i) OpenNext();
    PollUntil(loop, "all sessions open", [this] { return open_ == sessions_.size(); });
  }
  void CloseSessions() {
    loop_.Advance();
    for (const auto& session : sessions_) {
      session->CloseSession();
      session->Flush();
    }
    PollUntil(loop_, "all sessions closed", [this] { return open_ == 0; });
  }
  void OnOpen(Session&) override {
    ++open_;
    OpenNext();
  }
  void OnReply(Session& session, const Reply& reply) override {
    if (reply.error != kOk) Fail(absl::StrCat("operation ", static_cast<int>(reply.op), ": error ", reply.error));
    if (reply.op == OpCode::kCloseSession) {
      --open_;
      session.Close();
    }
  }

 protected:
  Loop& loop_;
  const Target& target_;
  std::vector<std::unique_ptr<Session>> sessions_;

 private:
  void OpenNext() {
    if (begun_ == sessions_.size()) return;
    const size_t i = begun_++;
    sessions_[i]->Open(target_.PortOf(i), target_.session_timeout_ms);
  }

  size_t begun_ = 0;
  size_t open_ = 0;
};

class Watchers final : public Crowd {
 public:
  using Crowd::Crowd;
  // Sets every session's watch, and waits until all are set.
  void Arm(std::string_view path) {
    armed_ = events_ = 0;
    loop_.Advance();
    for (const auto& session : sessions_) {
      session->GetData(path, true);
      session->Flush();
    }
    PollUntil(loop_, "all watches set", [this] { return armed_ == sessions_.size(); });
  }
  // Looks every 300 us, and takes all that is there: woken by every event we would take twice the processor time, on
  // the cores that the servers send with.
  void WaitForEvents() {
    constexpr timespec kPause = {0, 300'000};
    const int64_t deadline = NowNanoseconds() + kPatience;
    while (events_ < sessions_.size()) {
      nanosleep(&kPause, nullptr);
      while (loop_.Poll(0) > 0) {
      }
      if (NowNanoseconds() > deadline) Fail("not within 30 s: an event at every session");
    }
  }
  int64_t last_event() const { return last_event_; }

  void OnReply(Session& session, const Reply& reply) override {
    Crowd::OnReply(session, reply);
    if (reply.op == OpCode::kGetData) ++armed_;
  }
  void OnEvent(Session& session, int64_t received) override {
    if (armed_ != sessions_.size()) Fail(absl::StrCat("session ", session.number(), ": an event before the write"));
    if (++events_ > sessions_.size()) Fail("more events than watches");
    last_event_ = received;
  }

 private:
  size_t armed_ = 0;
  size_t events_ = 0;
  int64_t last_event_ = 0;
};

// Makes and writes the watched znode; its own session, at the first server.
class Writer final : public SessionOwner {
 public:
  Writer(Loop& loop, const Target& target) : loop_(loop), session_(loop, *this, 0) {
    session_.Open(target.PortOf(0), target.session_timeout_ms);
    PollUntil(loop, "the writer's session", [this] { return session_.open(); });
  }
  void Await() {
    PollUntil(loop_, "the writer's reply", [this] { return session_.outstanding() == 0; });
  }
  Session& session() { return session_; }
  void OnOpen(Session&) override {}
  void OnReply(Session&, const Reply& reply) override {
    const bool exists = reply.op == OpCode::kCreate && reply.error == kNodeExists;
    if (reply.error != kOk && !exists) Fail(absl::StrCat("the writer got error ", reply.error));
  }

 private:
  Loop& loop_;
  Session session_;
};

constexpr size_t kConcurrent = 100;  // where opening is not what is measured

}  // namespace

void RunFanOut(const Target& target, size_t sessions, size_t rounds) {
  constexpr std::string_view kPath = "/bench-watched";
  const std::string data(100, 'w');
  Loop loop;
  Writer writer(loop, target);
  writer.session().Create(kPath, data, 0);
  writer.session().Flush();
  writer.Await();
  Watchers watchers(loop, target, sessions, std::min(sessions, kConcurrent));
  std::vector<double> milliseconds;
  double server_cpu = 0, own_cpu = 0;
  for (size_t round = 0; round < rounds; ++round) {
    watchers.Arm(kPath);
    const double server_before = CpuSeconds(target.processes), own_before = OwnCpuSeconds();
    loop.Advance();
    const int64_t sent = loop.now();
    writer.session().SetData(kPath, data);
    writer.session().Flush();
    watchers.WaitForEvents();
    milliseconds.push_back(Milliseconds(watchers.last_event() - sent));
    server_cpu += CpuSeconds(target.processes) - server_before;
    own_cpu += OwnCpuSeconds() - own_before;
    writer.Await();
  }
  watchers.CloseSessions();
  writer.session().CloseSession();
  writer.session().Flush();
  writer.Await();
  const auto events = static_cast<double>(sessions * rounds);
  JsonLine()
      .Add("mode", "watch")
      .Add("sessions", static_cast<double>(sessions))
      .Add("milliseconds", Median(milliseconds))
      .Add("server_us_per_operation", server_cpu * 1e6 / events)
      .Add("generator_us_per_operation", own_cpu * 1e6 / events)
      .Add("rounds", milliseconds)
      .Print();
}

void RunConnect(const Target& target, size_t sessions, size_t concurrent, size_t rounds) {
  std::vector<double> rates;
  double cpu = 0;
  for (size_t round = 0; round < rounds; ++round) {
    Loop loop;
    const double cpu_before = CpuSeconds(target.processes);
    const int64_t started = NowNanoseconds();
    Crowd crowd(loop, target, sessions, concurrent);
    rates.push_back(static_cast<double>(sessions) * 1e3 / Milliseconds(NowNanoseconds() - started));
    cpu += CpuSeconds(target.processes) - cpu_before;
    crowd.CloseSessions();
  }
  JsonLine()
      .Add("mode", "connect")
      .Add("sessions", static_cast<double>(sessions))
      .Add("per_second", Median(rates))
      .Add("server_us_per_operation", cpu * 1e6 / static_cast<double>(sessions * rounds))
      .Add("rounds", rates)
      .Print();
}

namespace {

// Tries again and again; a server that is not there yet refuses, or closes the connection.
class Prober final : public SessionOwner {
 public:
  Prober(const Target& target, const std::string& path) : target_(target), path_(path), session_(loop_, *this, 0) {}

  // When the read was answered.
  int64_t Run(double patience) {
    constexpr int64_t kRetry = 5 * kNanosecondsPerMillisecond;
    const int64_t limit =
        NowNanoseconds() + static_cast<int64_t>(patience * static_cast<double>(kNanosecondsPerSecond));
    session_.Open(target_.PortOf(0), target_.session_timeout_ms);
    while (answered_ == 0) {
      const int64_t now = NowNanoseconds();
      if (now > limit) Fail(absl::StrCat("the server does not serve after ", patience, " s: ", why_));
      if (lost_ && now >= retry_) {
        lost_ = false;
        retry_ = now + kRetry;
        session_.Open(target_.PortOf(0), target_.session_timeout_ms);
      }
      loop_.Poll(lost_ ? retry_ : now + kNanosecondsPerSecond);
    }
    session_.CloseSession();
    session_.Flush();
    PollUntil(loop_, "the session closed", [this] { return closed_; });
    return answered_;
  }
  void OnOpen(Session& session) override { session.GetData(path_, false); }
  void OnReply(Session&, const Reply& reply) override {
    if (reply.error != kOk) Fail(absl::StrCat("error ", reply.error));
    if (reply.op == OpCode::kCloseSession) {
      closed_ = true;
    } else {
      answered_ = reply.received;
    }
  }
  void OnLost(Session&, const std::string& why) override {
    lost_ = true;
    why_ = why;
  }

 private:
  Loop loop_;
  const Target& target_;
  const std::string path_;
  Session session_;
  bool lost_ = false, closed_ = false;
  std::string why_;
  int64_t retry_ = 0;
  int64_t answered_ = 0;
};

}  // namespace

void RunServes(const Target& target, const std::string& path, double patience) {
  Prober prober(target, path);
  const int64_t answered = prober.Run(patience);
  JsonLine()
      .Add("mode", "serves")
      .Add("monotonic_seconds", static_cast<double>(answered) / static_cast<double>(kNanosecondsPerSecond))
      .Print();
}

}  // namespace synod::bench
