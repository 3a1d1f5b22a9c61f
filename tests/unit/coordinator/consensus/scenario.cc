#include "tests/unit/coordinator/consensus/scenario.h"

#include <sstream>

#include "coordinator/base/check.h"

namespace synod::consensus {
namespace {

const char* RoleName(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
    case Role::kLearner:
      return "learner";
  }
  return "?";
}

const char* TypeName(MessageType type) {
  switch (type) {
    case MessageType::kPreVote:
      return "PreVote";
    case MessageType::kPreVoteReply:
      return "PreVoteReply";
    case MessageType::kVote:
      return "Vote";
    case MessageType::kVoteReply:
      return "VoteReply";
    case MessageType::kAppend:
      return "Append";
    case MessageType::kAppendReply:
      return "AppendReply";
    case MessageType::kTimeoutNow:
      return "TimeoutNow";
    case MessageType::kReadIndex:
      return "ReadIndex";
    case MessageType::kReadIndexReply:
      return "ReadIndexReply";
  }
  return "?";
}

const char* ResultName(ProposeResult result) {
  switch (result) {
    case ProposeResult::kAccepted:
      return "accepted";
    case ProposeResult::kNotLeader:
      return "not leader";
    case ProposeResult::kTransferring:
      return "transferring";
    case ProposeResult::kChangePending:
      return "change pending";
    case ProposeResult::kTermNotStarted:
      return "term not started";
    case ProposeResult::kInvalid:
      return "invalid";
  }
  return "?";
}

std::string Text(uint64_t n) { return std::to_string(n); }
std::string Text(LogEnd end) { return Text(end.term.value()) + "/" + Text(end.index.value()); }
uint64_t Number(const std::string& word) { return std::stoull(word); }

std::vector<std::string> Split(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::pair<ServerId, ServerId> Link(const std::string& word) {
  size_t arrow = word.find('>');
  SYNOD_CHECK(arrow != std::string::npos) << "a link is FROM>TO, not " << word;
  return {ServerId(static_cast<uint32_t>(Number(word.substr(0, arrow)))),
          ServerId(static_cast<uint32_t>(Number(word.substr(arrow + 1))))};
}

}  // namespace

// The commands, one per line. N, M: server ids. Disks are fast unless said otherwise: `stabilize` syncs them.
//
//   servers COUNT [learners=M,..] [empty=M,..]   an ensemble of that size; `empty` servers know no configuration
//   log N T:I.. [term=T] [commit=I]  before `start`: entries of term T, each up to index I, on N's disk; its own term
//   start N | start all
//   tick N [COUNT]
//   deliver FROM>TO [COUNT]          the next messages of the link, as many as there are now
//   drop FROM>TO                     those that are under way
//   repeat FROM>TO                   the next one is delivered and stays under way
//   block FROM>TO.. | isolate N | heal      what is sent meanwhile is lost
//   stabilize                        delivers and syncs until nothing moves
//   disk N slow|fast ; sync N begin|end     a slow disk syncs by command
//   propose N TEXT.. ; member N add-voter|add-learner|remove M[.STORAGE]
//   read N ; transfer N M ; stalled N
//   connect N M[.STORAGE] ; disconnect N M ; guest N M.STORAGE
//   crash N ; wipe N STORAGE ; damage N INDEX ; repair N INDEX from M
//   snapshot N keep=K ; install N from M ; sent N M ok|failed
//   status N.. ; disk-log N..
std::string Scenario::Run(const std::string& command) {
  said_.clear();
  std::istringstream in(command);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) RunLine(line);
  }
  if (said_.empty()) said_ = "ok\n";
  return said_;
}

void Scenario::RunLine(const std::string& line) {
  Words words = Split(line);
  const std::string& verb = words[0];
  if (verb == "servers") {
    Servers(words);
  } else if (verb == "deliver" || verb == "repeat") {
    Deliver(words);
  } else if (verb == "drop") {
    Drop(words);
  } else if (verb == "stabilize") {
    Stabilize();
  } else if (verb == "status") {
    for (size_t i = 1; i < words.size(); ++i) PrintStatus(At(words[i]));
  } else if (verb == "disk-log") {
    for (size_t i = 1; i < words.size(); ++i) PrintLog(At(words[i]));
  } else if (!RunFault(words) && !RunCore(words)) {
    SYNOD_CHECK(false) << "no such command: " << line;
  }
  Settle();
}

