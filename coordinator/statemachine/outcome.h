// What applying a command gave. Stored by number in the session's reply table (S2) and told to observers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/statemachine/command.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/error.h"
#include "coordinator/tree/event.h"
#include "coordinator/tree/stat.h"

namespace synod::statemachine {

// Result of one tree operation, alone or inside a multi.
struct OpResult {
  tree::Error error = tree::Error::kOk;
  std::string path;  // create: the final path
  // create, set, set acl: after the change. check: as checked. Zeros if kKeep found a node without READ.
  tree::Stat stat;
  bool created = false;    // create: this one made the node (false: kKeep or kSet found it)
  uint64_t deleted = 0;    // delete, delete tree: nodes that went
  uint64_t remaining = 0;  // delete tree, partial: nodes of the subtree that are left
};

struct SessionGrant {
  SessionId session;
  std::string password;
  OwnerGeneration generation;
  uint32_t timeout_ms = 0;
  uint32_t disconnect_grace_ms = 0;
  Sequence last_applied;  // the sender goes on from the next
};

struct Outcome {
  tree::Error error = tree::Error::kOk;  // of the command; of a failed multi: the first failing operation's
  Zxid zxid;                             // of the command; a repeated one: of the first time
  OpResult result;                       // single tree operations
  // multi and txn: one per op. On failure: kOk before it, its error, kRuntimeInconsistency after it.
  std::vector<OpResult> results;
  bool succeeded = false;  // txn: all conditions held, `results` are of then_ops; else of else_ops
  SessionGrant grant;      // create and attach session
  bool repeated = false;   // the number had been applied before: this is the first outcome again
  bool gap = false;        // the number is beyond the next one: no effect, no outcome; the sender re-sends (S2)
};

// Told on the loop, in order, by every server for every command.
class ApplyObserver {
 public:
  virtual ~ApplyObserver() = default;
  // After each command, before the next (L3). `events` in order of the changes. References live during the call.
  virtual void OnCommand(const Command& command, const Outcome& outcome, const std::vector<tree::Event>& events) = 0;
  // A session appeared, or its generation, timeout or grace changed.
  virtual void OnSessionGranted(const SessionGrant& grant, uint64_t connection) = 0;
  // A session is closing: it has more ephemerals than one command may delete (CloseSessionOp). Its end follows.
  virtual void OnSessionClosing(SessionId session, bool expired) = 0;
  // A quota was exceeded by the running command; before its OnCommand.
  virtual void OnQuotaExceeded(const tree::QuotaExcess& excess) = 0;
  // A session ends (closed or expired), found for the last time; its ephemerals' events come in the OnCommand after it.
  virtual void OnSessionEnded(SessionId session, bool expired) = 0;
  // The whole state was replaced by an install (S10).
  virtual void OnInstalled() = 0;
};

}  // namespace synod::statemachine
