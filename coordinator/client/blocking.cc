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
Result<Created> BlockingClient::Create(std::string path, Data data, CreateOptions options) {
  return Await<Created>(*client_, [&](Callback<Created> done) {
    client_->Create(std::move(path), std::move(data), std::move(options), std::move(done));
  });
}
Result<Created> BlockingClient::Put(std::string path, Data data) {
  return Await<Created>(
      *client_, [&](Callback<Created> done) { client_->Put(std::move(path), std::move(data), std::move(done)); });
}
Result<Deleted> BlockingClient::Delete(std::string path, DeleteOptions options) {
  return Await<Deleted>(*client_,
                        [&](Callback<Deleted> done) { client_->Delete(std::move(path), options, std::move(done)); });
}
Result<Deleted> BlockingClient::DeleteTree(std::string path, DeleteTreeOptions options) {
  return Await<Deleted>(
      *client_, [&](Callback<Deleted> done) { client_->DeleteTree(std::move(path), options, std::move(done)); });
}
Result<Written> BlockingClient::SetAcl(std::string path, Acl acl, int32_t version) {
  return Await<Written>(*client_, [&](Callback<Written> done) {
    client_->SetAcl(std::move(path), std::move(acl), version, std::move(done));
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
Result<TxnOutcome> BlockingClient::Txn(std::vector<Compare> compares, std::vector<Operation> then_operations,
                                       std::vector<Operation> else_operations) {
  return Await<TxnOutcome>(*client_, [&](Callback<TxnOutcome> done) {
    client_->Txn(std::move(compares), std::move(then_operations), std::move(else_operations), std::move(done));
  });
}
Result<int64_t> BlockingClient::Authenticate(Credential credential) {
  return Await<int64_t>(*client_,
                        [&](Callback<int64_t> done) { client_->Authenticate(std::move(credential), std::move(done)); });
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
Result<NodeAcl> BlockingClient::GetAcl(std::string path, ReadStrength strength) {
  return Await<NodeAcl>(*client_,
                        [&](Callback<NodeAcl> done) { client_->GetAcl(std::move(path), strength, std::move(done)); });
}
Result<Listing> BlockingClient::List(std::string path, ListOptions options, ReadStrength strength) {
  return Await<Listing>(*client_, [&](Callback<Listing> done) {
    client_->List(std::move(path), std::move(options), strength, std::move(done));
  });
}
Result<int64_t> BlockingClient::ListAll(std::string path, ListOptions options,
                                        absl::FunctionRef<bool(Listing&)> on_page, ReadStrength strength) {
  for (;;) {
    Result<Listing> page = List(path, options, strength);
    if (!page.ok()) return page.error();
    const bool more = page->more && !page->entries.empty();
    if (more) options.after = page->entries.back().name;
    const int64_t zxid = page->zxid;
    if (!on_page(*page) || !more) return zxid;
  }
}
Result<ReadResults> BlockingClient::MultiRead(std::vector<ReadOperation> operations, ReadStrength strength) {
  return Await<ReadResults>(*client_, [&](Callback<ReadResults> done) {
    client_->MultiRead(std::move(operations), strength, std::move(done));
  });
}
Result<Ephemerals> BlockingClient::GetEphemerals(EphemeralsOptions options, ReadStrength strength) {
  return Await<Ephemerals>(*client_, [&](Callback<Ephemerals> done) {
    client_->GetEphemerals(std::move(options), strength, std::move(done));
  });
}
Result<Count> BlockingClient::CountDescendants(std::string path, ReadStrength strength) {
  return Await<Count>(
      *client_, [&](Callback<Count> done) { client_->CountDescendants(std::move(path), strength, std::move(done)); });
}
Result<Identities> BlockingClient::WhoAmI() {
  return Await<Identities>(*client_, [&](Callback<Identities> done) { client_->WhoAmI(std::move(done)); });
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
Result<int64_t> BlockingClient::RemoveWatch(std::string path, WatchKind kind) {
  return Await<int64_t>(*client_,
                        [&](Callback<int64_t> done) { client_->RemoveWatch(std::move(path), kind, std::move(done)); });
}
Result<int64_t> BlockingClient::CheckWatch(std::string path, WatchKind kind) {
  return Await<int64_t>(*client_,
                        [&](Callback<int64_t> done) { client_->CheckWatch(std::move(path), kind, std::move(done)); });
}
Result<int64_t> BlockingClient::Close() {
  return Await<int64_t>(*client_, [&](Callback<int64_t> done) { client_->Close(std::move(done)); });
}

}  // namespace synod::client
