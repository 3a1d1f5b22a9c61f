#include "coordinator/client/ensemble_client.h"

#include <future>
#include <utility>

#include "coordinator/client/stream_loop.h"

namespace synod::client {

struct EnsembleClient::Impl {
  explicit Impl(absl::Duration timeout) : timeout(timeout), loop([] { return absl::InfiniteDuration(); }) {}

  template <typename Reply, typename Request>
  std::future<absl::StatusOr<Reply>> Start(const std::string& address, const std::string& method,
                                           const Request& request) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Reply>>>();
    auto future = promise->get_future();
    loop.Post([this, address, method, bytes = request.SerializeAsString(), promise] {
      loop.Call(address, "/synod.v1.Ensemble/" + method, bytes, std::min(timeout, absl::Seconds(1)), timeout,
                [promise](CallOutcome outcome) {
                  Reply reply;
                  if (!outcome.status.ok()) return promise->set_value(std::move(outcome.status));
                  if (!reply.ParseFromString(outcome.reply))
                    return promise->set_value(absl::InternalError("an answer that is no message"));
                  promise->set_value(std::move(reply));
                });
    });
    return future;
  }

  template <typename Reply, typename Request>
  std::vector<absl::StatusOr<Reply>> All(const std::vector<std::string>& addresses, const std::string& method,
                                         const Request& request) {
    std::vector<std::future<absl::StatusOr<Reply>>> futures;
    for (const std::string& address : addresses) futures.push_back(Start<Reply>(address, method, request));
    std::vector<absl::StatusOr<Reply>> out;
    for (auto& future : futures) out.push_back(future.get());
    return out;
  }

  const absl::Duration timeout;
  StreamLoop loop;
};

EnsembleClient::EnsembleClient(std::vector<std::string> addresses, absl::Duration timeout)
    : addresses_(std::move(addresses)), impl_(std::make_unique<Impl>(timeout)) {}
EnsembleClient::~EnsembleClient() = default;

std::vector<absl::StatusOr<v1::StatusReply>> EnsembleClient::StatusOfAll() {
  return impl_->All<v1::StatusReply>(addresses_, "Status", v1::StatusRequest());
}
std::vector<absl::StatusOr<v1::DigestReply>> EnsembleClient::DigestOfAll() {
  return impl_->All<v1::DigestReply>(addresses_, "Digest", v1::DigestRequest());
}
std::vector<absl::StatusOr<v1::MembersReply>> EnsembleClient::MembersOfAll() {
  return impl_->All<v1::MembersReply>(addresses_, "Members", v1::MembersRequest());
}
absl::StatusOr<v1::TransferReply> EnsembleClient::Transfer(size_t server, uint32_t target) {
  v1::TransferRequest request;
  request.set_target(target);
  return impl_->Start<v1::TransferReply>(addresses_[server], "Transfer", request).get();
}
absl::StatusOr<v1::SnapshotReply> EnsembleClient::Snapshot(size_t server) {
  return impl_->Start<v1::SnapshotReply>(addresses_[server], "Snapshot", v1::SnapshotRequest()).get();
}

}  // namespace synod::client
