// What happened to the tree, as the servers applied it: what every watch is judged by (W2, W3).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/statemachine/event_window.h"
#include "coordinator/statemachine/outcome.h"
#include "tests/sim/world.h"

namespace synod::sim {

using statemachine::Cursor;

struct TrueEvent {
  tree::EventType type = tree::EventType::kCreated;
  std::string path;
  absl::Duration seen;  // when the first server applied it
};

// Every server's apply tells it; two that tell different things of one zxid are a violation.
class EventTruth {
 public:
  explicit EventTruth(const World* world) : world_(world) {}
  void Observe(ServerId server, const std::vector<tree::Event>& events);

  // The first event after `after`, as a recursive watch on the root would get it; nullptr: none yet.
  const TrueEvent* Next(Cursor after, Cursor* where) const;
  // The last event's place; {0, all} if there was none.
  Cursor last() const;
  const std::map<Cursor, TrueEvent>& events() const { return events_; }
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  const World* const world_;
  std::map<Cursor, TrueEvent> events_;  // by the ordinal of the node's own notification
  std::optional<std::string> violation_;
};

// Stands between a state machine and its service.
class TruthObserver final : public statemachine::ApplyObserver {
 public:
  TruthObserver(ServerId server, EventTruth* truth, statemachine::ApplyObserver* next)
      : server_(server), truth_(truth), next_(next) {}

  void OnCommand(const statemachine::Command& command, const statemachine::Outcome& outcome,
                 const std::vector<tree::Event>& events) override {
    truth_->Observe(server_, events);
    next_->OnCommand(command, outcome, events);
  }
  void OnSessionGranted(const statemachine::SessionGrant& grant, uint64_t connection) override {
    next_->OnSessionGranted(grant, connection);
  }
  void OnSessionClosing(SessionId session, bool expired) override { next_->OnSessionClosing(session, expired); }
  void OnQuotaExceeded(const tree::QuotaExcess& excess) override { next_->OnQuotaExceeded(excess); }
  void OnSessionEnded(SessionId session, bool expired) override { next_->OnSessionEnded(session, expired); }
  void OnInstalled() override { next_->OnInstalled(); }

 private:
  const ServerId server_;
  EventTruth* const truth_;
  statemachine::ApplyObserver* const next_;
};

}  // namespace synod::sim
