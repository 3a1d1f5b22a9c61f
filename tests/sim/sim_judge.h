// What must be true of an ensemble that has come to rest, and of what its clients were told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/statemachine/state_machine.h"
#include "tests/sim/event_truth.h"
#include "tests/sim/sim_client.h"

namespace synod::sim {

using Clients = std::vector<std::unique_ptr<SimClient>>;

bool HasChildren(const statemachine::StateMachine& state, const std::string& path);

// Each returns what is wrong; nullopt: nothing.

// Exactly once (S2): every acknowledged sequential create is there, and there are no more than were asked for.
std::optional<std::string> JudgeSequential(const statemachine::StateMachine& state, const Clients& clients);
// S1: an ephemeral belongs to a session that lives.
std::optional<std::string> JudgeEphemerals(const statemachine::StateMachine& state);
// L5: no TTL znode ended before its time, and all have ended.
std::optional<std::string> JudgeTtl(const EventTruth& truth, const Clients& clients);
std::optional<std::string> JudgeHistory(const testing::RegisterHistory& history, bool verbose);

}  // namespace synod::sim
