// One TCP connection to another server: frames in, lanes of frames out. It knows nothing of who may talk to whom
// (peer_transport does).
#pragma once

#include <array>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/transport/message_codec.h"

namespace synod::transport {

struct ConnectionLimits {
  absl::Duration handshake_timeout = absl::Seconds(5);
  // A keep-alive goes out when nothing else did for this long.
  absl::Duration keep_alive_interval = absl::Milliseconds(250);
  // The peer is given up after so many intervals in which nothing came. Counted in ticks of our own timer and not by
  // the clock: a process that was stopped itself must not blame all its peers when it goes on.
  int silent_intervals_max = 12;
  size_t max_queue_bytes = 64 << 20;
};

// Loop thread only. Held by shared_ptr: its own outstanding operations keep it alive until they are told that it
// closed.
class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // A whole frame with a good checksum. May close the connection. The frame's views live during the call.
    virtual void OnFrame(PeerConnection* connection, const Frame& frame) = 0;
    // The connection is closed, not by Close: end of file, reset, deadline, malformed frame, queue too long. Once.
    virtual void OnClosed(PeerConnection* connection, const absl::Status& why) = 0;
  };

  PeerConnection(asio::ip::tcp::socket socket, const ConnectionLimits& limits, Owner* owner);
  ~PeerConnection();

  // Begins reading and the handshake's deadline.
  void Start();
  // The peer is known: larger frames are taken, the deadline is off and keep-alives begin.
  void Establish();

  // Where to encode frames to. Flush sends them; QueueTooLong tells whether the connection must be given up.
  FrameQueue* lane(Lane lane) { return &lanes_[static_cast<size_t>(lane)]; }
  bool QueueTooLong() const { return queued_bytes() > limits_.max_queue_bytes; }
  // Encoded and not yet handed to the kernel.
  size_t queued_bytes() const;
  // Begins one write of all that is queued (up to a bound), unless one is in progress; goes on by itself until nothing
  // is left.
  void Flush();

  // Closes without a word to the owner. Idempotent.
  void Close();
  // Closes when all that is queued now has left, or at the handshake's deadline. Nothing more is read, the owner hears
  // nothing.
  void CloseAfterFlush();
  // Closes and tells the owner, from the loop, not within this call.
  void FailLater(absl::Status why);
  bool open() const { return open_; }
  // Whether encoding more makes sense: open and not about to fail.
  bool accepting() const { return open_ && !failing_; }

 private:
  void Read();
  void OnRead(const asio::error_code& error, size_t bytes);
  void Parse();
  void MakeRoom(size_t needed);
  void OnWritten(const asio::error_code& error);
  void KeepAlive();
  void Fail(const absl::Status& why);

  asio::ip::tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer keep_alive_;
  const ConnectionLimits limits_;
  Owner* owner_;  // null once closed
  bool open_ = true;
  bool established_ = false;
  bool failing_ = false;   // FailLater was called
  bool draining_ = false;  // CloseAfterFlush was called
  bool sent_in_interval_ = false;
  int silent_intervals_ = 0;

  std::string in_;  // received bytes are [begin_, end_)
  size_t begin_ = 0;
  size_t end_ = 0;

  std::array<FrameQueue, kLanes> lanes_;
  std::vector<FrameQueue::Piece> writing_;  // being written; empty: no write in progress
  size_t writing_bytes_ = 0;
};

}  // namespace synod::transport
