#include "coordinator/statemachine/command_codec.h"

#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kFormatVersion = 1;

// Numbers of the format; never reused.
enum class Kind : uint8_t {
  kCreate = 1,
  kDelete = 2,
  kSetData = 3,
  kCheck = 4,
  kMulti = 5,
  kSync = 6,
  kRefused = 7,
  kCreateSession = 16,
  kAttachSession = 17,
  kCloseSession = 18,
  kExpireSession = 19,
  kRaiseVersion = 32,
  kSetSetting = 33,
};

// ---- writing ----

void PutSession(SessionId id, ByteWriter* out) { out->Varint(static_cast<uint64_t>(id.value())); }

// 0 is null, n + 1 is n bytes.
void PutData(const NodeData& data, ByteWriter* out) {
  if (!data) return out->Varint(0);
  out->Varint(data->size() + 1);
  out->Append(*data);
}

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
constexpr Kind kKindOf<CreateSessionOp> = Kind::kCreateSession;
template <>
constexpr Kind kKindOf<AttachSessionOp> = Kind::kAttachSession;
template <>
constexpr Kind kKindOf<CloseSessionOp> = Kind::kCloseSession;
template <>
constexpr Kind kKindOf<ExpireSessionOp> = Kind::kExpireSession;
template <>
constexpr Kind kKindOf<RaiseVersionOp> = Kind::kRaiseVersion;
template <>
constexpr Kind kKindOf<SetSettingOp> = Kind::kSetSetting;

struct PutBody {
  ByteWriter* out;
  void operator()(const CreateOp& op) {
    out->Blob(op.path);
    PutData(op.data, out);
    out->U8(static_cast<uint8_t>(op.mode));
    out->Varint(op.acl.value());
  }
  void operator()(const DeleteOp& op) { PathAndVersion(op.path, op.version); }
  void operator()(const SetDataOp& op) {
    out->Blob(op.path);
    PutData(op.data, out);
    out->SignedVarint(op.version);
  }
  void operator()(const CheckOp& op) { PathAndVersion(op.path, op.version); }
  void operator()(const MultiOp& op) {
    out->Varint(op.ops.size());
    for (const TreeOp& one : op.ops) {
      std::visit(
          [this](const auto& body) {
            out->U8(static_cast<uint8_t>(kKindOf<std::decay_t<decltype(body)>>));
            (*this)(body);
          },
          one);
    }
  }
  void operator()(const SyncOp& op) { out->Blob(op.path); }
  void operator()(const RefusedOp& op) { out->U8(static_cast<uint8_t>(op.error)); }
  void operator()(const CreateSessionOp& op) {
    out->Varint(op.timeout_ms);
    out->Varint(op.disconnect_grace_ms);
    out->Blob(op.password);
    out->U64(op.connection);
    out->Bool(op.native);
  }
  void operator()(const AttachSessionOp& op) {
    PutSession(op.session, out);
    out->Varint(op.seen.value());
    out->U64(op.connection);
    out->Blob(op.password);
    out->Varint(op.timeout_ms);
    out->Varint(op.disconnect_grace_ms);
    out->Bool(op.clear_replies);
  }
  void operator()(const CloseSessionOp&) {}
  void operator()(const ExpireSessionOp& op) {
    PutSession(op.session, out);
    out->Varint(op.seen.value());
  }
  void operator()(const RaiseVersionOp& op) { out->Varint(op.version); }
  void operator()(const SetSettingOp& op) {
    out->Blob(op.name);
    out->Blob(op.value);
  }
  void PathAndVersion(const std::string& path, int32_t version) {
    out->Blob(path);
    out->SignedVarint(version);
  }
};

void PutHeader(const Command& c, Kind kind, ByteWriter* out) {
  out->U8(kFormatVersion);
  out->U8(static_cast<uint8_t>(kind));
  PutSession(c.session, out);
  out->Varint(c.generation.value());
  out->Varint(c.sequence.value());
  out->Varint(c.confirmed_below.value());
  out->Varint(c.identities.value());
  out->Varint(c.max_data_bytes);
  out->Varint(c.origin.server.value());
  out->U64(c.origin.incarnation);
  out->Varint(c.origin.request);
}

// ---- reading ----

uint32_t GetU32(ByteReader* in) {
  uint64_t v = in->Varint();
  if (v > UINT32_MAX) in->Fail();
  return static_cast<uint32_t>(v);
}

