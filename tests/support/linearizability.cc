#include "tests/support/linearizability.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace synod::testing {
namespace {

constexpr int32_t kAbsent = -1;

// What a single copy of one register holds. `value` numbers the values of the history; kAbsent: no register.
struct State {
  int32_t value = kAbsent;
  int32_t version = 0;
  bool operator==(const State&) const = default;
};

// An operation with its value replaced by a number.
struct Op {
  const RegisterOp* source = nullptr;
  int32_t value = kAbsent;
};

// The state after `op` ran at `state`, or nothing if it would not have answered what it answered. For an unknown
// operation: its state after taking effect, or nothing if it has none here (which is the same as not having happened
// yet).
std::optional<State> Apply(const State& state, const Op& op) {
  const RegisterOp& o = *op.source;
  const bool present = state.value != kAbsent;
  const bool matches = o.expected_version < 0 || o.expected_version == state.version;
  const auto only_if = [&state](bool condition) { return condition ? std::optional<State>(state) : std::nullopt; };
  switch (o.outcome) {
    case RegisterOutcome::kNoNode:
      return only_if(!present && o.call != RegisterCall::kCreate);
    case RegisterOutcome::kNodeExists:
      return only_if(present && o.call == RegisterCall::kCreate);
    case RegisterOutcome::kBadVersion:
      return only_if(present && !matches && (o.call == RegisterCall::kSet || o.call == RegisterCall::kDelete));
    case RegisterOutcome::kOk:
    case RegisterOutcome::kUnknown:
      break;
  }
  const bool known = o.outcome == RegisterOutcome::kOk;
  switch (o.call) {
    case RegisterCall::kCreate:
      if (present) return std::nullopt;
      return State{op.value, 0};
    case RegisterCall::kGet:
      return only_if(known && present && state.value == op.value && state.version == o.version);
    case RegisterCall::kSet:
      if (!present || !matches || (known && o.version != state.version + 1)) return std::nullopt;
      return State{op.value, state.version + 1};
    case RegisterCall::kDelete:
      if (!present || !matches) return std::nullopt;
      return State{};
  }
  return std::nullopt;
}

// A set of operations and the state they lead to: reached before, it need not be searched again (Lowe).
struct Configuration {
  std::vector<uint64_t> done;
  State state;
  bool operator==(const Configuration&) const = default;
};
struct ConfigurationHash {
  size_t operator()(const Configuration& c) const {
    uint64_t h =
        static_cast<uint64_t>(static_cast<uint32_t>(c.state.value)) << 32 | static_cast<uint32_t>(c.state.version);
    for (uint64_t word : c.done) {
      h = (h ^ word) * 0x9e3779b97f4a7c15u;
      h ^= h >> 32;
    }
    return static_cast<size_t>(h);
  }
};

// The search over one key. Calls and returns stand in a doubly linked list in order of time; an operation that is
// placed leaves it. The first call before any return may be placed next; meeting a return first means that its
// operation had to be placed earlier.
class Search {
 public:
  Search(std::vector<Op> ops, uint64_t steps_max)
      : ops_(std::move(ops)), steps_max_(steps_max), done_((ops_.size() + 63) / 64) {
    std::vector<std::pair<int64_t, uint32_t>>
        events;  // time * 2 + (return ? 1 : 0): at one time calls go first, which is lenient
    for (uint32_t i = 0; i < ops_.size(); ++i) {
      const RegisterOp& o = *ops_[i].source;
      events.emplace_back(o.invoked * 2, i);
      if (o.outcome == RegisterOutcome::kUnknown) continue;
      events.emplace_back(o.returned * 2 + 1, i);
      ++known_open_;
    }
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    nodes_.resize(events.size() + 1);  // nodes_[0] is the head
    returns_.assign(ops_.size(), 0);
    calls_.assign(ops_.size(), 0);
    for (uint32_t n = 1; n < nodes_.size(); ++n) {
      const auto& [time, op] = events[n - 1];
      const bool is_return = (time & 1) != 0;
      nodes_[n] = {op, is_return, n - 1, n + 1 < nodes_.size() ? n + 1 : 0};
      (is_return ? returns_ : calls_)[op] = n;
    }
    nodes_[0].next = events.empty() ? 0 : 1;
  }

  LinearizabilityResult::Verdict Run() {
    uint32_t at = nodes_[0].next;
    while (known_open_ > 0) {
      if (++steps_ > steps_max_) return LinearizabilityResult::Verdict::kGaveUp;
      // The return of every operation that is still open stands in the list, so its end is not met.
      const Node node = nodes_[at];
      if (!node.is_return) {
        at = Place(node.op) ? nodes_[0].next : node.next;
        continue;
      }
      if (placed_.size() + 1 > furthest_) {
        furthest_ = placed_.size() + 1;
        blocked_ = node.op;
        blocked_state_ = state_;
      }
      if (placed_.empty()) return LinearizabilityResult::Verdict::kViolated;
      at = TakeBack();
    }
    return LinearizabilityResult::Verdict::kLinearizable;
  }

