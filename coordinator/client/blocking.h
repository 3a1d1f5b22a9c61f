// The client, one call at a time: each method waits for its answer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "coordinator/client/client.h"

namespace synod::client {

// Any number of threads may call; each waits for its own answer only. Not from a callback of the client (that would
// wait for itself: it is a broken invariant and ends the process). With `request_timeout` infinite a call waits as long
// as the session may live.
class BlockingClient {
 public:
  // As Client::Create.
  static absl::StatusOr<std::unique_ptr<BlockingClient>> Create(ClientOptions options);

  Result<Created> Create(std::string path, Data data, CreateMode mode = CreateMode::kPersistent);
  Result<Created> Create(std::string path, Data data, CreateOptions options);
  Result<Created> Put(std::string path, Data data);
  Result<Written> Delete(std::string path, int32_t version = -1);
  Result<Deleted> Delete(std::string path, DeleteOptions options);
  Result<Deleted> DeleteTree(std::string path, DeleteTreeOptions options = {});
  Result<Written> Set(std::string path, Data data, int32_t version = -1);
  Result<Written> SetAcl(std::string path, Acl acl, int32_t version = -1);
  Result<Written> Check(std::string path, int32_t version = -1);
  Result<MultiOutcome> Multi(std::vector<Operation> operations);
  Result<TxnOutcome> Txn(std::vector<Compare> compares, std::vector<Operation> then_operations,
                         std::vector<Operation> else_operations = {});
  Result<int64_t> Authenticate(Credential credential);
  Result<NodeStat> Exists(std::string path, ReadStrength strength = ReadStrength::kSession,
                          WatchCallback watch = nullptr);
  Result<NodeValue> Get(std::string path, ReadStrength strength = ReadStrength::kSession,
                        WatchCallback watch = nullptr);
  Result<Children> GetChildren(std::string path, bool with_stat = false, ReadStrength strength = ReadStrength::kSession,
                               WatchCallback watch = nullptr);
  Result<NodeAcl> GetAcl(std::string path, ReadStrength strength = ReadStrength::kSession);
  Result<Listing> List(std::string path, ListOptions options = {}, ReadStrength strength = ReadStrength::kSession);
  // As Client::ListAll; `on_page` is called on this thread and may call this client.
  Result<int64_t> ListAll(std::string path, ListOptions options, absl::FunctionRef<bool(Listing&)> on_page,
                          ReadStrength strength = ReadStrength::kSession);
  Result<ReadResults> MultiRead(std::vector<ReadOperation> operations, ReadStrength strength = ReadStrength::kSession);
  Result<Ephemerals> GetEphemerals(EphemeralsOptions options = {}, ReadStrength strength = ReadStrength::kSession);
  Result<Count> CountDescendants(std::string path, ReadStrength strength = ReadStrength::kSession);
  Result<Identities> WhoAmI();
  Result<int64_t> Sync(std::string path);
  Result<int64_t> AddWatch(std::string path, PersistentWatchKind kind, WatchCallback watch);
  Result<int64_t> RemoveWatch(std::string path, PersistentWatchKind kind);
  Result<int64_t> RemoveWatch(std::string path, WatchKind kind);
  Result<int64_t> CheckWatch(std::string path, WatchKind kind);
  // Ends the session.
  Result<int64_t> Close();

  // The asynchronous client beneath; same session, same order.
  Client& async() { return *client_; }

 private:
  explicit BlockingClient(std::unique_ptr<Client> client) : client_(std::move(client)) {}
  std::unique_ptr<Client> client_;
};

}  // namespace synod::client
