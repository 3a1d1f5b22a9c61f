// lock, elect: a command that runs while something is held, and never longer.
//
// The order of things, and why nobody else can hold it while the command runs:
//  - The session is lost by our clock (S7, S8) before the ensemble may end it. That moment is the guardian's deadline
//    (guardian.h): SIGTERM comes `grace` before it, SIGKILL at it. Each answered ping moves it on.
//  - The lock is released only after the guardian has said that nothing of the command runs any more.
//  - If this process dies, the guardian kills at once, and the servers wait for the session's end.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/guardian.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/tenure.h"
#include "coordinator/client/stream_loop.h"

namespace synod::cli {
namespace {

struct HoldOptions {
  bool elect = false;
  std::string path;
  std::string timeout;
  std::string grace;
  std::string disconnect_grace;
};

struct Times {
  absl::Duration wait = absl::InfiniteDuration();
  absl::Duration grace;
  absl::Duration disconnect_grace;
};

// False after a message.
bool FillTimes(Environment& env, const HoldOptions& o, Times* out) {
  const auto parse = [&](const char* name, const std::string& text, absl::Duration* time) {
    if (text.empty()) return true;
    const auto parsed = text == "0" ? absl::ZeroDuration() : ParseTime(text);
    if (!parsed.has_value()) env.UsageError(absl::StrCat(name, ": not a time: ", text));
    if (parsed.has_value()) *time = *parsed;
    return parsed.has_value();
  };
  if (!parse("--timeout", o.timeout, &out->wait)) return false;
  if (!parse("--disconnect-grace", o.disconnect_grace, &out->disconnect_grace)) return false;
  // Pings go at a sixth of the session's timeout, and it is lost at two thirds: up to a half of it may be left of a
  // session in good health. A longer grace would end the command all the time.
  const absl::Duration most = env.settings.session_timeout / 3;
  out->grace = std::min(absl::Seconds(1), most);
  if (out->disconnect_grace > absl::ZeroDuration()) out->grace = std::min(out->grace, out->disconnect_grace / 3);
  if (!parse("--grace", o.grace, &out->grace)) return false;
  if (out->grace <= most) return true;
  env.UsageError(absl::StrCat("--grace ", absl::FormatDuration(out->grace),
                              " is more than a third of --session-timeout ",
                              absl::FormatDuration(env.settings.session_timeout), ", which is what a command can get"));
  return false;
}

// For people who look at the node.
std::string WhoWeAre(const std::vector<std::string>& command) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return absl::StrCat(host, " pid ", getpid(), ": ", absl::StrJoin(command, " "));
}

class Hold {
 public:
  Hold(Environment& env, const HoldOptions& o, const Times& times)
      : env_(env), o_(o), times_(times), news_(&interrupts_) {}
  int Run();

 private:
  // False after a message.
  bool Connect();
  // The token; nullopt: not granted, and *code says why.
  std::optional<int64_t> WaitForGrant(int* code);
  int RunCommand(int64_t token);
  int Ended(const GuardReport& report);
  absl::Duration Deadline() const;
  void Close();
  void Say(std::string_view event, int64_t token, const std::string& text);

