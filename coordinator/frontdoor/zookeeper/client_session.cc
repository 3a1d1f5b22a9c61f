#include "coordinator/frontdoor/zookeeper/client_session.h"

#include <algorithm>
#include <utility>

#include "absl/types/span.h"
#include "coordinator/base/check.h"
#include "coordinator/frontdoor/commands/words.h"
#include "coordinator/frontdoor/zookeeper/big_endian.h"
#include "coordinator/frontdoor/zookeeper/encode.h"

namespace synod::frontdoor::zookeeper {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kUngrantedBytesMax = 64 << 10;
constexpr size_t kKeptHeldBytes = 256;  // a larger buffer of a cut frame is given back when it is empty
constexpr size_t kCompactBytes = 64 << 10;
// Requests of one Submit: more as long as their replies are small, fewer for a client that reads large nodes, whose
// replies would all be in memory at once. As many large ones as may come behind small ones fit into unsent_bytes_max.
constexpr uint16_t kBatchFirst = 4;
constexpr uint16_t kBatchMax = 16;

// Not by assignment, which keeps the capacity.
void GiveBack(std::string* buffer) { std::string().swap(*buffer); }

template <typename List>
bool Contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Whether the answer shows the tree, so that linearizableReads concerns it.
bool ReadsTree(const service::Operation& operation) {
  return std::holds_alternative<service::GetData>(operation) || std::holds_alternative<service::Exists>(operation) ||
         std::holds_alternative<service::GetChildren>(operation) ||
         std::holds_alternative<service::GetAcl>(operation) || std::holds_alternative<service::MultiRead>(operation) ||
         std::holds_alternative<service::GetEphemerals>(operation) ||
         std::holds_alternative<service::CountDescendants>(operation);
}

// What failed on the way to an outcome has no number in ZooKeeper: the client is to learn nothing but that the
// connection was lost.
bool LosesConnection(service::ErrorCode error) {
  return error == service::ErrorCode::kNoQuorum || error == service::ErrorCode::kOverloaded ||
         error == service::ErrorCode::kInternal;
}

}  // namespace

ClientSession::ClientSession(const ClientSessionOptions* options, service::Service* service, const Clock* clock,
                             ClientSessionHost* host, SessionWorkspace* workspace, std::string address, uint16_t port)
    : options_(options),
      service_(service),
      clock_(clock),
      host_(host),
      workspace_(workspace),
      port_(port),
      batch_max_(kBatchFirst),
      address_(std::move(address)),
      opened_(clock->Monotonic()),
      opened_wall_ms_(clock->WallMillis()) {
  const std::vector<std::string>& schemes = options->enforced_schemes;
  authenticated_ = schemes.empty() || (!address_.empty() && Contains(schemes, "ip"));
}

ClientSession::~ClientSession() { SocketClosed(false); }

void ClientSession::SocketClosed(bool by_peer) {
  phase_ = Phase::kOver;
  finished_ = true;
  if (id_ != service::ConnectionId(0)) service_->ConnectionClosed(std::exchange(id_, {}), by_peer);
}

// ---- bytes in ----

bool ClientSession::Take(std::string_view bytes) {
  stopped_ = false;
  if (bytes.empty() && held_.empty()) return !finished_;
  taken_ = clock_->Monotonic();
  while (!held_.empty() && !Blocked()) {
    if (!CompleteHeldFrame(&bytes)) return !finished_;
    std::string gathered = std::exchange(held_, {});
    size_t used = TakeFrames(gathered);
    gathered.erase(0, used);
    if (!gathered.empty() || gathered.capacity() <= kKeptHeldBytes) held_ = std::move(gathered);
    if (used == 0) break;
  }
  if (held_.empty() && !Blocked()) bytes.remove_prefix(TakeFrames(bytes));
  Hold(bytes);
  return !finished_;
}

// Length included; kLengthBytes while that is unknown, and for what is no frame: a word, an impossible length.
size_t ClientSession::FrameBytes(std::string_view bytes) const {
  if (bytes.size() < kLengthBytes) return kLengthBytes;
  int32_t length = LoadBigEndian<int32_t>(bytes.data());
  size_t max = phase_ == Phase::kFresh ? kConnectRequestBytesMax : options_->frame_bytes_max;
  if (length < 0 || static_cast<size_t>(length) > max) return kLengthBytes;
  return kLengthBytes + static_cast<size_t>(length);
}

