#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <ostream>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"
#include "coordinator/client/stream_loop.h"

namespace synod::cli {
namespace {

using client::Cursor;
using client::FollowEvent;

struct WatchOptions {
  std::string path;
  bool recursive = false;
  bool data = false;
  int count = 0;
  std::string from;
  std::string until;
};

// What a Follow says, in the order in which it says it.
struct Batch {
  std::vector<FollowEvent> events;
  Cursor cursor;
};
struct Interruption {
  std::string why;
};
struct Lost {
  Cursor oldest;
};
using Word = std::variant<Batch, Interruption, Lost, client::Error>;

// From the Follow's thread to ours. Bounded: a terminal that is slower than the changes holds the server back, not our
// memory.
class Words {
 public:
  // Waits for room. After Stop: drops it.
  void Push(Word word) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopped_ || words_.size() < kMost; });
    if (stopped_) return;
    words_.push_back(std::move(word));
    interrupts_.Wake();
  }
  // nullopt: Ctrl-C, or `until` (client::MonotonicNow) came.
  std::optional<Word> Next(absl::Duration until) {
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        if (!words_.empty()) {
          Word word = std::move(words_.front());
          words_.pop_front();
          room_.notify_one();
          return word;
        }
      }
      const absl::Duration left = until - client::MonotonicNow();
      if (left <= absl::ZeroDuration() || !interrupts_.WaitFor(left)) return std::nullopt;
    }
  }
  bool interrupted() const { return interrupts_.interrupted(); }
  void Stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    room_.notify_all();
  }

 private:
  static constexpr size_t kMost = 64;
  Interrupts interrupts_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable room_;
  std::deque<Word> words_;
  bool stopped_ = false;
};

class Watcher {
 public:
  Watcher(Environment& env, const WatchOptions& o, std::optional<Cursor> until) : env_(env), o_(o), until_(until) {}

  // Returns the exit code once there is no more to do.
  std::optional<int> Take(Word word) {
    if (auto* batch = std::get_if<Batch>(&word)) return TakeBatch(*batch);
    if (auto* gap = std::get_if<Interruption>(&word)) {
      why_ = gap->why;
      env_.Notice("interrupted, nothing is lost; looking for another server: " + gap->why);
      return std::nullopt;
    }
    if (auto* lost = std::get_if<Lost>(&word)) return TakeLost(lost->oldest);
    return env_.Fail(std::get<client::Error>(word), o_.path);
  }
  bool began() const { return last_.has_value(); }
  // No server said anything in time.
  int Unanswered() { return env_.Fail({client::ErrorCode::kUnavailable, client::Effect::kNotDone, why_}, o_.path); }
  // After Ctrl-C.
  int Stopped() {
    if (last_.has_value()) env_.Notice("`synod watch --from " + last_->ToString() + "` goes on from here");
    return kExitOk;
  }

 private:
  std::optional<int> TakeBatch(Batch& batch) {
    if (!last_.has_value()) Begin(batch);
    for (const FollowEvent& event : batch.events) {
      const Cursor cursor{event.zxid, event.ordinal};
      if (until_.has_value() && cursor > *until_) return kExitOk;
      Print(event, cursor);
      last_ = cursor;
      if (o_.count > 0 && ++seen_ == o_.count) {
        env_.io.out.flush();
        return kExitOk;
      }
    }
    env_.io.out.flush();
    last_ = batch.cursor;
    if (until_.has_value() && batch.cursor >= *until_) return kExitOk;
    return std::nullopt;
  }
  // From here on nothing is missed.
  void Begin(const Batch& batch) {
    const std::string from = o_.from.empty() ? batch.cursor.ToString() : o_.from;
    if (env_.settings.json) {
      env_.io.out << JsonObject().Text("event", "watching").Text("path", o_.path).Text("cursor", from).Take()
                  << std::endl;
    } else {
      env_.io.out << "Watching " << o_.path << (o_.recursive ? " and everything below" : "") << " from " << from
                  << "; Ctrl-C ends." << std::endl;
    }
  }
  void Print(const FollowEvent& event, Cursor cursor) {
    const std::string name(client::WatchEventName(event.type));
    const bool shown = o_.data && event.stat.has_value();
    if (env_.settings.json) {
      JsonObject object;
      object.Text("event", name).Text("path", event.path).Number("zxid", event.zxid).Text("cursor", cursor.ToString());
      if (shown) object.Data("data", event.data).Stat("stat", *event.stat);
      env_.io.out << object.Take() << "\n";
      return;
    }
    env_.io.out << absl::StrFormat("%-8s %s  cursor=%s", name, event.path, cursor.ToString());
    if (shown && !event.data.has_value()) env_.io.out << "  null";
    if (shown && event.data.has_value()) env_.io.out << "  " << JsonString(*event.data);
    env_.io.out << "\n";
  }
  int TakeLost(Cursor oldest) {
    env_.io.out.flush();
    const std::string from = last_.has_value() ? last_->ToString() : o_.from;
    const std::string text = absl::StrCat("the servers hold no events as old as ", from,
                                          " any more: what happened since is lost. The oldest cursor on offer is ",
                                          oldest.ToString(), "; read the nodes again before you go on from there");
    if (env_.settings.json) {
      JsonObject object;
      object.Text("error", "EventsLost").Text("path", o_.path).Text("message", text);
      env_.io.err << object.Text("from", from).Text("oldest", oldest.ToString()).Take() << std::endl;
      return kExitRefused;
    }
    return env_.Refuse(text);
  }

