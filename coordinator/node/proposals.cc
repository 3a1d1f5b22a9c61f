#include "coordinator/node/proposals.h"

namespace synod::node {

void Proposals::Push(ServerId from, std::string command) {
  bytes_ += command.size();
  queue_.push_back({from, std::move(command)});
}

std::vector<std::string> Proposals::Pop(uint64_t bytes) {
  std::vector<std::string> out;
  uint64_t taken = 0;
  while (!queue_.empty() && (out.empty() || taken + queue_.front().command.size() <= bytes)) {
    Item& item = queue_.front();
    taken += item.command.size();
    if (item.from.value() != 0) freed_[item.from] += item.command.size();
    out.push_back(std::move(item.command));
    queue_.pop_front();
  }
  bytes_ -= taken;
  return out;
}

void Proposals::PutBack(std::vector<std::string> commands) {
  // Their credit was given back when they were popped, so they count as the own ones now.
  for (auto it = commands.rbegin(); it != commands.rend(); ++it) {
    bytes_ += it->size();
    queue_.push_front({ServerId(0), std::move(*it)});
  }
}

void Proposals::Clear() {
  queue_.clear();
  bytes_ = 0;
  freed_.clear();
}

}  // namespace synod::node