// Moves from `bytes` what the frame that held_ begins with lacks. False: it is still cut, and `bytes` is empty.
bool ClientSession::CompleteHeldFrame(std::string_view* bytes) {
  for (size_t frame; held_.size() < (frame = FrameBytes(held_));) {
    if (bytes->empty()) return false;
    size_t add = std::min(frame - held_.size(), bytes->size());
    // A large frame is not copied again and again while it grows; yet what it claims is only believed for the fourth
    // part that is here.
    size_t room = held_.size() + add;
    if (room > held_.capacity() && room >= kCompactBytes) held_.reserve(std::min(frame, 4 * room));
    held_.append(bytes->substr(0, add));
    bytes->remove_prefix(add);
  }
  return true;
}

void ClientSession::Hold(std::string_view bytes) {
  if (phase_ == Phase::kOver || finished_) return GiveBack(&held_);
  held_.append(bytes);
  stopped_ = !held_.empty() && Blocked();
  if (!granted_ && held_.size() > kUngrantedBytesMax) Finish();
}

// Returns how many bytes were dealt with: the rest is a cut frame, or waits for !Blocked().
size_t ClientSession::TakeFrames(std::string_view bytes) {
  size_t at = 0;
  while (!Blocked()) {
    std::string_view rest = bytes.substr(at);
    size_t frame = FrameBytes(rest);
    if (rest.size() < frame) break;
    at += frame;
    if (frame == kLengthBytes) {
      SubmitBatch();
      TakeOddFrame(rest.substr(0, kLengthBytes));
      break;
    }
    std::string_view payload = rest.substr(kLengthBytes, frame - kLengthBytes);
    if (phase_ == Phase::kFresh) {
      TakeConnect(payload);
    } else if (!TakeRequest(payload)) {
      SubmitBatch();
      Finish();
      break;
    }
    if (workspace_->requests.size() >= batch_max_) SubmitBatch();
  }
  SubmitBatch();
  return at;
}

void ClientSession::TakeOddFrame(std::string_view length) {
  if (finished_) return;
  int32_t claimed = LoadBigEndian<int32_t>(length.data());
  if (phase_ == Phase::kFresh && commands::IsWord(length)) {
    ++received_;
    phase_ = Phase::kOver;  // `cons` shows the asking connection as one that is not read
    std::string answer = host_->AnswerWord(length);
    if (!answer.empty()) Out()->append(answer);
  } else if (granted_ && claimed > 0) {
    ++workspace_->counters.large_requests_rejected;
  }
  Finish();
}

void ClientSession::TakeConnect(std::string_view payload) {
  std::optional<ConnectFrame> frame = DecodeConnect(payload);
  if (!frame) return Finish();
  ++received_;
  if (!host_->AdmitConnect()) return Finish();
  service::ConnectionOptions options;
  options.numbers_own_writes = false;
  options.address = address_;
  id_ = service_->Open(this, options);
  if (id_ == service::ConnectionId(0)) {
    ++workspace_->counters.rejected;
    return Finish();
  }
  has_read_only_ = frame->has_read_only;
  phase_ = Phase::kConnecting;
  service_->Connect(id_, std::move(frame->request));
}

// False: it is not even a request.
bool ClientSession::TakeRequest(std::string_view payload) {
  std::optional<DecodedRequest> decoded = DecodeRequest(payload);
  if (!decoded) return false;
  ++received_;
  if (decoded->kind == DecodedRequest::Kind::kPing) {
    // Numbered by when it came, so that nothing needs to be kept of it.
    service_->Ping(id_, static_cast<uint64_t>(absl::ToInt64Microseconds(taken_)));
    return true;
  }
  if (!authenticated_) EnforceAuthentication(&*decoded);
  // What is pipelined behind it gets no reply (11.13).
  bool last = (decoded->shape.more && decoded->shape.more->close_after) || decoded->shape.op == OpCode::kCloseSession;
  service::Request& request = workspace_->requests.emplace_back();
  request.id = static_cast<uint32_t>(decoded->shape.xid);
  if (options_->local_reads_linearizable && ReadsTree(decoded->operation))
    request.strength = service::ReadStrength::kLinearizable;
  request.operation = std::move(decoded->operation);
  shapes_.Push({std::move(decoded->shape), taken_});
  if (last) phase_ = Phase::kOver;
  return true;
}

