#include "coordinator/frontdoor/zookeeper/door.h"

#include <sys/resource.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <deque>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/frontdoor/zookeeper/connect_tokens.h"
#include "coordinator/frontdoor/zookeeper/socket.h"

namespace synod::frontdoor::zookeeper {
namespace {

using asio::ip::tcp;

// Also bounds what one client may ask for before the next one's turn.
constexpr size_t kReadBufferBytes = 64 << 10;
// Output buffers that wait to be lent again. Smaller ones are not worth it, larger ones are given back.
constexpr size_t kSpareBuffers = 64;
constexpr size_t kSpareBytesMin = 1 << 10;
constexpr size_t kSpareBytesMax = 256 << 10;
constexpr int kAcceptsPerTurn = 64;
constexpr absl::Duration kAcceptRetry = absl::Milliseconds(100);
constexpr absl::Duration kLogInterval = absl::Seconds(10);
constexpr rlim_t kOwnFiles = 256;  // of the server itself: log, snapshots, peers, gRPC

absl::StatusOr<tcp::endpoint> Resolve(const DoorConfig& config, asio::io_context* context) {
  asio::error_code error;
  asio::ip::address address = asio::ip::make_address(config.address, error);
  if (!error) return tcp::endpoint(address, config.port);
  tcp::resolver resolver(*context);
  auto results = resolver.resolve(config.address, "", tcp::resolver::passive, error);
  if (error || results.empty()) {
    return absl::UnavailableError(absl::StrCat("cannot resolve ", config.address, ": ", error.message()));
  }
  return tcp::endpoint(results.begin()->endpoint().address(), config.port);
}

absl::StatusOr<tcp::acceptor> Listen(const DoorConfig& config, asio::io_context* context) {
  SYNOD_ASSIGN_OR_RETURN(tcp::endpoint endpoint, Resolve(config, context));
  tcp::acceptor acceptor(*context);
  asio::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // "::" is everybody, as it is for ZooKeeper.
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(config.backlog > 0 ? config.backlog : tcp::acceptor::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen at ", config.address, ":", config.port, ": ", error.message()));
  }
  return acceptor;
}

// Who the client is, whatever way it took.
asio::ip::address AddressOf(const asio::ip::address& address) {
  if (!address.is_v6()) return address;
  asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
  v6.scope_id(0);
  return v6;
}

size_t SocketsMax(uint32_t wanted) {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return wanted;
  rlim_t own = std::min(kOwnFiles, files.rlim_cur / 2);
  return static_cast<size_t>(std::min<rlim_t>(wanted, files.rlim_cur - own));
}

class DoorImpl final : public Door, public SocketOwner {
 public:
  DoorImpl(const DoorConfig& config, tcp::acceptor acceptor, transport::Loop* loop, service::Service* service,
           const Clock* clock, std::function<std::string(std::string_view)> answer_word)
      : config_(config),
        sockets_max_(SocketsMax(config.sockets_max)),
        acceptor_(std::move(acceptor)),
        loop_(loop),
        service_(service),
        clock_(clock),
        answer_word_(std::move(answer_word)),
        tokens_(config.tokens_max, config.token_fill_count, config.token_fill_time),
        read_buffer_(kReadBufferBytes) {}
  ~DoorImpl() override { Stop(); }

  void WaitForClients();

  // Door
  uint16_t port() const override;
  void Stop() override;
  size_t open_connections() const override { return sockets_.size(); }
  std::vector<commands::ConnectionFacts> Connections() const override;
  commands::DoorCounters Counters() const override { return workspace_.counters; }
  void ResetConnections() override;
  void ResetCounters() override { workspace_.counters = {}; }

  // SocketOwner
  void Touched(Socket* socket) override;
  void Lingers(Socket* socket) override { Expect(socket); }
  void Closed(Socket* socket) override;
  absl::Span<char> read_buffer() override { return absl::MakeSpan(read_buffer_); }
  void LendBuffer(std::string* output) override;
  void TakeBuffer(std::string* output) override;
  absl::Duration Now() const override { return clock_->Monotonic(); }
  bool AdmitConnect() override;
  std::string AnswerWord(std::string_view word) override { return answer_word_(word); }

 private:
  struct Deadline {
    absl::Duration due;
    uint64_t socket;
  };

