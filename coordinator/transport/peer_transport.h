// The peer port: one connection to each other server, made anew for ever (docs/formats/peer_protocol.md).
//
// Both servers of a pair dial; whoever is first serves, and of two that crossed the one dialled by the higher id stays.
// The lower id waits a little before it dials, so that crossing is rare, and a restarted server, whichever it is, need
// not wait to be found.
#pragma once

#include <asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/base/clock.h"
#include "coordinator/base/random.h"
#include "coordinator/interfaces/transport.h"
#include "coordinator/transport/handshake.h"
#include "coordinator/transport/loop.h"
#include "coordinator/transport/peer_connection.h"

namespace synod::transport {

struct PeerTransportOptions {
  std::string listen_address;  // host:port; port 0: any free one
  ConnectionLimits limits;
  absl::Duration connect_timeout = absl::Seconds(1);
  absl::Duration backoff_min = absl::Milliseconds(10);
  absl::Duration backoff_max = absl::Milliseconds(200);
  absl::Duration lower_id_delay = absl::Milliseconds(20);
  size_t max_strangers = 64;  // accepted connections that have not said who they are
};

// Loop thread only. The listener is never called from within a call to this class, only from the loop.
class PeerTransport : public interfaces::Transport, private PeerConnection::Owner {
 public:
  // `loop` and `clock` outlive it. `random` draws jitter and this process's incarnation.
  PeerTransport(Loop* loop, const Clock* clock, Random random, PeerTransportOptions options,
                const interfaces::PeerHello& hello);
  ~PeerTransport() override;

  // Begins to listen and to dial. `listener` outlives this. Unavailable if the address can't be listened at,
  // InvalidArgument if malformed.
  absl::Status Start(interfaces::TransportListener* listener);
  uint16_t port() const;

  void Send(ServerId to, interfaces::PeerMessage message) override;
  void SetHello(const interfaces::PeerHello& hello) override;
  void SetPeers(const std::vector<std::pair<ServerId, std::string>>& addresses) override;
  size_t QueuedBytes(ServerId to) const override;

  // For status pages: the peers whose connection is up, ascending.
  std::vector<ServerId> Up() const;

 private:
  using ConnectionPtr = std::shared_ptr<PeerConnection>;
  struct Peer {
    std::string address;
    ConnectionPtr live;       // established
    ConnectionOrigin origin;  // of `live`
    interfaces::PeerHello hello;
    absl::Duration since;   // when `live` was established
    ConnectionPtr dialled;  // by us, in its handshake
    uint64_t dial = 0;      // names the latest attempt or timer; older ones count for nothing
    bool dial_pending = false;
    int attempts = 0;  // since the last connection that held for a while
  };
  // What we know of one connection.
  struct Session {
    enum class Phase { kExpectHello, kExpectReady, kEstablished } phase = Phase::kExpectHello;
    ConnectionPtr connection;
    bool dialled = false;  // by us
    ServerId peer;         // dialled: whom; accepted: 0 until its hello
    Handshake handshake;   // the peer's
  };
  struct LastRefusal {
    std::string reason;
    absl::Duration at;
  };

  // PeerConnection::Owner
  void OnFrame(PeerConnection* connection, const Frame& frame) override;
  void OnClosed(PeerConnection* connection, const absl::Status& why) override;

  void Accept();
  void Adopt(asio::ip::tcp::socket socket, bool dialled, ServerId peer);
  size_t Strangers() const;
  void ScheduleDial(ServerId id, absl::Duration delay);
  void DialNow(ServerId id);
  absl::Duration Backoff(ServerId id, Peer* peer);

  void SayHello(Session* session);
  // The handshake's frames. Each may close and forget the connection.
  void OnHandshakeFrame(Session* session, const Frame& frame);
  void OnHello(Session* session, const Frame& frame);
  void Refuse(PeerConnection* connection, ServerId peer, const absl::Status& why);
  void Established(Session* session);
  void OnNewHello(Session* session, const Frame& frame);

  // Takes the connection out of all tables without a word to the listener.
  void Forget(PeerConnection* connection);
  void CloseQuietly(ConnectionPtr connection);
  // Closes the peer's live connection, if any, and tells the listener.
  void Drop(ServerId id);
  void Reconnect();     // after identity or ensemble changed
  void Resay();         // after anything else of the hello changed
  void DropUnwanted();  // after the list of peers changed
  std::vector<ServerId> Ids() const;
  void LogRefusal(ServerId peer, const std::string& reason);
  void FlushLater(const ConnectionPtr& connection);
  template <typename Function>
  void PostAlive(Function function);

  Loop* const loop_;
  const Clock* const clock_;
  Random random_;
  const PeerTransportOptions options_;
  const uint64_t incarnation_;
  interfaces::TransportListener* listener_ = nullptr;
  interfaces::PeerHello hello_;
  std::unique_ptr<asio::ip::tcp::acceptor> acceptor_;
  std::map<ServerId, Peer> peers_;
  std::set<ServerId> wanted_;                                   // the latest list; peers not in it go at the next task
  std::map<const PeerConnection*, Session> sessions_;           // never iterated for anything that is sent
  std::vector<ConnectionPtr> dirty_;                            // to flush at the end of the turn
  std::map<ServerId, LastRefusal> refusals_;                    // by peer, 0 for strangers
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // tasks on the loop hold it weakly
};

}  // namespace synod::transport