  uint64_t steps() const { return steps_; }
  size_t furthest() const { return furthest_ == 0 ? 0 : furthest_ - 1; }
  const RegisterOp& blocked() const { return *ops_[blocked_].source; }
  State blocked_state() const { return blocked_state_; }

 private:
  struct Node {
    uint32_t op = 0;
    bool is_return = false;
    uint32_t previous = 0;
    uint32_t next = 0;  // 0: the end
  };
  struct Placed {
    uint32_t op;
    State before;
  };

  bool Place(uint32_t op) {
    const std::optional<State> after = Apply(state_, ops_[op]);
    if (!after) return false;
    done_[op / 64] |= uint64_t{1} << (op % 64);
    if (!seen_.insert({done_, *after}).second) {
      done_[op / 64] &= ~(uint64_t{1} << (op % 64));
      return false;
    }
    placed_.push_back({op, state_});
    state_ = *after;
    Unlink(calls_[op]);
    if (returns_[op] != 0) {
      Unlink(returns_[op]);
      --known_open_;
    }
    return true;
  }

  // Undoes the last placing; the search goes on behind its call.
  uint32_t TakeBack() {
    const Placed last = placed_.back();
    placed_.pop_back();
    state_ = last.before;
    done_[last.op / 64] &= ~(uint64_t{1} << (last.op % 64));
    if (returns_[last.op] != 0) {
      Relink(returns_[last.op]);
      ++known_open_;
    }
    Relink(calls_[last.op]);
    return nodes_[calls_[last.op]].next;
  }

  void Unlink(uint32_t n) {
    nodes_[nodes_[n].previous].next = nodes_[n].next;
    if (nodes_[n].next != 0) nodes_[nodes_[n].next].previous = nodes_[n].previous;
  }
  void Relink(uint32_t n) {
    nodes_[nodes_[n].previous].next = n;
    if (nodes_[n].next != 0) nodes_[nodes_[n].next].previous = n;
  }

  const std::vector<Op> ops_;
  const uint64_t steps_max_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> calls_, returns_;  // node of each operation; 0: no return
  size_t known_open_ = 0;                  // operations with an answer that are not placed yet
  std::vector<uint64_t> done_;
  State state_;
  std::vector<Placed> placed_;
  std::unordered_set<Configuration, ConfigurationHash> seen_;
  uint64_t steps_ = 0;
  size_t furthest_ = 0;
  uint32_t blocked_ = 0;
  State blocked_state_;
};

std::string FormatOp(const RegisterOp& op) {
  const auto version = [](int32_t v) { return v < 0 ? std::string("*") : std::to_string(v); };
  std::string out = absl::StrCat(op.client, " ", op.invoked, " ");
  out += op.outcome == RegisterOutcome::kUnknown ? "-" : std::to_string(op.returned);
  switch (op.call) {
    case RegisterCall::kCreate:
      absl::StrAppend(&out, " create ", op.key, " ", op.value);
      break;
    case RegisterCall::kGet:
      absl::StrAppend(&out, " get ", op.key);
      break;
    case RegisterCall::kSet:
      absl::StrAppend(&out, " set ", op.key, " ", op.value, " ", version(op.expected_version));
      break;
    case RegisterCall::kDelete:
      absl::StrAppend(&out, " delete ", op.key, " ", version(op.expected_version));
      break;
  }
  out += " -> ";
  switch (op.outcome) {
    case RegisterOutcome::kOk:
      out += "ok";
      if (op.call == RegisterCall::kGet) absl::StrAppend(&out, " ", op.value, " ", op.version);
      if (op.call == RegisterCall::kSet) absl::StrAppend(&out, " ", op.version);
      break;
    case RegisterOutcome::kNoNode:
      return out + "no_node";
    case RegisterOutcome::kNodeExists:
      return out + "node_exists";
    case RegisterOutcome::kBadVersion:
      return out + "bad_version";
    case RegisterOutcome::kUnknown:
      return out + "unknown";
  }
  return out;
}

// The words of one line, taken from the front; the first that is missing or malformed makes it fail for good.
class Words {
 public:
  explicit Words(absl::string_view line) : words_(absl::StrSplit(line, ' ', absl::SkipEmpty())) {}
  std::string Next() {
    if (at_ < words_.size()) return words_[at_++];
    ok_ = false;
    return "";
  }
  template <typename Integer>
  Integer Number() {
    Integer value = 0;
    if (!absl::SimpleAtoi(Next(), &value)) ok_ = false;
    return value;
  }
  int32_t Version() {
    if (at_ < words_.size() && words_[at_] == "*") {
      ++at_;
      return -1;
    }
    return Number<int32_t>();
  }
  bool Finished() const { return ok_ && at_ == words_.size(); }
  void Fail() { ok_ = false; }

