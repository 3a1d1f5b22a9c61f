#include "coordinator/cli/node_writer.h"

#include <utility>

#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

// Of one multi: below the servers' 1 MiB with what the records cost besides their data.
constexpr size_t kBatchBytes = 512 * 1024;
constexpr size_t kBatchNodes = 500;
constexpr size_t kNodeOverhead = 200;

size_t SizeOf(const NewNode& node) {
  return node.data.value_or("").size() + node.path.size() + kNodeOverhead * (1 + node.acl.size());
}

}  // namespace

bool NodeWriter::Full(const NewNode& node) const {
  return nodes_ > 0 && (bytes_ + SizeOf(node) > kBatchBytes || nodes_ == kBatchNodes);
}

void NodeWriter::Add(NewNode node) {
  const bool set = on_existing_ == client::OnExisting::kSet;
  if (node.path == "/" && !set) {
    ++kept_;
    return;
  }
  ++nodes_;
  bytes_ += SizeOf(node);
  if (node.path == "/") {
    operations_.push_back(client::Operation::Set(node.path, std::move(node.data)));
  } else {
    client::CreateOptions options;
    options.mode = node.mode;
    options.ttl = node.ttl;
    options.acl = node.acl;
    options.on_existing = on_existing_;
    operations_.push_back(client::Operation::Create(node.path, std::move(node.data), std::move(options)));
  }
  if (set) operations_.push_back(client::Operation::SetAcl(node.path, std::move(node.acl)));
}

std::optional<NodeWriter::Failure> NodeWriter::Flush() {
  if (operations_.empty()) return std::nullopt;
  auto outcome = client_->Multi(operations_);
  if (!outcome.ok()) return Failure{outcome.error(), operations_[0].path};
  if (!outcome->error.ok()) return FailureOf(*outcome);
  for (size_t i = 0; i < operations_.size() && i < outcome->results.size(); ++i) {
    if (operations_[i].kind == client::Operation::Kind::kSetAcl) continue;
    const bool created = operations_[i].kind == client::Operation::Kind::kCreate && outcome->results[i].created;
    ++(created ? created_ : on_existing_ == client::OnExisting::kSet ? set_ : kept_);
  }
  operations_.clear();
  nodes_ = bytes_ = 0;
  return std::nullopt;
}

NodeWriter::Failure NodeWriter::FailureOf(const client::MultiOutcome& outcome) const {
  Failure failure{outcome.error, operations_[0].path};
  for (size_t i = 0; i < operations_.size() && i < outcome.results.size(); ++i) {
    const client::ErrorCode code = outcome.results[i].error;
    if (code == client::ErrorCode::kOk || code == client::ErrorCode::kRuntimeInconsistency) continue;
    failure.path = operations_[i].path;
    break;
  }
  if (failure.error.code == client::ErrorCode::kNodeExists) failure.error.message = "--on-existing keep or set goes on";
  if (failure.error.code == client::ErrorCode::kNoNode && failure.path != "/") {
    failure.path = ParentOf(failure.path);
    failure.error.message = "`synod create -p` makes it";
  }
  return failure;
}

}  // namespace synod::cli
