// A process that holds a lock, for tests that kill and stop it.
//   lock_holder SERVERS PATH SESSION_TIMEOUT_MS IN OUT
// Writes its fencing token to the descriptor OUT (0: it failed), and then, for each byte that comes from IN, whether it
// believes to hold the lock.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/recipes/lock.h"

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int in = atoi(argv[4]);
  const int out = atoi(argv[5]);
  synod::client::ClientOptions options;
  options.servers = argv[1];
  options.session_timeout = absl::Milliseconds(atoi(argv[3]));
  auto session = synod::recipes::Session::Create(std::move(options));
  if (!session.ok()) return 1;
  synod::recipes::Lock lock(session->get(), argv[2]);
  const auto say = [out](const std::string& line) {
    if (write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) exit(1);
  };
  const auto token = lock.Acquire();
  say(absl::StrCat(token.ok() ? *token : 0, "\n"));
  for (char c = 0; read(in, &c, 1) == 1;) say(lock.held() ? "held\n" : "not held\n");
  return 0;
}
