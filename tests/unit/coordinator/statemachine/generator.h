// Random commands that hit, miss, repeat and collide: every operation, a few names, a few callers.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {

// For machines that are to agree: closing takes several commands.
inline StateMachineOptions SmallCloses() { return {.ephemerals_per_command = 2}; }

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Command Next(const StateMachine& machine) {
    Command command{.max_data_bytes = 60, .origin = {ServerId(1), 2, ++requests_}};
    uint64_t dice = random_() % 100;
    if (dice < 3 || machine.sessions().count() == 0) {
      command.operation = CreateSessionOp{4000, 0, kPassword, random_() % 50 + 1, random_() % 2 == 0, Identities()};
      return command;
    }
    const sessions::Session* session = PickSession(machine);
    uint64_t generation = session->generation().value();
    if (dice < 5) {
      command.operation = ExpireSessionOp{session->id(), OwnerGeneration(generation - random_() % 2)};
    } else if (dice < 9) {
      command.operation = AttachSessionOp{session->id(),
                                          OwnerGeneration(generation - random_() % 2),
                                          random_() % 5 + 1,
                                          kPassword,
                                          static_cast<uint32_t>(random_() % 3 + 1) * 1000,
                                          0,
                                          random_() % 2 == 0,
                                          Identities()};
    } else if (dice < 11) {
      command.operation = Setting();
    } else if (dice < 14) {
      command.operation = ContinueCloseOp{Closing(machine, session)};
    } else if (dice < 17) {
      command.operation = RemoveIdle(machine);
    } else {
      if (random_() % 8 != 0) {
        Number(*session, &command);
      } else {
        command.identities = Identities();
      }
      command.operation = SessionOperation();
    }
    return command;
  }
  uint64_t Random() { return random_(); }
  // Without quota nodes and what would switch them.
  void WithoutQuotas() { quotas_ = false; }

 private:
  const sessions::Session* PickSession(const StateMachine& machine) {
    std::vector<SessionId> ids;
    machine.sessions().ForEach([&](const sessions::Session& s) { ids.push_back(s.id()); });
    return machine.sessions().Find(ids[random_() % ids.size()]);
  }
  SessionId Closing(const StateMachine& machine, const sessions::Session* otherwise) {
    const auto& closing = machine.sessions().closing();
    return closing.empty() || random_() % 8 == 0 ? otherwise->id() : *closing.begin();
  }
  void Number(const sessions::Session& session, Command* command) {
    command->session = session.id();
    command->generation = OwnerGeneration(session.generation().value() - (random_() % 20 == 0));
    if (random_() % 10 == 0) return;  // unnumbered
    uint64_t next = session.last_applied().value() + 1;
    uint64_t dice = random_() % 20;
    command->sequence = Sequence(dice == 0  ? next + 1
                                 : dice < 3 ? next - std::min<uint64_t>(next - 1, random_() % 4)
                                            : next);
    command->confirmed_below = Sequence(next - std::min<uint64_t>(next, random_() % 6));
  }
  std::string Path() {
    std::string path;
    for (uint64_t depth = random_() % 3 + 1; depth > 0; --depth)
      path += "/" + std::string(1, static_cast<char>('a' + random_() % 6));
    if (random_() % 40 == 0) path += "/";
    return path;
  }
  NodeData Data() {
    if (random_() % 10 == 0) return std::nullopt;
    return std::string(random_() % 64, static_cast<char>('a' + random_() % 26));
  }
  int32_t Version() { return random_() % 3 != 0 ? -1 : static_cast<int32_t>(random_() % 3); }
  access::IdentitySet Identities() {
    access::IdentitySet who;
    if (random_() % 2 == 0) access::Insert(Digest(random_() % 2 == 0 ? "alice" : "bob"), &who);
    if (random_() % 4 == 0) access::Insert({"ip", "10.0.0." + std::to_string(random_() % 3)}, &who);
    return who;
  }
  WantedAcl Acl() {
    switch (random_() % 12) {
      case 0:
        return access::Acl{};
      case 1:
        return access::Acl{ForDigest("bob"), ForAnyone(access::kRead | access::kCreate)};
      case 2:
        return access::Acl{{access::kAllPermissions, "auth", ""}, ForAnyone(access::kRead)};
      case 3:
        return access::Acl{ForDigest(std::string(1, static_cast<char>('a' + random_() % 26))), ForAnyone(30)};
      default:
        return std::nullopt;
    }
  }
  CreateOp Create() {
    CreateOp op{Path(), Data(), static_cast<CreateMode>(random_() % 7), Acl()};
    if (IsTtl(op.mode)) op.ttl_ms = random_() % 40;
    if (random_() % 4 == 0) op.on_existing = static_cast<OnExisting>(random_() % 3);
    if (quotas_ && random_() % 12 == 0) {  // a quota on a path of one letter
      op = {random_() % 2 == 0 ? "/zookeeper/quota/a" : "/zookeeper/quota/b"};
      if (random_() % 2 == 0) {
        op.path += "/zookeeper_limits";
        op.data = "count=1,bytes=50=;byteHardLimit=80;countHardLimit=2";
      }
    }
    return op;
  }
  TreeOp OneTreeOp() {
    switch (random_() % 12) {
      case 0:
        return DeleteOp{Path(), Version(), random_() % 4 == 0};
      case 1:
      case 2:
        return SetDataOp{Path(), Data(), Version()};
      case 3:
        return CheckOp{Path(), Version()};
      case 4:
        return SetAclOp{Path(), Acl(), Version()};
      case 5:
        return DeleteTreeOp{Path(), Version(), static_cast<uint32_t>(random_() % 5), random_() % 2 == 0};
      default:
        return Create();
    }
  }
  Compare OneCompare() {
    Compare compare{Path(), static_cast<Compare::Target>(random_() % 8), static_cast<Compare::Relation>(random_() % 6),
                    static_cast<int64_t>(random_() % 3)};
    if (compare.target == Compare::Target::kExists) {
      compare.relation = Compare::Relation::kEqual;
      compare.number = static_cast<int64_t>(random_() % 10 != 0 ? random_() % 2 : 2);
    }
    compare.value = Data();
    return compare;
  }
  std::vector<TreeOp> Ops() {
    std::vector<TreeOp> ops;
    for (uint64_t n = random_() % 5; n > 0; --n) ops.push_back(OneTreeOp());
    return ops;
  }
  SetSettingOp Setting() {
    switch (random_() % 7) {
      case 0:
        return {std::string(kEnforceQuotaSetting), random_() % 2 == 0 ? "no" : ""};
      case 1:
        return {std::string(kExtendedTypesSetting), random_() % 3 == 0 ? "no" : "yes"};
      case 2:
        return {std::string(kSuperDigestSetting), random_() % 2 == 0 ? "bob:x" : ""};
      case 3:
        return {std::string(kSkipAclSetting), random_() % 4 == 0 ? "yes" : "no"};
      case 4:
        return {std::string(kMembershipSetting), random_() % 3 == 0 ? "" : "server." + std::to_string(random_() % 9)};
      default:
        return {"s" + std::to_string(random_() % 3), Data().value_or("")};
    }
  }
  RemoveIdleOp RemoveIdle(const StateMachine& machine) {
    std::vector<tree::IdleNode> idle = machine.tree().FindIdle(machine.log_clock_us() + 5000, 20000, 4);
    if (idle.empty() || random_() % 8 == 0) return {Path(), Zxid(1), Zxid(1)};
    const tree::IdleNode& node = idle[random_() % idle.size()];
    return {node.path, node.czxid, random_() % 8 == 0 ? node.mzxid + 1 : node.mzxid};
  }
  Operation SessionOperation() {
    uint64_t dice = random_() % 44;
    if (dice == 0) return CloseSessionOp{};
    if (dice == 1) return SyncOp{"/"};
    if (dice == 2) return RefusedOp{tree::Error::kRefusedDisk};
    if (dice < 10) return MultiOp{Ops()};
    if (dice == 10) return AuthenticateOp{Identities()};
    if (dice < 15) {
      TxnOp txn{{}, Ops(), Ops()};
      for (uint64_t n = random_() % 3; n > 0; --n) txn.compares.push_back(OneCompare());
      return txn;
    }
    return std::visit([](auto&& op) -> Operation { return std::move(op); }, OneTreeOp());
  }

  std::mt19937_64 random_;
  bool quotas_ = true;
  uint64_t requests_ = 0;
};

}  // namespace synod::statemachine
