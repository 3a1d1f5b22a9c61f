#include "coordinator/service/leader_duties.h"

#include <variant>

#include "absl/strings/string_view.h"
#include "coordinator/base/log.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::service {
namespace {

constexpr absl::Duration kStepLost = absl::Seconds(5);  // after that a step is proposed again

std::string Encoded(statemachine::Operation operation) {
  statemachine::Command command;
  command.operation = std::move(operation);
  return statemachine::EncodeCommand(command);
}

}  // namespace

LeaderDuties::LeaderDuties(const Options& options, const statemachine::StateMachine* state_machine, ServiceStats* stats)
    : state_machine_(state_machine), stats_(stats), idle_(options.idle), settings_(options.settings) {}

void LeaderDuties::Update(bool leading_and_caught_up, Term term, absl::Duration now) {
  const bool anew = leading_and_caught_up && (!idle_.active() || term != term_);
  idle_.Update(leading_and_caught_up, term, now);
  term_ = term;
  if (leading_and_caught_up && !anew) return;
  closing_.clear();
  settings_proposed_.clear();
  settings_due_ = leading_and_caught_up && !settings_.empty();
  if (!leading_and_caught_up) return;
  for (SessionId session : state_machine_->sessions().closing()) closing_.emplace(session, std::nullopt);
}

void LeaderDuties::Run(uint64_t log_clock_us, absl::Duration now, Propose propose) {
  if (!active()) return;
  RunClosing(now, propose);
  if (settings_due_) RunSettings(propose);
  RunIdle(log_clock_us, now, propose);
}

void LeaderDuties::RunClosing(absl::Duration now, Propose propose) {
  for (const auto& [session, proposed] : closing_) {
    if (proposed && now - *proposed < kStepLost) continue;
    if (!ContinueClose(session, now, propose)) return;
  }
}

bool LeaderDuties::ContinueClose(SessionId session, absl::Duration now, Propose propose) {
  if (!propose(Encoded(statemachine::ContinueCloseOp{session}))) return false;
  closing_.find(session)->second = now;
  ++stats_->close_steps;
  return true;
}

void LeaderDuties::RunSettings(Propose propose) {
  for (const auto& [name, value] : settings_) {
    if (state_machine_->Setting(name).value_or(std::string_view()) == value) continue;
    auto proposed = settings_proposed_.find(name);
    if (proposed != settings_proposed_.end() && proposed->second == value) continue;
    if (!propose(Encoded(statemachine::SetSettingOp{name, value}))) return;
    SLOG_INFO("setting {} of the ensemble differs from this server's configuration: setting it", name);
    settings_proposed_[name] = value;
    ++stats_->settings_proposed;
  }
  settings_due_ = false;
}

void LeaderDuties::RunIdle(uint64_t log_clock_us, absl::Duration now, Propose propose) {
  bool room = true;
  for (tree::IdleNode& node : idle_.Due(state_machine_->tree(), log_clock_us, now)) {
    std::string path = node.path;
    room = room && propose(Encoded(statemachine::RemoveIdleOp{std::move(node.path), node.czxid, node.mzxid}));
    if (!room) idle_.NotProposed(path);
  }
}

void LeaderDuties::OnApplied(const statemachine::Command& command, const statemachine::Outcome& outcome,
                             absl::Duration now, Propose propose) {
  if (!active()) return;
  if (const auto* remove = std::get_if<statemachine::RemoveIdleOp>(&command.operation)) {
    idle_.OnApplied(remove->path);
    if (outcome.error == tree::Error::kOk) ++stats_->idle_removed;
  } else if (const auto* step = std::get_if<statemachine::ContinueCloseOp>(&command.operation)) {
    if (closing_.contains(step->session)) ContinueClose(step->session, now, propose);
  } else if (const auto* set = std::get_if<statemachine::SetSettingOp>(&command.operation)) {
    auto proposed = settings_proposed_.find(set->name);
    if (proposed != settings_proposed_.end() && proposed->second == set->value) settings_proposed_.erase(proposed);
    settings_due_ = !settings_.empty();
  }
}

void LeaderDuties::OnSessionClosing(SessionId session) {
  if (active()) closing_.emplace(session, std::nullopt);
}

}  // namespace synod::service
