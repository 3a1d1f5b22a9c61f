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

State::State() : tree(std::make_unique<tree::DataTree>()) {}
State::State(ForLoading) : tree(tree::DataTree::ForLoading()), has_counters_(false) {}

void State::SetSetting(const std::string& name, const std::string& value) {
  auto [it, inserted] = settings_.try_emplace(name);
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
}

uint64_t State::ComputeDigest() const {
  uint64_t sum = tree->ComputeDigest() + sessions.ComputeDigest() + CountersHash(counters);
  for (const auto& [name, value] : settings_) sum += SettingHash(name, value);
  return sum;
}

void State::CloseChanges() {
  SYNOD_CHECK(closed_small_.empty()) << "the last cut is neither written nor reopened";
  tree->CloseChanges();
  sessions.CloseChanges();
  closed_settings_ = std::exchange(changed_settings_, {});
  closed_small_.push_back({std::string(1, kCountersKey), EncodeCounters(counters)});
  for (const std::string& name : closed_settings_) {
    closed_small_.push_back({absl::StrCat(std::string(1, kSettingKey), name), settings_.find(name)->second});
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
  if (!sessions.WriteClosed(emit, keep_going)) return false;
  return tree->WriteClosed(emit, keep_going);
}

void State::ReopenChanges() {
  tree->ReopenChanges();
  sessions.ReopenChanges();
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
