#include "coordinator/server/server_list.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

using consensus::MemberRole;
using Roles = std::map<ServerId, MemberRole>;

constexpr char kFirstLine[] = "synod servers";

absl::string_view RoleName(MemberRole role) { return role == MemberRole::kVoter ? "voter" : "observer"; }

Roles RolesOf(const std::vector<node::Seed>& lines) {
  Roles roles;
  for (const node::Seed& line : lines) roles[line.server] = line.role;
  return roles;
}

Roles RolesOf(const consensus::Configuration& configuration) {
  Roles roles;
  for (const consensus::Member& member : configuration.members) roles[member.identity.server] = member.role;
  return roles;
}

std::string Print(const Roles& roles) {
  return absl::StrJoin(roles, ", ", [](std::string* out, const auto& item) {
    absl::StrAppend(out, item.first.value(), " (", RoleName(item.second), ")");
  });
}

absl::Status Differ(const Roles& lines, const Roles& ensemble) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the server lines name other servers or roles than the ensemble this data belongs to", "\n  server lines: ",
      Print(lines), "\n  ensemble:     ", Print(ensemble), "\nPut the lines back as they were; addresses may differ."));
}

std::string PathOf(const std::string& data_dir) { return data_dir + "/synod.servers"; }

}  // namespace

absl::Status CheckServers(const std::vector<node::Seed>& lines, ServerId self, const KnownServers& known) {
  const Roles wanted = RolesOf(lines);
  if (known.recorded && RolesOf(*known.recorded) != wanted) return Differ(wanted, RolesOf(*known.recorded));
  const Roles latest = RolesOf(known.latest);
  for (const auto& [server, role] : latest) {
    auto line = wanted.find(server);
    if (line == wanted.end() || line->second != role) return Differ(wanted, latest);
  }
  // An own view without a place for us is one of a server being added or replaced: it may be old, and lack others too.
  if (!latest.contains(self) || known.recorded) return absl::OkStatus();
  for (const auto& [server, role] : wanted) {
    if (role != MemberRole::kVoter || latest.contains(server)) continue;
    bool was_there = std::any_of(known.earlier.begin(), known.earlier.end(),
                                 [id = server](const consensus::Configuration& c) { return c.Find(id) != nullptr; });
    if (!was_there) return Differ(wanted, latest);
  }
  return absl::OkStatus();
}

std::string EncodeServers(const std::vector<node::Seed>& lines) {
  std::string text = absl::StrCat(kFirstLine, "\n");
  for (const auto& [server, role] : RolesOf(lines)) absl::StrAppend(&text, server.value(), " ", RoleName(role), "\n");
  return text;
}

std::optional<std::vector<node::Seed>> DecodeServers(const std::string& text) {
  std::vector<std::string> rows = absl::StrSplit(text, '\n');
  if (rows.size() < 3 || rows.front() != kFirstLine || !rows.back().empty()) return std::nullopt;
  std::vector<node::Seed> lines;
  for (size_t i = 1; i + 1 < rows.size(); ++i) {
    std::vector<std::string> words = absl::StrSplit(rows[i], ' ');
    uint32_t id = 0;
    if (words.size() != 2 || !absl::SimpleAtoi(words[0], &id) || (words[1] != "voter" && words[1] != "observer"))
      return std::nullopt;
    lines.push_back({ServerId(id), words[1] == "voter" ? MemberRole::kVoter : MemberRole::kLearner, ""});
  }
  return lines;
}

absl::Status WriteServers(storage::FileSystem* fs, const std::string& data_dir, const std::vector<node::Seed>& lines) {
  std::optional<std::vector<node::Seed>> present = ReadServers(fs, data_dir);
  if (present && RolesOf(*present) == RolesOf(lines)) return absl::OkStatus();
  const std::string fresh = PathOf(data_dir) + ".new";
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<storage::File> file, fs->Open(fresh, storage::OpenMode::kCreate));
  SYNOD_RETURN_IF_ERROR(file->WriteAt(0, EncodeServers(lines)));
  SYNOD_RETURN_IF_ERROR(file->Sync());
  SYNOD_RETURN_IF_ERROR(fs->Rename(fresh, PathOf(data_dir)));
  return fs->SyncDirectory(data_dir);
}

std::optional<std::vector<node::Seed>> ReadServers(storage::FileSystem* fs, const std::string& data_dir) {
  absl::StatusOr<std::unique_ptr<storage::File>> file = fs->Open(PathOf(data_dir), storage::OpenMode::kRead);
  if (!file.ok()) return std::nullopt;
  absl::StatusOr<std::string> text = storage::ReadWhole(file->get());
  return text.ok() ? DecodeServers(*text) : std::nullopt;
}

}  // namespace synod::server