int32_t GetI32(ByteReader* in) {
  int64_t v = in->SignedVarint();
  if (v > INT32_MAX || v < INT32_MIN) in->Fail();
  return static_cast<int32_t>(v);
}

SessionId GetSession(ByteReader* in) {
  uint64_t v = in->Varint();
  if (v > static_cast<uint64_t>(INT64_MAX)) in->Fail();
  return SessionId(static_cast<int64_t>(v));
}

tree::Error GetError(ByteReader* in) {
  uint8_t v = in->U8();
  if (v > static_cast<uint8_t>(tree::Error::kReplyLost)) in->Fail();
  return static_cast<tree::Error>(v);
}

void GetString(ByteReader* in, std::string* out) { out->assign(in->Blob()); }

void GetData(ByteReader* in, NodeData* out) {
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

struct GetBody {
  ByteReader* in;
  void operator()(CreateOp* op) {
    GetString(in, &op->path);
    GetData(in, &op->data);
    uint8_t mode = in->U8();
    if (mode > static_cast<uint8_t>(CreateMode::kPersistentSequentialTtl)) in->Fail();
    op->mode = static_cast<CreateMode>(mode);
    op->acl = AclId(GetU32(in));
  }
  void operator()(DeleteOp* op) { PathAndVersion(&op->path, &op->version); }
  void operator()(SetDataOp* op) {
    GetString(in, &op->path);
    GetData(in, &op->data);
    op->version = GetI32(in);
  }
  void operator()(CheckOp* op) { PathAndVersion(&op->path, &op->version); }
  void operator()(SyncOp* op) { GetString(in, &op->path); }
  void operator()(RefusedOp* op) {
    op->error = GetError(in);
    if (op->error == tree::Error::kOk) in->Fail();
  }
  void operator()(CreateSessionOp* op) {
    op->timeout_ms = GetU32(in);
    op->disconnect_grace_ms = GetU32(in);
    GetString(in, &op->password);
    op->connection = in->U64();
    op->native = in->Bool();
  }
  void operator()(AttachSessionOp* op) {
    op->session = GetSession(in);
    op->seen = OwnerGeneration(in->Varint());
    op->connection = in->U64();
    GetString(in, &op->password);
    op->timeout_ms = GetU32(in);
    op->disconnect_grace_ms = GetU32(in);
    op->clear_replies = in->Bool();
  }
  void operator()(CloseSessionOp*) {}
  void operator()(ExpireSessionOp* op) {
    op->session = GetSession(in);
    op->seen = OwnerGeneration(in->Varint());
  }
  void operator()(RaiseVersionOp* op) { op->version = GetU32(in); }
  void operator()(SetSettingOp* op) {
    GetString(in, &op->name);
    GetString(in, &op->value);
  }
  void PathAndVersion(std::string* path, int32_t* version) {
    GetString(in, path);
    *version = GetI32(in);
  }
};

// The alternative T of `variant`; the old one's memory is kept if it is already a T.
template <typename T, typename Variant>
T* Become(Variant* variant) {
  if (T* same = std::get_if<T>(variant)) return same;
  return &variant->template emplace<T>();
}

absl::Status UnknownOperation(uint8_t kind) {
  return absl::UnimplementedError(absl::StrCat("command: unknown operation ", static_cast<int>(kind),
                                               "; this server knows version ", kVersionKnown));
}

absl::Status GetTreeOp(ByteReader* in, TreeOp* op) {
  uint8_t kind = in->U8();
  GetBody body{in};
  switch (static_cast<Kind>(kind)) {
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
    default:
      if (in->ok()) return UnknownOperation(kind);
  }
  return absl::OkStatus();
}

absl::Status GetMulti(ByteReader* in, MultiOp* multi) {
  uint64_t count = in->Varint();
  if (count > in->remaining() / 3) in->Fail();  // an operation takes 3 bytes at least: no memory for a count that lies
  multi->ops.resize(in->ok() ? count : 0);
  for (TreeOp& op : multi->ops) {
    SYNOD_RETURN_IF_ERROR(GetTreeOp(in, &op));
    if (!in->ok()) break;
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status GetInto(ByteReader* in, Operation* operation) {
  GetBody{in}(Become<T>(operation));
  return absl::OkStatus();
}

absl::Status GetOperation(Kind kind, ByteReader* in, Operation* operation) {
  switch (kind) {
    case Kind::kCreate:
      return GetInto<CreateOp>(in, operation);
    case Kind::kDelete:
      return GetInto<DeleteOp>(in, operation);
    case Kind::kSetData:
      return GetInto<SetDataOp>(in, operation);
    case Kind::kCheck:
      return GetInto<CheckOp>(in, operation);
    case Kind::kMulti:
      return GetMulti(in, Become<MultiOp>(operation));
    case Kind::kSync:
      return GetInto<SyncOp>(in, operation);
    case Kind::kRefused:
      return GetInto<RefusedOp>(in, operation);
    case Kind::kCreateSession:
      return GetInto<CreateSessionOp>(in, operation);
    case Kind::kAttachSession:
      return GetInto<AttachSessionOp>(in, operation);
    case Kind::kCloseSession:
      return GetInto<CloseSessionOp>(in, operation);
    case Kind::kExpireSession:
      return GetInto<ExpireSessionOp>(in, operation);
    case Kind::kRaiseVersion:
      return GetInto<RaiseVersionOp>(in, operation);
    case Kind::kSetSetting:
      return GetInto<SetSettingOp>(in, operation);
  }
  return UnknownOperation(static_cast<uint8_t>(kind));
}

// Reads up to the body; the kind may be unknown.
absl::Status GetHeader(ByteReader* in, Command* c, Kind* kind) {
  uint8_t version = in->U8();
  if (in->ok() && version == 0) return absl::DataLossError("command: version 0");
  if (in->ok() && version > kFormatVersion) {
    return absl::UnimplementedError(absl::StrCat("command: needs state-machine version ", static_cast<int>(version),
                                                 "; this server knows ", kVersionKnown));
  }
  *kind = static_cast<Kind>(in->U8());
  c->session = GetSession(in);
  c->generation = OwnerGeneration(in->Varint());
  c->sequence = Sequence(in->Varint());
  c->confirmed_below = Sequence(in->Varint());
  c->identities = IdentitySetId(GetU32(in));
  c->max_data_bytes = GetU32(in);
  c->origin.server = ServerId(GetU32(in));
  c->origin.incarnation = in->U64();
  c->origin.request = in->Varint();
  if (!in->ok()) return absl::DataLossError("command: truncated or malformed header");
  return absl::OkStatus();
}

}  // namespace

std::string EncodeCommand(const Command& command) {
  ByteWriter out;
  std::visit(
      [&](const auto& op) {
        PutHeader(command, kKindOf<std::decay_t<decltype(op)>>, &out);
        PutBody{&out}(op);
      },
      command.operation);
  return out.Take();
}

absl::Status DecodeCommandInto(std::string_view bytes, Command* command) {
  ByteReader in(bytes);
  Kind kind;
  SYNOD_RETURN_IF_ERROR(GetHeader(&in, command, &kind));
  SYNOD_RETURN_IF_ERROR(GetOperation(kind, &in, &command->operation));
  return in.Finish("command");
}

absl::StatusOr<Command> DecodeCommand(std::string_view bytes) {
  Command command;
  SYNOD_RETURN_IF_ERROR(DecodeCommandInto(bytes, &command));
  return command;
}

CommandGrowth PeekGrowth(std::string_view bytes) {
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes[0]) != kFormatVersion) return CommandGrowth::kMalformed;
  Kind kind = static_cast<Kind>(bytes[1]);
  if (kind == Kind::kCreate || kind == Kind::kSetData) return CommandGrowth::kGrows;
  if (kind != Kind::kMulti) return CommandGrowth::kNone;
  absl::StatusOr<Command> command = DecodeCommand(bytes);
  if (!command.ok()) return CommandGrowth::kMalformed;
  for (const TreeOp& op : std::get<MultiOp>(command->operation).ops) {
    if (std::holds_alternative<CreateOp>(op) || std::holds_alternative<SetDataOp>(op)) return CommandGrowth::kGrows;
  }
  return CommandGrowth::kNone;
}

