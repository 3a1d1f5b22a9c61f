// One who follows a part of the tree through Watch streams (W3), from server to server, with pauses, and compares every
// event with what really happened.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/service/service.h"
#include "tests/sim/event_truth.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/world.h"

namespace synod::sim {

class SimFollower {
 public:
  // Everything below `path` if `recursive`, else the node and its list of children. From the very first event.
  SimFollower(World* world, const EventTruth* truth, std::string path, bool recursive,
              std::function<std::optional<Endpoint>()> pick_server);
  void Start();
  // The server it is connected to crashed.
  void Broken(const std::weak_ptr<void>& server);
  // It has been told of all that happened.
  bool CaughtUp() const { return cursor_ >= truth_->last(); }
  Cursor cursor() const { return cursor_; }
  uint64_t events() const { return events_; }
  uint64_t resumed() const { return resumed_; }
  uint64_t lost() const { return lost_; }
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  class Stream;

  void Open();
  void Reopen(absl::Duration delay);
  void Drop();
  void LeaveSometimes();
  void OnEvents(const std::vector<service::WatchStreamEvent>& events, Cursor cursor);
  void OnEnd(service::WatchEnd reason, Cursor oldest);
  // The next notification after `after` that this watch must get; nullopt: none.
  std::optional<service::WatchStreamEvent> Expected(Cursor after) const;
  void Violated(const std::string& what);

  World* const world_;
  const EventTruth* const truth_;
  const std::string path_;
  const bool recursive_;
  const std::function<std::optional<Endpoint>()> pick_server_;
  std::shared_ptr<Stream> stream_;
  uint64_t generation_ = 0;
  Cursor cursor_{Zxid(0)};
  uint64_t events_ = 0, resumed_ = 0, lost_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace synod::sim
