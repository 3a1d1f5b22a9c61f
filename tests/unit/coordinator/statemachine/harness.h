// Drives one StateMachine as the node does, and remembers what its observer was told.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/interfaces/command_batch.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/state_machine.h"

namespace synod::statemachine {

inline const std::string kPassword(kPasswordBytes, 'p');

inline access::Identity Digest(std::string_view user) { return {"digest", std::string(user) + ":x"}; }
inline access::AclEntry ForDigest(std::string_view user, uint32_t permissions = access::kAllPermissions) {
  return {permissions, "digest", std::string(user) + ":x"};
}
inline access::AclEntry ForAnyone(uint32_t permissions) { return {permissions, "world", "anyone"}; }

// In Outcome's order, for whole comparisons.
inline std::string Show(const Outcome& outcome) {
  ByteWriter out;
  EncodeOutcome(outcome, &out);
  return out.Take() + (outcome.repeated ? "R" : "-") + (outcome.gap ? "G" : "-") +
         std::to_string(outcome.grant.session.value()) + "/" + std::to_string(outcome.grant.generation.value()) + "/" +
         std::to_string(outcome.grant.last_applied.value());
}

class Recorder : public ApplyObserver {
 public:
  void OnCommand(const Command& command, const Outcome& outcome, const std::vector<tree::Event>& events) override {
    calls.push_back("command " + std::to_string(outcome.zxid.value()));
    origins.push_back(command.origin.request);
    outcomes.push_back(outcome);
    events_of.push_back(events);
  }
  void OnSessionGranted(const SessionGrant& grant, uint64_t connection) override {
    calls.push_back("granted " + std::to_string(grant.session.value()) + " generation " +
                    std::to_string(grant.generation.value()) + " connection " + std::to_string(connection));
  }
  void OnSessionClosing(SessionId session, bool expired) override {
    calls.push_back("closing " + std::to_string(session.value()) + (expired ? ", expired" : ""));
  }
  void OnQuotaExceeded(const tree::QuotaExcess& excess) override {
    calls.push_back("quota " + excess.path + " count " + std::to_string(excess.count) + " of " +
                    std::to_string(excess.count_limit) + " bytes " + std::to_string(excess.bytes) + " of " +
                    std::to_string(excess.bytes_limit));
  }
  void OnSessionEnded(SessionId session, bool expired) override {
    calls.push_back((expired ? "expired " : "closed ") + std::to_string(session.value()));
  }
  void OnInstalled() override { calls.push_back("installed"); }

  std::vector<std::string> calls;
  std::vector<uint64_t> origins;
  std::vector<Outcome> outcomes;
  std::vector<std::vector<tree::Event>> events_of;
};

// The snapshot store's part.
using Store = std::map<std::string, std::string>;

inline void ApplyCut(const std::vector<interfaces::SnapshotRecord>& cut, Store* store) {
  std::map<std::string, int> seen;
  for (const auto& record : cut) {
    EXPECT_EQ(++seen[record.key], 1) << "a key twice in one cut";
    if (record.value) {
      (*store)[record.key] = *record.value;
    } else {
      store->erase(record.key);
    }
  }
}

inline absl::Status Load(const Store& store, const interfaces::SnapshotMeta& meta, StateMachine* machine) {
  auto loader = machine->NewLoader();
  for (const auto& [key, value] : store) {
    if (absl::Status status = loader->Add(key, value); !status.ok()) return status;
  }
  if (absl::Status status = loader->Finish(meta); !status.ok()) return status;
  machine->Install(std::move(loader), meta);
  return absl::OkStatus();
}

class Harness {
 public:
  explicit Harness(StateMachineOptions options = {}) : machine(std::move(options)) { machine.SetObserver(&seen); }

