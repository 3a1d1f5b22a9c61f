// The real node behind the service's port.
#pragma once

#include <string>
#include <utility>

#include "coordinator/node/node.h"
#include "coordinator/service/node_port.h"

namespace synod::service {

// `node` is not owned and must outlive this.
class NodeAdapter final : public NodePort {
 public:
  explicit NodeAdapter(node::Node* node) : node_(node) {}
  node::SubmitResult Submit(std::string command) override { return node_->Submit(std::move(command)); }
  void ReadBarrier(absl::AnyInvocable<void(bool)> done) override { node_->ReadBarrier(std::move(done)); }
  void SendService(ServerId to, std::string bytes) override { node_->SendService(to, std::move(bytes)); }
  bool leading() const override { return node_->leading(); }
  bool LeadingAndCaughtUp() const override { return node_->LeadingAndCaughtUp(); }
  ServerId leader() const override { return node_->leader(); }
  Term term() const override { return node_->term(); }
  uint64_t LogClockUs() const override { return node_->LogClockUs(); }
  ServerId self() const override { return node_->self(); }
  node::NodeStatus Status() const override { return node_->Status(); }
  consensus::ProposeResult TransferLeadership(ServerId target) override { return node_->TransferLeadership(target); }
  void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) override {
    node_->TakeSnapshot(std::move(done));
  }

 private:
  node::Node* node_;
};

}  // namespace synod::service