bool Scenario::RunFault(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "block") {
    for (size_t i = 1; i < words.size(); ++i) blocked_.insert(Link(words[i]));
  } else if (verb == "isolate") {
    for (auto& [id, server] : servers_) {
      ServerId alone = At(words[1]).identity().server;
      blocked_.insert({alone, ServerId(id)});
      blocked_.insert({ServerId(id), alone});
    }
  } else if (verb == "heal") {
    blocked_.clear();
  } else if (verb == "disk") {
    uint32_t id = At(words[1]).identity().server.value();
    words[2] == "slow" ? (void)slow_disks_.insert(id) : (void)slow_disks_.erase(id);
  } else if (verb == "sync") {
    words[2] == "begin" ? At(words[1]).StartSync() : At(words[1]).FinishSync();
  } else if (verb == "log") {
    std::vector<Entry> entries;
    uint64_t commit = 0;
    uint64_t term = 0;
    for (size_t i = 2; i < words.size(); ++i) {
      if (words[i].rfind("commit=", 0) == 0) {
        commit = Number(words[i].substr(7));
        continue;
      }
      if (words[i].rfind("term=", 0) == 0) {
        term = Number(words[i].substr(5));
        continue;
      }
      size_t colon = words[i].find(':');
      term = Number(words[i].substr(0, colon));
      uint64_t to = Number(words[i].substr(colon + 1));
      while (entries.size() < to) entries.push_back(MakeEntry(term, entries.size() + 1, "t" + Text(term)));
    }
    At(words[1]).SetLog(Term(term), std::move(entries), LogIndex(commit));
  } else if (verb == "start") {
    for (auto& [id, server] : servers_) {
      if (!server->running() && (words[1] == "all" || Number(words[1]) == id)) server->Start();
    }
  } else if (verb == "crash") {
    At(words[1]).Crash(0);
  } else if (verb == "wipe") {
    At(words[1]).Wipe(StorageId(Number(words[2])));
  } else if (verb == "damage") {
    At(words[1]).Damage(LogIndex(Number(words[2])));
  } else if (verb == "repair") {
    Say(At(words[1]).RepairFrom(At(words[4]), LogIndex(Number(words[2]))) ? "repaired" : "not found");
  } else {
    return false;
  }
  return true;
}

bool Scenario::RunCore(const Words& words) {
  const std::string& verb = words[0];
  if (words.size() < 2) return false;
  TestServer& server = At(words[1]);
  Core& core = server.core();
  auto identity = [&](const std::string& word) {
    size_t dot = word.find('.');
    return MakeIdentity(static_cast<uint32_t>(Number(word)),
                        dot == std::string::npos ? 0 : Number(word.substr(dot + 1)));
  };
  if (verb == "tick") {
    Tick(server, words.size() > 2 ? Number(words[2]) : 1);
  } else if (verb == "propose") {
    Propose(server, words);
  } else if (verb == "member") {
    Member(server, words);
  } else if (verb == "read") {
    Say(words[1] + ": asks for read r" + Text(Small(core.RequestRead())));
  } else if (verb == "transfer") {
    Say(ResultName(core.TransferLeadership(ServerId(static_cast<uint32_t>(Number(words[2]))))));
  } else if (verb == "stalled") {
    core.OwnDiskStalled();
  } else if (verb == "connect") {
    core.PeerConnected(identity(words[2]));
  } else if (verb == "disconnect") {
    core.PeerDisconnected(ServerId(static_cast<uint32_t>(Number(words[2]))));
  } else if (verb == "guest") {
    core.AddGuest(identity(words[2]));
  } else if (verb == "snapshot") {
    server.TakeSnapshot(Number(words[2].substr(5)));
    Say(words[1] + ": snapshot at " + Text(server.snapshot().index.value()) + ", log from " +
        Text(server.first().value()));
  } else if (verb == "install") {
    server.Install(At(words[3]).snapshot());
    Say(words[1] + ": log [" + Text(server.first().value()) + ", " + Text(server.last().value()) + "]");
  } else if (verb == "sent") {
    core.SnapshotSendEnded(ServerId(static_cast<uint32_t>(Number(words[2]))), words[3] == "ok");
  } else {
    return false;
  }
  return true;
}

