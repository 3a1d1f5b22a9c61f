#include "coordinator/statemachine/operation_codec.h"

#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {
namespace {

using Kind = OperationKind;

template <typename>
constexpr Kind kKindOf = Kind(0);
template <>
constexpr Kind kKindOf<CreateOp> = Kind::kCreate;
template <>
constexpr Kind kKindOf<DeleteOp> = Kind::kDelete;
template <>
constexpr Kind kKindOf<SetDataOp> = Kind::kSetData;
template <>
constexpr Kind kKindOf<CheckOp> = Kind::kCheck;
template <>
constexpr Kind kKindOf<MultiOp> = Kind::kMulti;
template <>
constexpr Kind kKindOf<SyncOp> = Kind::kSync;
template <>
constexpr Kind kKindOf<RefusedOp> = Kind::kRefused;
template <>
constexpr Kind kKindOf<SetAclOp> = Kind::kSetAcl;
template <>
constexpr Kind kKindOf<DeleteTreeOp> = Kind::kDeleteTree;
template <>
constexpr Kind kKindOf<TxnOp> = Kind::kTxn;
template <>
constexpr Kind kKindOf<CreateSessionOp> = Kind::kCreateSession;
template <>
constexpr Kind kKindOf<AttachSessionOp> = Kind::kAttachSession;
template <>
constexpr Kind kKindOf<CloseSessionOp> = Kind::kCloseSession;
template <>
constexpr Kind kKindOf<ExpireSessionOp> = Kind::kExpireSession;
template <>
constexpr Kind kKindOf<AuthenticateOp> = Kind::kAuthenticate;
template <>
constexpr Kind kKindOf<ContinueCloseOp> = Kind::kContinueClose;
template <>
constexpr Kind kKindOf<RemoveIdleOp> = Kind::kRemoveIdle;
template <>
constexpr Kind kKindOf<RaiseVersionOp> = Kind::kRaiseVersion;
template <>
constexpr Kind kKindOf<SetSettingOp> = Kind::kSetSetting;

// ---- writing ----

// 0 is null, n + 1 is n bytes.
void WriteData(const NodeData& data, ByteWriter* out) {
  if (!data) return out->Varint(0);
  out->Varint(data->size() + 1);
  out->Append(*data);
}

// 0 is absent, n + 1 is n entries.
void WriteAcl(const WantedAcl& acl, ByteWriter* out) {
  if (!acl) return out->Varint(0);
  out->Varint(acl->size() + 1);
  for (const access::AclEntry& entry : *acl) {
    out->Varint(entry.permissions);
    out->Blob(entry.scheme);
    out->Blob(entry.id);
  }
}

struct WriteBody {
  ByteWriter* out;
  void operator()(const CreateOp& op) {
    out->Blob(op.path);
    WriteData(op.data, out);
    out->U8(static_cast<uint8_t>(op.mode));
    WriteAcl(op.acl, out);
    out->Varint(op.ttl_ms);
    out->U8(static_cast<uint8_t>(op.on_existing));
  }
  void operator()(const DeleteOp& op) {
    PathAndVersion(op.path, op.version);
    out->Bool(op.missing_ok);
  }
  void operator()(const SetDataOp& op) {
    out->Blob(op.path);
    WriteData(op.data, out);
    out->SignedVarint(op.version);
  }
  void operator()(const CheckOp& op) { PathAndVersion(op.path, op.version); }
  void operator()(const SetAclOp& op) {
    out->Blob(op.path);
    WriteAcl(op.acl, out);
    out->SignedVarint(op.version);
  }
  void operator()(const DeleteTreeOp& op) {
    PathAndVersion(op.path, op.version);
    out->Varint(op.max_nodes);
    out->Bool(op.partial);
  }
  void operator()(const MultiOp& op) { Ops(op.ops); }
  void operator()(const TxnOp& op) {
    out->Varint(op.compares.size());
    for (const Compare& compare : op.compares) (*this)(compare);
    Ops(op.then_ops);
    Ops(op.else_ops);
  }
  void operator()(const Compare& compare) {
    out->Blob(compare.path);
    out->U8(static_cast<uint8_t>(compare.target));
    out->U8(static_cast<uint8_t>(compare.relation));
    out->SignedVarint(compare.number);
    WriteData(compare.value, out);
  }
  void operator()(const SyncOp& op) { out->Blob(op.path); }
  void operator()(const RefusedOp& op) { out->U8(static_cast<uint8_t>(op.error)); }
  void operator()(const AuthenticateOp& op) { access::EncodeIdentities(op.identities, out); }
  void operator()(const CreateSessionOp& op) {
    out->Varint(op.timeout_ms);
    out->Varint(op.disconnect_grace_ms);
    out->Blob(op.password);
    out->U64(op.connection);
    out->Bool(op.native);
    access::EncodeIdentities(op.identities, out);
  }
  void operator()(const AttachSessionOp& op) {
    WriteSession(op.session, out);
    out->Varint(op.seen.value());
    out->U64(op.connection);
    out->Blob(op.password);
    out->Varint(op.timeout_ms);
    out->Varint(op.disconnect_grace_ms);
    out->Bool(op.clear_replies);
    access::EncodeIdentities(op.identities, out);
  }
  void operator()(const CloseSessionOp&) {}
  void operator()(const ExpireSessionOp& op) {
    WriteSession(op.session, out);
    out->Varint(op.seen.value());
  }
  void operator()(const ContinueCloseOp& op) { WriteSession(op.session, out); }
  void operator()(const RemoveIdleOp& op) {
    out->Blob(op.path);
    out->SignedVarint(op.czxid.value());
    out->SignedVarint(op.mzxid.value());
  }
  void operator()(const RaiseVersionOp& op) { out->Varint(op.version); }
  void operator()(const SetSettingOp& op) {
    out->Blob(op.name);
    out->Blob(op.value);
  }

