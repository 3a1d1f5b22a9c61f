// The longest time without an acknowledged write, around the kill or pause of a server.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tests/bench/zookeeper/modes.h"

namespace synod::bench {
namespace {

constexpr int64_t kRetry = 5 * kNanosecondsPerMillisecond;
// After which a server that took the connection but does not answer the greeting is left for the next one.
constexpr int64_t kGreeting = 250 * kNanosecondsPerMillisecond;
constexpr int64_t kPatience = 60 * kNanosecondsPerSecond;

// A client as it should be: one write at a time; if the connection ends it takes its session to the next server at
// once, then tries every 5 ms, and sends the unanswered write again.
class Writer final : public SessionOwner {
 public:
  Writer(Loop& loop, const Target& target, size_t server, std::string path)
      : loop_(loop), target_(target), server_(server), path_(std::move(path)), session_(loop, *this, server) {
    Connect();
  }

  void OnOpen(Session& session) override {
    greeting_until_ = never_;
    if (made_) {
      session.SetData(path_, data_);
    } else {
      session.Create(path_, data_, 0);
    }
  }
  void OnReply(Session& session, const Reply& reply) override {
    const bool exists = reply.op == OpCode::kCreate && reply.error == kNodeExists;
    if (reply.error != kOk && !exists) Fail(absl::StrCat("a write got error ", reply.error));
    if (reply.op == OpCode::kCloseSession) {
      closed_ = true;
      return session.Close();
    }
    made_ = true;
    if (reply.op == OpCode::kSetData) {
      ++writes_;
      if (last_ != 0 && last_gap_from_ < reply.received) {
        if (reply.received - last_ > longest_) longest_ = reply.received - last_;
        ++writes_since_;
      }
      last_ = reply.received;
    }
    if (!finishing_) session.SetData(path_, data_);
  }
  void OnLost(Session&, const std::string&) override {
    ++losses_;
    server_ = (server_ + 1) % target_.ports.size();
    greeting_until_ = never_;
    retry_at_ = std::max(NowNanoseconds(), tried_ + kRetry);
  }

  // Does what is due by the clock; returns when something will be due next.
  int64_t Tick(int64_t now) {
    if (now >= greeting_until_) {
      session_.Close();
      OnLost(session_, "");
    }
    if (now >= retry_at_) Connect();
    return std::min(greeting_until_, retry_at_);
  }

  // Gaps count whose end comes after this.
  void CountGapsFrom(int64_t from) {
    last_gap_from_ = from;
    longest_ = 0;
    writes_since_ = 0;
  }
  // No further writes; the session ends.
  void Finish() { finishing_ = true; }
  bool idle() const { return session_.open() && session_.outstanding() == 0; }
  void CloseSession() {
    session_.CloseSession();
    session_.Flush();
  }

  uint64_t writes() const { return writes_; }
  uint64_t writes_since() const { return writes_since_; }
  double longest_gap() const { return Milliseconds(longest_); }
  int losses() const { return losses_; }
  bool closed() const { return closed_; }

 private:
  static constexpr int64_t never_ = INT64_MAX;

  void Connect() {
    tried_ = NowNanoseconds();
    retry_at_ = never_;
    greeting_until_ = tried_ + kGreeting;
    session_.Open(target_.ports[server_], target_.session_timeout_ms);
  }

  Loop& loop_;
  const Target& target_;
  size_t server_;
  const std::string path_;
  const std::string data_ = std::string(100, 'g');
  Session session_;
  int64_t tried_ = 0;
  int64_t retry_at_ = never_;
  int64_t greeting_until_ = never_;
  bool made_ = false, finishing_ = false, closed_ = false;
  uint64_t writes_ = 0;
  uint64_t writes_since_ = 0;
  int64_t last_ = 0;  // when the latest write was acknowledged
  int64_t last_gap_from_ = never_;
  int64_t longest_ = 0;
  int losses_ = 0;
};

void PollUntil(Loop& loop, std::vector<std::unique_ptr<Writer>>& writers, const char* what,
               const std::function<bool()>& condition) {
  const int64_t limit = NowNanoseconds() + kPatience;
  while (!condition()) {
    int64_t next = NowNanoseconds() + 100 * kNanosecondsPerMillisecond;
    for (const auto& writer : writers) next = std::min(next, writer->Tick(NowNanoseconds()));
    loop.Poll(next);
    if (NowNanoseconds() > limit) Fail(absl::StrCat("not within 60 s: ", what));
  }
}

}  // namespace

void RunGap(const Target& target, const GapOptions& options) {
  if (target.processes.size() != target.ports.size() || options.victim >= target.ports.size()) {
    Fail("gap needs the pid of every server, and a victim among them");
  }
  Loop loop;
  std::vector<std::unique_ptr<Writer>> writers;
  const size_t survivor = (options.victim + 1) % target.ports.size();
  writers.push_back(std::make_unique<Writer>(loop, target, survivor, "/gap-survivor"));
  // A client of a paused server notices by its own patience, not by anything that servers do.
  if (!options.pause) writers.push_back(std::make_unique<Writer>(loop, target, options.victim, "/gap-victim"));
  const auto all = [&](auto condition) { return std::all_of(writers.begin(), writers.end(), condition); };

  const int64_t begun = NowNanoseconds();
  const auto steady = static_cast<int64_t>(options.steady * static_cast<double>(kNanosecondsPerSecond));
  PollUntil(loop, writers, "200 writes before the signal",
            [&] { return NowNanoseconds() > begun + steady && all([](const auto& w) { return w->writes() >= 200; }); });
  const int64_t signalled = NowNanoseconds();
  for (const auto& writer : writers) writer->CountGapsFrom(signalled);
  if (::kill(target.processes[options.victim], options.pause ? SIGSTOP : SIGKILL) != 0) {
    Fail(absl::StrCat("kill: ", std::strerror(errno)));
  }
  PollUntil(loop, writers, "writes after the signal",
            [&] { return all([&](const auto& w) { return w->writes_since() >= options.writes_after; }); });
  for (const auto& writer : writers) writer->Finish();
  PollUntil(loop, writers, "the last replies", [&] { return all([](const auto& w) { return w->idle(); }); });
  loop.Advance();
  for (const auto& writer : writers) writer->CloseSession();
  PollUntil(loop, writers, "the sessions closed", [&] { return all([](const auto& w) { return w->closed(); }); });

  JsonLine line;
  line.Add("mode", options.pause ? "pause" : "kill").Add("survivor_ms", writers[0]->longest_gap());
  line.Add("survivor_losses", writers[0]->losses());
  double longest = writers[0]->longest_gap();
  if (writers.size() > 1) {
    line.Add("victim_ms", writers[1]->longest_gap());
    longest = std::max(longest, writers[1]->longest_gap());
  }
  line.Add("milliseconds", longest).Print();
}

}  // namespace synod::bench