std::optional<std::string> EncodeRefusalOf(std::string_view bytes, tree::Error error) {
  ByteReader in(bytes);
  Command command;
  Kind kind;
  if (!GetHeader(&in, &command, &kind).ok()) return std::nullopt;
  command.operation = RefusedOp{error};
  return EncodeCommand(command);
}

// ---- outcomes ----

namespace {

constexpr uint8_t kOutcomeVersion = 1;
constexpr uint8_t kHasPath = 1, kHasStat = 2, kHasError = 4;
constexpr uint8_t kKnownFlags = kHasPath | kHasStat | kHasError;
// Shapes of an outcome.
constexpr uint8_t kPlain = 0, kSingle = 1, kList = 2;

// Zxids as distances from the command's, mtime from ctime: a fresh node's stat takes some 15 bytes.
void PutStat(const tree::Stat& s, Zxid base, ByteWriter* out) {
  out->SignedVarint(base - s.czxid);
  out->SignedVarint(base - s.mzxid);
  out->SignedVarint(base - s.pzxid);
  out->SignedVarint(s.ctime_ms);
  out->SignedVarint(static_cast<int64_t>(static_cast<uint64_t>(s.mtime_ms) - static_cast<uint64_t>(s.ctime_ms)));
  out->SignedVarint(s.version);
  out->SignedVarint(s.cversion);
  out->SignedVarint(s.aversion);
  PutSession(s.ephemeral_owner, out);
  out->SignedVarint(s.data_length);
  out->SignedVarint(s.num_children);
}

int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

void GetStat(Zxid base, ByteReader* in, tree::Stat* s) {
  s->czxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->mzxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->pzxid = Zxid(Minus(base.value(), in->SignedVarint()));
  s->ctime_ms = in->SignedVarint();
  s->mtime_ms = static_cast<int64_t>(static_cast<uint64_t>(s->ctime_ms) + static_cast<uint64_t>(in->SignedVarint()));
  s->version = GetI32(in);
  s->cversion = GetI32(in);
  s->aversion = GetI32(in);
  s->ephemeral_owner = GetSession(in);
  s->data_length = GetI32(in);
  s->num_children = GetI32(in);
}

void PutResult(const OpResult& r, Zxid base, ByteWriter* out) {
  bool stat = !(r.stat == tree::Stat());
  out->U8((r.path.empty() ? 0 : kHasPath) | (stat ? kHasStat : 0) | (r.error == tree::Error::kOk ? 0 : kHasError));
  if (r.error != tree::Error::kOk) out->U8(static_cast<uint8_t>(r.error));
  if (!r.path.empty()) out->Blob(r.path);
  if (stat) PutStat(r.stat, base, out);
}

void GetResult(Zxid base, ByteReader* in, OpResult* r) {
  uint8_t flags = in->U8();
  if ((flags & ~kKnownFlags) != 0) in->Fail();
  if (flags & kHasError) r->error = GetError(in);
  if (flags & kHasPath) GetString(in, &r->path);
  if (flags & kHasStat) GetStat(base, in, &r->stat);
}

bool IsPlain(const OpResult& r) { return r.error == tree::Error::kOk && r.path.empty() && r.stat == tree::Stat(); }

}  // namespace