void Scenario::Servers(const Words& words) {
  invariants_ = Invariants();
  servers_.clear();
  links_.clear();
  blocked_.clear();
  slow_disks_.clear();
  std::set<uint32_t> learners, empty;
  for (size_t i = 2; i < words.size(); ++i) {
    size_t equals = words[i].find('=');
    std::istringstream list(words[i].substr(equals + 1));
    for (std::string id; std::getline(list, id, ',');) {
      (words[i][0] == 'l' ? learners : empty).insert(static_cast<uint32_t>(Number(id)));
    }
  }
  config_.election_ticks_min = 10;
  config_.election_ticks_max = 20;
  config_.heartbeat_ticks = 3;
  std::vector<uint32_t> voters;
  uint32_t count = static_cast<uint32_t>(Number(words[1]));
  for (uint32_t id = 1; id <= count; ++id) {
    if (!learners.contains(id) && !empty.contains(id)) voters.push_back(id);
  }
  for (uint32_t id = 1; id <= count; ++id) {
    config_.self = MakeIdentity(id);
    servers_[id] = std::make_unique<TestServer>(config_, &invariants_, id);
    if (!empty.contains(id)) {
      servers_[id]->Found(MakeConfiguration(voters, std::vector<uint32_t>(learners.begin(), learners.end())));
    }
  }
}

void Scenario::Tick(TestServer& server, uint64_t count) {
  for (; count > 0; --count) {
    server.core().Tick();
    Settle();
  }
}

bool Scenario::Blocked(ServerId from, ServerId to) const {
  auto at = servers_.find(to.value());
  return blocked_.contains({from, to}) || at == servers_.end() || !at->second->running();
}

void Scenario::DeliverOne(std::deque<Message>& link) {
  Message message = std::move(link.front());
  link.pop_front();
  if (Blocked(message.from.server, message.to)) return;
  servers_[message.to.value()]->core().Step(std::move(message));
  Settle();
}

void Scenario::Deliver(const Words& words) {
  std::deque<Message>& link = links_[Link(words[1])];
  size_t count = words.size() > 2 ? Number(words[2]) : link.size();
  if (words[0] == "repeat" && !link.empty()) link.push_front(link.front()), count = 1;
  for (; count > 0 && !link.empty(); --count) DeliverOne(link);
}

void Scenario::Drop(const Words& words) {
  for (const Message& message : links_[Link(words[1])]) Say("lost: " + Describe(message));
  links_[Link(words[1])].clear();
}

bool Scenario::SyncFastDisks() {
  bool any = false;
  for (auto& [id, server] : servers_) {
    if (!server->running() || slow_disks_.contains(id) || !server->NeedsSync()) continue;
    server->StartSync();
    server->FinishSync();
    Settle();
    any = true;
  }
  return any;
}

void Scenario::Stabilize() {
  for (int round = 0; round < 1000; ++round) {
    Settle();
    bool any = SyncFastDisks();
    for (auto& [ends, link] : links_) {
      for (size_t n = link.size(); n > 0; --n, any = true) DeliverOne(link);
    }
    if (!any) return;
  }
  Say("never quiet");
}

void Scenario::Propose(TestServer& server, const Words& words) {
  for (size_t i = 2; i < words.size(); ++i) {
    ProposeResult result = server.core().Propose(EntryType::kCommands, Payload(words[i]));
    if (result != ProposeResult::kAccepted) Say(ResultName(result));
  }
}

void Scenario::Member(TestServer& server, const Words& words) {
  MembershipChange change;
  if (words[2] == "add-learner") change.kind = MembershipChange::Kind::kAddLearner;
  if (words[2] == "remove") change.kind = MembershipChange::Kind::kRemove;
  size_t dot = words[3].find('.');
  change.member.identity = MakeIdentity(static_cast<uint32_t>(Number(words[3])),
                                        dot == std::string::npos ? 0 : Number(words[3].substr(dot + 1)));
  ProposeResult result = server.core().ProposeMembership(change);
  if (result != ProposeResult::kAccepted) Say(ResultName(result));
}

void Scenario::PrintStatus(TestServer& server) {
  CoreStatus status = server.core().Status();
  Say(Name(server.identity()) + ": " + RoleName(status.role) + " term " + Text(status.term.value()) + " leader " +
      Text(status.leader.value()) + " log [" + Text(status.first.value()) + ", " + Text(status.last.value()) +
      "] synced " + Text(status.synced.value()) + " commit " + Text(status.commit.value()) + " votes by " +
      Text(status.vote_end) + (status.damaged.empty() ? "" : " damaged " + Text(status.damaged.front().value())) +
      (status.change_pending ? " change pending" : ""));
  for (const PeerProgress& peer : status.peers) {
    Say("  " + Name(peer.identity) +
        (peer.guest                          ? " guest"
         : peer.role == MemberRole::kLearner ? " learner"
                                             : "") +
        " match " + Text(peer.match.value()) + " next " + Text(peer.next.value()) +
        (peer.needs_snapshot ? " needs snapshot" : ""));
  }
}

