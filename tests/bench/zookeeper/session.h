// One session of the load generator: a non-blocking socket, the frames that wait to be sent, and the requests that wait
// for their reply.
//
// Single-threaded. A request is only appended to a buffer; Flush sends what has gathered in one write. Replies are
// parsed where the socket left them. The session checks what every reply must have: that it is whole, and the xid of
// the oldest request that has none yet (section 3: strict order per connection). What it holds is for the owner to
// judge.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "tests/bench/zookeeper/wire.h"

namespace synod::bench {

class Loop;
class Session;

struct Reply {
  OpCode op;
  int32_t error;
  int64_t zxid;
  std::string_view body;  // valid during the call
  int64_t sent;           // ns; when the request was made
  int64_t received;       // ns
};

class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  // The server has granted the session, or taken it up again.
  virtual void OnOpen(Session& session) = 0;
  virtual void OnReply(Session& session, const Reply& reply) = 0;
  virtual void OnEvent(Session& session, int64_t received);
  // The connection is gone: refused, closed, or broken; never by Close(). Requests without a reply are forgotten. By
  // default the run fails.
  virtual void OnLost(Session& session, const std::string& why);
};

class Session {
 public:
  // `owner` and `loop` outlive it. `number` is for the owner: which of its sessions this is.
  Session(Loop& loop, SessionOwner& owner, size_t number) : loop_(loop), owner_(&owner), number_(number) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Connects to 127.0.0.1:port; with the identity of this session if it had one. `timeout_ms` of the session.
  void Open(uint16_t port, int32_t timeout_ms);
  // Closes the socket; the session lives on at the server.
  void Close();

  void SetData(std::string_view path, std::string_view data);
  void GetData(std::string_view path, bool watch);
  void Create(std::string_view path, std::string_view data, int32_t flags);
  void Delete(std::string_view path);
  void Sync();
  void CloseSession();
  // Sends what waits; the rest when the socket takes it.
  void Flush();

  bool open() const { return state_ == State::kOpen; }
  size_t number() const { return number_; }
  size_t outstanding() const { return outstanding_.size(); }
  int64_t id() const { return id_; }
  void set_owner(SessionOwner& owner) { owner_ = &owner; }

 private:
  friend class Loop;
  enum class State { kClosed, kConnecting, kGreeting, kOpen };
  struct Request {
    int32_t xid;
    OpCode op;
    int64_t sent;
  };

  // Called by the loop.
  void OnReadable(int64_t now);
  void OnWritable();

  void Lose(const std::string& why);
  void SendConnectRequest();
  bool OnFrame(std::string_view frame, int64_t now);
  bool OnConnectResponse(std::string_view frame);
  int32_t Enqueue(OpCode op);

  Loop& loop_;
  SessionOwner* owner_;
  const size_t number_;
  State state_ = State::kClosed;
  int fd_ = -1;
  uint32_t epoch_ = 0;  // of the connection: a callback may have replaced it
  bool waits_to_write_ = false;
  int32_t timeout_ms_ = 0;
  std::string out_;
  size_t sent_ = 0;      // of out_
  std::string partial_;  // the beginning of a frame that has not come in full
  std::deque<Request> outstanding_;
  int32_t next_xid_ = 1;
  int64_t id_ = 0;
  std::string password_ = std::string(kPasswordBytes, '\0');
  int64_t last_zxid_ = 0;
};

// epoll over sessions.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves what is ready; if nothing is, waits for it until `deadline` (ns). What the callbacks asked for is sent.
  // Returns how many sockets were ready.
  int Poll(int64_t deadline);
  // The time that requests made now are counted from: when what is being served was received.
  int64_t now() const { return now_; }
  void Advance();  // to the present, before requests are made outside of callbacks

 private:
  friend class Session;
  static constexpr size_t kBufferBytes = 512 * 1024;

  void Add(Session& session);
  void WaitToWrite(Session& session, bool wait);

  const int epoll_;
  int64_t now_ = 0;
  std::string buffer_;  // that all sessions receive into
};

}  // namespace synod::bench
