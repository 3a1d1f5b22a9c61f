#include "coordinator/cli/bench_worker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/wire.h"
#include "synod/v1/coordination.pb.h"

namespace synod::cli {
namespace {

constexpr absl::Duration kReconnectPause = absl::Milliseconds(20);
constexpr uint32_t kSessionTimeoutMs = 10'000;

std::string SetField(const std::string& path, const std::string& data) {
  v1::SetData set;
  set.set_path(path);
  set.mutable_data()->set_value(data);
  set.set_version(-1);
  return OperationField(v1::Request::kSetDataFieldNumber, set.SerializeAsString());
}

std::string GetField(const std::string& path) {
  v1::GetData get;
  get.set_path(path);
  return OperationField(v1::Request::kGetDataFieldNumber, get.SerializeAsString());
}

std::string CreateField(const std::string& path, const std::string& data) {
  v1::Create create;
  create.set_path(path);
  create.mutable_data()->set_value(data);
  return OperationField(v1::Request::kCreateFieldNumber, create.SerializeAsString());
}

}  // namespace

std::string BenchSessionNode(const BenchPlan& plan, size_t session) { return absl::StrCat(plan.root, "/s", session); }
std::string BenchNode(const BenchPlan& plan, size_t session, size_t node) {
  return absl::StrCat(BenchSessionNode(plan, session), "/n", node);
}
std::string BenchData(const BenchPlan& plan) {
  std::string data(plan.size, 'x');
  Random random(plan.size);
  for (char& c : data) c = static_cast<char>('a' + random.Below(26));
  return data;
}

// Loop's thread only.
class BenchWorker::Stream : public client::StreamHandler {
 public:
  Stream(BenchWorker* worker, size_t number)
      : worker_(worker), number_(number), server_(number % worker->plan_.addresses.size()), random_(number + 1) {
    const BenchPlan& plan = worker->plan_;
    for (size_t n = 0; n < plan.nodes; ++n) {
      const std::string path = BenchNode(plan, number, n);
      sets_.push_back(SetField(path, worker->data_));
      gets_.push_back(GetField(path));
    }
    sent_at_.resize(plan.outstanding);
  }

  // Connects, or sends as many requests as are missing. Returns when to be called again.
  absl::Duration Step(absl::Duration now) {
    if (stream_ == nullptr) {
      if (now < retry_at_) return retry_at_;
      writable_ = attached_ = false;
      stream_ = worker_->loop_->Open(worker_->plan_.addresses[server_], absl::Seconds(2), this);
    }
    const size_t room = std::min(worker_->plan_.outstanding, limit_);
    if (!attached_ || !writable_ || in_flight_ >= room) return absl::InfiniteDuration();
    std::string message;
    message.reserve((room - in_flight_) * (sets_[0].size() + 24) + 16);
    while (in_flight_ < room) AppendOne(now, &message);
    // Replies come in order: all before the oldest unanswered write were received.
    AppendConfirmed(answered_writes_ + 1, 0, &message);
    writable_ = false;
    stream_->Write(std::move(message));
    return absl::InfiniteDuration();
  }

  void OnStarted() override {
    v1::ClientMessage message;
    message.mutable_connect()->set_timeout_ms(kSessionTimeoutMs);
    stream_->Write(message.SerializeAsString());
  }
  void OnWritten() override { writable_ = true; }
  void OnMessage(std::string_view bytes) override {
    ReplyReader reader(bytes);
    if (reader.connected()) return OnConnected(bytes);
    const absl::Duration now = client::MonotonicNow();
    const bool measuring = worker_->measuring_->load(std::memory_order_relaxed);
    BenchCounts& counts = worker_->counts_;
    for (LightReply reply; reader.Next(&reply);) {
      const Sent& sent = sent_at_[reply.id % sent_at_.size()];
      --in_flight_;
      if (sent.write) ++answered_writes_;
      if (reply.error != 0) NoteError(v1::ErrorCode_Name(static_cast<int>(reply.error)));
      if (!measuring) continue;
      ++counts.operations;
      if (reply.error != 0) ++counts.refused;
      counts.latency.Add(static_cast<uint64_t>(absl::ToInt64Microseconds(now - sent.at)));
    }
    if (!reader.ok()) NoteError("malformed message from the server");
  }
  void OnEnded(const absl::Status& status) override {
    stream_.reset();
    if (attached_) --worker_->attached_;
    worker_->counts_.broken_streams++;
    worker_->counts_.unanswered += in_flight_;
    NoteError(worker_->plan_.addresses[server_] + ": " + std::string(status.message()));
    attached_ = false;
    server_ = (server_ + 1) % worker_->plan_.addresses.size();
    retry_at_ = client::MonotonicNow() + kReconnectPause;
  }

