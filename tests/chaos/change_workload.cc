#include "tests/chaos/change_workload.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "coordinator/client/blocking.h"

namespace synod::testing {

using client::BlockingClient;
using client::Operation;
using Type = client::WatchEvent::Type;

class ChangeWorkload::Worker {
 public:
  Worker(ChangeWorkload* load, int number)
      : load_(load),
        directory_(absl::StrCat(load->options_.path, "/c", number)),
        random_(load->options_.seed + number) {
    client::ClientOptions options;
    options.servers = absl::StrJoin(load->options_.servers, ",");
    options.session_timeout = absl::Seconds(30);
    options.seed = load->options_.seed * 1000 + static_cast<uint64_t>(number) + 1;
    client_ = *BlockingClient::Create(std::move(options));
  }

  void Run() {
    Took(client_->Create(directory_, std::nullopt));
    Took(client_->Create(directory_ + "/set", "0"));
    while (!load_->stopping_ && !failed_) Step();
    (void)client_->Close();
  }

 private:
  void Step() {
    const std::string value = std::to_string(++values_);
    switch (random_() % 7) {
      case 0:
        return Sequential(client_->Create(directory_ + "/s-", value, client::CreateMode::kPersistentSequential));
      case 1:
        return InMulti(client_->Multi({Operation::Check(directory_), SequentialOp(value)}));
      case 2: {
        auto outcome =
            client_->Txn({client::Compare::Exists(directory_)}, {Operation::Check(directory_), SequentialOp(value)});
        if (outcome.ok() && !outcome->succeeded) return Fail("a condition that holds was called false");
        return InMulti(outcome);
      }
      case 3: {
        auto put = client_->Put(directory_ + "/put", value);
        if (!put.ok()) return Fail(put.error().ToString());
        return Remember(put->created ? Type::kCreated : Type::kDataChanged, directory_ + "/put", *put);
      }
      case 4: {
        auto deleted = client_->Delete(directory_ + "/put", client::DeleteOptions{-1, true});
        if (!deleted.ok()) return Fail(deleted.error().ToString());
        if (deleted->deleted == 1) Remember(Type::kDeleted, directory_ + "/put", *deleted);
        return;
      }
      default: {
        auto set = client_->Set(directory_ + "/set", value);
        if (!set.ok()) return Fail(set.error().ToString());
        return Remember(Type::kDataChanged, directory_ + "/set", *set);
      }
    }
  }

  Operation SequentialOp(const std::string& value) const {
    return Operation::Create(directory_ + "/s-", value, client::CreateMode::kPersistentSequential);
  }
  void Sequential(const client::Result<client::Created>& created) {
    if (!created.ok()) return Fail(created.error().ToString());
    Remember(Type::kCreated, created->path, *created);
    CountSequential();
  }
  template <typename Outcome>
  void InMulti(const client::Result<Outcome>& outcome) {
    if (!outcome.ok()) return Fail(outcome.error().ToString());
    if (!outcome->error.ok()) return Fail(outcome->error.ToString());
    client::Written written;
    written.zxid = outcome->zxid;
    written.repeated_reply = outcome->repeated_reply;
    Remember(Type::kCreated, outcome->results.back().path, written);
    CountSequential();
  }
  void Took(const client::Result<client::Created>& created) {
    if (!created.ok()) return Fail(created.error().ToString());
    Remember(Type::kCreated, created->path, *created);
  }
  void Remember(Type type, const std::string& path, const client::Written& written) {
    std::lock_guard lock(load_->mutex_);
    load_->changes_.push_back({written.zxid, type, path});
    load_->repeated_ += written.repeated_reply ? 1 : 0;
    ++load_->acknowledged_;
  }
  void CountSequential() {
    std::lock_guard lock(load_->mutex_);
    ++load_->sequential_[directory_];
  }
  void Fail(const std::string& why) {
    failed_ = true;
    load_->Failed(why);
  }

  ChangeWorkload* const load_;
  const std::string directory_;
  std::mt19937_64 random_;
  std::unique_ptr<BlockingClient> client_;
  int values_ = 0;
  bool failed_ = false;
};

ChangeWorkload::~ChangeWorkload() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void ChangeWorkload::Failed(const std::string& why) {
  std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = why;
}

absl::Status ChangeWorkload::Start() {
  client::ClientOptions options;
  options.servers = absl::StrJoin(options_.servers, ",");
  auto client = BlockingClient::Create(std::move(options));
  if (!client.ok()) return client.status();
  auto created = (*client)->Create(options_.path, std::nullopt);
  if (!created.ok()) return absl::InternalError(created.error().ToString());
  changes_.push_back({created->zxid, Type::kCreated, options_.path});
  (void)(*client)->Close();
  for (int i = 0; i < options_.clients; ++i) {
    threads_.emplace_back([this, i] { Worker(this, i).Run(); });
  }
  return absl::OkStatus();
}

absl::Status ChangeWorkload::WaitForChanges(int changes, absl::Duration timeout) {
  const int64_t target = acknowledged_ + changes;
  const absl::Time deadline = absl::Now() + timeout;
  while (acknowledged_ < target) {
    {
      std::lock_guard lock(mutex_);
      if (!failure_.empty()) return absl::InternalError(failure_);
    }
    if (absl::Now() > deadline) return absl::DeadlineExceededError("too few changes were acknowledged");
    absl::SleepFor(absl::Milliseconds(2));
  }
  return absl::OkStatus();
}

absl::Status ChangeWorkload::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::sort(changes_.begin(), changes_.end());
  return failure_.empty() ? absl::OkStatus() : absl::InternalError(failure_);
}

}  // namespace synod::testing
