#include "tests/chaos/workload.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "coordinator/base/random.h"

namespace synod::testing {
namespace {

using client::BlockingClient;
using client::Effect;
using client::ErrorCode;
using client::ReadStrength;

constexpr char kRoot[] = "/chaos";

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsWrite(const RegisterOp& op) { return op.call != RegisterCall::kGet; }

// What an error says about a register; nullopt: nothing (it was not done, and for no reason that lies in the register).
std::optional<RegisterOutcome> OutcomeOf(const client::Error& error) {
  switch (error.code) {
    case ErrorCode::kNoNode:
      return RegisterOutcome::kNoNode;
    case ErrorCode::kNodeExists:
      return RegisterOutcome::kNodeExists;
    case ErrorCode::kBadVersion:
      return RegisterOutcome::kBadVersion;
    default:
      if (error.effect == Effect::kMayHaveBeenDone) return RegisterOutcome::kUnknown;
      return std::nullopt;
  }
}

// Runs `call`, and fills in its times and, on an error, what that says. Returns the result's value if there is one.
template <typename Call>
auto Timed(RegisterOp& op, bool& say, Call call) {
  op.invoked = NowNs();
  auto result = call();
  op.returned = NowNs();
  say = true;
  if (!result.ok()) {
    const std::optional<RegisterOutcome> outcome = OutcomeOf(result.error());
    say = outcome.has_value() && !(op.call == RegisterCall::kGet && outcome == RegisterOutcome::kUnknown);
    if (outcome) op.outcome = *outcome;
  }
  return result;
}

RegisterOp NewOp(int client, RegisterCall call, const std::string& key, std::string value = "", int32_t expected = -1) {
  RegisterOp op;
  op.client = client;
  op.call = call;
  op.key = key;
  op.value = std::move(value);
  op.expected_version = expected;
  return op;
}

bool SessionIsOver(const client::Error& error) {
  return error.code == ErrorCode::kSessionExpired || error.code == ErrorCode::kClosed ||
         error.code == ErrorCode::kSessionMoved;
}

}  // namespace

RegisterWorkload::RegisterWorkload(WorkloadOptions options) : options_(std::move(options)) {
  for (int i = 0; i < options_.registers; ++i) keys_.push_back(absl::StrCat(kRoot, "/r", i));
  for (int i = 0; i < 2; ++i) keys_.push_back(absl::StrCat(kRoot, "/x", i));
}

RegisterWorkload::~RegisterWorkload() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

std::unique_ptr<BlockingClient> RegisterWorkload::Connect(uint64_t seed) const {
  client::ClientOptions options;
  options.servers = absl::StrJoin(options_.servers, ",");
  options.session_timeout = options_.session_timeout;
  options.request_timeout = absl::Seconds(5);
  options.seed = seed;
  auto client = BlockingClient::Create(std::move(options));
  SYNOD_CHECK(client.ok()) << client.status();
  return *std::move(client);
}

bool RegisterWorkload::IsSetOnly(const std::string& key) const { return key[sizeof kRoot] == 'r'; }

absl::Status RegisterWorkload::Start() {
  const auto client = Connect(options_.seed);
  const auto root = client->Create(kRoot, std::string());
  if (!root.ok()) return absl::UnavailableError(root.error().ToString());
  for (const std::string& key : keys_) {
    RegisterOp op = NewOp(0, RegisterCall::kCreate, key, absl::StrCat("first", key.substr(sizeof kRoot)));
    bool say = false;
    const auto created = Timed(op, say, [&] { return client->Create(key, op.value); });
    if (!created.ok()) return absl::UnavailableError(created.error().ToString());
    history_.push_back(op);
  }
  client->Close();
  for (int i = 1; i <= options_.clients; ++i) threads_.emplace_back([this, i] { RunClient(i); });
  return absl::OkStatus();
}

void RegisterWorkload::Record(RegisterOp op, std::vector<RegisterOp>& ops) {
  if (IsWrite(op) && op.outcome == RegisterOutcome::kOk) ++acknowledged_;
  ops.push_back(std::move(op));
}

void RegisterWorkload::RunClient(int number) {
  Random random(options_.seed * 1000 + static_cast<uint64_t>(number));
  auto client = Connect(random.Next());
  std::vector<RegisterOp> ops;
  for (int step = 0; !stopping_; ++step) {
    // A new session is what an application would make.
    if (Step(*client, number, random.Next(), absl::StrCat("c", number, "-", step), ops))
      client = Connect(random.Next());
  }
  client->Close();
  std::lock_guard lock(mutex_);
  history_.insert(history_.end(), ops.begin(), ops.end());
}

bool RegisterWorkload::Step(BlockingClient& client, int number, uint64_t choice, const std::string& value,
                            std::vector<RegisterOp>& ops) {
  const std::string& key = keys_[choice % keys_.size()];
  RegisterOp read = NewOp(number, RegisterCall::kGet, key);
  bool say = false;
  const auto got = Timed(read, say, [&] { return client.Get(key, ReadStrength::kLinearizable); });
  if (got.ok()) {
    read.value = got->data.value_or("");
    read.version = got->stat.version;
  }
  if (say) Record(read, ops);
  if (!say) {
    // Nobody serves: do not spin.
    absl::SleepFor(absl::Milliseconds(5));
    return SessionIsOver(got.error());
  }
  const uint64_t kind = choice / keys_.size() % 10;
  if (kind < 2) return false;  // a reader
  if (!got.ok()) {
    RegisterOp create = NewOp(number, RegisterCall::kCreate, key, value);
    const auto done = Timed(create, say, [&] { return client.Create(key, value); });
    if (say) Record(create, ops);
    return !done.ok() && SessionIsOver(done.error());
  } else if (kind < 4 && !IsSetOnly(key)) {
    RegisterOp remove = NewOp(number, RegisterCall::kDelete, key, "", got->stat.version);
    const auto done = Timed(remove, say, [&] { return client.Delete(key, got->stat.version); });
    if (say) Record(remove, ops);
    return !done.ok() && SessionIsOver(done.error());
  } else {
    RegisterOp set = NewOp(number, RegisterCall::kSet, key, value, got->stat.version);
    const auto done = Timed(set, say, [&] { return client.Set(key, value, got->stat.version); });
    if (done.ok()) set.version = done->stat.version;
    if (say) Record(set, ops);
    return !done.ok() && SessionIsOver(done.error());
  }
}

void RegisterWorkload::Fault(const std::function<void()>& inject) {
  fault_times_.push_back(NowNs());
  inject();
}

absl::Status RegisterWorkload::WaitForWrites(int writes, absl::Duration timeout) {
  const int64_t wanted = acknowledged_ + writes;
  const absl::Time deadline = absl::Now() + timeout;
  while (acknowledged_ < wanted) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat("only ", acknowledged_ - wanted + writes, " of ", writes,
                                                      " writes acknowledged within ", absl::FormatDuration(timeout)));
    }
    absl::SleepFor(absl::Milliseconds(2));
  }
  return absl::OkStatus();
}

