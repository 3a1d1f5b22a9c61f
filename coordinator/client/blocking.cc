#include "coordinator/client/blocking.h"

#include <future>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::client {
namespace {

// Calls `start` with a callback and waits until it was called.
template <typename T, typename Start>
Result<T> Await(const Client& client, Start start) {
  SYNOD_CHECK(!client.OnCallbackThread()) << "a blocking call inside a callback of the same client";
  std::promise<Result<T>> promise;
  std::future<Result<T>> future = promise.get_future();
  start([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return future.get();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlockingClient>> BlockingClient::Create(ClientOptions options) {
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Create(std::move(options)));
  return std::unique_ptr<BlockingClient>(new BlockingClient(std::move(client)));
}

Result<Created> BlockingClient::Create(std::string path, Data data, CreateMode mode) {
  return Await<Created>(*client_, [&](Callback<Created> done) {
    client_->Create(std::move(path), std::move(data), mode, std::move(done));
  });
}
Result<Written> BlockingClient::Delete(std::string path, int32_t version) {
  return Await<Written>(*client_,
                        [&](Callback<Written> done) { client_->Delete(std::move(path), version, std::move(done)); });
}
Result<Written> BlockingClient::Set(std::string path, Data data, int32_t version) {
  return Await<Written>(*client_, [&](Callback<Written> done) {
    client_->Set(std::move(path), std::move(data), version, std::move(done));
  });
}
Result<Written> BlockingClient::Check(std::string path, int32_t version) {
  return Await<Written>(*client_,
                        [&](Callback<Written> done) { client_->Check(std::move(path), version, std::move(done)); });
}
Result<MultiOutcome> BlockingClient::Multi(std::vector<Operation> operations) {
  return Await<MultiOutcome>(
      *client_, [&](Callback<MultiOutcome> done) { client_->Multi(std::move(operations), std::move(done)); });
}
Result<NodeStat> BlockingClient::Exists(std::string path, ReadStrength strength, WatchCallback watch) {
  return Await<NodeStat>(*client_, [&](Callback<NodeStat> done) {
    client_->Exists(std::move(path), strength, std::move(watch), std::move(done));
  });
}
Result<NodeValue> BlockingClient::Get(std::string path, ReadStrength strength, WatchCallback watch) {
  return Await<NodeValue>(*client_, [&](Callback<NodeValue> done) {
    client_->Get(std::move(path), strength, std::move(watch), std::move(done));
  });
}
Result<Children> BlockingClient::GetChildren(std::string path, bool with_stat, ReadStrength strength,
                                             WatchCallback watch) {
  return Await<Children>(*client_, [&](Callback<Children> done) {
    client_->GetChildren(std::move(path), with_stat, strength, std::move(watch), std::move(done));
  });
}
Result<int64_t> BlockingClient::Sync(std::string path) {
  return Await<int64_t>(*client_, [&](Callback<int64_t> done) { client_->Sync(std::move(path), std::move(done)); });
}
Result<int64_t> BlockingClient::AddWatch(std::string path, PersistentWatchKind kind, WatchCallback watch) {
  return Await<int64_t>(*client_, [&](Callback<int64_t> done) {
    client_->AddWatch(std::move(path), kind, std::move(watch), std::move(done));
  });
}
Result<int64_t> BlockingClient::RemoveWatch(std::string path, PersistentWatchKind kind) {
  return Await<int64_t>(*client_,
                        [&](Callback<int64_t> done) { client_->RemoveWatch(std::move(path), kind, std::move(done)); });
}
Result<int64_t> BlockingClient::Close() {
  return Await<int64_t>(*client_, [&](Callback<int64_t> done) { client_->Close(std::move(done)); });
}

}  // namespace synod::client