 private:
  struct Sent {
    absl::Duration at;
    bool write = false;
  };

  void OnConnected(std::string_view bytes) {
    v1::ServerMessage message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return NoteError("malformed message from the server");
    if (message.connected().max_outstanding() > 0) limit_ = message.connected().max_outstanding();
    in_flight_ = 0;
    next_sequence_ = 1;
    answered_writes_ = 0;
    attached_ = true;
    ++worker_->attached_;
  }

  void AppendOne(absl::Duration now, std::string* message) {
    const BenchPlan& plan = worker_->plan_;
    const BenchOperation operation = plan.operation;
    // Mixed: seven reads to three writes, as coordination services commonly see.
    const bool read =
        operation == BenchOperation::kGet || (operation == BenchOperation::kMixed && random_.Below(10) < 7);
    const uint64_t id = next_id_++;
    sent_at_[id % sent_at_.size()] = {now, !read};
    const size_t node = next_node_;
    next_node_ = (next_node_ + 1) % plan.nodes;
    ++in_flight_;
    if (read) return AppendRequest(id, 0, plan.strength, gets_[node], message);
    const uint64_t sequence = next_sequence_++;
    if (operation != BenchOperation::kCreate) return AppendRequest(id, sequence, 0, sets_[node], message);
    const std::string path = absl::StrCat(BenchSessionNode(plan, number_), "/c", next_created_++);
    AppendRequest(id, sequence, 0, CreateField(path, worker_->data_), message);
  }

  void NoteError(std::string text) {
    if (worker_->counts_.first_error.empty()) worker_->counts_.first_error = std::move(text);
  }

  BenchWorker* const worker_;
  const size_t number_;
  size_t server_;
  Random random_;
  std::unique_ptr<client::ByteStream> stream_;
  bool writable_ = false;
  bool attached_ = false;
  absl::Duration retry_at_ = -absl::InfiniteDuration();
  size_t limit_ = SIZE_MAX;
  size_t in_flight_ = 0;
  uint64_t next_id_ = 1;
  uint64_t next_sequence_ = 1;
  uint64_t answered_writes_ = 0;
  uint64_t next_created_ = 0;
  size_t next_node_ = 0;
  std::vector<Sent> sent_at_;      // by id modulo outstanding
  std::vector<std::string> sets_;  // encoded operations, by node
  std::vector<std::string> gets_;
};

BenchWorker::BenchWorker(const BenchPlan& plan, size_t first, size_t step, const std::atomic<bool>* measuring)
    : plan_(plan), measuring_(measuring), data_(BenchData(plan)) {
  for (size_t i = first; i < plan.sessions; i += step) streams_.push_back(std::make_unique<Stream>(this, i));
  loop_ = std::make_unique<client::StreamLoop>([this] { return Step(); });
  loop_->Post([] {});
}

BenchWorker::~BenchWorker() {
  if (loop_ != nullptr) (void)Finish();
}

absl::Duration BenchWorker::Step() {
  const absl::Duration now = client::MonotonicNow();
  absl::Duration next = absl::InfiniteDuration();
  for (auto& stream : streams_) next = std::min(next, stream->Step(now));
  return next;
}

BenchCounts BenchWorker::Finish() {
  loop_->Post([this] { streams_.clear(); });
  loop_.reset();
  return std::move(counts_);
}

}  // namespace synod::cli
