#include "coordinator/frontdoor/admin/http_server.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/frontdoor/admin/metrics.h"
#include "coordinator/frontdoor/admin/recent_latency.h"
#include "coordinator/frontdoor/commands/commands.h"
#include "coordinator/frontdoor/commands/monitor.h"

namespace synod::frontdoor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kLoopMustAnswerWithin{2};
constexpr std::chrono::milliseconds kLook{1};
constexpr absl::Duration kIdleMax = absl::Seconds(1);

class AdminServerImpl final : public AdminServer {
 public:
  AdminServerImpl(const AdminConfig& config, Executor* loop, const commands::CommandContext* context,
                  const SlowLog* slow, std::function<AdminProcess()> process)
      : loop_(loop), context_(context), slow_(slow), process_(std::move(process)), command_url_(config.command_url) {
    while (command_url_.ends_with('/')) command_url_.pop_back();
    // A connection holds a thread until it has sent its request: silent ones are given up soon, and none is kept alive.
    server_.new_task_queue = [] { return new httplib::ThreadPool(8); };
    absl::Duration idle = std::clamp(config.idle_timeout, absl::Milliseconds(1), kIdleMax);
    server_.set_read_timeout(absl::ToInt64Microseconds(idle) / 1'000'000, absl::ToInt64Microseconds(idle) % 1'000'000);
    server_.set_keep_alive_max_count(1);
    server_.set_keep_alive_timeout(absl::ToInt64Seconds(kIdleMax));  // until the first byte
    server_.set_write_timeout(5);
    server_.set_payload_max_length(64 << 10);
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& out) { Metrics(out); });
    if (config.metrics_only) return;
    server_.Get("/live", [this](const httplib::Request&, httplib::Response& out) { Live(out); });
    server_.Get("/ready", [this](const httplib::Request&, httplib::Response& out) { Ready(out); });
    server_.Get("/status", [this](const httplib::Request&, httplib::Response& out) { Status(out); });
    server_.Get("/slow", [this](const httplib::Request&, httplib::Response& out) { Slow(out); });
    // Not by a pattern: the URL is the operator's, and httplib would take it as a regular expression.
    server_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& out) {
      return Commands(request, out) ? httplib::Server::HandlerResponse::Handled
                                    : httplib::Server::HandlerResponse::Unhandled;
    });
  }
  ~AdminServerImpl() override { Stop(); }

  absl::Status Listen(const AdminConfig& config) {
    // Without it a second server would share the port silently.
    server_.set_socket_options([](socket_t socket) {
      int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    port_ = config.port;
    if (config.port == 0) port_ = static_cast<uint16_t>(std::max(server_.bind_to_any_port(config.address), 0));
    if (config.port == 0 ? port_ == 0 : !server_.bind_to_port(config.address, config.port)) {
      return absl::UnavailableError(absl::StrCat("admin HTTP: cannot listen on ", config.address, ":", config.port));
    }
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }

  void Stop() override {
    if (!thread_.joinable()) return;
    // A stop before the thread has begun to serve is lost on httplib, and the thread would serve for ever.
    while (!server_.is_running() && !ended_) std::this_thread::sleep_for(kLook);
    server_.stop();
    thread_.join();
  }

 private:
  struct View {
    service::ServerStatus status;
    service::ServiceStats stats;
    std::vector<service::MemberStatus> members;
  };

  // What `look` finds on the loop; nullopt if that does not answer.
  template <typename Function>
  auto Ask(Function look) -> std::optional<decltype(look(std::declval<const commands::CommandContext&>()))> {
    using Found = decltype(look(*context_));
    auto promise = std::make_shared<std::promise<Found>>();
    std::future<Found> future = promise->get_future();
    loop_->Post([context = context_, promise, look = std::move(look)] { promise->set_value(look(*context)); });
    if (future.wait_for(kLoopMustAnswerWithin) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  std::optional<View> Look() {
    return Ask([](const commands::CommandContext& context) {
      return View{context.service->Status(), context.service->Stats(), context.service->Members()};
    });
  }

  // False: the request is for another page.
  bool Commands(const httplib::Request& request, httplib::Response& out) {
    std::string_view rest = request.path;
    if (!rest.starts_with(command_url_)) return false;
    rest.remove_prefix(command_url_.size());
    if (rest.empty() || rest == "/") {
      if (command_url_.empty() && rest.empty()) return false;
      std::string links;
      for (const std::string& name : commands::CommandNames()) {
        absl::StrAppend(&links, "<a href=\"", command_url_, "/", name, "\">", name, "</a>\n<br/>\n");
      }
      out.set_content(links, "text/html");
      return true;
    }
    if (!rest.starts_with('/') || rest.find('/', 1) != std::string_view::npos) return false;
    std::string name(rest.substr(1));
    if (request.method != "GET" && request.method != "HEAD") {
      Answer(out, 405, Json{{"command", name}, {"error", "Only GET is answered"}});
      return true;
    }
    std::optional<commands::CommandAnswer> answer =
        Ask([name](const commands::CommandContext& context) { return commands::RunCommand(name, context); });
    // At the root of the server the other pages are no commands.
    if (answer && answer->status == 404 && command_url_.empty()) return false;
    if (!answer) answer = commands::CommandWithoutLoop(name);
    out.status = answer->status;
    out.set_content(answer->body, "application/json");
    return true;
  }

  static void Answer(httplib::Response& out, int code, const Json& body) {
    out.status = code;
    // Bytes that are no UTF-8 are an exception otherwise.
    out.set_content(body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", "application/json");
  }

  void Live(httplib::Response& out) {
    bool live = Look().has_value();
    Answer(out, live ? 200 : 503, Json{{"live", live}});
  }

  void Ready(httplib::Response& out) {
    std::optional<View> view = Look();
    if (!view) return Answer(out, 503, Json{{"ready", false}, {"reason", "the loop does not answer"}});
    const service::ServerStatus& status = view->status;
    if (status.ready) return Answer(out, 200, Json{{"ready", true}, {"leader_id", status.leader.value()}});
    Answer(out, 503,
           Json{{"ready", false},
                {"reason",
                 status.leader.value() == 0 ? "no leader is known" : "not confirmed by a quorum, or not caught up"}});
  }

  void Status(httplib::Response& out) {
    std::optional<View> view = Look();
    if (!view) return Answer(out, 503, Json{{"error", "the loop does not answer"}});
    const service::ServerStatus& s = view->status;
    AdminProcess process = process_();
    Json members = Json::array();
    for (const service::MemberStatus& member : view->members) {
      members.push_back(Json{{"server_id", member.server.value()},
                             {"storage", absl::StrFormat("%016x", member.storage.value())},
                             {"role", member.role},
                             {"address", member.address},
                             {"leader", member.leader},
                             {"connected", member.connected}});
    }
    Answer(out, 200,
           Json{{"server_id", s.server.value()},
                {"role", s.role},
                {"term", s.term.value()},
                {"leader_id", s.leader.value()},
                {"ready", s.ready},
                {"commit_index", s.commit.value()},
                {"applied_index", s.applied.value()},
                {"last_index", s.last.value()},
                {"snapshot_index", s.snapshot.value()},
                {"zxid", s.zxid.value()},
                {"znodes", s.znodes},
                {"sessions", s.sessions},
                {"ephemerals", s.ephemerals},
                {"watches", s.watches},
                {"connections", s.connections},
                {"state_bytes", s.memory_bytes},
                {"log_bytes", s.log_bytes},
                {"snapshot_bytes", s.snapshot_bytes},
                {"damaged_records", s.damaged_records},
                {"writes_stopped", s.writes_stopped},
                {"refusing_growth", s.refusing_growth},
                {"ensemble", absl::StrFormat("%016x", s.ensemble.value())},
                {"state_machine_version", s.state_machine_version},
                {"version", process.version},
                {"uptime_ms", process.uptime_ms},
                {"resident_bytes", process.resident_bytes},
                {"members", std::move(members)}});
  }

  void Metrics(httplib::Response& out) {
    auto found = Ask([](const commands::CommandContext& context) {
      return Measured{commands::Figures(context), context.service->Status(), context.service->Stats(),
                      context.connections == nullptr ? commands::DoorCounters() : context.connections->Counters(),
                      context.clock->Monotonic()};
    });
    if (!found) return Answer(out, 503, Json{{"error", "the loop does not answer"}});
    {
      absl::MutexLock lock(&recent_mutex_);
      SetRecentQuantiles(recent_reads_.Since(found->at, found->stats.read_latency),
                         recent_writes_.Since(found->at, found->stats.write_latency), &found->figures);
    }
    out.set_content(MetricsText(*found, process_()), "text/plain; version=0.0.4");
  }

  void Slow(httplib::Response& out) {
    Json lines = Json::array();
    for (const SlowLog::Line& line : slow_->Lines()) {
      lines.push_back(Json{{"wall_ms", line.wall_ms},
                           {"operation", line.operation},
                           {"path", line.path},
                           {"duration_us", absl::ToInt64Microseconds(line.duration)},
                           {"session", absl::StrFormat("%x", line.session.value())}});
    }
    Answer(out, 200, lines);
  }

  Executor* const loop_;
  const commands::CommandContext* const context_;  // on the loop
  const SlowLog* const slow_;
  const std::function<AdminProcess()> process_;
  std::string command_url_;  // without "/" at the end
  absl::Mutex recent_mutex_;
  RecentLatency recent_reads_ ABSL_GUARDED_BY(recent_mutex_);
  RecentLatency recent_writes_ ABSL_GUARDED_BY(recent_mutex_);
  httplib::Server server_;
  uint16_t port_ = 0;
  std::atomic<bool> ended_ = false;  // the thread serves no more
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const AdminConfig& config, Executor* loop,
                                                                const commands::CommandContext* context,
                                                                const SlowLog* slow,
                                                                std::function<AdminProcess()> process) {
  auto server = std::make_unique<AdminServerImpl>(config, loop, context, slow, std::move(process));
  if (absl::Status status = server->Listen(config); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace synod::frontdoor
