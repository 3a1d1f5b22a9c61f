#include "coordinator/statemachine/state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {
namespace {

constexpr size_t kRecordsMin = 64;
constexpr size_t kSettingOverheadBytes = 128;

}  // namespace

State::State(size_t watch_window_bytes) : tree(std::make_unique<tree::DataTree>(&acls)), window(watch_window_bytes) {}
State::State(ForLoading, size_t watch_window_bytes)
    : tree(tree::DataTree::ForLoading(&acls)), window(watch_window_bytes), has_counters_(false) {}

void State::SetSetting(const std::string& name, const std::string& value) {
  auto [it, inserted] = texts_.try_emplace(name);
  if (inserted) {
    settings_bytes_ += name.size() + kSettingOverheadBytes;
  } else {
    settings_digest_ -= SettingHash(name, it->second);
    settings_bytes_ -= it->second.size();
  }
  it->second = value;
  settings_digest_ += SettingHash(name, value);
  settings_bytes_ += value.size();
  changed_settings_.insert(name);
  settings_.Set(name, value);
}

access::Caller State::CallerOf(const access::IdentitySet& who) const {
  return {&acls, &who, settings_.skip_acl || access::IsSuper(who, settings_.super_digest)};
}

Counters State::AllCounters() const {
  Counters all = counters;
  all.next_acl = acls.next_id();
  all.next_identities = identities.next_id();
  return all;
}

uint64_t State::ComputeDigest() const {
  uint64_t sum = tree->ComputeDigest() + sessions.ComputeDigest() + acls.ComputeDigest() + identities.ComputeDigest() +
                 CountersHash(AllCounters());
  for (const auto& [name, value] : texts_) sum += SettingHash(name, value);
  return sum;
}

size_t State::memory_bytes() const {
  return tree->memory_bytes() + sessions.memory_bytes() + acls.memory_bytes() + identities.memory_bytes() +
         window.memory_bytes() + settings_bytes_;
}

void State::CloseChanges() {
  SYNOD_CHECK(closed_small_.empty()) << "the last cut is neither written nor reopened";
  tree->CloseChanges();
  sessions.CloseChanges();
  acls.CloseChanges();
  identities.CloseChanges();
  window.CloseChanges();
  closed_settings_ = std::exchange(changed_settings_, {});
  closed_small_.push_back({std::string(1, kCountersKey), EncodeCounters(AllCounters())});
  for (const std::string& name : closed_settings_) {
    closed_small_.push_back({absl::StrCat(std::string(1, kSettingKey), name), texts_.find(name)->second});
  }
}

bool State::WriteClosed(size_t records, size_t bytes, std::vector<interfaces::SnapshotRecord>* out) {
  size_t written = 0, size = 0;
  auto emit = [&](std::string key, std::optional<std::string> value) {
    ++written;
    size += key.size() + (value ? value->size() : 0);
    out->push_back({std::move(key), std::move(value)});
  };
  auto keep_going = [&] { return size < bytes && written < std::max(records, kRecordsMin); };
  for (interfaces::SnapshotRecord& record : closed_small_) emit(std::move(record.key), std::move(record.value));
  closed_small_.clear();
  return acls.WriteClosed(emit, keep_going) && identities.WriteClosed(emit, keep_going) &&
         sessions.WriteClosed(emit, keep_going) && tree->WriteClosed(emit, keep_going) &&
         window.WriteClosed(emit, keep_going);
}

void State::ReopenChanges() {
  tree->ReopenChanges();
  sessions.ReopenChanges();
  acls.ReopenChanges();
  identities.ReopenChanges();
  window.ReopenChanges();
  changed_settings_.insert(closed_settings_.begin(), closed_settings_.end());
  closed_settings_.clear();
  closed_small_.clear();
}

absl::Status State::LoadRecord(std::string_view key, std::string_view value) {
  if (key.empty()) return absl::DataLossError("snapshot record: empty key");
  if (sessions::SessionTable::IsKey(key)) {
    if (key[0] == 'r') SYNOD_RETURN_IF_ERROR(DecodeOutcome(value).status());
    return sessions.LoadRecord(key, value);
  }
  if (access::AclTable::IsKey(key)) return acls.LoadRecord(key, value);
  if (access::IdentityTable::IsKey(key)) return identities.LoadRecord(key, value);
  if (EventWindow::IsKey(key)) return window.LoadRecord(key, value);
  switch (key[0]) {
    case 'n':
      return tree->LoadRecord(key, value);
    case kCountersKey: {
      if (key.size() != 1) return absl::DataLossError("counters record: malformed key");
      SYNOD_ASSIGN_OR_RETURN(counters, DecodeCounters(value));
      has_counters_ = true;
      return absl::OkStatus();
    }
    case kSettingKey:
      SetSetting(std::string(key.substr(1)), std::string(value));
      changed_settings_.clear();
      return absl::OkStatus();
    default:
      return absl::DataLossError(
          absl::StrCat("snapshot record: unknown kind ", static_cast<int>(static_cast<uint8_t>(key[0]))));
  }
}

absl::Status State::FinishTables() {
  acls.set_next_id(counters.next_acl);
  identities.set_next_id(counters.next_identities);
  bool unknown = false;
  sessions.ForEach([&](const sessions::Session& session) {
    if (identities.Find(session.identities()) == nullptr) {
      unknown = true;
    } else {
      identities.AddReference(session.identities());
    }
  });
  if (unknown) return absl::DataLossError("snapshot: a session's identities are missing");
  SYNOD_RETURN_IF_ERROR(acls.FinishLoading());
  return identities.FinishLoading();
}

absl::Status State::FinishLoading(const interfaces::SnapshotMeta& meta, uint32_t version_known) {
  if (meta.state_machine_version > version_known) {
    return absl::FailedPreconditionError(absl::StrCat("snapshot of state-machine version ", meta.state_machine_version,
                                                      "; this server knows ", version_known,
                                                      ": install the newer release here"));
  }
  if (meta.digest_version != kDigestVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("snapshot with digest version ", meta.digest_version, "; this server knows ", kDigestVersion));
  }
  if (!has_counters_) return absl::DataLossError("snapshot: the counters are missing");
  SYNOD_RETURN_IF_ERROR(tree->FinishLoading());
  SYNOD_RETURN_IF_ERROR(sessions.FinishLoading());
  SYNOD_RETURN_IF_ERROR(FinishTables());
  SYNOD_RETURN_IF_ERROR(window.FinishLoading(counters.zxid));
  if (counters.version != meta.state_machine_version || counters.log_clock_us != meta.log_clock_us) {
    return absl::DataLossError("snapshot: the counters are not those of its meta record");
  }
  if (digest() != meta.digest) {
    return absl::DataLossError(
        absl::StrCat("snapshot: digest ", absl::Hex(digest()), ", its meta record says ", absl::Hex(meta.digest)));
  }
  return absl::OkStatus();
}

}  // namespace synod::statemachine
