#include "coordinator/transport/peer_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/transport/dialer.h"

namespace synod::transport {
namespace {

using interfaces::PeerHello;
using interfaces::PeerMessage;

constexpr absl::Duration kRefusalLogInterval = absl::Seconds(10);
constexpr absl::Duration kHeldForAWhile = absl::Seconds(1);  // then the next dialling starts with the shortest backoff
constexpr absl::Duration kAcceptRetry = absl::Milliseconds(100);

}  // namespace

PeerTransport::PeerTransport(Loop* loop, const Clock* clock, Random random, PeerTransportOptions options,
                             const PeerHello& hello)
    : loop_(loop),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      incarnation_(random_.Next()),
      hello_(hello) {}

PeerTransport::~PeerTransport() {
  alive_.reset();
  for (auto& [raw, session] : sessions_) session.connection->Close();
}

template <typename Function>
void PeerTransport::PostAlive(Function function) {
  loop_->Post([alive = std::weak_ptr<bool>(alive_), function = std::move(function)]() mutable {
    if (!alive.expired()) function();
  });
}

absl::Status PeerTransport::Start(interfaces::TransportListener* listener) {
  SYNOD_ASSIGN_OR_RETURN(asio::ip::tcp::acceptor acceptor, Listen(&loop_->context(), options_.listen_address));
  acceptor_ = std::make_unique<asio::ip::tcp::acceptor>(std::move(acceptor));
  listener_ = listener;
  Accept();
  for (auto& [id, peer] : peers_) ScheduleDial(id, absl::ZeroDuration());
  return absl::OkStatus();
}

uint16_t PeerTransport::port() const {
  asio::error_code ignored;
  return acceptor_ == nullptr ? 0 : acceptor_->local_endpoint(ignored).port();
}

void PeerTransport::Accept() {
  acceptor_->async_accept(
      [this, alive = std::weak_ptr<bool>(alive_)](const asio::error_code& error, asio::ip::tcp::socket socket) {
        if (alive.expired()) return;
        if (error) {
          // Out of file descriptors, most likely: the others go on, and so does this when some are free again.
          SLOG_WARN("cannot accept a peer's connection: {}", error.message());
          loop_->PostAfter(kAcceptRetry, [this, alive] {
            if (!alive.expired()) Accept();
          });
          return;
        }
        if (Strangers() < options_.max_strangers) Adopt(std::move(socket), /*dialled=*/false, ServerId(0));
        Accept();
      });
}

size_t PeerTransport::Strangers() const {
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const auto& item) {
    return !item.second.dialled && item.second.phase != Session::Phase::kEstablished;
  }));
}

void PeerTransport::Adopt(asio::ip::tcp::socket socket, bool dialled, ServerId peer) {
  PeerConnection::Owner* owner = this;
  auto connection = std::make_shared<PeerConnection>(std::move(socket), options_.limits, owner);
  Session& session = sessions_[connection.get()];
  session.connection = connection;
  session.dialled = dialled;
  session.peer = peer;
  if (dialled) {
    peers_.at(peer).dialled = connection;
    SayHello(&session);
  }
  connection->Start();
}

// ---- Dialling ----

absl::Duration PeerTransport::Backoff(ServerId id, Peer* peer) {
  absl::Duration longest = options_.backoff_min;
  for (int i = 0; i < peer->attempts && longest < options_.backoff_max; ++i) longest *= 2;
  longest = std::min(longest, options_.backoff_max);
  ++peer->attempts;
  // Half of it fixed, half drawn, so that servers that lost each other at once do not dial at once for ever.
  uint64_t us = static_cast<uint64_t>(absl::ToInt64Microseconds(longest));
  absl::Duration delay = absl::Microseconds(static_cast<int64_t>(random_.Between(us / 2, us)));
  return id > hello_.identity.server ? delay + options_.lower_id_delay : delay;
}

void PeerTransport::ScheduleDial(ServerId id, absl::Duration delay) {
  Peer& peer = peers_.at(id);
  if (peer.live != nullptr || peer.dialled != nullptr || peer.dial_pending || listener_ == nullptr) return;
  if (id > hello_.identity.server && delay == absl::ZeroDuration()) delay = options_.lower_id_delay;
  peer.dial_pending = true;
  uint64_t dial = ++peer.dial;
  loop_->PostAfter(delay, [this, alive = std::weak_ptr<bool>(alive_), id, dial] {
    if (alive.expired()) return;
    auto found = peers_.find(id);
    if (found != peers_.end() && found->second.dial == dial) DialNow(id);
  });
}