  void Ops(const std::vector<TreeOp>& ops) {
    out->Varint(ops.size());
    for (const TreeOp& one : ops) {
      std::visit(
          [this](const auto& body) {
            out->U8(static_cast<uint8_t>(kKindOf<std::decay_t<decltype(body)>>));
            (*this)(body);
          },
          one);
    }
  }
  void PathAndVersion(const std::string& path, int32_t version) {
    out->Blob(path);
    out->SignedVarint(version);
  }
};

// ---- reading ----

void ReadString(ByteReader* in, std::string* out) { out->assign(in->Blob()); }

// A number of a closed range from 0.
template <typename Enum>
Enum ReadEnum(ByteReader* in, Enum max) {
  uint8_t v = in->U8();
  if (v > static_cast<uint8_t>(max)) in->Fail();
  return static_cast<Enum>(v);
}

// How many elements follow, of `bytes_min` bytes at least each: no memory for a count that lies.
size_t ReadCount(ByteReader* in, size_t bytes_min) {
  uint64_t count = in->Varint();
  if (count > in->remaining() / bytes_min) in->Fail();
  return in->ok() ? static_cast<size_t>(count) : 0;
}

void ReadData(ByteReader* in, NodeData* out) {
  uint64_t n = in->Varint();
  if (n == 0) return out->reset();
  if (n - 1 > in->remaining()) return in->Fail();
  std::string_view bytes = in->Take(static_cast<size_t>(n - 1));
  if (*out) {
    (*out)->assign(bytes);
  } else {
    out->emplace(bytes);
  }
}

void ReadAcl(ByteReader* in, WantedAcl* out) {
  uint64_t n = in->Varint();
  if (n == 0) return out->reset();
  if (n - 1 > in->remaining() / 3) return in->Fail();
  if (!*out) out->emplace();
  (*out)->resize(static_cast<size_t>(n - 1));
  for (access::AclEntry& entry : **out) {
    entry.permissions = ReadU32(in);
    ReadString(in, &entry.scheme);
    ReadString(in, &entry.id);
  }
}

struct ReadBody {
  ByteReader* in;
  void operator()(CreateOp* op) {
    ReadString(in, &op->path);
    ReadData(in, &op->data);
    op->mode = ReadEnum(in, CreateMode::kPersistentSequentialTtl);
    ReadAcl(in, &op->acl);
    op->ttl_ms = in->Varint();
    op->on_existing = ReadEnum(in, OnExisting::kSet);
  }
  void operator()(DeleteOp* op) {
    PathAndVersion(&op->path, &op->version);
    op->missing_ok = in->Bool();
  }
  void operator()(SetDataOp* op) {
    ReadString(in, &op->path);
    ReadData(in, &op->data);
    op->version = ReadI32(in);
  }
  void operator()(CheckOp* op) { PathAndVersion(&op->path, &op->version); }
  void operator()(SetAclOp* op) {
    ReadString(in, &op->path);
    ReadAcl(in, &op->acl);
    op->version = ReadI32(in);
  }
  void operator()(DeleteTreeOp* op) {
    PathAndVersion(&op->path, &op->version);
    op->max_nodes = ReadU32(in);
    op->partial = in->Bool();
  }
  void operator()(Compare* compare) {
    ReadString(in, &compare->path);
    compare->target = ReadEnum(in, Compare::Target::kValue);
    compare->relation = ReadEnum(in, Compare::Relation::kGreaterOrEqual);
    compare->number = in->SignedVarint();
    ReadData(in, &compare->value);
  }
  void operator()(SyncOp* op) { ReadString(in, &op->path); }
  void operator()(RefusedOp* op) {
    op->error = ReadError(in);
    if (op->error == tree::Error::kOk) in->Fail();
  }
  void operator()(AuthenticateOp* op) { access::DecodeIdentities(in, &op->identities); }
  void operator()(CreateSessionOp* op) {
    op->timeout_ms = ReadU32(in);
    op->disconnect_grace_ms = ReadU32(in);
    ReadString(in, &op->password);
    op->connection = in->U64();
    op->native = in->Bool();
    access::DecodeIdentities(in, &op->identities);
  }
  void operator()(AttachSessionOp* op) {
    op->session = ReadSession(in);
    op->seen = OwnerGeneration(in->Varint());
    op->connection = in->U64();
    ReadString(in, &op->password);
    op->timeout_ms = ReadU32(in);
    op->disconnect_grace_ms = ReadU32(in);
    op->clear_replies = in->Bool();
    access::DecodeIdentities(in, &op->identities);
  }
  void operator()(CloseSessionOp*) {}
  void operator()(ExpireSessionOp* op) {
    op->session = ReadSession(in);
    op->seen = OwnerGeneration(in->Varint());
  }
  void operator()(ContinueCloseOp* op) { op->session = ReadSession(in); }
  void operator()(RemoveIdleOp* op) {
    ReadString(in, &op->path);
    op->czxid = Zxid(in->SignedVarint());
    op->mzxid = Zxid(in->SignedVarint());
  }
  void operator()(RaiseVersionOp* op) { op->version = ReadU32(in); }
  void operator()(SetSettingOp* op) {
    ReadString(in, &op->name);
    ReadString(in, &op->value);
  }
  void PathAndVersion(std::string* path, int32_t* version) {
    ReadString(in, path);
    *version = ReadI32(in);
  }
};

// The alternative T of `variant`; the old one's memory is kept if it is already a T.
template <typename T, typename Variant>
T* Become(Variant* variant) {
  if (T* same = std::get_if<T>(variant)) return same;
  return &variant->template emplace<T>();
}

absl::Status UnknownOperation(Kind kind) {
  return absl::UnimplementedError(absl::StrCat("command: unknown operation ", static_cast<int>(kind),
                                               "; this server knows version ", kVersionKnown));
}

absl::Status ReadTreeOp(ByteReader* in, TreeOp* op) {
  Kind kind = static_cast<Kind>(in->U8());
  if (!in->ok()) return absl::OkStatus();
  ReadBody body{in};
  switch (kind) {
    case Kind::kCreate:
      body(Become<CreateOp>(op));
      break;
    case Kind::kDelete:
      body(Become<DeleteOp>(op));
      break;
    case Kind::kSetData:
      body(Become<SetDataOp>(op));
      break;
    case Kind::kCheck:
      body(Become<CheckOp>(op));
      break;
    case Kind::kSetAcl:
      body(Become<SetAclOp>(op));
      break;
    case Kind::kDeleteTree:
      body(Become<DeleteTreeOp>(op));
      break;
    default:
      return UnknownOperation(kind);
  }
  return absl::OkStatus();
}

absl::Status ReadOps(ByteReader* in, std::vector<TreeOp>* ops) {
  ops->resize(ReadCount(in, 3));
  for (TreeOp& op : *ops) {
    SYNOD_RETURN_IF_ERROR(ReadTreeOp(in, &op));
    if (!in->ok()) break;
  }
  return absl::OkStatus();
}

absl::Status ReadTxn(ByteReader* in, TxnOp* txn) {
  txn->compares.resize(ReadCount(in, 5));
  for (Compare& compare : txn->compares) ReadBody{in}(&compare);
  SYNOD_RETURN_IF_ERROR(ReadOps(in, &txn->then_ops));
  return ReadOps(in, &txn->else_ops);
}

template <typename T>
absl::Status ReadInto(ByteReader* in, Operation* operation) {
  ReadBody{in}(Become<T>(operation));
  return absl::OkStatus();
}

}  // namespace

