#include "coordinator/recipes/group_membership.h"

#include <utility>

#include "coordinator/recipes/paths.h"

namespace synod::recipes {

using client::Effect;
using client::Error;
using client::ErrorCode;

GroupMembership::GroupMembership(Session* session, std::string path, Options options)
    : session_(session), path_(std::move(path)), options_(std::move(options)) {
  cache_ = std::make_unique<TreeCache>(
      session, path_, TreeCache::Options{[this](const TreeCache::Event& event) { OnEvent(event); }, nullptr});
}

GroupMembership::~GroupMembership() = default;

void GroupMembership::OnEvent(const TreeCache::Event& event) {
  using Type = TreeCache::Event::Type;
  const std::string prefix = recipes::Join(path_, "");
  Members now;
  {
    std::lock_guard lock(mutex_);
    if (event.type == Type::kInitialised) {
      known_ = true;
    } else {
      if (!event.path.starts_with(prefix)) return;  // the group's own node
      const std::string name = event.path.substr(prefix.size());
      auto content = PersistentEphemeral::Decode(event.node.data);
      // A node that is not of this recipe is no member.
      const bool member = content && content->identity == name && event.type != Type::kRemoved;
      if (!member && members_.erase(name) == 0) return;
      if (member) members_[name] = std::move(content->data);
    }
    if (!known_) return;
    now = members_;
  }
  if (options_.on_change != nullptr) options_.on_change(now);
}

void GroupMembership::Join(const std::string& name, std::string data) {
  if (self_ != nullptr && name == name_) return self_->SetData(std::move(data));
  Leave();
  name_ = name;
  self_ = std::make_unique<PersistentEphemeral>(
      session_, recipes::Join(path_, name), PersistentEphemeral::Options{name, std::move(data), options_.on_presence});
}

void GroupMembership::Leave() { self_.reset(); }

client::Result<int64_t> GroupMembership::WaitUntilJoined(absl::Duration timeout) const {
  if (self_ == nullptr) return Error{ErrorCode::kBadArguments, Effect::kNotDone, "Join was not called"};
  return self_->WaitUntilPresent(timeout);
}

GroupMembership::Members GroupMembership::Get() const {
  std::lock_guard lock(mutex_);
  return members_;
}
bool GroupMembership::WaitUntilKnown(absl::Duration timeout) const { return cache_->WaitUntilInitialised(timeout); }

}  // namespace synod::recipes
