// Keys that ZooKeeper has and that have no effect here, each with its reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace synod::server {

// Why the key (canonical, config_keys.h) has no effect; empty: this value asks for what is done anyway; nullopt:
// ZooKeeper has no such key.
std::optional<std::string_view> WhyIneffective(std::string_view key, std::string_view value);

// Whether to start with this key and value would open what the file means to close, or count votes in another way; the
// reason is then an error, not a warning.
bool MustNotBeIgnored(std::string_view key, std::string_view value);

// Passwords and what stands for one: their values are shown to nobody.
bool IsSecret(std::string_view key);

}  // namespace synod::server