 private:
  std::vector<std::string> words_;
  size_t at_ = 0;
  bool ok_ = true;
};

void ParseOutcome(Words& words, RegisterOp& op) {
  static const auto* const kOutcomes =
      new std::map<std::string, RegisterOutcome, std::less<>>{{"ok", RegisterOutcome::kOk},
                                                              {"no_node", RegisterOutcome::kNoNode},
                                                              {"node_exists", RegisterOutcome::kNodeExists},
                                                              {"bad_version", RegisterOutcome::kBadVersion},
                                                              {"unknown", RegisterOutcome::kUnknown}};
  const auto outcome = kOutcomes->find(words.Next());
  if (outcome == kOutcomes->end()) return words.Fail();
  op.outcome = outcome->second;
  if (op.outcome != RegisterOutcome::kOk) return;
  if (op.call == RegisterCall::kGet) op.value = words.Next();
  if (op.call == RegisterCall::kGet || op.call == RegisterCall::kSet) op.version = words.Number<int32_t>();
}

std::optional<RegisterOp> ParseOp(absl::string_view line) {
  Words words(line);
  RegisterOp op;
  op.client = words.Number<int>();
  op.invoked = words.Number<int64_t>();
  const std::string returned = words.Next();
  const std::string call = words.Next();
  op.key = words.Next();
  if (call == "create") {
    op.call = RegisterCall::kCreate;
    op.value = words.Next();
  } else if (call == "get") {
    op.call = RegisterCall::kGet;
  } else if (call == "set") {
    op.call = RegisterCall::kSet;
    op.value = words.Next();
    op.expected_version = words.Version();
  } else if (call == "delete") {
    op.call = RegisterCall::kDelete;
    op.expected_version = words.Version();
  } else {
    return std::nullopt;
  }
  if (words.Next() != "->") return std::nullopt;
  ParseOutcome(words, op);
  const bool open = op.outcome == RegisterOutcome::kUnknown;
  if (open != (returned == "-")) return std::nullopt;
  if (!open && (!absl::SimpleAtoi(returned, &op.returned) || op.returned < op.invoked)) return std::nullopt;
  if (!words.Finished()) return std::nullopt;
  return op;
}

std::string Explain(const std::string& key, const Search& search, const std::vector<std::string>& values) {
  const State state = search.blocked_state();
  const std::string holds =
      state.value == kAbsent ? "is absent" : absl::StrCat("holds ", values[state.value], " at version ", state.version);
  return absl::StrCat("key ", key, ": with ", search.furthest(), " operations placed the register ", holds,
                      ", and nothing that may still be placed explains: ", FormatOp(search.blocked()));
}

}  // namespace

std::string FormatHistory(const RegisterHistory& history) {
  std::string out;
  for (const RegisterOp& op : history) absl::StrAppend(&out, FormatOp(op), "\n");
  return out;
}

absl::StatusOr<RegisterHistory> ParseHistory(std::string_view text) {
  RegisterHistory history;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    std::optional<RegisterOp> op = ParseOp(line);
    if (!op) return absl::InvalidArgumentError(absl::StrCat("line ", number, " is no operation: ", line));
    history.push_back(*std::move(op));
  }
  return history;
}

LinearizabilityResult CheckLinearizable(const RegisterHistory& history, uint64_t steps_max) {
  std::map<std::string, std::vector<const RegisterOp*>> by_key;
  for (const RegisterOp& op : history) {
    // A read without an answer says nothing.
    if (op.call == RegisterCall::kGet && op.outcome == RegisterOutcome::kUnknown) continue;
    by_key[op.key].push_back(&op);
  }
  LinearizabilityResult result;
  for (const auto& [key, sources] : by_key) {
    std::map<std::string, int32_t> numbers;
    std::vector<std::string> values;
    std::vector<Op> ops;
    for (const RegisterOp* source : sources) {
      const auto [it, fresh] = numbers.try_emplace(source->value, static_cast<int32_t>(values.size()));
      if (fresh) values.push_back(source->value);
      ops.push_back({source, it->second});
    }
    Search search(std::move(ops), steps_max - result.steps);
    result.verdict = search.Run();
    result.steps += search.steps();
    if (result.verdict == LinearizabilityResult::Verdict::kLinearizable) continue;
    result.key = key;
    result.explanation = result.verdict == LinearizabilityResult::Verdict::kViolated
                             ? Explain(key, search, values)
                             : absl::StrCat("key ", key, ": given up after ", result.steps, " steps");
    return result;
  }
  return result;
}

}  // namespace synod::testing