  void AcceptSome();
  void Adopt(tcp::socket socket, const tcp::endpoint& peer);
  void Refuse(const asio::ip::address& address, std::string_view why);
  bool MayTell();
  void EndTurnLater();
  void EndTurn();
  void Expect(Socket* socket);
  void ScheduleSweep();
  void Sweep();

  const DoorConfig config_;
  const size_t sockets_max_;
  tcp::acceptor acceptor_;
  transport::Loop* const loop_;
  service::Service* const service_;
  const Clock* const clock_;
  const std::function<std::string(std::string_view)> answer_word_;
  bool stopped_ = false;

  ConnectTokens tokens_;
  std::vector<char> read_buffer_;
  SessionWorkspace workspace_;
  std::vector<std::string> spare_;

  absl::btree_map<uint64_t, std::shared_ptr<Socket>> sockets_;  // by number: in the order of their coming
  absl::btree_map<asio::ip::address, uint32_t> per_address_;
  uint64_t next_number_ = 1;
  std::vector<std::shared_ptr<Socket>> graveyard_;  // freed when the turn ends
  std::vector<Socket*> touched_;
  std::vector<Socket*> ending_;
  bool end_scheduled_ = false;

  // Whom something is expected of by a time: the connect request of a new one, or that it reads the last words of ours.
  // All have the same time, so the first is due first.
  std::deque<Deadline> deadlines_;
  bool sweep_scheduled_ = false;
  absl::Duration told_ = -absl::InfiniteDuration();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers of the loop hold it weakly
};

uint16_t DoorImpl::port() const {
  asio::error_code ignored;
  return acceptor_.local_endpoint(ignored).port();
}

// ---- accepting ----

void DoorImpl::WaitForClients() {
  acceptor_.async_wait(tcp::acceptor::wait_read,
                       [this, alive = std::weak_ptr<bool>(alive_)](const asio::error_code& error) {
                         if (error || alive.expired() || stopped_) return;
                         AcceptSome();
                       });
}

void DoorImpl::AcceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    tcp::socket socket(loop_->context());
    tcp::endpoint peer;
    asio::error_code error;
    acceptor_.accept(socket, peer, error);
    if (error == asio::error::would_block || error == asio::error::connection_aborted) break;
    if (error) {
      // Out of file descriptors or memory: those who are connected are served on, the others wait in the backlog.
      if (MayTell()) SLOG_WARN("cannot accept clients' connections: {}", error.message());
      loop_->PostAfter(kAcceptRetry, [this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired() && !stopped_) AcceptSome();
      });
      return;
    }
    Adopt(std::move(socket), peer);
  }
  WaitForClients();
}

void DoorImpl::Adopt(tcp::socket socket, const tcp::endpoint& peer) {
  asio::ip::address address = AddressOf(peer.address());
  if (sockets_.size() >= sockets_max_) return Refuse(address, "this server has too many connections");
  uint32_t& from_there = per_address_[address];
  if (config_.connections_per_address_max != 0 && from_there >= config_.connections_per_address_max) {
    return Refuse(address, "it has too many connections (maxClientCnxns)");
  }
  asio::error_code error;
  socket.non_blocking(true, error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  if (!error && config_.tcp_keep_alive) socket.set_option(tcp::socket::keep_alive(true), error);
  if (error) {  // reset meanwhile
    if (from_there == 0) per_address_.erase(address);
    return;
  }
  ++from_there;
  uint64_t number = next_number_++;
  auto added = std::make_shared<Socket>(std::move(socket), number, this, &config_.session, service_, clock_,
                                        &workspace_, address, peer.port());
  sockets_.emplace_hint(sockets_.end(), number, added);
  Expect(added.get());
  added->Start();
}

void DoorImpl::Refuse(const asio::ip::address& address, std::string_view why) {
  ++workspace_.counters.rejected;
  if (MayTell()) SLOG_WARN("a connection from {} is refused: {}", address.to_string(), why);
}

bool DoorImpl::MayTell() {
  absl::Duration now = Now();
  if (now - told_ < kLogInterval) return false;
  told_ = now;
  return true;
}

bool DoorImpl::AdmitConnect() {
  if (tokens_.Take(Now())) return true;
  ++workspace_.counters.throttled;
  return false;
}

// ---- turns ----

void DoorImpl::Touched(Socket* socket) {
  touched_.push_back(socket);
  EndTurnLater();
}

void DoorImpl::EndTurnLater() {
  if (std::exchange(end_scheduled_, true)) return;
  loop_->AtEndOfTurn([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) EndTurn();
  });
}