void PeerTransport::DialNow(ServerId id) {
  Peer& peer = peers_.at(id);
  if (peer.live != nullptr) {
    peer.dial_pending = false;
    return;
  }
  uint64_t dial = peer.dial;
  Dial(&loop_->context(), peer.address, options_.connect_timeout,
       [this, alive = std::weak_ptr<bool>(alive_), id, dial](absl::StatusOr<asio::ip::tcp::socket> socket) {
         if (alive.expired()) return;
         auto found = peers_.find(id);
         if (found == peers_.end() || found->second.dial != dial) return;
         Peer& peer = found->second;
         peer.dial_pending = false;
         if (peer.live != nullptr) return;
         if (socket.ok()) return Adopt(*std::move(socket), /*dialled=*/true, id);
         if (absl::IsInvalidArgument(socket.status())) LogRefusal(id, std::string(socket.status().message()));
         ScheduleDial(id, Backoff(id, &peer));
       });
}

// ---- Handshake ----

void PeerTransport::SayHello(Session* session) {
  EncodeHandshake({hello_, session->peer, incarnation_}, session->connection->lane(Lane::kUrgent));
  session->connection->Flush();
}

void PeerTransport::OnFrame(PeerConnection* connection, const Frame& frame) {
  auto found = sessions_.find(connection);
  SYNOD_CHECK(found != sessions_.end());
  Session* session = &found->second;
  if (session->phase != Session::Phase::kEstablished) return OnHandshakeFrame(session, frame);
  if (frame.kind == FrameKind::kKeepAlive) return;
  if (frame.kind == FrameKind::kHello) return OnNewHello(session, frame);
  const consensus::Identity from = session->handshake.hello.identity;
  absl::StatusOr<PeerMessage> message = DecodeMessage(frame.kind, frame.payload, from, hello_.identity.server);
  if (!message.ok()) {
    SLOG_WARN("server {} sent a malformed message, its connection is closed: {}", from.server.value(),
              message.status().ToString());
    ConnectionPtr keep = session->connection;
    keep->Close();
    return OnClosed(connection, message.status());
  }
  listener_->OnPeerMessage(from, *std::move(message));
}

void PeerTransport::OnHandshakeFrame(Session* session, const Frame& frame) {
  PeerConnection* connection = session->connection.get();
  if (frame.kind == FrameKind::kHello && session->phase == Session::Phase::kExpectHello) return OnHello(session, frame);
  if (frame.kind == FrameKind::kReady && session->phase == Session::Phase::kExpectReady) return Established(session);
  if (frame.kind == FrameKind::kRefused && session->dialled) {
    LogRefusal(session->peer, DecodeRefused(frame.payload));
    ConnectionPtr keep = session->connection;
    keep->Close();
    return OnClosed(connection, absl::PermissionDeniedError("refused"));
  }
  Refuse(connection, session->peer, absl::InvalidArgumentError("not a handshake of the peer protocol"));
}

void PeerTransport::OnHello(Session* session, const Frame& frame) {
  PeerConnection* connection = session->connection.get();
  absl::StatusOr<Handshake> handshake = DecodeHandshake(frame.payload);
  if (!handshake.ok()) return Refuse(connection, session->peer, handshake.status());
  ServerId sender = handshake->hello.identity.server;
  HandshakeView view{hello_, session->dialled ? session->peer : ServerId(0), peers_.contains(sender)};
  absl::Status check = CheckHandshake(view, *handshake);
  if (!check.ok()) return Refuse(connection, view.sender_known ? sender : session->peer, check);
  session->handshake = *std::move(handshake);
  session->peer = sender;
  if (session->dialled) return Established(session);
  SayHello(session);
  session->phase = Session::Phase::kExpectReady;
}

void PeerTransport::Refuse(PeerConnection* connection, ServerId peer, const absl::Status& why) {
  std::string reason(why.message());
  LogRefusal(peers_.contains(peer) ? peer : ServerId(0), reason);
  ConnectionPtr keep = sessions_.at(connection).connection;
  EncodeRefused(reason, keep->lane(Lane::kUrgent));
  keep->CloseAfterFlush();
  OnClosed(connection, why);
}

