#include "coordinator/consensus/membership.h"

#include <algorithm>

namespace synod::consensus {
namespace {

Member* FindMember(Configuration& configuration, ServerId server) {
  for (Member& member : configuration.members) {
    if (member.identity.server == server) return &member;
  }
  return nullptr;
}

std::optional<Configuration> Add(Configuration after, Member member, MemberRole role) {
  if (member.identity.server == ServerId(0) || member.identity.storage == StorageId(0)) return std::nullopt;
  Member* present = FindMember(after, member.identity.server);
  if (present != nullptr) {
    bool promotes = role == MemberRole::kVoter && present->role == MemberRole::kLearner;
    if (!promotes || present->identity != member.identity) return std::nullopt;
    present->role = MemberRole::kVoter;
    return after;
  }
  member.role = role;
  auto behind = std::find_if(after.members.begin(), after.members.end(),
                             [&](const Member& other) { return other.identity.server > member.identity.server; });
  after.members.insert(behind, std::move(member));
  return after;
}

}  // namespace

std::optional<Configuration> ApplyChange(const Configuration& before, const MembershipChange& change) {
  Configuration after = before;
  Member* present = FindMember(after, change.member.identity.server);
  bool same = present != nullptr && present->identity == change.member.identity;
  switch (change.kind) {
    case MembershipChange::Kind::kAddVoter:
      return Add(std::move(after), change.member, MemberRole::kVoter);
    case MembershipChange::Kind::kAddLearner:
      return Add(std::move(after), change.member, MemberRole::kLearner);
    case MembershipChange::Kind::kRemove:
      if (!same) return std::nullopt;
      after.members.erase(after.members.begin() + (present - after.members.data()));
      if (after.VoterCount() == 0) return std::nullopt;
      return after;
    case MembershipChange::Kind::kUpdateAddress:
      if (!same || present->address == change.member.address) return std::nullopt;
      present->address = change.member.address;
      return after;
  }
  return std::nullopt;
}

const Configuration& Membership::At(LogIndex index) const {
  for (auto it = history_.rbegin(); it != history_.rend(); ++it) {
    if (it->first <= index) return it->second;
  }
  return history_.front().second;
}

void Membership::Insert(LogIndex index, Configuration configuration) {
  auto at = std::find_if(history_.begin(), history_.end(), [&](const auto& item) { return item.first >= index; });
  if (at == history_.begin()) return;  // the base is newer or the same
  if (at != history_.end() && at->first == index) {
    at->second = std::move(configuration);
  } else {
    history_.insert(at, {index, std::move(configuration)});
  }
}

void Membership::CutFrom(LogIndex index) {
  while (history_.size() > 1 && history_.back().first >= index) history_.pop_back();
}

void Membership::Install(LogIndex index, Configuration configuration, bool keep_tail) {
  if (index < history_.front().first) return;
  std::vector<std::pair<LogIndex, Configuration>> after{{index, std::move(configuration)}};
  for (auto& item : history_) {
    if (keep_tail && item.first > index) after.push_back(std::move(item));
  }
  history_ = std::move(after);
}

void Membership::ForgetBefore(LogIndex index) {
  size_t drop = 0;
  while (drop + 1 < history_.size() && history_[drop + 1].first <= index) ++drop;
  history_.erase(history_.begin(), history_.begin() + static_cast<ptrdiff_t>(drop));
}

}  // namespace synod::consensus
