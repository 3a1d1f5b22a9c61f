// What the leader writes into the log of its own accord besides expiries: removals of idle nodes, the rest of closing
// sessions, the settings of its configuration.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/service/idle_remover.h"
#include "coordinator/service/status.h"
#include "coordinator/statemachine/state_machine.h"

namespace synod::service {

// On every server, active on the leader only: from when an entry of its own term is applied there until it leads no
// more. Told the time. Every proposal may be lost with the leadership, and is made again by the next leader.
class LeaderDuties {
 public:
  struct Options {
    IdleRemover::Options idle;
    std::vector<std::pair<std::string, std::string>> settings;  // name, value
  };
  // Hands an encoded command to the log; false: no room, later.
  using Propose = absl::FunctionRef<bool(std::string command)>;

  // `state_machine` and `stats` must outlive it.
  LeaderDuties(const Options& options, const statemachine::StateMachine* state_machine, ServiceStats* stats);

  // Call before Run and OnApplied, with what the node says.
  void Update(bool leading_and_caught_up, Term term, absl::Duration now);
  bool active() const { return idle_.active(); }

  // Proposes what is due. `log_clock_us`: the leader's (L5).
  void Run(uint64_t log_clock_us, absl::Duration now, Propose propose);
  // Every command that nobody waits for: the answer to a proposal, maybe. Goes on with a closing session at once.
  void OnApplied(const statemachine::Command& command, const statemachine::Outcome& outcome, absl::Duration now,
                 Propose propose);
  void OnSessionClosing(SessionId session);
  // Proposes the next step of every closing session of which none is under way.
  void RunClosing(absl::Duration now, Propose propose);
  void OnSessionEnded(SessionId session) { closing_.erase(session); }

 private:
  bool ContinueClose(SessionId session, absl::Duration now, Propose propose);
  void RunSettings(Propose propose);
  void RunIdle(uint64_t log_clock_us, absl::Duration now, Propose propose);

  const statemachine::StateMachine* const state_machine_;
  ServiceStats* const stats_;
  IdleRemover idle_;
  Term term_;
  absl::btree_map<SessionId, std::optional<absl::Duration>> closing_;  // when its next step was proposed
  const std::vector<std::pair<std::string, std::string>> settings_;
  bool settings_due_ = false;
  absl::btree_map<std::string, std::string> settings_proposed_;
};

}  // namespace synod::service
