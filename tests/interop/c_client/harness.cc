#include "tests/interop/c_client/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace synod::interop {
namespace {

std::mutex failures_mutex;
std::vector<std::string> failures;

}  // namespace

void Ensemble::Run(const std::string& words) {
  const std::string command = control_ + " " + words;
  if (std::system(command.c_str()) != 0) Fail(__FILE__, __LINE__, "failed: " + command);
}
void Ensemble::Kill(int server) { Run("kill " + std::to_string(server)); }
void Ensemble::Start(int server) { Run("start " + std::to_string(server)); }
void Ensemble::WaitUntilServes(int server) { Run("wait " + std::to_string(server)); }

void Fail(const char* file, int line, const std::string& what) {
  const std::lock_guard lock(failures_mutex);
  failures.push_back(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

int RunTests(const std::vector<NamedTest>& tests, const Selection& selection, Ensemble& ensemble) {
  int passed = 0;
  int failed = 0;
  for (const NamedTest& test : tests) {
    if (test.name.find(selection.only) == std::string_view::npos) continue;
    if (!selection.skip.empty() && test.name.find(selection.skip) != std::string_view::npos) continue;
    const auto started = std::chrono::steady_clock::now();
    test.run(ensemble);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    const std::lock_guard lock(failures_mutex);
    std::printf("%s %s (%.1f s)\n", failures.empty() ? "ok  " : "FAIL", std::string(test.name).c_str(), seconds);
    for (const std::string& failure : failures) std::printf("    %s\n", failure.c_str());
    ++(failures.empty() ? passed : failed);
    failures.clear();
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

bool Eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << event.type << " " << event.path << " (" << (event.watcher.empty() ? "global" : event.watcher) << ")";
}

// ---- Client ----

Client::Client(const std::string& hosts, const Options& options) {
  handle_ = zookeeper_init(hosts.c_str(), &Client::OnGlobal, options.timeout_ms, options.id, this, options.flags);
  if (handle_ == nullptr) {
    std::perror("zookeeper_init");
    std::abort();
  }
  if (options.wait) INTEROP_TRUE(WaitForState(ZOO_CONNECTED_STATE));
}

Client::~Client() { zookeeper_close(handle_); }

void Client::OnGlobal(zhandle_t* handle, int type, int state, const char* path, void* context) {
  static_cast<Client*>(context)->Note(type, state, path, "");
  (void)handle;
}

void Client::OnWatch(zhandle_t* /*handle*/, int type, int state, const char* path, void* context) {
  auto* watch = static_cast<WatchContext*>(context);
  watch->client->Note(type, state, path, watch->name);
}

void* Client::Watch(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (const auto& context : contexts_)
    if (context->name == name) return context.get();
  contexts_.push_back(std::make_unique<WatchContext>(WatchContext{this, name}));
  return contexts_.back().get();
}

void Client::Note(int type, int state, const char* path, std::string_view watcher) {
  const std::lock_guard lock(mutex_);
  if (type == ZOO_SESSION_EVENT) {
    if (watcher.empty()) states_.push_back(state);
  } else {
    events_.push_back(Event{type, path == nullptr ? "" : path, std::string(watcher)});
  }
  changed_.notify_all();
}

bool Client::WaitForState(int state, std::chrono::milliseconds limit) {
  return Eventually([&] { return zoo_state(handle_) == state; }, limit);
}

int Client::Heard(int state) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::count(states_.begin(), states_.end(), state));
}

int Client::Port() const {
  sockaddr_in address = {};
  socklen_t length = sizeof(address);
  if (zookeeper_get_connected_host(handle_, reinterpret_cast<sockaddr*>(&address), &length) == nullptr) return 0;
  return ntohs(address.sin_port);
}

std::vector<Event> Client::Events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

bool Client::WaitForEvents(size_t count, std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return events_.size() >= count; });
}

void Client::ForgetEvents() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

int Client::Create(const std::string& path, std::string_view data, int mode, std::string* created) {
  char buffer[512] = {};
  const int rc = zoo_create(handle_, path.c_str(), data.data(), static_cast<int>(data.size()), &ZOO_OPEN_ACL_UNSAFE,
                            mode, buffer, sizeof(buffer));
  if (created != nullptr) *created = buffer;
  return rc;
}

