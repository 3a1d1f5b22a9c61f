#include "coordinator/frontdoor/zookeeper/socket.h"

#include <algorithm>
#include <utility>

namespace synod::frontdoor::zookeeper {

Socket::Socket(asio::ip::tcp::socket socket, uint64_t number, SocketOwner* owner, const ClientSessionOptions* options,
               service::Service* service, const Clock* clock, SessionWorkspace* workspace,
               const asio::ip::address& address, uint16_t port)
    : socket_(std::move(socket)),
      owner_(owner),
      workspace_(workspace),
      number_(number),
      address_(address),
      session_(options, service, clock, this, workspace, address.to_string(), port) {}

Socket::~Socket() = default;

void Socket::Touch() {
  if (std::exchange(touched_, true)) return;
  owner_->Touched(this);
}

void Socket::OutputReady() {
  if (!open_) return;
  if (session_.output()->capacity() <= std::string().capacity()) owner_->LendBuffer(session_.output());
  Touch();
}

void Socket::InputWanted() {
  if (!open_) return;
  resume_ = true;
  Touch();
}

void Socket::EndTurn(absl::Duration now) {
  // Still touched meanwhile: what this brings is written below.
  if (open_ && std::exchange(resume_, false)) session_.Take({});
  touched_ = false;
  if (!open_) return;
  session_.OutputLeaves(now);
  writing_ ? Written() : Write();
  if (open_) WaitReadable();
}

// ---- reading ----

void Socket::WaitReadable() {
  if (reading_ || !session_.wants_input()) return;
  reading_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](const asio::error_code& error) {
    self->reading_ = false;
    if (!error) self->OnReadable();
  });
}

void Socket::OnReadable() {
  if (!open_ || !session_.wants_input()) return;  // once it does again it waits again
  absl::Span<char> buffer = owner_->read_buffer();
  asio::error_code error;
  size_t bytes = socket_.receive(asio::buffer(buffer.data(), std::min(buffer.size(), session_.input_max())), 0, error);
  if (error == asio::error::would_block) return WaitReadable();
  if (error) return Close(/*by_peer=*/true);
  workspace_->counters.bytes_received += bytes;
  session_.Take(std::string_view(buffer.data(), bytes));
  if (open_) WaitReadable();
}

// ---- writing ----

void Socket::Write() {
  while (!session_.unsent().empty()) {
    std::string_view unsent = session_.unsent();
    asio::error_code error;
    size_t bytes = socket_.send(asio::buffer(unsent.data(), unsent.size()), 0, error);
    if (error && error != asio::error::would_block) return Close(/*by_peer=*/true);
    workspace_->counters.bytes_sent += bytes;
    if (bytes > 0) session_.Sent(bytes);
    if (!open_) return;
    if (bytes < unsent.size()) {
      WaitWritable();
      break;
    }
  }
  Written();
}

// The kernel took what it would.
void Socket::Written() {
  if (!session_.unsent().empty()) {
    if (session_.finished() && !std::exchange(lingering_, true)) owner_->Lingers(this);
  } else {
    owner_->TakeBuffer(session_.output());
    if (session_.finished()) return CloseGently();
  }
  // Its reader made room.
  if (session_.input_waits()) InputWanted();
}

void Socket::WaitWritable() {
  writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](const asio::error_code& error) {
    self->writing_ = false;
    if (!error && self->open_) self->OnWritable();
  });
}

void Socket::OnWritable() {
  session_.OutputLeaves(owner_->Now());
  Write();
  if (open_) WaitReadable();
}

// ---- the end ----

// A close with received bytes unread would reset the connection, and the client might lose our last words.
void Socket::CloseGently() {
  asio::error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  absl::Span<char> buffer = owner_->read_buffer();
  constexpr int kReadsMax = 4;  // whoever sends on and on has it reset
  for (int i = 0; i < kReadsMax && !error; ++i) socket_.receive(asio::buffer(buffer.data(), buffer.size()), 0, error);
  Close(/*by_peer=*/false);
}

void Socket::Close(bool by_peer) {
  if (!std::exchange(open_, false)) return;
  asio::error_code ignored;
  socket_.close(ignored);
  session_.SocketClosed(by_peer);
  owner_->Closed(this);
}

}  // namespace synod::frontdoor::zookeeper
