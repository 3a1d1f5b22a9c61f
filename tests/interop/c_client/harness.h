#pragma once

// What the tests with ZooKeeper's C client share: named tests whose checks are counted, and a handle of that client
// with a log of the events it got. Synchronous calls come from the test's thread, events and completions from the
// library's.
#include <zookeeper/zookeeper.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace synod::interop {

// The ensemble under test, run by tests/interop/support/ensemble.py.
class Ensemble {
 public:
  // `control`: the shell command that, followed by "kill 1" and the like, works the ensemble. Servers listen on
  // base_port + 1, 2, 3.
  Ensemble(std::string control, int base_port) : control_(std::move(control)), base_port_(base_port) {}

  static constexpr int kServers = 3;
  std::string Host(int server) const { return "127.0.0.1:" + std::to_string(base_port_ + server); }
  std::string Hosts() const { return Host(1) + "," + Host(2) + "," + Host(3); }
  int base_port() const { return base_port_; }
  // Each waits until it is done and fails the test if it was not.
  void Kill(int server);
  void Start(int server);
  void WaitUntilServes(int server);

 private:
  void Run(const std::string& words);

  std::string control_;
  int base_port_;
};

// ---- tests ----

using Test = std::function<void(Ensemble&)>;
struct NamedTest {
  std::string_view name;
  Test run;
};
std::vector<NamedTest> CallTests();
std::vector<NamedTest> AsyncTests();
std::vector<NamedTest> WatchTests();
std::vector<NamedTest> ServerTests();

// Notes a failure of the test that runs.
void Fail(const char* file, int line, const std::string& what);
struct Selection {
  std::string only;  // tests whose name contains this
  std::string skip;  // but not this, unless it is empty
};
// Runs them, prints a line for each and `N passed, N failed`; the exit code.
int RunTests(const std::vector<NamedTest>& tests, const Selection& selection, Ensemble& ensemble);

template <typename T>
std::string Print(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}
template <typename T>
std::string Print(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? ", " : "") + Print(value);
  return out + "]";
}

template <typename Got, typename Want>
void ExpectEqual(const char* file, int line, const char* what, const Got& got, const Want& want) {
  if (!(got == want)) Fail(file, line, std::string(what) + " is " + Print(got) + ", not " + Print(want));
}

#define INTEROP_EQ(got, want) ::synod::interop::ExpectEqual(__FILE__, __LINE__, #got, got, want)
#define INTEROP_TRUE(what) \
  if (!(what)) ::synod::interop::Fail(__FILE__, __LINE__, #what)

// Whether it came true in time.
bool Eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = std::chrono::seconds(15));

// ---- the client ----

struct Event {
  int type = 0;
  std::string path;
  // Which watch it was: the global watcher's events have none.
  std::string watcher;
  bool operator==(const Event&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Event& event);

struct ClientOptions {
  int timeout_ms = 12000;
  const clientid_t* id = nullptr;
  int flags = 0;
  bool wait = true;  // until it is connected
};

class Client {
 public:
  using Options = ClientOptions;
  explicit Client(const std::string& hosts, const Options& options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  zhandle_t* handle() const { return handle_; }
  bool WaitForState(int state, std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Times the client heard that its session expired, or of another state.
  int Heard(int state) const;
  // The port it is connected to; 0: none.
  int Port() const;
  // Events but for those of the connection, in order.
  std::vector<Event> Events() const;
  bool WaitForEvents(size_t count, std::chrono::milliseconds limit = std::chrono::seconds(15)) const;
  void ForgetEvents();
  // Watcher function and context for the w-calls. The name goes into Event::watcher.
  static void OnWatch(zhandle_t* handle, int type, int state, const char* path, void* context);
  void* Watch(const std::string& name);

  // Calls in their commonest form; each returns the library's code.
  int Create(const std::string& path, std::string_view data = "", int mode = 0, std::string* created = nullptr);
  int Set(const std::string& path, std::string_view data, int version = -1, struct Stat* stat = nullptr);
  int Get(const std::string& path, std::string* data, struct Stat* stat = nullptr);
  int Exists(const std::string& path, struct Stat* stat = nullptr);
  int Delete(const std::string& path, int version = -1) { return zoo_delete(handle_, path.c_str(), version); }
  int Children(const std::string& path, std::vector<std::string>* names);  // sorted
  int Sync();
  // Repeats a call that may be done twice until the connection held.
  static int Stubborn(const std::function<int()>& call);

 private:
  struct WatchContext {
    Client* client;
    std::string name;
  };
  static void OnGlobal(zhandle_t* handle, int type, int state, const char* path, void* context);
  void Note(int type, int state, const char* path, std::string_view watcher);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Event> events_;
  std::vector<int> states_;
  std::vector<std::unique_ptr<WatchContext>> contexts_;
  zhandle_t* handle_ = nullptr;
};

// An answer of an asynchronous call; Data() is the completion's context, which belongs to the completion from then on.
struct Answer {
  int rc = 1;
  std::string text;
  bool null = false;
  struct Stat stat = {};
  std::vector<std::string> names;
};
class Pending {
 public:
  Pending() : future_(promise_.get_future()) {}
  const void* Data() const { return this; }
  // Waits; an answer that does not come in 20 s fails the test.
  Answer Wait();

  static void OnVoid(int rc, const void* data);
  static void OnStat(int rc, const struct Stat* stat, const void* data);
  static void OnData(int rc, const char* value, int length, const struct Stat* stat, const void* data);
  static void OnString(int rc, const char* value, const void* data);
  static void OnStringStat(int rc, const char* value, const struct Stat* stat, const void* data);
  static void OnStrings(int rc, const struct String_vector* strings, const void* data);
  static void OnStringsStat(int rc, const struct String_vector* strings, const struct Stat* stat, const void* data);
  static void OnAcl(int rc, struct ACL_vector* acl, struct Stat* stat, const void* data);

 private:
  static void Resolve(const void* data, Answer answer);

  std::promise<Answer> promise_;
  std::future<Answer> future_;
};

std::vector<std::string> ToNames(const struct String_vector& strings);  // sorted
// "scheme:id:perms" of each entry.
std::vector<std::string> ToTexts(const struct ACL_vector& acl);

}  // namespace synod::interop
