// Scenarios as text (after etcd-io/raft's testdata): a command per block, `----`, then everything every server said and
// did. The commands are listed in scenario.cc above Run.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {

class Scenario {
 public:
  // Runs one block's command (one or more lines) and returns what happened.
  std::string Run(const std::string& command);
  // The invariant that broke, if any.
  std::string violation() const { return invariants_.violation().value_or(""); }

 private:
  using Words = std::vector<std::string>;

  void RunLine(const std::string& line);
  bool RunFault(const Words& words);
  bool RunCore(const Words& words);
  void Servers(const Words& words);
  void Tick(TestServer& server, uint64_t count);
  void Deliver(const Words& words);
  void Drop(const Words& words);
  void Stabilize();
  void DeliverOne(std::deque<Message>& link);
  bool SyncFastDisks();
  void Propose(TestServer& server, const Words& words);
  void Member(TestServer& server, const Words& words);
  void PrintStatus(TestServer& server);
  void PrintLog(TestServer& server);
  void Settle();
  void Report(TestServer& server, const Output& output);
  std::string Describe(const Message& message);
  std::string Describe(const Entry& entry) const;
  std::string Describe(const Configuration& configuration) const;
  std::string Name(const Identity& identity) const;
  uint64_t Small(uint64_t id);
  TestServer& At(const std::string& word);
  void Say(const std::string& line) { said_ += line + "\n"; }
  bool Blocked(ServerId from, ServerId to) const;

  Invariants invariants_;
  std::map<uint32_t, std::unique_ptr<TestServer>> servers_;
  std::map<std::pair<ServerId, ServerId>, std::deque<Message>> links_;
  std::set<std::pair<ServerId, ServerId>> blocked_;
  std::set<uint32_t> slow_disks_;
  std::map<uint64_t, uint64_t> small_ids_;  // read ids begin at random: shown in the order they appear
  std::string said_;
  CoreConfig config_;
};

}  // namespace synod::consensus