uint32_t ReadU32(ByteReader* in) {
  uint64_t v = in->Varint();
  if (v > UINT32_MAX) in->Fail();
  return static_cast<uint32_t>(v);
}

int32_t ReadI32(ByteReader* in) {
  int64_t v = in->SignedVarint();
  if (v > INT32_MAX || v < INT32_MIN) in->Fail();
  return static_cast<int32_t>(v);
}

SessionId ReadSession(ByteReader* in) {
  uint64_t v = in->Varint();
  if (v > static_cast<uint64_t>(INT64_MAX)) in->Fail();
  return SessionId(static_cast<int64_t>(v));
}

tree::Error ReadError(ByteReader* in) { return ReadEnum(in, tree::Error::kReplyLost); }

OperationKind KindOf(const Operation& operation) {
  return std::visit([](const auto& op) { return kKindOf<std::decay_t<decltype(op)>>; }, operation);
}

void EncodeOperation(const Operation& operation, ByteWriter* out) { std::visit(WriteBody{out}, operation); }

absl::Status DecodeOperation(OperationKind kind, ByteReader* in, Operation* operation) {
  switch (kind) {
    case Kind::kMulti:
      return ReadOps(in, &Become<MultiOp>(operation)->ops);
    case Kind::kTxn:
      return ReadTxn(in, Become<TxnOp>(operation));
    case Kind::kCreate:
      return ReadInto<CreateOp>(in, operation);
    case Kind::kDelete:
      return ReadInto<DeleteOp>(in, operation);
    case Kind::kSetData:
      return ReadInto<SetDataOp>(in, operation);
    case Kind::kCheck:
      return ReadInto<CheckOp>(in, operation);
    case Kind::kSync:
      return ReadInto<SyncOp>(in, operation);
    case Kind::kRefused:
      return ReadInto<RefusedOp>(in, operation);
    case Kind::kSetAcl:
      return ReadInto<SetAclOp>(in, operation);
    case Kind::kDeleteTree:
      return ReadInto<DeleteTreeOp>(in, operation);
    case Kind::kCreateSession:
      return ReadInto<CreateSessionOp>(in, operation);
    case Kind::kAttachSession:
      return ReadInto<AttachSessionOp>(in, operation);
    case Kind::kCloseSession:
      return ReadInto<CloseSessionOp>(in, operation);
    case Kind::kExpireSession:
      return ReadInto<ExpireSessionOp>(in, operation);
    case Kind::kAuthenticate:
      return ReadInto<AuthenticateOp>(in, operation);
    case Kind::kContinueClose:
      return ReadInto<ContinueCloseOp>(in, operation);
    case Kind::kRemoveIdle:
      return ReadInto<RemoveIdleOp>(in, operation);
    case Kind::kRaiseVersion:
      return ReadInto<RaiseVersionOp>(in, operation);
    case Kind::kSetSetting:
      return ReadInto<SetSettingOp>(in, operation);
  }
  return UnknownOperation(kind);
}

}  // namespace synod::statemachine
