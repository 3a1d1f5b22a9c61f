// What every command works with.
#pragma once

#include <atomic>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/exit_code.h"
#include "coordinator/client/blocking.h"
#include "coordinator/client/ensemble_client.h"
#include "coordinator/client/follow.h"

namespace synod::cli {

struct Settings {
  std::string servers;
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration session_timeout = absl::Seconds(10);
  client::ReadStrength strength = client::ReadStrength::kSession;
  bool strength_given = false;
  bool json = false;
  std::vector<std::string> auth;  // SCHEME:CREDENTIAL each
};

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool err_is_terminal = false;
};

// Used by one thread, but where it says otherwise. Clients are made when first needed.
class Environment {
 public:
  Environment(Settings settings, Streams streams) : settings(std::move(settings)), io(streams) {}

  // For reads: unary calls, or in a shell its session. Null after a message: the server list is malformed.
  client::BlockingClient* Reader();
  // For writes (each done exactly once), ephemerals and watches: a session.
  client::BlockingClient* Session();
  // Whom to act for. False after a message.
  bool FillCredentials(std::vector<client::Credential>* out);
  // Servers and credentials of a Follow; nullopt after a message.
  std::optional<client::FollowOptions> FollowOptions();
  // Whom everything after this acts for. InvalidArgument: malformed.
  absl::Status AddCredential(const std::string& text);
  // The chroot of the server list, "" without one.
  std::string Chroot() const;
  // The addresses of the list, without chroot. Empty after a message.
  std::vector<std::string> Addresses();
  // Ends the session, if there is one, so that its ephemerals go at once.
  void CloseSession();
  // The session ended by itself: its ephemerals are gone and its watches silent. Any thread.
  bool session_over() const { return session_over_; }
  // Whom to wake when that happens; null: nobody. It must stay until replaced.
  void WakeOnSessionEnd(Interrupts* interrupts);

  // Prints what went wrong on the error stream; returns the exit code.
  int Fail(const client::Error& error, std::string_view path);
  int Fail(const absl::Status& status);
  int UsageError(std::string_view what);
  // What cannot be done with what is there, without a server having said so: exit code 1.
  int Refuse(std::string_view what);
  // For people only: nothing with --json.
  void Notice(std::string_view what);
  // Asks on the terminal. REQUIRES: io.in_is_terminal.
  bool Confirm(std::string_view question);
  // Where progress is drawn; null: nobody looks.
  std::ostream* ProgressStream() const { return io.err_is_terminal && !settings.json ? &io.err : nullptr; }
  // The argument DATA: text, "-" for all of standard input, hex if asked for. False after a message.
  bool ReadData(const std::string& argument, bool hex, client::Data* out);

  Settings settings;
  Streams io;
  bool shell = false;
  std::vector<std::string> command;          // what stood behind "--"
  std::shared_ptr<EventQueue> shell_events;  // where watches of a shell report; printed before its next prompt

 private:
  std::unique_ptr<client::BlockingClient> Make(client::ClientOptions options, bool session);
  void OnSession(client::SessionState state);
  void Print(std::string_view error, std::string_view what);

  std::vector<client::Credential> credentials_;  // besides settings.auth
  bool unreachable_ = false;                     // what the last command that failed found
  std::atomic<bool> session_over_ = false;
  std::mutex wake_mutex_;  // guards wake_
  Interrupts* wake_ = nullptr;
  // Last, so that they go first: their threads call OnSession.
  std::unique_ptr<client::BlockingClient> session_;
  std::unique_ptr<client::BlockingClient> unary_;
};

}  // namespace synod::cli
