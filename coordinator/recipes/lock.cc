#include "coordinator/recipes/lock.h"

#include <utility>

#include "coordinator/recipes/contender.h"

namespace synod::recipes {

Lock::Lock(Session* session, std::string path, LockOptions options)
    : Holder(session, std::move(options.on_loss),
             [session, path = std::move(path), data = std::move(options.data)](Attempt::Callbacks callbacks) {
               return Contender::Make(session, {path, "lock-", {}, data}, std::move(callbacks));
             }) {}

}  // namespace synod::recipes