void PeerTransport::Established(Session* session) {
  ConnectionPtr connection = session->connection;
  ServerId id = session->peer;
  auto found = peers_.find(id);
  if (found == peers_.end()) {  // taken off the list between hello and ready
    return CloseQuietly(connection);
  }
  Peer& peer = found->second;
  ConnectionOrigin origin{session->handshake.hello.identity, session->handshake.incarnation,
                          session->dialled == (hello_.identity.server > id)};
  bool peer_restarted = false;
  if (peer.live != nullptr) {
    if (!Replaces(origin, peer.origin)) return CloseQuietly(connection);
    peer_restarted = origin.peer != peer.origin.peer || origin.incarnation != peer.origin.incarnation;
    CloseQuietly(peer.live);
  }
  if (peer.dialled != connection) CloseQuietly(peer.dialled);
  peer.dialled = nullptr;
  peer.dial_pending = false;
  ++peer.dial;
  peer.live = connection;
  peer.origin = origin;
  peer.hello = session->handshake.hello;
  peer.since = clock_->Monotonic();
  session->phase = Session::Phase::kEstablished;
  if (session->dialled) {
    EncodeEmpty(FrameKind::kReady, connection->lane(Lane::kUrgent));
    connection->Flush();
  }
  connection->Establish();
  refusals_.erase(id);
  SLOG_INFO("server {} is connected", id.value());
  const PeerHello hello = peer.hello;
  if (peer_restarted) listener_->OnPeerDown(id);
  listener_->OnPeerUp(hello);
}

void PeerTransport::OnNewHello(Session* session, const Frame& frame) {
  absl::StatusOr<Handshake> handshake = DecodeHandshake(frame.payload);
  const PeerHello& old = session->handshake.hello;
  if (!handshake.ok() || handshake->hello.identity != old.identity || handshake->hello.ensemble != old.ensemble) {
    ConnectionPtr keep = session->connection;
    keep->Close();
    return OnClosed(keep.get(), absl::InvalidArgumentError("it changed its identity within a connection"));
  }
  session->handshake.hello = handshake->hello;
  peers_.at(session->peer).hello = handshake->hello;
  listener_->OnPeerUp(handshake->hello);
}

// ---- Closing ----

void PeerTransport::Forget(PeerConnection* connection) {
  auto found = sessions_.find(connection);
  if (found == sessions_.end()) return;
  auto peer = peers_.find(found->second.peer);
  if (peer != peers_.end()) {
    if (peer->second.live.get() == connection) peer->second.live = nullptr;
    if (peer->second.dialled.get() == connection) peer->second.dialled = nullptr;
  }
  sessions_.erase(found);
}

void PeerTransport::OnClosed(PeerConnection* connection, const absl::Status& why) {
  auto found = sessions_.find(connection);
  if (found == sessions_.end()) return;
  ServerId id = found->second.peer;
  const bool was_live = found->second.phase == Session::Phase::kEstablished;
  const bool was_dialled = found->second.dialled;
  ConnectionPtr keep = found->second.connection;
  Forget(connection);
  auto peer = peers_.find(id);
  if (peer == peers_.end() || (!was_live && !was_dialled)) return;
  if (was_live) {
    SLOG_INFO("server {} is disconnected: {}", id.value(), std::string(why.message()));
    if (clock_->Monotonic() - peer->second.since >= kHeldForAWhile) peer->second.attempts = 0;
  }
  ScheduleDial(id, Backoff(id, &peer->second));
  if (was_live) listener_->OnPeerDown(id);
}

void PeerTransport::Drop(ServerId id) {
  auto peer = peers_.find(id);
  if (peer == peers_.end() || peer->second.live == nullptr) return;
  CloseQuietly(peer->second.live);
  listener_->OnPeerDown(id);
}

void PeerTransport::LogRefusal(ServerId peer, const std::string& reason) {
  absl::Duration now = clock_->Monotonic();
  auto [last, first] = refusals_.try_emplace(peer);
  // A stranger can make up reasons, so those of strangers count as one.
  bool same = last->second.reason == reason || peer == ServerId(0);
  if (!first && same && now - last->second.at < kRefusalLogInterval) return;
  last->second = {reason, now};
  SLOG_WARN("no connection with {}: {}",
            peer == ServerId(0) ? std::string("a stranger") : absl::StrCat("server ", peer.value()), reason);
}

