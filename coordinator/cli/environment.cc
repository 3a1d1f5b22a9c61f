#include "coordinator/cli/environment.h"

#include <istream>
#include <iterator>
#include <ostream>

#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/format.h"
#include "coordinator/client/server_list.h"

namespace synod::cli {

std::unique_ptr<client::BlockingClient> Environment::Make(client::ClientOptions options, bool session) {
  options.servers = settings.servers;
  options.session = session;
  options.session_timeout = settings.session_timeout;
  options.request_timeout = settings.timeout;
  if (!FillCredentials(&options.credentials)) return nullptr;
  auto made = client::BlockingClient::Create(std::move(options));
  if (made.ok()) return *std::move(made);
  UsageError(std::string(made.status().message()));
  return nullptr;
}

bool Environment::FillCredentials(std::vector<client::Credential>* out) {
  *out = credentials_;
  for (const std::string& text : settings.auth) {
    auto credential = ParseCredential(text);
    if (!credential.ok()) {
      UsageError("--auth: " + std::string(credential.status().message()));
      return false;
    }
    out->push_back(*std::move(credential));
  }
  return true;
}

absl::Status Environment::AddCredential(const std::string& text) {
  auto credential = ParseCredential(text);
  if (credential.ok()) credentials_.push_back(*std::move(credential));
  return credential.status();
}

std::optional<client::FollowOptions> Environment::FollowOptions() {
  client::FollowOptions options;
  options.servers = settings.servers;
  if (!FillCredentials(&options.credentials)) return std::nullopt;
  return options;
}

std::string Environment::Chroot() const {
  const size_t slash = settings.servers.find('/');
  if (slash == std::string::npos || slash + 1 == settings.servers.size()) return "";
  return settings.servers.substr(slash);
}

void Environment::OnSession(client::SessionState state) {
  if (state != client::SessionState::kExpired && state != client::SessionState::kClosed) return;
  session_over_ = true;
  std::lock_guard lock(wake_mutex_);
  if (wake_ != nullptr) wake_->Wake();
}

void Environment::WakeOnSessionEnd(Interrupts* interrupts) {
  std::lock_guard lock(wake_mutex_);
  wake_ = interrupts;
}

client::BlockingClient* Environment::Reader() {
  if (shell || session_ != nullptr) return Session();
  if (unary_ == nullptr) unary_ = Make({}, false);
  return unary_.get();
}

client::BlockingClient* Environment::Session() {
  // A shell whose session expired goes on with a new one.
  if (session_over_) session_.reset();
  if (session_ == nullptr) {
    client::ClientOptions options;
    session_over_ = false;
    options.on_session = [this](client::SessionState state) { OnSession(state); };
    session_ = Make(std::move(options), true);
  }
  return session_.get();
}

std::vector<std::string> Environment::Addresses() {
  auto list = client::ServerList::Parse(settings.servers);
  if (list.ok()) return list->addresses;
  UsageError(std::string(list.status().message()));
  return {};
}

void Environment::CloseSession() {
  if (session_ == nullptr) return;
  // Not answered: the session ends by its timeout. Whoever just waited in vain does not wait for this too.
  if (!unreachable_) (void)session_->Close();
  session_.reset();
}

int Environment::Fail(const client::Error& error, std::string_view path) {
  io.out.flush();
  if (settings.json) {
    JsonObject object;
    object.Text("error", client::ErrorCodeName(error.code)).Text("path", path);
    object.Text("message", ErrorText(error, path));
    object.Bool("may_have_been_done", error.effect == client::Effect::kMayHaveBeenDone);
    io.err << object.Take() << std::endl;
  } else {
    io.err << "synod: " << ErrorText(error, path) << std::endl;
  }
  const int code = ExitCodeOf(error);
  unreachable_ = code == kExitUnavailable || code == kExitUnknown;
  return code;
}

int Environment::Fail(const absl::Status& status) {
  // What nobody answered may go through later; anything else is an answer.
  const bool refused =
      status.code() != absl::StatusCode::kUnavailable && status.code() != absl::StatusCode::kDeadlineExceeded;
  Print(refused ? "Refused" : "Unavailable", std::string(status.message()));
  return refused ? kExitRefused : kExitUnavailable;
}

int Environment::UsageError(std::string_view what) {
  Print("Usage", what);
  return kExitUsage;
}

int Environment::Refuse(std::string_view what) {
  Print("Refused", what);
  return kExitRefused;
}

void Environment::Notice(std::string_view what) {
  io.out.flush();
  if (!settings.json) io.err << "synod: " << what << std::endl;
}

bool Environment::Confirm(std::string_view question) {
  io.out.flush();
  io.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(io.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void Environment::Print(std::string_view error, std::string_view what) {
  io.out.flush();
  if (settings.json) {
    io.err << JsonObject().Text("error", error).Text("message", what).Take() << std::endl;
  } else {
    io.err << "synod: " << what << std::endl;
  }
}

bool Environment::ReadData(const std::string& argument, bool hex, client::Data* out) {
  std::string text = argument;
  if (argument == "-") text.assign(std::istreambuf_iterator<char>(io.in), {});
  if (!hex) {
    *out = std::move(text);
    return true;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  *out = FromHex(text);
  if (!out->has_value()) UsageError("--hex needs an even number of hex digits");
  return out->has_value();
}

}  // namespace synod::cli