void DoorImpl::EndTurn() {
  end_scheduled_ = false;
  absl::Duration now = Now();
  std::vector<std::shared_ptr<Socket>> dead = std::exchange(graveyard_, {});
  std::swap(touched_, ending_);
  for (Socket* socket : ending_) socket->EndTurn(now);
  ending_.clear();
  // Those that closed just now may be touched again in this very turn; they are freed in the next.
}

void DoorImpl::Closed(Socket* socket) {
  auto count = per_address_.find(socket->address());
  if (--count->second == 0) per_address_.erase(count);
  auto it = sockets_.find(socket->number());
  graveyard_.push_back(std::move(it->second));
  sockets_.erase(it);
  EndTurnLater();
}

void DoorImpl::LendBuffer(std::string* output) {
  if (spare_.empty()) return;
  *output = std::move(spare_.back());
  spare_.pop_back();
}

void DoorImpl::TakeBuffer(std::string* output) {
  size_t capacity = output->capacity();
  if (capacity >= kSpareBytesMin && capacity <= kSpareBytesMax && spare_.size() < kSpareBuffers) {
    spare_.push_back(std::move(*output));
  }
  std::string().swap(*output);  // an assignment would keep the capacity
}

// ---- deadlines ----

void DoorImpl::Expect(Socket* socket) {
  deadlines_.push_back({Now() + config_.sessionless_timeout, socket->number()});
  ScheduleSweep();
}

void DoorImpl::ScheduleSweep() {
  if (std::exchange(sweep_scheduled_, true)) return;
  absl::Duration interval =
      std::clamp(config_.sessionless_timeout / 10, absl::Milliseconds(1), absl::Milliseconds(500));
  loop_->PostAfter(interval, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || stopped_) return;
    sweep_scheduled_ = false;
    Sweep();
    if (!deadlines_.empty()) ScheduleSweep();
  });
}

void DoorImpl::Sweep() {
  absl::Duration now = Now();
  for (; !deadlines_.empty() && deadlines_.front().due <= now; deadlines_.pop_front()) {
    auto it = sockets_.find(deadlines_.front().socket);
    if (it == sockets_.end()) continue;
    std::shared_ptr<Socket> socket = it->second;
    if (!socket->session().introduced()) {
      ++workspace_.counters.sessionless_expired;
      socket->Close(/*by_peer=*/false);
    } else if (socket->lingering()) {
      socket->Close(/*by_peer=*/false);
    }
  }
}

// ---- operators, and the end ----

std::vector<commands::ConnectionFacts> DoorImpl::Connections() const {
  std::vector<commands::ConnectionFacts> facts;
  facts.reserve(sockets_.size());
  for (const auto& [number, socket] : sockets_) facts.push_back(socket->session().Facts());
  return facts;
}

void DoorImpl::ResetConnections() {
  for (const auto& [number, socket] : sockets_) socket->session().ResetCounters();
}

void DoorImpl::Stop() {
  if (std::exchange(stopped_, true)) return;
  asio::error_code ignored;
  acceptor_.close(ignored);
  absl::Duration now = Now();
  while (!sockets_.empty()) {
    std::shared_ptr<Socket> socket = sockets_.begin()->second;
    socket->EndTurn(now);
    socket->Close(/*by_peer=*/false);
  }
  touched_.clear();
  graveyard_.clear();
  alive_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Start(const DoorConfig& config, transport::Loop* loop,
                                                  service::Service* service, const Clock* clock,
                                                  std::function<std::string(std::string_view)> answer_word) {
  SYNOD_ASSIGN_OR_RETURN(tcp::acceptor acceptor, Listen(config, &loop->context()));
  auto door = std::make_unique<DoorImpl>(config, std::move(acceptor), loop, service, clock, std::move(answer_word));
  door->WaitForClients();
  return door;
}

}  // namespace synod::frontdoor::zookeeper
