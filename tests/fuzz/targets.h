// What the fuzzers run, one target per kind of request, one for the connect request and one for a whole connection.
// The same targets run over the kept inputs (corpus/TARGET/) as an ordinary test.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace synod::fuzz {

struct Target {
  std::string_view name;  // of its folder in corpus/
  // Ends the process where an invariant does not hold.
  void (*run)(const Target& target, std::string_view input);
  int32_t op = 0;  // of requests
};
const std::vector<Target>& Targets();
// nullptr: none of that name.
const Target* FindTarget(std::string_view name);

// The input is what stands behind the header of a request of kind target.op.
void RunRequest(const Target& target, std::string_view input);
// The input is the payload of a connect request.
void RunConnect(const Target& target, std::string_view input);
// The first byte of the input says in pieces of how many bytes the rest of it comes from a client (0: at once), to a
// server of one that applies what it is asked.
void RunConnection(const Target& target, std::string_view input);

}  // namespace synod::fuzz
