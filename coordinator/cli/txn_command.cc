#include <fstream>
#include <istream>
#include <iterator>
#include <memory>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/outcome_output.h"
#include "coordinator/cli/txn_text.h"

namespace synod::cli {
namespace {

struct TxnOptions {
  std::string file;
  std::string text;
  bool json_input = false;
};

// False after a message.
bool ReadText(Environment& env, const TxnOptions& o, std::string* out) {
  if (o.file.empty() == o.text.empty()) {
    env.UsageError("txn needs a FILE, - for standard input, or --text TEXT");
    return false;
  }
  if (!o.text.empty()) {
    *out = o.text;
  } else if (o.file == "-") {
    out->assign(std::istreambuf_iterator<char>(env.io.in), {});
  } else {
    std::ifstream in(o.file, std::ios::binary);
    if (!in) {
      env.UsageError("cannot read " + o.file);
      return false;
    }
    out->assign(std::istreambuf_iterator<char>(in), {});
  }
  return true;
}

int Txn(Environment& env, const TxnOptions& o) {
  std::string text;
  if (!ReadText(env, o, &text)) return kExitUsage;
  const bool json = o.json_input || absl::EndsWith(o.file, ".json");
  auto txn = json ? ParseTransactionJson(text) : ParseTransaction(text);
  if (!txn.ok()) return env.UsageError(std::string(txn.status().message()));
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto outcome = client->Txn(txn->compares, txn->then_operations, txn->else_operations);
  if (!outcome.ok()) return env.Fail(outcome.error(), "the transaction");
  if (!env.settings.json) {
    env.io.out << (outcome->succeeded ? "The conditions hold: then" : "The conditions do not hold: else") << std::endl;
  }
  const auto& branch = outcome->succeeded ? txn->then_operations : txn->else_operations;
  const int code = PrintOutcome(env, branch, *outcome, "the transaction", outcome->succeeded);
  return code == kExitOk && !outcome->succeeded ? kExitRefused : code;
}

}  // namespace

void AddTxn(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<TxnOptions>();
  CLI::App* verb = app.add_subcommand("txn", "If conditions hold, then operations, else others; all or nothing");
  verb->add_option("FILE", o->file, "What to do; - reads standard input");
  verb->add_option("--text", o->text, "What to do, here");
  verb->add_flag("--json-input", o->json_input, "It is JSON (as is a FILE that ends in .json)");
  verb->footer(
      std::string(kTxnGrammar) + "Operations:\n" + kOperationGrammar +
      "As JSON: {\"if\": [{\"path\":\"/a\",\"version\":3}, {\"path\":\"/b\",\"exists\":false}],\n"
      "          \"then\": [{\"op\":\"set\",\"path\":\"/a\",\"data\":\"new\"}], \"else\": []}\n"
      "Exit codes: 0 the conditions held and `then` was done; 1 they did not and `else` was done, or the\n"
      "operations were refused.\n"
      "Examples:\n  synod txn --text 'if version /a = 3; if missing /b; then set /a new; create /b; else check "
      "/a'\n  synod txn change.txt\n  synod --json txn - < change.txt");
  verb->callback([o, &env, &run] { run = [o, &env] { return Txn(env, *o); }; });
}

}  // namespace synod::cli
