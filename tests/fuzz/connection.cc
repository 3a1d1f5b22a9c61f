// A whole connection: bytes of a client in pieces, through the door's session into a server, and what comes back.
#include <algorithm>
#include <deque>
#include <string>

#include "coordinator/base/check.h"
#include "coordinator/frontdoor/zookeeper/client_session.h"
#include "coordinator/frontdoor/zookeeper/jute.h"
#include "tests/fuzz/lone_server.h"
#include "tests/fuzz/targets.h"
#include "tests/support/zookeeper_records.h"

namespace synod::fuzz {
namespace {

using frontdoor::zookeeper::ClientSession;
using frontdoor::zookeeper::ClientSessionOptions;
using frontdoor::zookeeper::JuteReader;
using frontdoor::zookeeper::OpCode;

constexpr size_t kUngrantedMemoryMax = 96 << 10;
constexpr size_t kConnectResponseBytesMin = 36;

// The other end of the session's socket.
class Client final : public frontdoor::zookeeper::ClientSessionHost {
 public:
  explicit Client(LoneServer* server)
      : server_(server),
        session_(&options_, server->service(), server->clock(), this, &workspace_, "127.0.0.1", 40000) {}

  void OutputReady() override {}
  void InputWanted() override { resume_ = true; }
  bool AdmitConnect() override { return true; }
  std::string AnswerWord(std::string_view) override {
    word_ = true;
    return "imok";
  }

  // In pieces of `piece` bytes, as far as it is read.
  void Send(std::string_view bytes, size_t piece) {
    while (!bytes.empty() && !session_.finished()) {
      Turn();
      if (!session_.wants_input()) {
        server_->loop()->Advance(absl::Milliseconds(500));
        Turn();
        if (!session_.wants_input()) return;
      }
      const size_t take = std::min({piece, bytes.size(), session_.input_max()});
      const testing::ExactBytes exact(bytes.substr(0, take));
      session_.Take(exact.view());
      bytes.remove_prefix(take);
      SYNOD_CHECK(session_.granted() || session_.memory_bytes() < kUngrantedMemoryMax);
    }
  }
  void Wait(absl::Duration time) {
    Turn();
    server_->loop()->Advance(time);
    Turn();
  }
  void Close() { session_.SocketClosed(/*by_peer=*/true); }

  const std::string& received() const { return received_; }
  bool word() const { return word_; }

 private:
  void Turn() {
    server_->loop()->Run();
    while (std::exchange(resume_, false)) {
      session_.Take({});
      server_->loop()->Run();
    }
    session_.OutputLeaves(server_->clock()->Monotonic());
    received_.append(session_.unsent());
    session_.Sent(session_.unsent().size());
    if (session_.input_waits()) resume_ = true;
  }

  LoneServer* const server_;
  const ClientSessionOptions options_;
  frontdoor::zookeeper::SessionWorkspace workspace_;
  bool resume_ = false;
  bool word_ = false;
  std::string received_;
  ClientSession session_;
};

// The next whole frame's payload; false: none is left.
bool NextFrame(std::string_view* stream, std::string_view* payload) {
  JuteReader in(*stream);
  const int32_t length = in.Int();
  if (!in.ok() || length < 0 || static_cast<size_t>(length) > in.rest().size()) return false;
  *payload = in.rest().substr(0, static_cast<size_t>(length));
  *stream = in.rest().substr(static_cast<size_t>(length));
  return true;
}

struct Sent {
  std::deque<int32_t> xids;  // of the requests that have a reply at their place in the order
  bool told_apart = true;    // none bears the xid of a notification or a pong
};

Sent RequestsIn(std::string_view stream) {
  Sent sent;
  std::string_view payload;
  if (!NextFrame(&stream, &payload)) return sent;
  while (NextFrame(&stream, &payload)) {
    JuteReader in(payload);
    const int32_t xid = in.Int();
    const auto op = static_cast<OpCode>(in.Int());
    if (op == OpCode::kPing) continue;
    sent.xids.push_back(xid);
    if (xid == frontdoor::zookeeper::kNotificationXid || xid == frontdoor::zookeeper::kPingXid) sent.told_apart = false;
  }
  return sent;
}

// Whole frames, the answer to the connect request first, replies in the order of the requests (section 3).
void CheckReceived(std::string_view received, Sent sent) {
  std::string_view payload;
  if (received.empty()) return;
  SYNOD_CHECK(NextFrame(&received, &payload));
  SYNOD_CHECK(payload.size() == kConnectResponseBytesMin || payload.size() == kConnectResponseBytesMin + 1);
  while (!received.empty()) {
    SYNOD_CHECK(NextFrame(&received, &payload)) << "a cut frame";
    SYNOD_CHECK_GE(payload.size(), frontdoor::zookeeper::kReplyHeaderBytes);
    JuteReader in(payload);
    const int32_t xid = in.Int();
    if (!sent.told_apart) continue;
    if (xid == frontdoor::zookeeper::kNotificationXid || xid == frontdoor::zookeeper::kPingXid) continue;
    SYNOD_CHECK(!sent.xids.empty()) << "a reply to nothing: " << xid;
    SYNOD_CHECK_EQ(xid, sent.xids.front());
    sent.xids.pop_front();
  }
}

}  // namespace

void RunConnection(const Target&, std::string_view input) {
  if (input.empty()) return;
  const auto piece = static_cast<uint8_t>(input[0]);
  const std::string_view stream = input.substr(1);
  LoneServer server;
  Client client(&server);
  client.Send(stream, piece == 0 ? stream.size() : piece);
  client.Wait(absl::Seconds(2));
  client.Close();
  server.loop()->Advance(absl::Seconds(1));
  if (!client.word()) CheckReceived(client.received(), RequestsIn(stream));
}

}  // namespace synod::fuzz
