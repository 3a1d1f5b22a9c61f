// A small server of coordination.proto and ensemble.proto for tests of clients: one tree in memory, no log, no quorum.
// It keeps what a client can see of the rules: numbered writes are applied once and answered again, replies come in
// order, one-shot and persistent watches fire before the reply that shows the change and go on where they broke off,
// Watch streams bring every event after their cursor, ephemerals go with their session.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "synod/v1/coordination.grpc.pb.h"
#include "synod/v1/ensemble.grpc.pb.h"
#include "tests/support/fake_reads.h"
#include "tests/support/fake_state.h"

namespace synod::testing {

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
    {
      std::lock_guard lock(state_->mutex);
      stopping_ = true;
      state_->changed.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  // On the same port.
  void Start() {
    stopping_ = false;
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
      access::IdentitySet identities;
      for (const v1::Credential& credential : connect.credentials()) {
        if (!FakeState::AddIdentities(credential, &identities))
          return {grpc::StatusCode::UNAUTHENTICATED, "scheme \"" + credential.scheme() + "\" takes no such credential"};
      }
      FakeState::Session& session = state_->sessions[session_id];
      session.identities = std::move(identities);
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
      state_->Rearm(connect.rearm(), &state_->watchers[watcher]);
    }
    const grpc::Status status = Serve(stream, writing, session_id, watcher);
    std::lock_guard lock(state_->mutex);
    state_->watchers.erase(watcher);
    return status;
  }

  grpc::Status Call(grpc::ServerContext*, const v1::CallRequest* request, v1::CallReply* reply) override {
    std::lock_guard lock(state_->mutex);
    if (!refuse_.ok()) return refuse_;
    access::IdentitySet identities;
    for (const v1::Credential& credential : request->credentials()) {
      if (!FakeState::AddIdentities(credential, &identities))
        return {grpc::StatusCode::UNAUTHENTICATED, "scheme \"" + credential.scheme() + "\" takes no such credential"};
    }
    *reply->mutable_reply() = state_->Apply(request->request(), 0, 0, &identities);
    return grpc::Status::OK;
  }

  // Every event of `path` after the cursor, in messages of at most `events_per_message`.
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    std::unique_lock lock(state_->mutex);
    if (!refuse_.ok()) return refuse_;
    ++watch_streams;
    using Place = FakeState::Place;
    Place seen(state_->zxid, FakeState::kAll);
    if (request->has_after()) seen = {request->after().zxid(), request->after().ordinal()};
    const auto progress = std::chrono::milliseconds(request->progress_ms() == 0 ? 2'000 : request->progress_ms());
    for (;;) {
      v1::WatchResponse response;
      if (seen < state_->oldest) {
        response.mutable_oldest()->set_zxid(state_->oldest.first);
        response.mutable_oldest()->set_ordinal(state_->oldest.second);
        writer->Write(response);
        return {grpc::StatusCode::OUT_OF_RANGE, "the cursor is too old"};
      }
      for (const v1::WatchEvent& event : state_->window) {
        if (FakeState::PlaceOf(event) <= seen) continue;
        seen = FakeState::PlaceOf(event);
        AddEvent(*request, event, &response);
        if (response.events_size() == events_per_message) break;
      }
      if (response.events_size() == 0) seen = std::max(seen, Place(state_->zxid, FakeState::kAll));
      response.mutable_cursor()->set_zxid(seen.first);
      response.mutable_cursor()->set_ordinal(seen.second);
      const bool more = response.events_size() == events_per_message;
      if (!writer->Write(response) || context->IsCancelled()) return grpc::Status::OK;
      if (more) continue;
      const int64_t told = state_->zxid;
      state_->changed.wait_for(lock, progress,
                               [&] { return stopping_ || state_->zxid > told || seen < state_->oldest; });
      if (stopping_) return {grpc::StatusCode::UNAVAILABLE, "shutting down"};
    }
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
  int events_per_message = 1'000;  // of Watch streams
  int watch_streams = 0;           // begun; both guarded by the state's mutex

 private:
  void AddEvent(const v1::WatchRequest& request, const v1::WatchEvent& event, v1::WatchResponse* response) const {
    const int kind = request.recursive() ? v1::WATCH_PERSISTENT_RECURSIVE : v1::WATCH_PERSISTENT;
    if (!FakeState::Fires(kind, request.path(), event.type(), event.path())) return;
    v1::WatchStreamEvent* out = response->add_events();
    out->set_type(event.type());
    out->set_path(event.path());
    out->set_zxid(event.zxid());
    out->set_ordinal(event.ordinal());
    auto it = state_->nodes.find(event.path());
    const bool tells = event.type() == v1::WatchEvent::CREATED || event.type() == v1::WatchEvent::DATA_CHANGED;
    if (!request.with_data() || !tells || it == state_->nodes.end() || it->second.stat.mzxid() != event.zxid()) return;
    *out->mutable_stat() = it->second.stat;
    if (it->second.has_data) out->mutable_data()->set_value(it->second.data);
  }

  grpc::Status Serve(Stream* stream, const std::shared_ptr<std::mutex>& writing, int64_t session_id, uint64_t watcher) {
    for (v1::ClientMessage message; stream->Read(&message);) {
      std::lock_guard lock(state_->mutex);
      if (!refuse_.ok()) return refuse_;
      v1::ServerMessage out;
      for (const v1::Request& request : message.requests()) {
        auto it = state_->sessions.find(session_id);
        if (it == state_->sessions.end()) return {grpc::StatusCode::UNAUTHENTICATED, "expired"};
        FakeState::Session& session = it->second;
        // Its events go out at once: not before the answers that set the watches they are for.
        if (FakeState::IsWrite(request) && out.items_size() > 0) {
          std::lock_guard write_lock(*writing);
          stream->Write(out);
          out.Clear();
        }
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
        access::IdentitySet identities = session.identities;
        *reply = state_->Apply(request, session_id, watcher, &identities);
        if (!closing) session.identities = identities;
        if (request.sequence() == 0 || closing) continue;
        session.last_applied = request.sequence();
        session.replies[request.sequence()] = *reply;
      }
      if (message.ping() != 0) {
        v1::Pong* pong = out.add_items()->mutable_pong();
        pong->set_ping(message.ping());
        pong->set_zxid(state_->zxid);
      }
      std::lock_guard write_lock(*writing);
      stream->Write(out);
    }
    return grpc::Status::OK;
  }

  const std::shared_ptr<FakeState> state_;
  const uint32_t id_;
  int port_ = 0;
  grpc::Status refuse_;  // guarded by state_->mutex
  bool stopping_ = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace synod::testing