void EncodeOutcome(const Outcome& outcome, ByteWriter* out) {
  uint8_t shape = !outcome.results.empty() ? kList : IsPlain(outcome.result) ? kPlain : kSingle;
  out->U8(kOutcomeVersion);
  out->U8(static_cast<uint8_t>(outcome.error));
  out->Varint(static_cast<uint64_t>(outcome.zxid.value()));
  out->U8(shape);
  if (shape == kSingle) PutResult(outcome.result, outcome.zxid, out);
  if (shape != kList) return;
  out->Varint(outcome.results.size());
  for (const OpResult& result : outcome.results) PutResult(result, outcome.zxid, out);
}

absl::StatusOr<Outcome> DecodeOutcome(std::string_view bytes) {
  ByteReader in(bytes);
  Outcome outcome;
  uint8_t version = in.U8();
  if (in.ok() && version != kOutcomeVersion) {
    return absl::UnimplementedError(absl::StrCat("outcome: unknown version ", static_cast<int>(version)));
  }
  outcome.error = GetError(&in);
  outcome.zxid = Zxid(static_cast<int64_t>(in.Varint()));
  uint8_t shape = in.U8();
  if (shape > kList) in.Fail();
  if (shape == kSingle) GetResult(outcome.zxid, &in, &outcome.result);
  if (shape == kList) {
    uint64_t count = in.Varint();
    if (count > in.remaining()) in.Fail();
    outcome.results.resize(in.ok() ? count : 0);
    for (OpResult& result : outcome.results) GetResult(outcome.zxid, &in, &result);
  }
  SYNOD_RETURN_IF_ERROR(in.Finish("outcome"));
  return outcome;
}

}  // namespace synod::statemachine