  Environment& env_;
  const HoldOptions& o_;
  const Times times_;
  Interrupts interrupts_;
  TenureNews news_;
  std::unique_ptr<recipes::Session> session_;
  std::unique_ptr<Tenure> tenure_;  // before the session
  bool asked_to_end_ = false;
};

bool Hold::Connect() {
  client::ClientOptions options;
  options.servers = env_.settings.servers;
  options.session_timeout = env_.settings.session_timeout;
  options.disconnect_grace = times_.disconnect_grace;
  if (!env_.FillCredentials(&options.credentials)) return false;
  options.on_session = [this](client::SessionState) { interrupts_.Wake(); };
  auto session = recipes::Session::Create(std::move(options), /*renew=*/false);
  if (!session.ok()) {
    env_.UsageError(std::string(session.status().message()));
    return false;
  }
  session_ = *std::move(session);
  const auto make = o_.elect ? &MakeLeaderTenure : &MakeLockTenure;
  tenure_ = make(session_.get(), o_.path, WhoWeAre(env_.command), &news_);
  tenure_->Start();
  return true;
}

std::optional<int64_t> Hold::WaitForGrant(int* code) {
  const absl::Duration begin = client::MonotonicNow();
  const absl::Duration notice = begin + absl::Milliseconds(500);
  bool noticed = false, connected = false;
  for (;;) {
    if (auto granted = news_.granted(); granted.has_value()) {
      if (granted->ok()) return **granted;
      *code = env_.Fail(granted->error(), o_.path);
      return std::nullopt;
    }
    if (interrupts_.interrupted()) {
      *code = 128 + interrupts_.signal();
      return std::nullopt;
    }
    const absl::Duration now = client::MonotonicNow();
    connected = connected || session_->state() == client::SessionState::kConnected;
    if (!connected && now >= begin + env_.settings.timeout) {
      *code = env_.Fail({client::ErrorCode::kUnavailable, client::Effect::kNotDone, ""}, o_.path);
      return std::nullopt;
    }
    if (now >= begin + times_.wait) {
      Say("timeout", 0, "not acquired within " + o_.timeout + ": " + o_.path);
      *code = kExitNotAcquired;
      return std::nullopt;
    }
    if (!noticed && now >= notice) Say("waiting", 0, "waiting for " + o_.path);
    noticed = noticed || now >= notice;
    absl::Duration next = begin + times_.wait;
    if (!noticed) next = std::min(next, notice);
    if (!connected) next = std::min(next, begin + env_.settings.timeout);
    (void)interrupts_.WaitFor(next - now);
  }
}

absl::Duration Hold::Deadline() const {
  // Whatever the loss was: somebody else may hold it, now or soon.
  if (news_.lost().has_value()) return absl::ZeroDuration();
  return std::max(session_->client()->HeldUntil(), absl::ZeroDuration());
}

int Hold::RunCommand(int64_t token) {
  GuardOptions options;
  options.command = env_.command;
  options.environment = {{"SYNOD_FENCING_TOKEN", absl::StrCat(token)}, {"SYNOD_LOCK_PATH", o_.path}};
  options.grace = times_.grace;
  absl::Duration deadline = Deadline();
  env_.io.out.flush();
  auto command = GuardedCommand::Start(options, deadline);
  if (!command.ok()) return env_.Fail(command.status());
  // Often enough that an answered ping reaches the guardian long before the deadline it moves.
  const absl::Duration tick = std::clamp(env_.settings.session_timeout / 30, absl::Milliseconds(10), absl::Seconds(1));
  for (;;) {
    pollfd ended = {(*command)->fd(), POLLIN, 0};
    if (poll(&ended, 1, 0) > 0) return Ended((*command)->Wait());
    if (const int number = interrupts_.Take(); number == SIGINT) {
      (*command)->Signal(SIGINT);  // it decides what that means
    } else if (number != 0) {
      asked_to_end_ = true;
      (*command)->Revoke();
    }
    if (const absl::Duration now = Deadline(); now != deadline) (*command)->HoldUntil(deadline = now);
    (void)interrupts_.WaitFor(tick, (*command)->fd());
  }
}

int Hold::Ended(const GuardReport& report) {
  const auto loss = news_.lost();
  if (!loss.has_value() && (!report.revoked || asked_to_end_)) return report.exit_code;
  const std::string why(loss.has_value() ? recipes::LossName(*loss) : recipes::LossName(recipes::Loss::kSessionLost));
  Say("lost", 0, absl::StrCat("lost ", o_.path, " (", why, "): the command was ended"));
  return kExitLost;
}

// At once: the next one does not wait for a timeout. Without a connection, or an answer within a second, the session
// ends by its timeout.
void Hold::Close() {
  tenure_->Release();
  auto closed = std::make_shared<absl::Notification>();
  session_->Close([closed](const client::Result<int64_t>&) { closed->Notify(); });
  if (session_->state() == client::SessionState::kConnected)
    (void)closed->WaitForNotificationWithTimeout(absl::Seconds(1));
  tenure_.reset();
  session_.reset();
}

void Hold::Say(std::string_view event, int64_t token, const std::string& text) {
  if (!env_.settings.json) return env_.Notice(text);
  JsonObject object;
  object.Text("event", event).Text("path", o_.path);
  if (token != 0) object.Number("token", token);
  env_.io.err << object.Text("message", text).Take() << std::endl;
}

int Hold::Run() {
  if (!Connect()) return kExitUsage;
  int code = kExitOk;
  if (const auto token = WaitForGrant(&code); token.has_value()) {
    Say("acquired", *token, absl::StrCat(o_.elect ? "leading " : "holding ", o_.path, ", fencing token ", *token));
    code = RunCommand(*token);
  }
  Close();
  return code;
}

int HoldAndRun(Environment& env, const HoldOptions& o) {
  const std::string verb = o.elect ? "elect" : "lock";
  if (env.command.empty()) return env.UsageError(verb + " needs a command: synod " + verb + " PATH -- COMMAND ...");
  if (const std::string problem = PathProblem(o.path); !problem.empty()) return env.UsageError(o.path + ": " + problem);
  Times times;
  if (!FillTimes(env, o, &times)) return kExitUsage;
  return Hold(env, o, times).Run();
}

constexpr char kFooter[] =
    "COMMAND gets SYNOD_FENCING_TOKEN, a number greater than that of every holder before (give it to what you "
    "protect,\n"
    "and let that refuse smaller ones), and SYNOD_LOCK_PATH. It runs in a process group of its own and gets the "
    "terminal.\n"
    "It is ended before anyone else can hold the path: SIGTERM --grace before the session counts as lost by our own\n"
    "clock (two thirds of --session-timeout after the last answer of a server), SIGKILL at that moment; also when "
    "synod\n"
    "itself is killed or stopped. Whatever COMMAND leaves behind is killed before the path is given free.\n"
    "--disconnect-grace lets the next one take over that soon after synod was killed, but then a broken connection "
    "must\n"
    "be replaced within two thirds of it.\n"
    "Exit codes: that of COMMAND (128 + signal, 127 no such command); 75 what it ran under was lost and it was ended;\n"
    "76 not acquired within --timeout; 130 Ctrl-C while waiting; 2 usage; 3 no server reached.\n";

void AddHold(CLI::App& app, Environment& env, Run& run, bool elect, const char* name, const char* text,
             const char* examples) {
  auto o = std::make_shared<HoldOptions>();
  o->elect = elect;
  CLI::App* verb = app.add_subcommand(name, text);
  verb->add_option("PATH", o->path, "Where those who want it queue up; made if missing")->required();
  verb->add_option("--timeout", o->timeout, "How long to wait for it (default: for ever)");
  verb->add_option("--grace", o->grace, "Between SIGTERM and SIGKILL (default 1s, or a third of the session timeout)");
  verb->add_option("--disconnect-grace", o->disconnect_grace,
                   "End the session so soon after its connection broke, unless it is back (default: off)");
  verb->footer(std::string(kFooter) + "Examples:\n" + examples);
  verb->callback([o, &env, &run] { run = [o, &env] { return HoldAndRun(env, *o); }; });
}

}  // namespace

void AddLock(CLI::App& app, Environment& env, Run& run) {
  AddHold(app, env, run, false, "lock", "Run a command while holding a lock",
          "  synod lock /locks/deploy -- ./deploy.sh\n"
          "  synod lock --timeout 10s /locks/backup -- sh -c 'backup --token $SYNOD_FENCING_TOKEN'");
}

void AddElect(CLI::App& app, Environment& env, Run& run) {
  AddHold(app, env, run, true, "elect", "Run a command while being the elected leader",
          "  synod elect /election -- ./leader\n  while synod elect /election -- ./leader; test $? = 75; do :; done");
}

}  // namespace synod::cli