int Client::Set(const std::string& path, std::string_view data, int version, struct Stat* stat) {
  struct Stat unused = {};
  return zoo_set2(handle_, path.c_str(), data.data(), static_cast<int>(data.size()), version,
                  stat == nullptr ? &unused : stat);
}

int Client::Get(const std::string& path, std::string* data, struct Stat* stat) {
  std::string buffer(2 << 20, '\0');
  int length = static_cast<int>(buffer.size());
  struct Stat unused = {};
  const int rc = zoo_get(handle_, path.c_str(), 0, buffer.data(), &length, stat == nullptr ? &unused : stat);
  *data = rc != ZOK ? "" : length < 0 ? "(null)" : buffer.substr(0, static_cast<size_t>(length));
  return rc;
}

int Client::Exists(const std::string& path, struct Stat* stat) {
  struct Stat unused = {};
  return zoo_exists(handle_, path.c_str(), 0, stat == nullptr ? &unused : stat);
}

int Client::Children(const std::string& path, std::vector<std::string>* names) {
  struct String_vector strings = {};
  const int rc = zoo_get_children(handle_, path.c_str(), 0, &strings);
  if (rc == ZOK) *names = ToNames(strings);
  deallocate_String_vector(&strings);
  return rc;
}

int Client::Sync() {
  Pending pending;
  const int rc = zoo_async(handle_, "/", &Pending::OnString, pending.Data());
  return rc != ZOK ? rc : pending.Wait().rc;
}

int Client::Stubborn(const std::function<int()>& call) {
  int rc = ZOK;
  Eventually(
      [&] {
        rc = call();
        return rc != ZCONNECTIONLOSS && rc != ZOPERATIONTIMEOUT;
      },
      std::chrono::seconds(20));
  return rc;
}

// ---- Pending ----

Answer Pending::Wait() {
  if (future_.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
    // Its completion may still come and write here.
    std::printf("FAIL an asynchronous call was not answered in 20 s\n0 passed, 1 failed\n");
    std::fflush(stdout);
    std::_Exit(1);
  }
  return future_.get();
}

void Pending::Resolve(const void* data, Answer answer) {
  const_cast<Pending*>(static_cast<const Pending*>(data))->promise_.set_value(std::move(answer));
}

void Pending::OnVoid(int rc, const void* data) { Resolve(data, Answer{rc}); }
void Pending::OnStat(int rc, const struct Stat* stat, const void* data) { OnData(rc, nullptr, 0, stat, data); }
void Pending::OnData(int rc, const char* value, int length, const struct Stat* stat, const void* data) {
  Answer answer{rc};
  answer.null = length < 0;
  if (value != nullptr && length > 0) answer.text.assign(value, static_cast<size_t>(length));
  if (stat != nullptr) answer.stat = *stat;
  Resolve(data, std::move(answer));
}
void Pending::OnString(int rc, const char* value, const void* data) { OnStringStat(rc, value, nullptr, data); }
void Pending::OnStringStat(int rc, const char* value, const struct Stat* stat, const void* data) {
  Answer answer{rc};
  if (value != nullptr) answer.text = value;
  if (stat != nullptr) answer.stat = *stat;
  Resolve(data, std::move(answer));
}
void Pending::OnStrings(int rc, const struct String_vector* strings, const void* data) {
  OnStringsStat(rc, strings, nullptr, data);
}
void Pending::OnStringsStat(int rc, const struct String_vector* strings, const struct Stat* stat, const void* data) {
  Answer answer{rc};
  if (strings != nullptr) answer.names = ToNames(*strings);
  if (stat != nullptr) answer.stat = *stat;
  Resolve(data, std::move(answer));
}
void Pending::OnAcl(int rc, struct ACL_vector* acl, struct Stat* stat, const void* data) {
  Answer answer{rc};
  if (acl != nullptr) answer.names = ToTexts(*acl);
  if (stat != nullptr) answer.stat = *stat;
  Resolve(data, std::move(answer));
}

std::vector<std::string> ToNames(const struct String_vector& strings) {
  std::vector<std::string> names(strings.data, strings.data + strings.count);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ToTexts(const struct ACL_vector& acl) {
  std::vector<std::string> texts;
  for (int i = 0; i < acl.count; ++i)
    texts.push_back(std::string(acl.data[i].id.scheme) + ":" + acl.data[i].id.id + ":" +
                    std::to_string(acl.data[i].perms));
  return texts;
}

}  // namespace synod::interop
