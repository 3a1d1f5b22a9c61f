#include "coordinator/cli/outcome_output.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/operation_text.h"

namespace synod::cli {
namespace {

using client::ErrorCode;
using client::Operation;
using client::OperationResult;

// With a sequence suffix, if it got one.
std::string PathOf(const std::vector<Operation>& operations, size_t i, const OperationResult& result) {
  return result.path.empty() && i < operations.size() ? operations[i].path : result.path;
}

// `done`: the whole was done. Otherwise what went well came to nothing with the rest.
std::string ResultText(const Operation& operation, const OperationResult& r, bool done) {
  if (r.error == ErrorCode::kRuntimeInconsistency) return "not done";
  if (r.error != ErrorCode::kOk) return std::string(client::ErrorCodeName(r.error));
  if (!done) return "Ok, but not done";
  if (operation.kind == Operation::Kind::kCreate && !r.created)
    return operation.on_existing == client::OnExisting::kSet ? "Ok, set" : "Ok, kept";
  if (operation.kind == Operation::Kind::kDelete && r.deleted == 0) return "Ok, was not there";
  if (operation.kind == Operation::Kind::kDeleteTree)
    return absl::StrCat("Ok, ", r.deleted, r.deleted == 1 ? " node" : " nodes");
  return "Ok";
}

std::string ResultJson(const std::vector<Operation>& operations, size_t i, const OperationResult& r, bool done) {
  JsonObject object;
  if (i < operations.size()) object.Text("operation", OperationName(operations[i].kind));
  object.Text("path", PathOf(operations, i, r)).Text("result", client::ErrorCodeName(r.error));
  if (r.error != ErrorCode::kOk || i >= operations.size() || !done) return object.Take();
  switch (operations[i].kind) {
    case Operation::Kind::kCreate:
      object.Bool("created", r.created);
      break;
    case Operation::Kind::kDelete:
    case Operation::Kind::kDeleteTree:
      return object.Number("deleted", static_cast<int64_t>(r.deleted)).Take();
    default:
      break;
  }
  return object.Stat("stat", r.stat).Take();
}

// What the first operation that failed was about.
std::string Culprit(const std::vector<Operation>& operations, const client::MultiOutcome& outcome, std::string what) {
  for (size_t i = 0; i < outcome.results.size() && i < operations.size(); ++i) {
    const ErrorCode error = outcome.results[i].error;
    if (error == ErrorCode::kOk || error == ErrorCode::kRuntimeInconsistency) continue;
    const std::string& path = operations[i].path;
    const bool parent = error == ErrorCode::kNoNode && operations[i].kind == Operation::Kind::kCreate;
    return parent && PathProblem(path).empty() ? ParentOf(path) : path;
  }
  return what;
}

}  // namespace

int PrintOutcome(Environment& env, const std::vector<Operation>& operations, const client::MultiOutcome& outcome,
                 const std::string& what, std::optional<bool> succeeded) {
  const size_t count = outcome.results.size();
  const bool done = outcome.error.ok();
  if (env.settings.json) {
    std::vector<std::string> results;
    for (size_t i = 0; i < count; ++i) results.push_back(ResultJson(operations, i, outcome.results[i], done));
    JsonObject object;
    if (succeeded.has_value()) object.Bool("succeeded", *succeeded);
    object.Bool("done", done).Number("zxid", outcome.zxid).Raw("results", JsonArray(results));
    env.io.out << object.Take() << std::endl;
  } else {
    std::vector<std::vector<std::string>> rows = {{"OPERATION", "PATH", "RESULT"}};
    for (size_t i = 0; i < count && i < operations.size(); ++i) {
      const OperationResult& r = outcome.results[i];
      rows.push_back({std::string(OperationName(operations[i].kind)), PathOf(operations, i, r),
                      ResultText(operations[i], r, done)});
    }
    if (count > 0) env.io.out << AlignedTable(rows) << std::flush;
  }
  if (outcome.error.ok()) return kExitOk;
  client::Error error = outcome.error;
  if (error.message.empty()) error.message = "nothing of " + what + " was done";
  return env.Fail(error, Culprit(operations, outcome, what));
}

}  // namespace synod::cli
