// One core whose peers are played by the test: messages in by hand, everything it says collected.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {

class LoneCore {
 public:
  explicit LoneCore(uint32_t id = 1, Configuration configuration = MakeConfiguration({1, 2, 3})) {
    config.self = MakeIdentity(id);
    config.election_ticks_min = 10;
    config.election_ticks_max = 20;
    config.heartbeat_ticks = 3;
    configuration_ = std::move(configuration);
  }

  void Start() {
    server = std::make_unique<TestServer>(config, &invariants, 7);
    server->Found(configuration_);
    if (!entries.empty()) server->SetLog(entries.back().term, entries);
    server->Start();
    Run();
  }

  Core& core() { return server->core(); }

  // Takes all outputs; what they said replaces what was said before.
  void Run() {
    said = Output();
    hard_states.clear();
    while (core().HasOutput()) {
      Output out = server->Drain();
      if (out.hard_state) hard_states.push_back(*out.hard_state);
      auto join = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      join(said.append, out.append);
      join(said.messages, out.messages);
      join(said.committed, out.committed);
      join(said.reads, out.reads);
      join(said.need_snapshot, out.need_snapshot);
      if (out.cut_from) said.cut_from = out.cut_from;
      said.removed = said.removed || out.removed;
    }
    ASSERT_FALSE(invariants.violation()) << *invariants.violation();
  }
  void Step(Message message) {
    message.to = config.self.server;
    core().Step(std::move(message));
    Run();
  }
  void Tick(uint64_t count = 1) {
    for (; count > 0; --count) core().Tick();
    Run();
  }
  void Sync() {
    if (server->NeedsSync()) {
      server->StartSync();
      server->FinishSync();
    }
    Run();
  }
  // Follows `leader` in `term`.
  void Append(Identity leader, uint64_t term, LogEnd before, std::vector<Entry> entries, uint64_t commit = 0,
              uint64_t round = 0) {
    Step({.type = MessageType::kAppend,
          .from = leader,
          .term = Term(term),
          .log_end = before,
          .commit = LogIndex(commit),
          .read_round = round,
          .entries = std::move(entries)});
  }
  void Acknowledge(Identity from, uint64_t match, uint64_t round = 0) {
    Step({.type = MessageType::kAppendReply,
          .from = from,
          .term = core().term(),
          .match = LogIndex(match),
          .read_round = round});
  }
  void GrantVote(Identity from) { Step({.type = MessageType::kVoteReply, .from = from, .term = core().term()}); }
  // Wins an election with the vote of `voter`; its first entry is synced here.
  void Lead(Identity voter = MakeIdentity(2)) {
    while (core().role() != Role::kPreCandidate && core().role() != Role::kLeader) Tick();
    if (core().role() == Role::kPreCandidate) {
      Step({.type = MessageType::kPreVoteReply, .from = voter, .term = core().term() + 1});
      GrantVote(voter);
    }
    ASSERT_EQ(core().role(), Role::kLeader);
    Sync();
  }
  // Leads, and an entry of the term is committed.
  void LeadEstablished(Identity voter = MakeIdentity(2)) {
    Lead(voter);
    Acknowledge(voter, core().last_index().value());
    ASSERT_TRUE(core().OwnTermCommitted());
  }
  const Message* Said(MessageType type, uint32_t to = 0) const {
    for (const Message& message : said.messages) {
      if (message.type == type && (to == 0 || message.to == ServerId(to))) return &message;
    }
    return nullptr;
  }
  void Propose(const std::string& text) {
    ASSERT_EQ(core().Propose(EntryType::kCommands, Payload(text)), ProposeResult::kAccepted);
  }

  CoreConfig config;
  Invariants invariants;
  std::vector<Entry> entries;  // on disk before the start
  std::unique_ptr<TestServer> server;
  Output said;
  std::vector<HardState> hard_states;

 private:
  Configuration configuration_;
};

}  // namespace synod::consensus