absl::Status RegisterWorkload::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const auto client = Connect(options_.seed + 99);
  for (const std::string& key : keys_) {
    RegisterOp read = NewOp(0, RegisterCall::kGet, key);
    bool say = false;
    const auto got = Timed(read, say, [&] { return client->Get(key, ReadStrength::kLinearizable); });
    if (!say)
      return absl::UnavailableError(absl::StrCat("the last read of ", key, " failed: ", got.error().ToString()));
    if (got.ok()) {
      read.value = got->data.value_or("");
      read.version = got->stat.version;
    }
    history_.push_back(read);
  }
  client->Close();
  return absl::OkStatus();
}

int RegisterWorkload::hits() const {
  return static_cast<int>(std::count_if(fault_times_.begin(), fault_times_.end(), [&](int64_t at) {
    return std::any_of(history_.begin(), history_.end(), [at](const RegisterOp& op) {
      return IsWrite(op) && op.invoked < at && (op.outcome == RegisterOutcome::kUnknown || op.returned > at);
    });
  }));
}

absl::Duration RegisterWorkload::LongestWriteGap() const {
  std::vector<int64_t> times;
  for (const RegisterOp& op : history_) {
    if (IsWrite(op) && op.outcome == RegisterOutcome::kOk) times.push_back(op.returned);
  }
  std::sort(times.begin(), times.end());
  int64_t longest = 0;
  for (size_t i = 1; i < times.size(); ++i) longest = std::max(longest, times[i] - times[i - 1]);
  return absl::Nanoseconds(longest);
}

std::string AccountForWrites(const RegisterHistory& history, const std::vector<std::string>& keys) {
  std::string wrong;
  for (const std::string& key : keys) {
    std::map<int32_t, const RegisterOp*> acknowledged;          // by the version they made
    std::map<int32_t, std::vector<const RegisterOp*>> unknown;  // likewise, if they happened
    const RegisterOp* last_read = nullptr;
    for (const RegisterOp& op : history) {
      if (op.key != key) continue;
      if (op.call == RegisterCall::kGet && op.outcome == RegisterOutcome::kOk) last_read = &op;
      if (op.call != RegisterCall::kSet) continue;
      if (op.outcome == RegisterOutcome::kUnknown) unknown[op.expected_version + 1].push_back(&op);
      if (op.outcome != RegisterOutcome::kOk) continue;
      if (!acknowledged.emplace(op.version, &op).second)
        absl::StrAppend(&wrong, key, ": two acknowledged sets made version ", op.version, "\n");
    }
    if (last_read == nullptr) {
      absl::StrAppend(&wrong, key, ": never read\n");
      continue;
    }
    for (const auto& [version, op] : acknowledged) {
      if (version > last_read->version)
        absl::StrAppend(&wrong, key, ": the acknowledged set of version ", version, " is gone\n");
    }
    for (int32_t version = 1; version <= last_read->version; ++version) {
      if (acknowledged.count(version) == 0 && unknown.count(version) == 0) {
        absl::StrAppend(&wrong, key, ": nobody made version ", version, "\n");
      }
    }
    const auto last = acknowledged.find(last_read->version);
    if (last != acknowledged.end() && last->second->value != last_read->value) {
      absl::StrAppend(&wrong, key, ": version ", last_read->version, " holds ", last_read->value, ", not ",
                      last->second->value, "\n");
    }
  }
  return wrong;
}

}  // namespace synod::testing