  Environment& env_;
  const WatchOptions& o_;
  const std::optional<Cursor> until_;
  std::optional<Cursor> last_;  // everything up to it was printed
  std::string why_;             // of the last interruption
  int seen_ = 0;
};

int Watch(Environment& env, const WatchOptions& o) {
  if (const std::string problem = PathProblem(o.path); !problem.empty()) return env.UsageError(o.path + ": " + problem);
  auto options = env.FollowOptions();
  if (!options.has_value()) return kExitUsage;
  options->path = o.path;
  options->recursive = o.recursive;
  options->with_data = o.data;
  std::optional<Cursor> until;
  for (const auto& [text, out] : {std::make_pair(&o.from, &options->after), std::make_pair(&o.until, &until)}) {
    if (text->empty()) continue;
    auto cursor = Cursor::Parse(*text);
    if (!cursor.ok()) return env.UsageError("not a cursor, as `synod watch` prints them: " + *text);
    *out = *cursor;
  }
  if (until.has_value()) options->progress = absl::Milliseconds(100);
  Words words;
  client::FollowCallbacks callbacks;
  callbacks.on_events = [&words](std::vector<FollowEvent> events, Cursor cursor) {
    words.Push(Batch{std::move(events), cursor});
  };
  callbacks.on_state = [&words](client::FollowState state, const std::string& why) {
    if (state == client::FollowState::kInterrupted) words.Push(Interruption{why});
  };
  callbacks.on_lost = [&words](Cursor oldest) { words.Push(Lost{oldest}); };
  callbacks.on_failed = [&words](const client::Error& error) { words.Push(error); };
  auto follow = client::Follow::Start(*std::move(options), std::move(callbacks));
  if (!follow.ok()) return env.UsageError(std::string(follow.status().message()));
  Watcher watcher(env, o, until);
  std::optional<int> code;
  const absl::Duration first = client::MonotonicNow() + env.settings.timeout;
  while (!code.has_value()) {
    auto word = words.Next(watcher.began() ? absl::InfiniteDuration() : first);
    if (word.has_value()) {
      code = watcher.Take(*std::move(word));
    } else {
      code = words.interrupted() ? watcher.Stopped() : watcher.Unanswered();
    }
  }
  words.Stop();
  return *code;
}

}  // namespace

void AddWatch(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<WatchOptions>();
  CLI::App* verb = app.add_subcommand("watch", "Print every change of a node as it comes, with its cursor");
  verb->add_option("PATH", o->path, "The node; it need not exist")->required();
  verb->add_flag("-R,--recursive", o->recursive, "And of everything below it");
  verb->add_flag("--data", o->data, "With the data as of the change, unless it was changed again meanwhile");
  verb->add_option("--from", o->from, "Go on behind this cursor: what came since, each once, and then what comes");
  verb->add_option("--until", o->until, "End when everything up to this cursor was printed");
  verb->add_option("--count", o->count, "End after so many events")->check(CLI::Range(1, 2'000'000'000));
  verb->footer(
      "No change is missed and none comes twice, whatever server dies meanwhile. A cursor holds at every server of "
      "the\n"
      "ensemble. One that is older than the events they keep is refused (exit code 1), with the oldest on offer.\n"
      "Examples:\n  synod watch /app\n  synod watch -R / --count 10\n  synod watch -R /app --from 4711-2\n"
      "  synod --json watch -R /app --data | jq .path");
  verb->callback([o, &env, &run] { run = [o, &env] { return Watch(env, *o); }; });
}

}  // namespace synod::cli
