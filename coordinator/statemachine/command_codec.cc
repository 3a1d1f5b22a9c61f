#include "coordinator/statemachine/command_codec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/operation_codec.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kFormatVersion = 1;

void WriteHeader(const Command& c, ByteWriter* out) {
  out->U8(kFormatVersion);
  out->U8(static_cast<uint8_t>(KindOf(c.operation)));
  WriteSession(c.session, out);
  out->Varint(c.generation.value());
  out->Varint(c.sequence.value());
  out->Varint(c.confirmed_below.value());
  access::EncodeIdentities(c.identities, out);
  out->Varint(c.max_data_bytes);
  out->Varint(c.origin.server.value());
  out->U64(c.origin.incarnation);
  out->Varint(c.origin.request);
}

// Reads up to the body; the kind may be unknown.
absl::Status ReadHeader(ByteReader* in, Command* c, OperationKind* kind) {
  uint8_t version = in->U8();
  if (in->ok() && version == 0) return absl::DataLossError("command: version 0");
  if (in->ok() && version > kFormatVersion) {
    return absl::UnimplementedError(absl::StrCat("command: needs state-machine version ", static_cast<int>(version),
                                                 "; this server knows ", kVersionKnown));
  }
  *kind = static_cast<OperationKind>(in->U8());
  c->session = ReadSession(in);
  c->generation = OwnerGeneration(in->Varint());
  c->sequence = Sequence(in->Varint());
  c->confirmed_below = Sequence(in->Varint());
  access::DecodeIdentities(in, &c->identities);
  c->max_data_bytes = ReadU32(in);
  c->origin.server = ServerId(ReadU32(in));
  c->origin.incarnation = in->U64();
  c->origin.request = in->Varint();
  if (!in->ok()) return absl::DataLossError("command: truncated or malformed header");
  return absl::OkStatus();
}

bool Grows(const TreeOp& op) {
  if (const auto* set = std::get_if<SetAclOp>(&op)) return set->acl.has_value();
  return std::holds_alternative<CreateOp>(op) || std::holds_alternative<SetDataOp>(op);
}

bool Grows(const std::vector<TreeOp>& ops) {
  return std::any_of(ops.begin(), ops.end(), [](const TreeOp& op) { return Grows(op); });
}

}  // namespace

std::string EncodeCommand(const Command& command) {
  ByteWriter out;
  WriteHeader(command, &out);
  EncodeOperation(command.operation, &out);
  return out.Take();
}

absl::Status DecodeCommandInto(std::string_view bytes, Command* command) {
  ByteReader in(bytes);
  OperationKind kind;
  SYNOD_RETURN_IF_ERROR(ReadHeader(&in, command, &kind));
  SYNOD_RETURN_IF_ERROR(DecodeOperation(kind, &in, &command->operation));
  return in.Finish("command");
}

absl::StatusOr<Command> DecodeCommand(std::string_view bytes) {
  Command command;
  SYNOD_RETURN_IF_ERROR(DecodeCommandInto(bytes, &command));
  return command;
}

CommandGrowth PeekGrowth(std::string_view bytes) {
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes[0]) != kFormatVersion) return CommandGrowth::kMalformed;
  const OperationKind kind = static_cast<OperationKind>(bytes[1]);
  if (kind == OperationKind::kCreate || kind == OperationKind::kSetData) return CommandGrowth::kGrows;
  if (kind != OperationKind::kMulti && kind != OperationKind::kTxn && kind != OperationKind::kSetAcl)
    return CommandGrowth::kNone;
  absl::StatusOr<Command> command = DecodeCommand(bytes);
  if (!command.ok()) return CommandGrowth::kMalformed;
  bool grows = false;
  if (const auto* multi = std::get_if<MultiOp>(&command->operation)) {
    grows = Grows(multi->ops);
  } else if (const auto* txn = std::get_if<TxnOp>(&command->operation)) {
    grows = Grows(txn->then_ops) || Grows(txn->else_ops);  // which of them runs is known at apply only
  } else {
    grows = Grows(TreeOp(std::get<SetAclOp>(std::move(command->operation))));
  }
  return grows ? CommandGrowth::kGrows : CommandGrowth::kNone;
}

std::optional<std::string> EncodeRefusalOf(std::string_view bytes, tree::Error error) {
  ByteReader in(bytes);
  Command command;
  OperationKind kind;
  if (!ReadHeader(&in, &command, &kind).ok()) return std::nullopt;
  command.operation = RefusedOp{error};
  return EncodeCommand(command);
}

}  // namespace synod::statemachine
