// One ZooKeeper connection without its socket: bytes in, bytes out, a service::Connection in between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/clock.h"
#include "coordinator/frontdoor/commands/connection_facts.h"
#include "coordinator/frontdoor/zookeeper/decode.h"
#include "coordinator/frontdoor/zookeeper/shape_queue.h"
#include "coordinator/service/connection.h"
#include "coordinator/service/service.h"

namespace synod::frontdoor::zookeeper {

struct ClientSessionOptions {
  size_t frame_bytes_max = 1048575;  // jute.maxbuffer; a longer or negative length ends the connection (section 1)
  // A reader slower than this is cut off; its largest frame does not count. The replies to all reads behind one write
  // come at once, however fast it reads.
  size_t unsent_bytes_max = 64 << 20;
  size_t unsent_bytes_pause = 1 << 20;    // beyond it nothing more is taken from the client, until half of it is left
  bool local_reads_linearizable = false;  // linearizableReads: every read is a barrier (section 15)
  // enforce.auth.enabled and .schemes: without an identity of one of these every request but auth is answered -124 and
  // the connection closed. Empty: off.
  std::vector<std::string> enforced_schemes;
};

// What the sessions of one door share, one at a time: loop only, outlives them.
struct SessionWorkspace {
  std::vector<service::Request> requests;  // of the Submit in preparation
  commands::DoorCounters counters;
};

// What a session needs of its socket. Called on the loop, from inside Take or from the service's callbacks.
class ClientSessionHost {
 public:
  virtual ~ClientSessionHost() = default;
  // output() was empty and is about to get bytes (the host may swap in a buffer that has room), or finished() became
  // true: to be written at the end of the turn.
  virtual void OutputReady() = 0;
  // wants_input() may have become true again. The host first calls Take with no bytes, for what is held, from outside
  // this call.
  virtual void InputWanted() = 0;
  // A connect request came; false: there is no token for it, the connection is closed (2.3, step 2).
  virtual bool AdmitConnect() = 0;
  // A four-letter word was recognised as the first four bytes of the connection. The session appends the answer to
  // output() and is finished.
  virtual std::string AnswerWord(std::string_view word) = 0;
};

// Loop only. Life: made at accept, told of bytes by Take, read by unsent() and Sent, until finished() or the socket's
// end. `options`, `service`, `clock`, `host` and `workspace` are not owned and live longer.
//
// Frames are decoded where they lie; only a frame that is cut by the end of the bytes is kept, in a buffer that grows
// with what has come and never to what a length merely claims. All frames of one Take go to the service in one Submit,
// but for a client whose replies are so large that they are better asked for in parts.
//
// Nothing but the connect request is taken before the session is granted, and nothing beyond 64 KB kept. A granted
// session may keep a cut frame of up to frame_bytes_max; nobody waits for its rest by a clock: a client that goes on
// byte by byte is answered when it is done, and one that does not must still ping in whole frames, or its session
// expires and takes the connection along.
//
// Pongs stand where the service gives them (S6), everything else in the order of the requests.
class ClientSession final : public service::Connection {
 public:
  ClientSession(const ClientSessionOptions* options, service::Service* service, const Clock* clock,
                ClientSessionHost* host, SessionWorkspace* workspace, std::string address, uint16_t port);
  // Tells the service, as SocketClosed(false) does, unless that was done.
  ~ClientSession() override;

  // Bytes from the client, at most input_max() of them; none: what was held is looked at again. False: finished().
  bool Take(std::string_view bytes);
  // The client closed or reset (by_peer), or the socket is given up for another reason (false).
  void SocketClosed(bool by_peer);

  // What is to be written to the socket now.
  std::string_view unsent() const { return std::string_view(output_).substr(sent_); }
  // So many bytes of it were.
  void Sent(size_t bytes);
  // The buffer itself, for the host to lend or take back while it is empty.
  std::string* output() { return &output_; }
  // The output of a turn is about to be written: the replies in it are timed.
  void OutputLeaves(absl::Duration now);
  // Close once unsent() is written.
  bool finished() const { return finished_; }

