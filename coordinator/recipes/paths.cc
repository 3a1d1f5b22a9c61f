#include "coordinator/recipes/paths.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"

namespace synod::recipes {

using client::Client;
using client::CreateMode;
using client::Error;
using client::ErrorCode;

std::string Join(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (path.empty() || path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::optional<int64_t> SequenceOf(std::string_view name) {
  constexpr size_t kDigits = 10;
  if (name.size() < kDigits) return std::nullopt;
  name.remove_prefix(name.size() - kDigits);
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  int64_t number = 0;
  if (!absl::SimpleAtoi(absl::string_view(name.data(), name.size()), &number)) return std::nullopt;
  return number;
}

void CreatePath(Client* client, const std::string& path, std::function<void(const Error&)> done) {
  client->Create(path, client::Data(), CreateMode::kPersistent,
                 [client, path, done = std::move(done)](client::Result<client::Created> created) {
                   if (created.ok() || created.error().code == ErrorCode::kNodeExists) return done({});
                   const size_t slash = path.rfind('/');
                   if (created.error().code != ErrorCode::kNoNode || slash == 0 || slash == std::string::npos) {
                     return done(created.error());
                   }
                   CreatePath(client, path.substr(0, slash), [client, path, done](const Error& error) {
                     if (!error.ok()) return done(error);
                     CreatePath(client, path, done);
                   });
                 });
}

}  // namespace synod::recipes
