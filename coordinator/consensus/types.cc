#include "coordinator/consensus/types.h"

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace synod::consensus {
namespace {

// configuration := u8 version (1) , varint count , member{count}     (members ascend by server id)
// member        := u32 server , u64 storage , u8 role , blob address
constexpr uint8_t kConfigurationVersion = 1;

}  // namespace

const Member* Configuration::Find(ServerId server) const {
  for (const Member& member : members) {
    if (member.identity.server == server) return &member;
  }
  return nullptr;
}

bool Configuration::IsVoter(const Identity& identity) const {
  const Member* member = Find(identity.server);
  return member != nullptr && member->identity == identity && member->role == MemberRole::kVoter;
}

bool Configuration::IsMember(const Identity& identity) const {
  const Member* member = Find(identity.server);
  return member != nullptr && member->identity == identity;
}

size_t Configuration::VoterCount() const {
  size_t count = 0;
  for (const Member& member : members) count += member.role == MemberRole::kVoter ? 1 : 0;
  return count;
}

std::string Configuration::Encode() const {
  ByteWriter out;
  out.U8(kConfigurationVersion);
  out.Varint(members.size());
  for (const Member& member : members) {
    out.U32(member.identity.server.value());
    out.U64(member.identity.storage.value());
    out.U8(static_cast<uint8_t>(member.role));
    out.Blob(member.address);
  }
  return out.Take();
}

absl::StatusOr<Configuration> Configuration::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.U8() != kConfigurationVersion) return absl::DataLossError("configuration: unknown version");
  uint64_t count = in.Varint();
  Configuration configuration;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    Member member;
    member.identity.server = ServerId(in.U32());
    member.identity.storage = StorageId(in.U64());
    uint8_t role = in.U8();
    member.address = std::string(in.Blob());
    if (role > static_cast<uint8_t>(MemberRole::kLearner)) in.Fail();
    member.role = static_cast<MemberRole>(role);
    ServerId last = configuration.members.empty() ? ServerId(0) : configuration.members.back().identity.server;
    bool ascends = last < member.identity.server;
    if (!ascends || member.identity.server == ServerId(0)) in.Fail();
    configuration.members.push_back(std::move(member));
  }
  absl::Status status = in.Finish("configuration");
  if (!status.ok()) return status;
  return configuration;
}

}  // namespace synod::consensus