// 7.4. A credential that may prove enough is waited for: clients send their requests right behind it.
void ClientSession::EnforceAuthentication(DecodedRequest* request) {
  if (const auto* auth = std::get_if<service::Authenticate>(&request->operation)) {
    if (!Contains(options_->enforced_schemes, auth->credential.scheme)) return;
    authenticating_ = true;
    proof_position_ = shapes_.end_position();
    return;
  }
  OpCode op = request->shape.op;
  if (op == OpCode::kAuth || op == OpCode::kSasl || op == OpCode::kCloseSession) return;
  request->shape.more = std::make_unique<Shape::More>();
  request->shape.more->answer = ErrorNumber::kSessionClosedRequireSaslAuth;
  request->shape.more->close_after = true;
  request->operation = service::Unintelligible{};
}

void ClientSession::SubmitBatch() {
  std::vector<service::Request>& requests = workspace_->requests;
  if (requests.empty()) return;
  size_t count = requests.size();
  size_t before = unsent().size();
  if (id_ != service::ConnectionId(0)) service_->Submit(id_, absl::MakeSpan(requests));
  requests.clear();
  size_t grown = unsent().size() - std::min(before, unsent().size());
  if (grown > options_->unsent_bytes_pause / 2) {
    batch_max_ = std::max<uint16_t>(1, batch_max_ / 4);
  } else if (count == batch_max_ && grown < options_->unsent_bytes_pause / 16) {
    batch_max_ = std::min<uint16_t>(kBatchMax, 2 * batch_max_);
  }
}

// ---- bytes out ----

std::string* ClientSession::Out() {
  if (output_.empty()) host_->OutputReady();
  return &output_;
}

// A frame was appended to output_, which had `before` bytes.
void ClientSession::Appended(size_t before) {
  ++packets_sent_;
  largest_ = std::max(largest_, output_.size() - before);
  size_t unsent = output_.size() - sent_;
  if (unsent > options_->unsent_bytes_pause) output_paused_ = true;
  // One reply may be as large as it is; whoever lets it lie and has more coming is too slow.
  if (unsent > options_->unsent_bytes_max + largest_) Cut();
}

void ClientSession::Sent(size_t bytes) {
  sent_ += bytes;
  SYNOD_CHECK_LE(sent_, output_.size());
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = largest_ = 0;
  } else if (sent_ >= kCompactBytes && sent_ >= output_.size() / 2) {
    output_.erase(0, std::exchange(sent_, 0));
  }
  if (!output_paused_) return;
  if (unsent().size() <= options_->unsent_bytes_pause / 2) output_paused_ = false;
  // Its pings lie unread behind its requests, but it reads: its session is heard.
  if (granted_ && id_ != service::ConnectionId(0)) service_->Submit(id_, {});
}

void ClientSession::Finish() {
  if (finished_) return;
  finished_ = true;
  GiveBack(&held_);
  host_->OutputReady();
}

void ClientSession::Cut() {
  GiveBack(&output_);
  sent_ = largest_ = 0;
  Finish();
}

void ClientSession::OutputLeaves(absl::Duration now) {
  if (untimed_ == 0) return;
  absl::Duration longest = now - untimed_first_, shortest = now - untimed_last_;
  min_latency_ = latency_count_ == 0 ? shortest : std::min(min_latency_, shortest);
  max_latency_ = std::max(max_latency_, longest);
  latency_sum_ += now * untimed_ - untimed_sum_;
  latency_count_ += untimed_;
  last_latency_ = shortest;
  last_response_ = now;
  untimed_ = 0;
  untimed_sum_ = {};
}

// Replies come in the order of their requests, so the first of a turn waited longest.
void ClientSession::CountReply(const Shape& shape, absl::Duration since, Zxid zxid, size_t bytes) {
  if (untimed_++ == 0) untimed_first_ = since;
  untimed_last_ = since;
  untimed_sum_ += since;
  last_op_ = shape.op;
  if (shape.xid >= 0) last_xid_ = shape.xid;
  last_zxid_ = zxid;
  commands::DoorCounters& counters = workspace_->counters;
  counters.last_response_bytes = bytes;
  counters.max_response_bytes = std::max<uint64_t>(counters.max_response_bytes, bytes);
  if (counters.min_response_bytes == 0 || bytes < counters.min_response_bytes) counters.min_response_bytes = bytes;
}

