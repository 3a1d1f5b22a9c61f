// `synod`: the command line of an ensemble.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "coordinator/cli/cli.h"
#include "coordinator/cli/exit_code.h"

int main(int argc, char** argv) {
  // A reader that goes away (synod ls | head) ends us by a failed write, not by a signal in the middle of a session.
  signal(SIGPIPE, SIG_IGN);
  const char* servers = getenv("SYNOD_SERVERS");
  const bool given = servers != nullptr && *servers != '\0';
  const int code = synod::cli::RunCommandLine(
      std::vector<std::string>(argv + 1, argv + argc), given ? servers : "127.0.0.1:2281,127.0.0.1:2282,127.0.0.1:2283",
      isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
      {std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) != 0, isatty(STDERR_FILENO) != 0});
  if (std::cout.flush()) return code;
  // A reader that went away wanted no more; anything else is output that the user misses.
  pollfd out = {STDOUT_FILENO, POLLOUT, 0};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) return code;
  std::cerr << "synod: the output could not be written" << std::endl;
  return code == synod::cli::kExitOk ? synod::cli::kExitUnavailable : code;
}
