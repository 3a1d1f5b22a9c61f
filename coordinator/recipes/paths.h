// Paths of recipes' znodes, and the nodes above them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/client/client.h"

namespace synod::recipes {

// "/a/b" of "/a" and "b"; "/b" of "/" and "b".
std::string Join(std::string_view parent, std::string_view name);
// "b" of "/a/b".
std::string_view BaseName(std::string_view path);

// The counter that a sequential create appended: the last ten digits. nullopt: the name does not end with ten.
std::optional<int64_t> SequenceOf(std::string_view name);

// Creates `path` and what is missing above it, as persistent nodes without data; one that is there already is a
// success. `done` gets an Error that may be ok, on the callback thread. `client` outlives the call: it answers every
// callback before it ends.
void CreatePath(client::Client* client, const std::string& path, std::function<void(const client::Error&)> done);

}  // namespace synod::recipes
