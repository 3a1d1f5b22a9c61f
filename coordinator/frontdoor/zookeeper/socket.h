// One client's TCP connection: moves bytes between an asio socket and its ClientSession.
#pragma once

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "coordinator/frontdoor/zookeeper/client_session.h"

namespace synod::frontdoor::zookeeper {

class Socket;

// What a socket needs of its door. Called on the loop.
class SocketOwner {
 public:
  virtual ~SocketOwner() = default;
  // Socket::EndTurn is to be called when this turn ends.
  virtual void Touched(Socket* socket) = 0;
  // Its last words are not read by the client: Close is to be called when it took too long.
  virtual void Lingers(Socket* socket) = 0;
  // It is closed; the object is to live until the turn ends. Once.
  virtual void Closed(Socket* socket) = 0;
  // Where any socket reads; used up before the handler returns.
  virtual absl::Span<char> read_buffer() = 0;
  // Swaps a buffer that has room into `output`, if there is one, and takes it back. `output` is empty.
  virtual void LendBuffer(std::string* output) = 0;
  virtual void TakeBuffer(std::string* output) = 0;
  virtual absl::Duration Now() const = 0;
  virtual bool AdmitConnect() = 0;
  virtual std::string AnswerWord(std::string_view word) = 0;
};

// Loop only. Held by shared_ptr: by the door until closed, and by its own waits for the socket.
//
// It waits to be readable only while the session wants input, and holds no buffer of its own. Output is written by one
// direct send when the turn ends; only what the kernel does not take then waits for the socket to be writable.
class Socket final : public ClientSessionHost, public std::enable_shared_from_this<Socket> {
 public:
  // `number` names it to the door. The socket is open and non-blocking.
  Socket(asio::ip::tcp::socket socket, uint64_t number, SocketOwner* owner, const ClientSessionOptions* options,
         service::Service* service, const Clock* clock, SessionWorkspace* workspace, const asio::ip::address& address,
         uint16_t port);
  ~Socket() override;

  void Start() { WaitReadable(); }
  // Looks at held input again and writes the turn's output. `now` is the clock's.
  void EndTurn(absl::Duration now);
  // Closes at once. Idempotent.
  void Close(bool by_peer);

  uint64_t number() const { return number_; }
  ClientSession& session() { return session_; }
  const ClientSession& session() const { return session_; }
  const asio::ip::address& address() const { return address_; }
  // Finished, but its last words are not read.
  bool lingering() const { return lingering_; }

  // ClientSessionHost
  void OutputReady() override;
  void InputWanted() override;
  bool AdmitConnect() override { return owner_->AdmitConnect(); }
  std::string AnswerWord(std::string_view word) override { return owner_->AnswerWord(word); }

 private:
  void Touch();
  void WaitReadable();
  void WaitWritable();
  void OnReadable();
  void OnWritable();
  void Write();
  void Written();
  void CloseGently();

  asio::ip::tcp::socket socket_;
  SocketOwner* const owner_;
  SessionWorkspace* const workspace_;
  const uint64_t number_;
  const asio::ip::address address_;
  bool open_ = true;
  bool touched_ = false;
  bool resume_ = false;  // the session is to look at what it holds
  bool reading_ = false;
  bool writing_ = false;
  bool lingering_ = false;
  ClientSession session_;
};

}  // namespace synod::frontdoor::zookeeper