  // Whether to read from the client now (L11; not while the session question is open, section 2.3).
  bool wants_input() const { return !Blocked(); }
  // How much may be read at once.
  size_t input_max() const { return granted_ ? SIZE_MAX : kUngrantedReadBytes; }
  // Whole frames may be held that could be taken now: Take is to be called with no bytes.
  bool input_waits() const { return stopped_ && !Blocked(); }
  // A connect request or a word has come.
  bool introduced() const { return phase_ != Phase::kFresh; }
  bool granted() const { return granted_; }
  absl::Duration opened() const { return opened_; }

  // Of this object and all it holds.
  size_t memory_bytes() const;

  commands::ConnectionFacts Facts() const;
  void ResetCounters();

  // service::Connection
  void OnConnected(const service::ConnectResult& result) override;
  void OnReply(service::Reply reply) override;
  void OnNotification(const service::Notification& notification) override;
  void OnPong(uint64_t ping, Zxid zxid) override;
  void OnClose(service::CloseReason reason, std::string_view message) override;
  void OnFlowPause() override { flow_paused_ = true; }
  void OnFlowResume() override;

 private:
  enum class Phase : uint8_t {
    kFresh,       // nothing complete came
    kConnecting,  // the session question is open
    kGranted,
    kOver,  // nothing more is taken: a word, closeSession, an error that closes
  };
  static constexpr size_t kUngrantedReadBytes = 4 << 10;

  bool Blocked() const {
    return finished_ || phase_ == Phase::kConnecting || phase_ == Phase::kOver || flow_paused_ || output_paused_ ||
           authenticating_;
  }
  bool CompleteHeldFrame(std::string_view* bytes);
  void Hold(std::string_view bytes);
  size_t FrameBytes(std::string_view bytes) const;
  size_t TakeFrames(std::string_view bytes);
  void TakeOddFrame(std::string_view length);
  void TakeConnect(std::string_view payload);
  bool TakeRequest(std::string_view payload);
  void EnforceAuthentication(DecodedRequest* request);
  void SubmitBatch();
  std::string* Out();
  void Appended(size_t before);
  void Finish();
  void Cut();
  void CountReply(const Shape& shape, absl::Duration since, Zxid zxid, size_t bytes);

  const ClientSessionOptions* const options_;
  service::Service* const service_;
  const Clock* const clock_;
  ClientSessionHost* const host_;
  SessionWorkspace* const workspace_;

  Phase phase_ = Phase::kFresh;
  bool finished_ = false;
  bool granted_ = false;
  bool has_read_only_ = false;   // of the connect request
  bool flow_paused_ = false;     // by the service
  bool output_paused_ = false;   // by its reader
  bool stopped_ = false;         // held_ was left because of Blocked()
  bool authenticated_ = true;    // or nothing is enforced
  bool authenticating_ = false;  // the request at proof_position_ decides; what is behind it waits
  uint16_t port_;
  uint16_t batch_max_;           // requests of one Submit
  uint32_t proof_position_ = 0;  // in shapes_
  service::ConnectionId id_;     // 0: the service does not know it (any more)
  std::string address_;

  std::string held_;    // bytes not dealt with: a cut frame, or whole ones while blocked
  std::string output_;  // written up to sent_
  size_t sent_ = 0;
  size_t largest_ = 0;  // frame since the output was empty
  ShapeQueue shapes_;
  absl::Duration opened_;
  absl::Duration taken_;  // when the bytes in work came

  // For operators.
  int64_t opened_wall_ms_;
  SessionId session_;
  absl::Duration timeout_;
  OpCode last_op_ = OpCode::kError;  // kError: none
  int32_t last_xid_ = -1;
  Zxid last_zxid_ = Zxid(-1);
  uint64_t received_ = 0;
  uint64_t packets_sent_ = 0;
  absl::Duration last_response_;
  absl::Duration last_latency_;
  absl::Duration min_latency_;
  absl::Duration max_latency_;
  absl::Duration latency_sum_;
  uint64_t latency_count_ = 0;
  // Replies in the output that are not timed yet: how many, and when their requests were taken.
  uint32_t untimed_ = 0;
  absl::Duration untimed_sum_;
  absl::Duration untimed_first_;
  absl::Duration untimed_last_;
};

}  // namespace synod::frontdoor::zookeeper
