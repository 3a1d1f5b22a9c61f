// A small server of coordination.proto and ensemble.proto for tests of clients: one tree in memory, no log, no quorum.
// It keeps what a client can see of the rules: numbered writes are applied once and answered again, replies come in
// order, one-shot and persistent watches fire before the reply that shows the change, ephemerals go with their session.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synod/v1/coordination.grpc.pb.h"
#include "synod/v1/ensemble.grpc.pb.h"

namespace synod::testing {

// Thread-safe. Several may share one State: the servers of an ensemble.
class FakeState {
 public:
  struct Node {
    bool has_data = false;
    std::string data;
    v1::Stat stat;
  };
  struct Watcher {
    std::function<void(const v1::WatchEvent&)> send;
    std::set<std::pair<std::string, int>> watches;
  };
  struct Session {
    int64_t id = 0;
    uint64_t generation = 0;
    uint64_t last_applied = 0;
    std::map<uint64_t, v1::Reply> replies;
  };

  FakeState() { nodes["/"] = {}; }

  static std::string Parent(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  std::vector<std::string> ChildrenOf(const std::string& path) const {
    std::vector<std::string> names;
    const std::string prefix = path == "/" ? "/" : path + "/";
    for (auto it = nodes.lower_bound(prefix); it != nodes.end() && it->first.compare(0, prefix.size(), prefix) == 0;
         ++it) {
      const std::string name = it->first.substr(prefix.size());
      if (!name.empty() && name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
  }
  static bool Fires(int kind, const std::string& watched, v1::WatchEvent::Type type, const std::string& path) {
    const bool children = type == v1::WatchEvent::CHILDREN_CHANGED;
    const bool same = watched == path;
    if (kind == v1::WATCH_PERSISTENT) return same;
    if (kind == v1::WATCH_PERSISTENT_RECURSIVE) {
      return !children && (same || watched == "/" || path.compare(0, watched.size() + 1, watched + "/") == 0);
    }
    if (kind == v1::CHILDREN) return same && (children || type == v1::WatchEvent::DELETED);
    return same && !children;
  }
  void Fire(v1::WatchEvent::Type type, const std::string& path) {
    v1::WatchEvent event;
    event.set_type(type);
    event.set_path(path);
    event.set_zxid(zxid);
    for (auto& [id, watcher] : watchers) {
      bool fires = false;
      for (auto it = watcher.watches.begin(); it != watcher.watches.end();) {
        if (!Fires(it->second, it->first, type, path)) {
          ++it;
          continue;
        }
        fires = true;
        it = it->second <= v1::CHILDREN ? watcher.watches.erase(it) : std::next(it);
      }
      if (fires) watcher.send(event);
    }
  }

  // One operation on the tree; events are collected, so that a multi can be undone.
  using Events = std::vector<std::pair<v1::WatchEvent::Type, std::string>>;
  v1::ErrorCode Create(const v1::Create& o, int64_t session, v1::OpResult* result, Events* events) {
    std::string path = o.path();
    if (path.size() < 2 || path[0] != '/' || path.back() == '/') return v1::BAD_ARGUMENTS;
    const std::string parent = Parent(path);
    auto above = nodes.find(parent);
    if (above == nodes.end()) return v1::NO_NODE;
    if (above->second.stat.ephemeral_owner() != 0) return v1::NO_CHILDREN_FOR_EPHEMERALS;
    if (o.mode() >= v1::PERSISTENT_SEQUENTIAL) {
      char suffix[16];
      snprintf(suffix, sizeof suffix, "%010d", above->second.stat.cversion());
      path += suffix;
    }
    if (nodes.count(path) > 0) return v1::NODE_EXISTS;
    Node& node = nodes[path];
    node.has_data = o.has_data();
    node.data = o.data().value();
    node.stat.set_czxid(zxid);
    node.stat.set_mzxid(zxid);
    node.stat.set_pzxid(zxid);
    node.stat.set_data_length(static_cast<int>(node.data.size()));
    if (o.mode() == v1::EPHEMERAL || o.mode() == v1::EPHEMERAL_SEQUENTIAL) node.stat.set_ephemeral_owner(session);
    TouchParent(parent, 1);
    result->set_path(path);
    *result->mutable_stat() = node.stat;
    events->push_back({v1::WatchEvent::CREATED, path});
    events->push_back({v1::WatchEvent::CHILDREN_CHANGED, parent});
    return v1::OK;
  }
  v1::ErrorCode Delete(const v1::Delete& o, Events* events) {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    if (o.version() != -1 && o.version() != it->second.stat.version()) return v1::BAD_VERSION;
    if (it->second.stat.num_children() > 0) return v1::NOT_EMPTY;
    nodes.erase(it);
    TouchParent(Parent(o.path()), -1);
    events->push_back({v1::WatchEvent::DELETED, o.path()});
    events->push_back({v1::WatchEvent::CHILDREN_CHANGED, Parent(o.path())});
    return v1::OK;
  }
  v1::ErrorCode Set(const v1::SetData& o, v1::OpResult* result, Events* events) {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    Node& node = it->second;
    if (o.version() != -1 && o.version() != node.stat.version()) return v1::BAD_VERSION;
    node.has_data = o.has_data();
    node.data = o.data().value();
    node.stat.set_version(node.stat.version() + 1);
    node.stat.set_mzxid(zxid);
    node.stat.set_data_length(static_cast<int>(node.data.size()));
    *result->mutable_stat() = node.stat;
    events->push_back({v1::WatchEvent::DATA_CHANGED, o.path()});
    return v1::OK;
  }
  v1::ErrorCode Check(const v1::Check& o, v1::OpResult* result) const {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    if (o.version() != -1 && o.version() != it->second.stat.version()) return v1::BAD_VERSION;
    *result->mutable_stat() = it->second.stat;
    return v1::OK;
  }
  void TouchParent(const std::string& parent, int delta) {
    v1::Stat& stat = nodes[parent].stat;
    stat.set_cversion(stat.cversion() + 1);
    stat.set_pzxid(zxid);
    stat.set_num_children(stat.num_children() + delta);
  }

  void ApplyMulti(const v1::Multi& multi, int64_t session, v1::Reply* reply, Events* events) {
    const auto kept = nodes;
    v1::ErrorCode first = v1::OK;
    for (const v1::MultiOperation& o : multi.operations()) {
      v1::OpResult* result = reply->add_results();
      v1::ErrorCode error = v1::RUNTIME_INCONSISTENCY;
      if (first == v1::OK) {
        error = o.has_create()     ? Create(o.create(), session, result, events)
                : o.has_delete_()  ? Delete(o.delete_(), events)
                : o.has_set_data() ? Set(o.set_data(), result, events)
                                   : Check(o.check(), result);
        first = error;
      }
      result->set_error(error);
    }
    reply->set_error(first);
    if (first == v1::OK) return;
    nodes = kept;
    events->clear();
    for (v1::OpResult& result : *reply->mutable_results()) {
      if (result.error() == v1::OK) result.set_error(v1::RUNTIME_INCONSISTENCY);
    }
  }

  void CloseSession(int64_t session) {
    Events events;
    std::vector<std::string> gone;
    for (const auto& [path, node] : nodes) {
      if (node.stat.ephemeral_owner() == session) gone.push_back(path);
    }
    for (const std::string& path : gone) {
      v1::Delete o;
      o.set_path(path);
      o.set_version(-1);
      Delete(o, &events);
    }
    sessions.erase(session);
    for (const auto& [type, path] : events) Fire(type, path);
  }

  static bool IsWrite(const v1::Request& r) {
    return r.has_create() || r.has_delete_() || r.has_set_data() || r.has_check() || r.has_multi() ||
           r.has_close_session();
  }
  // Returns when some connection holds a watch.
  void WaitForWatch() {
    std::unique_lock lock(mutex);
    watch_set.wait(lock, [this] {
      return std::any_of(watchers.begin(), watchers.end(),
                         [](const auto& entry) { return !entry.second.watches.empty(); });
    });
  }

  // `watcher`: the connection's, 0 without one.
  v1::Reply Apply(const v1::Request& request, int64_t session, uint64_t watcher) {
    v1::Reply reply;
    reply.set_id(request.id());
    reply.set_sequence(request.sequence());
    if (IsWrite(request)) {
      ++zxid;
      ++writes_applied;
      Events events;
      v1::OpResult* result = reply.mutable_result();
      if (request.has_create()) reply.set_error(Create(request.create(), session, result, &events));
      if (request.has_delete_()) reply.set_error(Delete(request.delete_(), &events));
      if (request.has_set_data()) reply.set_error(Set(request.set_data(), result, &events));
      if (request.has_check()) reply.set_error(Check(request.check(), result));
      if (request.has_multi()) ApplyMulti(request.multi(), session, &reply, &events);
      if (request.has_close_session()) CloseSession(session);
      for (const auto& [type, path] : events) Fire(type, path);
    } else {
      Read(request, watcher, &reply);
    }
    reply.set_zxid(zxid);
    return reply;
  }
  void Read(const v1::Request& request, uint64_t watcher, v1::Reply* reply) {
    const auto watch = [&](const std::string& path, v1::WatchKind kind) {
      watchers[watcher].watches.insert({path, kind});
      watch_set.notify_all();
    };
    if (request.has_exists()) {
      auto it = nodes.find(request.exists().path());
      if (request.exists().watch()) watch(request.exists().path(), v1::EXISTS);
      if (it == nodes.end()) return reply->set_error(v1::NO_NODE);
      *reply->mutable_stat() = it->second.stat;
    } else if (request.has_get_data()) {
      auto it = nodes.find(request.get_data().path());
      if (it == nodes.end()) return reply->set_error(v1::NO_NODE);
      if (request.get_data().watch()) watch(request.get_data().path(), v1::DATA);
      *reply->mutable_stat() = it->second.stat;
      if (it->second.has_data) reply->mutable_data()->set_value(it->second.data);
    } else if (request.has_get_children()) {
      auto it = nodes.find(request.get_children().path());
      if (it == nodes.end()) return reply->set_error(v1::NO_NODE);
      if (request.get_children().watch()) watch(request.get_children().path(), v1::CHILDREN);
      for (const std::string& name : ChildrenOf(request.get_children().path())) reply->add_children(name);
      if (request.get_children().with_stat()) *reply->mutable_stat() = it->second.stat;
    } else if (request.has_add_watch()) {
      watch(request.add_watch().path(), request.add_watch().kind());
    } else if (request.has_remove_watch()) {
      const bool had =
          watchers[watcher].watches.erase({request.remove_watch().path(), request.remove_watch().kind()}) > 0;
      if (!had) reply->set_error(v1::NO_WATCHER);
    }
  }

  std::mutex mutex;  // guards all
  std::condition_variable watch_set;
  std::map<std::string, Node> nodes;
  std::map<int64_t, Session> sessions;
  std::map<uint64_t, Watcher> watchers;
  int64_t zxid = 0;
  int64_t next_session = 1;
  uint64_t next_watcher = 1;
  int writes_applied = 0;
};

// One server on a port of 127.0.0.1, until destroyed or Stop.
class FakeServer : public v1::Coordination::Service, public v1::Ensemble::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::ServerMessage, v1::ClientMessage>;

  FakeServer(std::shared_ptr<FakeState> state, uint32_t id) : state_(std::move(state)), id_(id) { Start(); }
  ~FakeServer() override { Stop(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Breaks all streams at once, as kill -9 does.
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  // On the same port.
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::Coordination::Service*>(this));
    builder.RegisterService(static_cast<v1::Ensemble::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  // Streams and calls are refused with this until it is OK again.
  void Refuse(grpc::Status status) {
    std::lock_guard lock(state_->mutex);
    refuse_ = std::move(status);
  }

  grpc::Status Session(grpc::ServerContext*, Stream* stream) override {
    v1::ClientMessage message;
    if (!stream->Read(&message)) return grpc::Status::OK;
    auto writing = std::make_shared<std::mutex>();
    v1::ServerMessage hello;
    uint64_t watcher = 0;
    int64_t session_id = 0;
    {
      std::lock_guard lock(state_->mutex);
      if (!refuse_.ok()) return refuse_;
      const v1::Connect& connect = message.connect();
      session_id = connect.session_id() != 0 ? connect.session_id() : state_->next_session++;
      if (connect.session_id() != 0 && state_->sessions.count(session_id) == 0)
        return {grpc::StatusCode::UNAUTHENTICATED, "expired"};
      FakeState::Session& session = state_->sessions[session_id];
      session.id = session_id;
      v1::Connected* connected = hello.mutable_connected();
      connected->set_session_id(session_id);
      connected->set_password("secret");
      connected->set_timeout_ms(connect.timeout_ms());
      connected->set_disconnect_grace_ms(connect.disconnect_grace_ms());
      connected->set_generation(++session.generation);
      connected->set_last_applied_sequence(session.last_applied);
      connected->set_zxid(state_->zxid);
      connected->set_server_id(id_);
      connected->set_max_data_bytes(1 << 20);
      connected->set_max_outstanding(1000);
      stream->Write(hello);
      watcher = state_->next_watcher++;
      state_->watchers[watcher].send = [stream, writing](const v1::WatchEvent& event) {
        v1::ServerMessage out;
        *out.add_items()->mutable_event() = event;
        std::lock_guard lock(*writing);
        stream->Write(out);
      };
      for (const v1::WatchSet& set : connect.rearm())
        state_->watchers[watcher].watches.insert({set.path(), set.kind()});
    }
    const grpc::Status status = Serve(stream, writing, session_id, watcher);
    std::lock_guard lock(state_->mutex);
    state_->watchers.erase(watcher);
    return status;
  }

  grpc::Status Call(grpc::ServerContext*, const v1::CallRequest* request, v1::CallReply* reply) override {
    std::lock_guard lock(state_->mutex);
    if (!refuse_.ok()) return refuse_;
    *reply->mutable_reply() = state_->Apply(request->request(), 0, 0);
    return grpc::Status::OK;
  }

  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusReply* reply) override {
    std::lock_guard lock(state_->mutex);
    reply->set_server_id(id_);
    reply->set_role(id_ == 1 ? "leader" : "follower");
    reply->set_leader_id(1);
    reply->set_term(3);
    reply->set_ready(refuse_.ok());
    reply->set_zxid(state_->zxid);
    reply->set_applied_index(static_cast<uint64_t>(state_->zxid));
    reply->set_znodes(state_->nodes.size());
    reply->set_sessions(state_->sessions.size());
    reply->set_cpu_us(1'000 * static_cast<uint64_t>(state_->writes_applied));
    return grpc::Status::OK;
  }
  grpc::Status Members(grpc::ServerContext*, const v1::MembersRequest*, v1::MembersReply* reply) override {
    v1::MemberInfo* member = reply->add_members();
    member->set_server_id(1);
    member->set_role("voter");
    member->set_address("127.0.0.1:2888");
    member->set_leader(true);
    reply->set_leader_id(1);
    return grpc::Status::OK;
  }
  grpc::Status Transfer(grpc::ServerContext*, const v1::TransferRequest* request, v1::TransferReply* reply) override {
    if (request->target() > 3) return {grpc::StatusCode::FAILED_PRECONDITION, "server 9 is no voter"};
    reply->set_leader_id(request->target() == 0 ? 2 : request->target());
    return grpc::Status::OK;
  }
  grpc::Status Snapshot(grpc::ServerContext*, const v1::SnapshotRequest*, v1::SnapshotReply* reply) override {
    reply->set_index(7);
    reply->set_records_written(8);
    return grpc::Status::OK;
  }
  grpc::Status Digest(grpc::ServerContext*, const v1::DigestRequest*, v1::DigestReply* reply) override {
    reply->set_applied_index(7);
    reply->set_digest(digest);
    return grpc::Status::OK;
  }

  std::string digest = "abcd";

 private:
  grpc::Status Serve(Stream* stream, const std::shared_ptr<std::mutex>& writing, int64_t session_id, uint64_t watcher) {
    for (v1::ClientMessage message; stream->Read(&message);) {
      std::lock_guard lock(state_->mutex);
      if (!refuse_.ok()) return refuse_;
      v1::ServerMessage out;
      for (const v1::Request& request : message.requests()) {
        auto it = state_->sessions.find(session_id);
        if (it == state_->sessions.end()) return {grpc::StatusCode::UNAUTHENTICATED, "expired"};
        FakeState::Session& session = it->second;
        v1::Reply* reply = out.add_items()->mutable_reply();
        if (request.sequence() != 0 && request.sequence() <= session.last_applied) {
          *reply = session.replies[request.sequence()];
          reply->set_id(request.id());
          reply->set_repeated_reply(true);
          continue;
        }
        if (request.sequence() != 0 && request.sequence() != session.last_applied + 1) {
          return {grpc::StatusCode::INVALID_ARGUMENT, "a number out of order"};
        }
        const bool closing = request.has_close_session();
        *reply = state_->Apply(request, session_id, watcher);
        if (request.sequence() == 0 || closing) continue;
        session.last_applied = request.sequence();
        session.replies[request.sequence()] = *reply;
      }
      if (message.ping() != 0) out.add_items()->mutable_pong()->set_ping(message.ping());
      std::lock_guard write_lock(*writing);
      stream->Write(out);
    }
    return grpc::Status::OK;
  }

  const std::shared_ptr<FakeState> state_;
  const uint32_t id_;
  int port_ = 0;
  grpc::Status refuse_;  // guarded by state_->mutex
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace synod::testing