void Scenario::PrintLog(TestServer& server) {
  std::string line = Name(server.identity()) + ":";
  for (LogIndex i = server.first(); i <= server.last(); ++i) {
    const Entry* entry = server.Record(i);
    line += entry == nullptr ? " damaged" : " " + Describe(*entry);
  }
  Say(line);
}

void Scenario::Settle() {
  for (bool any = true; any;) {
    any = false;
    for (auto& [id, server] : servers_) {
      while (server->running() && server->core().HasOutput()) {
        Report(*server, server->Drain());
        any = true;
      }
      if (server->running()) invariants_.Observe(server->identity(), server->core());
    }
  }
}

void Scenario::Report(TestServer& server, const Output& output) {
  std::string name = Name(server.identity()) + ": ";
  if (output.role_change) {
    const RoleChange& now = *output.role_change;
    Say(name + RoleName(now.role) + ", term " + Text(now.term.value()) + ", leader " +
        (now.leader == ServerId(0) ? "unknown" : Text(now.leader.value())));
  }
  if (output.configuration) Say(name + "members " + Describe(*output.configuration));
  if (output.hard_state) {
    Say(name + "save term " + Text(output.hard_state->term.value()) + " vote " +
        Text(output.hard_state->voted_for.value()));
  }
  if (output.cut_from) Say(name + "cut from " + Text(output.cut_from->value()));
  auto list = [&](const char* verb, const std::vector<Entry>& entries) {
    if (entries.empty()) return;
    std::string line = name + verb;
    for (const Entry& entry : entries) line += " " + Describe(entry);
    Say(line);
  };
  list("write", output.append);
  for (const Message& message : output.messages) {
    Say(Describe(message));
    if (!Blocked(message.from.server, message.to)) links_[{message.from.server, message.to}].push_back(message);
  }
  list("apply", output.committed);
  for (const ReadReady& read : output.reads) {
    Say(name + "read r" + Text(Small(read.id)) + (read.failed ? " failed" : " at " + Text(read.index.value())));
  }
  for (ServerId peer : output.need_snapshot) Say(name + Text(peer.value()) + " needs a snapshot");
  if (output.removed) Say(name + "removed");
}

std::string Scenario::Describe(const Message& m) {
  std::string text = "  " + Text(m.from.server.value()) + ">" + Text(m.to.value()) + " " + TypeName(m.type) + " t" +
                     Text(m.term.value());
  if (m.type == MessageType::kPreVote || m.type == MessageType::kVote) text += " end " + Text(m.log_end);
  if (m.type == MessageType::kAppend) {
    text += " after " + Text(m.log_end) + " commit " + Text(m.commit.value());
    for (const Entry& entry : m.entries) text += " " + Describe(entry);
  }
  if (m.reject) text += " refused";
  if (m.type == MessageType::kAppendReply) {
    text += m.reject ? " " + Text(m.log_end.index.value()) + ", perhaps " + Text(LogEnd{m.log_end.term, m.match})
                     : " match " + Text(m.match.value());
  }
  if (m.transfer) text += " transfer";
  if (m.read_round != 0) text += " round r" + Text(Small(m.read_round));
  if (m.type == MessageType::kReadIndexReply) text += " index " + Text(m.read_index.value());
  return text;
}

std::string Scenario::Describe(const Entry& entry) const {
  std::string text = Text(LogEnd{entry.term, entry.index});
  if (entry.type == EntryType::kNoop) return text + ":-";
  if (entry.type == EntryType::kConfiguration)
    return text + ":members(" + Describe(*Configuration::Decode(*entry.payload)) + ")";
  return text + ":" + *entry.payload;
}

std::string Scenario::Describe(const Configuration& configuration) const {
  std::string text;
  for (const synod::consensus::Member& member : configuration.members) {
    text +=
        (text.empty() ? "" : " ") + Name(member.identity) + (member.role == MemberRole::kLearner ? "(learner)" : "");
  }
  return text.empty() ? "nobody" : text;
}

std::string Scenario::Name(const Identity& identity) const {
  std::string name = Text(identity.server.value());
  bool first_storage = identity == MakeIdentity(identity.server.value());
  return first_storage ? name : name + "." + Text(identity.storage.value());
}

uint64_t Scenario::Small(uint64_t id) {
  auto [at, fresh] = small_ids_.emplace(id, small_ids_.size() + 1);
  return at->second;
}

TestServer& Scenario::At(const std::string& word) {
  auto at = servers_.find(static_cast<uint32_t>(Number(word)));
  SYNOD_CHECK(at != servers_.end()) << "no server " << word;
  return *at->second;
}

}  // namespace synod::consensus
