#include "coordinator/recipes/read_write_lock.h"

#include <algorithm>
#include <utility>

#include "coordinator/recipes/contender.h"

namespace synod::recipes {
namespace {

constexpr char kRead[] = "read-";
constexpr char kWrite[] = "write-";

std::optional<std::string> LastWriter(const std::vector<std::string>& before) {
  auto last =
      std::find_if(before.rbegin(), before.rend(), [](const std::string& name) { return name.starts_with(kWrite); });
  if (last == before.rend()) return std::nullopt;
  return *last;
}

}  // namespace

ReadLock::ReadLock(Session* session, std::string path, HolderOptions options)
    : Holder(session, std::move(options.on_loss),
             [session, path = std::move(path), data = std::move(options.data)](Attempt::Callbacks callbacks) {
               return Contender::Make(session, {path, kRead, {kRead, kWrite}, data, LastWriter}, std::move(callbacks));
             }) {}

WriteLock::WriteLock(Session* session, std::string path, HolderOptions options)
    : Holder(session, std::move(options.on_loss),
             [session, path = std::move(path), data = std::move(options.data)](Attempt::Callbacks callbacks) {
               return Contender::Make(session, {path, kWrite, {kRead, kWrite}, data}, std::move(callbacks));
             }) {}

}  // namespace synod::recipes
