// What the service needs of the node, so that its tests give it a fake one. node_adapter.h puts the real one behind it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "coordinator/base/ids.h"
#include "coordinator/node/node.h"

namespace synod::service {

// Loop thread only. Each method as the one of node::Node with its name.
class NodePort {
 public:
  virtual ~NodePort() = default;
  virtual node::SubmitResult Submit(std::string command) = 0;
  virtual void ReadBarrier(absl::AnyInvocable<void(bool)> done) = 0;
  virtual void SendService(ServerId to, std::string bytes) = 0;
  virtual bool leading() const = 0;
  virtual bool LeadingAndCaughtUp() const = 0;
  virtual ServerId leader() const = 0;
  virtual Term term() const = 0;
  virtual uint64_t LogClockUs() const = 0;
  virtual ServerId self() const = 0;
  virtual node::NodeStatus Status() const = 0;
  virtual consensus::ProposeResult TransferLeadership(ServerId target) = 0;
  virtual void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) = 0;
};

}  // namespace synod::service