  absl::Status TryApplyBytes(const std::vector<std::string>& commands) {
    std::string payload = interfaces::EncodeBatch({now_ms * 1000, static_cast<int64_t>(now_ms)}, commands);
    auto batch = interfaces::DecodeBatch(payload);
    EXPECT_TRUE(batch.ok());
    absl::Status status = machine.Apply(machine.applied_index() + 1, Term(1), *batch);
    if (status.ok()) log.push_back(payload);
    return status;
  }
  // One entry with one command.
  Outcome Apply(const Command& command) {
    size_t before = seen.outcomes.size();
    absl::Status status = TryApplyBytes({EncodeCommand(command)});
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(seen.outcomes.size(), before + 1);
    return seen.outcomes.back();
  }
  // Without session: at-least-once.
  Outcome Unary(Operation operation) { return Apply({.operation = std::move(operation)}); }
  // As the session's present owner, under `sequence`.
  Outcome Numbered(SessionId session, uint64_t sequence, Operation operation, uint64_t confirmed_below = 0) {
    const sessions::Session* s = machine.sessions().Find(session);
    return Apply({.session = session,
                  .generation = s == nullptr ? OwnerGeneration(1) : s->generation(),
                  .sequence = Sequence(sequence),
                  .confirmed_below = Sequence(confirmed_below),
                  .operation = std::move(operation)});
  }
  SessionId NewSession(uint64_t connection = 1, access::IdentitySet identities = {}) {
    return Unary(CreateSessionOp{4000, 0, kPassword, connection, true, std::move(identities)}).grant.session;
  }
  Outcome Attach(SessionId session, uint64_t seen, uint64_t connection, bool clear = false,
                 std::string password = kPassword) {
    return Unary(AttachSessionOp{session, OwnerGeneration(seen), connection, std::move(password), 4000, 0, clear});
  }
  // Without session, by somebody.
  Outcome By(const access::IdentitySet& who, Operation operation) {
    return Apply({.identities = who, .operation = std::move(operation)});
  }
  bool Exists(std::string_view path) const { return machine.tree().Has(path); }
  tree::Stat StatOf(std::string_view path) const {
    tree::Stat stat;
    EXPECT_EQ(machine.tree().Exists(access::Caller::Unrestricted(), path, &stat), tree::Error::kOk) << path;
    return stat;
  }
  NodeData DataOf(std::string_view path) const {
    std::optional<std::string_view> data;
    EXPECT_EQ(machine.tree().GetData(access::Caller::Unrestricted(), path, &data, nullptr), tree::Error::kOk) << path;
    if (!data) return std::nullopt;
    return std::string(*data);
  }
  access::Acl AclOf(std::string_view path) const {
    AclId acl;
    bool admin = false;
    EXPECT_EQ(machine.tree().GetAcl(access::Caller::Unrestricted(), path, &acl, &admin, nullptr), tree::Error::kOk);
    return machine.acls().Get(acl);
  }
  // The window of past events: zxid, number, type, path and ACLs.
  std::vector<std::string> Window() const {
    std::vector<std::string> out;
    const EventWindow& window = machine.window();
    auto show = [](const std::optional<access::Acl>& acl) {
      ByteWriter bytes;
      if (acl) access::EncodeAcl(*acl, &bytes);
      return bytes.Take();
    };
    window.Read(window.begin(), SIZE_MAX, [&](const PastEvent& event) {
      out.push_back(std::to_string(event.zxid.value()) + "." + std::to_string(event.number) + " " +
                    std::to_string(static_cast<int>(event.type)) + " " + std::string(event.path) + " " +
                    show(event.acl) + " " + show(event.parent_acl));
      return true;
    });
    return out;
  }
  // Closes and writes a whole cut.
  interfaces::SnapshotMeta Snapshot(Store* store) {
    interfaces::SnapshotMeta meta = machine.CloseSnapshot();
    std::vector<interfaces::SnapshotRecord> cut;
    while (!machine.WriteClosed(absl::Milliseconds(1), &cut)) {
    }
    ApplyCut(cut, store);
    return meta;
  }

  uint64_t now_ms = 1000;
  Recorder seen;
  StateMachine machine;
  std::vector<std::string> log;  // payloads applied, entry i + 1 at i
};

}  // namespace synod::statemachine
