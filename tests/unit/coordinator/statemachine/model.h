// The state machine again, as simply as it can be said: maps by full path, copies to undo, no index, no snapshot. The
// property test compares both after every command. Quotas and refused growth are left out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/access/acl.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/statemachine/settings.h"

namespace synod::statemachine {

struct ModelNode {
  NodeData data;
  access::Acl acl;
  SessionId owner;
  bool container = false;
  uint64_t ttl_ms = 0;
  uint64_t creates = 0;     // of children, ever
  uint64_t changed_us = 0;  // the log's clock at the last change of the data
  tree::Stat stat;          // but for what is counted: cversion, data_length, num_children
};

struct ModelSession {
  OwnerGeneration generation;
  std::string password;
  uint64_t connection = 0;
  uint32_t timeout_ms = 0;
  uint32_t disconnect_grace_ms = 0;
  access::IdentitySet identities;
  bool closing = false;
  Sequence last;
  std::map<Sequence, Outcome> replies;
};

class Model {
 public:
  explicit Model(size_t ephemerals_per_command);

  Outcome Apply(const interfaces::BatchTimes& times, const Command& command);

  const std::map<std::string, ModelNode>& nodes() const { return nodes_; }
  const std::map<SessionId, ModelSession>& sessions() const { return sessions_; }
  // As a client would see it.
  tree::Stat StatOf(const std::string& path) const;

 private:
  using Error = tree::Error;
  void Judge(const Command& command, Outcome* out);
  bool JudgeServerCommand(const Command& command, Outcome* out);
  void Execute(const Command& command, Outcome* out);
  Error Run(const TreeOp& op, OpResult* result);
  Error Run(const CreateOp& op, OpResult* result);
  Error Run(const DeleteOp& op, OpResult* result);
  Error Run(const SetDataOp& op, OpResult* result);
  Error Run(const CheckOp& op, OpResult* result);
  Error Run(const SetAclOp& op, OpResult* result);
  Error Run(const DeleteTreeOp& op, OpResult* result);
  void RunAll(const std::vector<TreeOp>& ops, Outcome* out);
  void RunTxn(const TxnOp& txn, Outcome* out);
  Error Holds(const Compare& compare, bool* holds) const;
  Error Remove(const std::string& path, int32_t version, bool with_children) const;
  Error RemoveIdle(const RemoveIdleOp& op);
  Error CreateSession(const CreateSessionOp& op, Outcome* out);
  Error AttachSession(const AttachSessionOp& op, Outcome* out);
  void Close(SessionId id);

  bool Allowed(const std::string& path, uint32_t permission) const;
  bool TooLarge(const std::string& path, const NodeData& data) const;
  std::vector<std::string> Children(const std::string& path) const;
  // A subtree, deepest first, children in order of their names.
  void PostOrder(const std::string& path, std::vector<std::string>* out) const;
  void Erase(const std::string& path);
  void Grant(SessionId id, Outcome* out) const;

  const size_t ephemerals_per_command_;
  std::map<std::string, ModelNode> nodes_;
  std::map<SessionId, ModelSession> sessions_;
  SessionId next_session_{1};
  Zxid zxid_;
  Settings settings_;
  // Of the running command.
  interfaces::BatchTimes times_;
  SessionId session_;
  access::IdentitySet caller_;
  uint32_t max_data_bytes_ = 0;
};

}  // namespace synod::statemachine
