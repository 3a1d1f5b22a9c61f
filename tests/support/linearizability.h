// Is there one order of all operations, each between its call and its return, in which a single copy of the data would
// have answered the same? Wing and Gong's search with Lowe's memoisation ("Testing for linearizability", 2017), as in
// Porcupine, and, because linearizability is local, key by key.
//
// The object: registers with versions, as znodes are. An absent register is created with version 0; each set adds one;
// a set or delete that names a version happens only at that version.
//
// A history is text, one operation a line, so that a failing run can keep it and a test can spell it out:
//
//   line    = client " " invoked " " ( returned | "-" ) " " call " -> " outcome
//   call    = "create " key " " value | "get " key | "set " key " " value " " version | "delete " key " " version
//   version = decimal | "*"                        ; "*": any
//   outcome = "ok"                                 ; create, delete
//           | "ok " version-after                  ; set
//           | "ok " value " " version              ; get
//           | "no_node" | "node_exists" | "bad_version"
//           | "unknown"                            ; no answer: it took effect at some time after its call, or never
//
// Times are integers of one clock in any unit; keys and values are words without blanks; lines that begin with '#' are
// comments. An operation whose failure proves that it was not done (Effect NOT_DONE) is left out of the history.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synod::testing {

enum class RegisterCall : uint8_t { kCreate, kGet, kSet, kDelete };
enum class RegisterOutcome : uint8_t { kOk, kNoNode, kNodeExists, kBadVersion, kUnknown };

struct RegisterOp {
  int client = 0;  // for people; the order of one client's operations is in their times
  int64_t invoked = 0;
  int64_t returned = 0;  // not read for kUnknown
  RegisterCall call = RegisterCall::kGet;
  std::string key;
  std::string value;              // create, set: written. get with kOk: read
  int32_t expected_version = -1;  // set, delete; -1: any
  int32_t version = 0;            // set with kOk: after it. get with kOk: read
  RegisterOutcome outcome = RegisterOutcome::kOk;
};
using RegisterHistory = std::vector<RegisterOp>;

std::string FormatHistory(const RegisterHistory& history);
// InvalidArgument names the line that does not follow the grammar.
absl::StatusOr<RegisterHistory> ParseHistory(std::string_view text);

struct LinearizabilityResult {
  enum class Verdict : uint8_t { kLinearizable, kViolated, kGaveUp };
  Verdict verdict = Verdict::kLinearizable;
  std::string key;          // of the violation, or where the search was given up
  std::string explanation;  // the furthest the search came and the operation it could not place
  uint64_t steps = 0;
};

// All registers are absent at first. The search is given up after `steps_max` steps: a test counts that as a failure,
// never as a pass.
LinearizabilityResult CheckLinearizable(const RegisterHistory& history, uint64_t steps_max = 50'000'000);

}  // namespace synod::testing