// ---- Transport ----

void PeerTransport::FlushLater(const ConnectionPtr& connection) {
  if (dirty_.empty()) {
    loop_->AtEndOfTurn([this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      for (const ConnectionPtr& dirty : std::exchange(dirty_, {})) dirty->Flush();
    });
  }
  if (std::find(dirty_.begin(), dirty_.end(), connection) == dirty_.end()) dirty_.push_back(connection);
}

void PeerTransport::Send(ServerId to, PeerMessage message) {
  auto peer = peers_.find(to);
  if (peer == peers_.end() || peer->second.live == nullptr || !peer->second.live->accepting()) return;
  const ConnectionPtr& connection = peer->second.live;
  Lane lane = LaneOf(message);
  if (!EncodeMessage(std::move(message), connection->lane(lane))) {
    SLOG_ERROR("a message to server {} is larger than {} bytes and was dropped", to.value(), kMaxFrameBytes);
    return;
  }
  if (connection->QueueTooLong()) {
    // It does not read, though its kernel acknowledges. What is queued is lost, as messages may be; it starts afresh
    // when it is back.
    connection->FailLater(absl::ResourceExhaustedError("it reads too slowly"));
    return;
  }
  FlushLater(connection);
}

size_t PeerTransport::QueuedBytes(ServerId to) const {
  auto peer = peers_.find(to);
  return peer == peers_.end() || peer->second.live == nullptr ? 0 : peer->second.live->queued_bytes();
}

std::vector<ServerId> PeerTransport::Up() const {
  std::vector<ServerId> up;
  for (const auto& [id, peer] : peers_) {
    if (peer.live != nullptr) up.push_back(id);
  }
  return up;
}

void PeerTransport::SetHello(const PeerHello& hello) {
  bool anew = hello.identity != hello_.identity || hello.ensemble != hello_.ensemble;
  hello_ = hello;
  if (listener_ == nullptr) return;
  PostAlive([this, anew] {
    if (anew) {
      Reconnect();
    } else {
      Resay();
    }
  });
}

void PeerTransport::Reconnect() {
  // Handshakes under way said what no longer holds.
  std::vector<ConnectionPtr> unfinished;
  for (const auto& [raw, session] : sessions_) {
    if (session.phase != Session::Phase::kEstablished) unfinished.push_back(session.connection);
  }
  for (const ConnectionPtr& connection : unfinished) CloseQuietly(connection);
  for (ServerId id : Ids()) {
    Drop(id);
    auto found = peers_.find(id);
    if (found == peers_.end()) continue;
    found->second.attempts = 0;
    ScheduleDial(id, absl::ZeroDuration());
  }
}

void PeerTransport::Resay() {
  for (const auto& [id, peer] : peers_) {
    // Only formation and guests look at the rest of a hello.
    if (peer.live == nullptr || (hello_.ensemble != EnsembleId(0) && peer.hello.ensemble != EnsembleId(0))) continue;
    EncodeHandshake({hello_, id, incarnation_}, peer.live->lane(Lane::kUrgent));
    FlushLater(peer.live);
  }
}

std::vector<ServerId> PeerTransport::Ids() const {
  std::vector<ServerId> ids;
  for (const auto& [id, peer] : peers_) ids.push_back(id);
  return ids;
}

void PeerTransport::CloseQuietly(ConnectionPtr connection) {
  if (connection == nullptr) return;
  connection->Close();
  Forget(connection.get());
}

void PeerTransport::SetPeers(const std::vector<std::pair<ServerId, std::string>>& addresses) {
  wanted_.clear();
  for (const auto& [id, address] : addresses) {
    if (id == hello_.identity.server) continue;
    wanted_.insert(id);
    Peer& peer = peers_[id];
    if (peer.address != address) {
      peer.address = address;
      peer.attempts = 0;
    }
    ScheduleDial(id, absl::ZeroDuration());
  }
  PostAlive([this] { DropUnwanted(); });
}

void PeerTransport::DropUnwanted() {
  for (ServerId id : Ids()) {
    auto found = peers_.find(id);
    if (found == peers_.end() || wanted_.contains(id)) continue;
    CloseQuietly(found->second.dialled);
    Drop(id);
    // The listener, told just now, may have asked for it again.
    if (!wanted_.contains(id)) peers_.erase(id);
  }
}

}  // namespace synod::transport