// ---- the service ----

void ClientSession::OnConnected(const service::ConnectResult& result) {
  if (finished_) return;
  granted_ = true;
  phase_ = Phase::kGranted;
  session_ = result.session;
  timeout_ = result.timeout;
  size_t before = output_.size();
  EncodeConnected(result, has_read_only_, Out());
  CountReply({0, OpCode::kCreateSession, nullptr}, taken_, result.zxid, output_.size() - before);
  Appended(before);
  host_->InputWanted();
}

void ClientSession::OnReply(service::Reply reply) {
  if (finished_) return;
  bool proof = authenticating_ && shapes_.front_position() == proof_position_;
  ShapeQueue::Item item = shapes_.Pop();
  const Shape& shape = item.shape;
  if (!(shape.more && shape.more->answer) && LosesConnection(reply.error)) return Finish();
  size_t before = output_.size();
  ErrorNumber error = ErrorOf(shape, reply);
  Zxid zxid = reply.zxid;
  EncodeReply(shape, &reply, Out());
  CountReply(shape, item.since, zxid, output_.size() - before);
  Appended(before);
  if (proof && error == ErrorNumber::kOk) {
    authenticated_ = true;
    authenticating_ = false;
    host_->InputWanted();
  }
  bool refused = shape.op == OpCode::kAuth && error != ErrorNumber::kOk;
  bool last = (shape.more && shape.more->close_after) || shape.op == OpCode::kCloseSession;
  if (refused || last) Finish();
}

void ClientSession::OnNotification(const service::Notification& notification) {
  if (finished_) return;
  size_t before = output_.size();
  EncodeNotification(notification, Out());
  Appended(before);
}

void ClientSession::OnPong(uint64_t, Zxid zxid) {
  if (finished_) return;
  size_t before = output_.size();
  EncodePong(zxid, Out());
  Appended(before);
  // Without its latency: it waits for the next report to the leader (S6), which says nothing of how fast we are.
  last_op_ = OpCode::kPing;
  last_zxid_ = zxid;
}

void ClientSession::OnClose(service::CloseReason reason, std::string_view) {
  id_ = {};
  bool refused = reason == service::CloseReason::kSessionExpired || reason == service::CloseReason::kAuthFailed;
  if (!finished_ && phase_ == Phase::kConnecting && refused) {
    size_t before = output_.size();
    EncodeRefused(has_read_only_, Out());
    Appended(before);
  }
  Finish();
}

void ClientSession::OnFlowResume() {
  flow_paused_ = false;
  host_->InputWanted();
}

// ---- operators ----

commands::ConnectionFacts ClientSession::Facts() const {
  commands::ConnectionFacts facts;
  facts.address = address_;
  facts.port = port_;
  facts.wants_input = wants_input();
  facts.wants_output = !unsent().empty();
  facts.outstanding = shapes_.size();
  facts.received = received_;
  facts.sent = packets_sent_;
  facts.session = session_;
  facts.last_operation = last_op_ == OpCode::kCreateSession ? "SESS" : ShortName(last_op_);
  facts.established_wall_ms = opened_wall_ms_;
  facts.session_timeout = timeout_;
  facts.last_xid = last_xid_;
  facts.last_zxid = last_zxid_;
  facts.last_response = last_response_;
  facts.last_latency = last_latency_;
  facts.min_latency = min_latency_;
  facts.max_latency = max_latency_;
  facts.latency_sum = latency_sum_;
  facts.latency_count = latency_count_;
  return facts;
}

size_t ClientSession::memory_bytes() const {
  auto heap = [](const std::string& s) { return s.capacity() > std::string().capacity() ? s.capacity() + 1 : 0; };
  return sizeof(*this) + heap(held_) + heap(output_) + heap(address_) + shapes_.memory_bytes();
}

void ClientSession::ResetCounters() {
  received_ = packets_sent_ = latency_count_ = 0;
  last_op_ = OpCode::kError;
  last_xid_ = -1;
  last_zxid_ = Zxid(-1);
  last_response_ = last_latency_ = min_latency_ = max_latency_ = latency_sum_ = absl::ZeroDuration();
  untimed_ = 0;
  untimed_sum_ = {};
}

}  // namespace synod::frontdoor::zookeeper
