// The tests with ZooKeeper's C client against an ensemble that runs: tests/interop/c_client/c_client_test.py starts it.
//   c_client --control COMMAND --base-port P [--only NAME] [--skip NAME]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/interop/c_client/harness.h"

int main(int argc, char** argv) {
  std::string control;
  std::string only;
  std::string skip;
  int base_port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--control") control = argv[i + 1];
    if (option == "--base-port") base_port = std::atoi(argv[i + 1]);
    if (option == "--only") only = argv[i + 1];
    if (option == "--skip") skip = argv[i + 1];
  }
  if (control.empty() || base_port == 0) {
    std::fprintf(stderr, "c_client --control COMMAND --base-port P [--only NAME] [--skip NAME]\n");
    return 2;
  }
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  // It tells of every connection that is refused, and servers die here on purpose.
  if (FILE* nowhere = std::fopen("/dev/null", "w")) zoo_set_log_stream(nowhere);
  zoo_deterministic_conn_order(1);

  synod::interop::Ensemble ensemble(control, base_port);
  std::vector<synod::interop::NamedTest> tests = synod::interop::CallTests();
  for (const auto& more : {synod::interop::AsyncTests(), synod::interop::WatchTests(), synod::interop::ServerTests()}) {
    tests.insert(tests.end(), more.begin(), more.end());
  }
  return synod::interop::RunTests(tests, {only, skip}, ensemble);
}
