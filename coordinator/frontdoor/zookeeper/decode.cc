#include "coordinator/frontdoor/zookeeper/decode.h"

#include <iterator>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/frontdoor/zookeeper/decode_records.h"
#include "coordinator/frontdoor/zookeeper/jute.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::Operation;
using service::WatchKind;

Shape::More* More(Shape* shape) {
  if (!shape->more) shape->more = std::make_unique<Shape::More>();
  return shape->more.get();
}

// Answered at its place in the order, whatever the service makes of it.
void AnswerWith(ErrorNumber answer, DecodedRequest* out) {
  *More(&out->shape) = {.answer = answer};
  tree::Error error = tree::Error::kBadArguments;
  if (answer == ErrorNumber::kOk) error = tree::Error::kOk;
  if (answer == ErrorNumber::kUnimplemented) error = tree::Error::kUnimplemented;
  // No write: what nobody understands need not go through the log to keep its place.
  out->operation.emplace<service::Unintelligible>().error = error;
}

// ---- watches ----

// Paths of one list of setWatches. Neither the list nor a path in it may be null.
ErrorNumber ReadWatchList(WatchKind kind, statemachine::Cursor since, JuteReader* in,
                          std::vector<service::WatchSet>* out) {
  const int32_t count = in->Count(sizeof(int32_t));
  if (count < 0) return ErrorNumber::kMarshallingError;
  for (int32_t i = 0; i < count; ++i) {
    bool null_path = false;
    const std::string_view path = in->String(&null_path);
    if (!in->ok() || null_path) return ErrorNumber::kMarshallingError;
    out->push_back({std::string(path), kind, since});
  }
  return Judge(*in);
}

ErrorNumber ReadSetWatches(bool persistent_too, JuteReader* in, Operation* out) {
  std::vector<service::WatchSet>& watches = out->emplace<service::SetWatches>().watches;
  const statemachine::Cursor since{Zxid(in->Long())};
  constexpr WatchKind kLists[] = {WatchKind::kData, WatchKind::kExists, WatchKind::kChildren, WatchKind::kPersistent,
                                  WatchKind::kPersistentRecursive};
  const size_t lists = persistent_too ? std::size(kLists) : 3;
  for (size_t i = 0; i < lists; ++i) {
    const ErrorNumber error = ReadWatchList(kLists[i], since, in, &watches);
    if (error != ErrorNumber::kOk) return error;
  }
  return ErrorNumber::kOk;
}

ErrorNumber ReadAddWatch(JuteReader* in, service::AddWatch* out) {
  out->path = in->String();
  const int32_t mode = in->Int();
  if (mode != 0 && mode != 1) return ErrorNumber::kMarshallingError;
  out->kind = mode == 0 ? WatchKind::kPersistent : WatchKind::kPersistentRecursive;
  return Judge(*in);
}

// 13.6. `Watch`: CheckWatch or RemoveWatch.
template <typename Watch>
ErrorNumber ReadWatchType(JuteReader* in, Watch* out) {
  switch (in->Int()) {
    case 1:
      out->kind = WatchKind::kChildren;
      break;
    case 2:
      out->kind = WatchKind::kData;
      break;
    case 3:
      out->any = true;
      break;
    case 4:
      out->kind = WatchKind::kPersistent;
      break;
    case 5:
      out->kind = WatchKind::kPersistentRecursive;
      break;
    default:
      return ErrorNumber::kMarshallingError;
  }
  return Judge(*in);
}

ErrorNumber ReadCheckWatch(JuteReader* in, service::CheckWatch* out) {
  const ErrorNumber path = ReadPath(in, &out->path);
  return path == ErrorNumber::kOk ? ReadWatchType(in, out) : path;
}

ErrorNumber ReadRemoveWatch(JuteReader* in, service::RemoveWatch* out) {
  out->path = in->String();
  return ReadWatchType(in, out);
}

// ---- others ----

ErrorNumber ReadSync(JuteReader* in, DecodedRequest* out) {
  const std::optional<std::string_view> path = in->Buffer();
  if (path) More(&out->shape)->path.emplace(*path);
  out->operation.emplace<service::Sync>().path = path.value_or(std::string_view());
  return Judge(*in);
}

// The connection's own, all at once; null means all (11.10).
ErrorNumber ReadGetEphemerals(JuteReader* in, service::GetEphemerals* out) {
  out->prefix = in->String();
  out->whole = true;
  return Judge(*in);
}

ErrorNumber ReadAuth(JuteReader* in, DecodedRequest* out) {
  service::Credential& credential = out->operation.emplace<service::Authenticate>().credential;
  in->Int();
  credential.scheme = in->String();
  credential.credential = in->String();
  return Judge(*in);
}

ErrorNumber ReadReconfig(JuteReader* in) {
  for (int i = 0; i < 3; ++i) in->String();
  in->Long();
  return in->ok() ? ErrorNumber::kReconfigDisabled : ErrorNumber::kMarshallingError;
}

// Nobody here has a JAAS configuration: a null token, and the client goes on without (7.4).
ErrorNumber ReadSasl(JuteReader* in, DecodedRequest* out) {
  in->Buffer();
  if (in->ok()) AnswerWith(ErrorNumber::kOk, out);
  return Judge(*in);
}

// kOk: `out` is as it shall be. Other numbers: the answer.
ErrorNumber DecodeRareOperation(JuteReader* in, DecodedRequest* out) {
  Operation* operation = &out->operation;
  switch (out->shape.op) {
    case OpCode::kPing:
      out->kind = DecodedRequest::Kind::kPing;
      return ErrorNumber::kOk;
    case OpCode::kCloseSession:
      operation->emplace<service::CloseSession>();
      return ErrorNumber::kOk;
    case OpCode::kWhoAmI:
      operation->emplace<service::WhoAmI>();
      return ErrorNumber::kOk;
    case OpCode::kSync:
      return ReadSync(in, out);
    case OpCode::kReconfig:
      return ReadReconfig(in);
    case OpCode::kAuth:
      return ReadAuth(in, out);
    case OpCode::kSasl:
      return ReadSasl(in, out);
    case OpCode::kSetWatches:
      return ReadSetWatches(/*persistent_too=*/false, in, operation);
    case OpCode::kSetWatches2:
      return ReadSetWatches(/*persistent_too=*/true, in, operation);
    case OpCode::kAddWatch:
      return ReadAddWatch(in, &operation->emplace<service::AddWatch>());
    case OpCode::kCheckWatches:
      return ReadCheckWatch(in, &operation->emplace<service::CheckWatch>());
    case OpCode::kRemoveWatches:
      return ReadRemoveWatch(in, &operation->emplace<service::RemoveWatch>());
    case OpCode::kGetEphemerals:
      return ReadGetEphemerals(in, &operation->emplace<service::GetEphemerals>());
    case OpCode::kGetAllChildrenNumber:
      return ReadPath(in, &operation->emplace<service::CountDescendants>().path);
    default:
      return ErrorNumber::kUnimplemented;
  }
}

ErrorNumber DecodeOperation(JuteReader* in, DecodedRequest* out) {
  Operation* operation = &out->operation;
  switch (out->shape.op) {
    case OpCode::kCreate:
    case OpCode::kCreate2:
    case OpCode::kCreateContainer:
    case OpCode::kCreateTtl:
      return ReadCreate(out->shape.op, /*in_multi=*/false, in, &operation->emplace<service::CreateOp>());
    case OpCode::kDelete:
      return ReadDelete(in, &operation->emplace<service::DeleteOp>());
    case OpCode::kSetData:
      return ReadSetData(in, &operation->emplace<service::SetDataOp>());
    case OpCode::kSetAcl:
      return ReadSetAcl(in, &operation->emplace<service::SetAclOp>());
    case OpCode::kMulti:
      return ReadMulti(in, out);
    case OpCode::kMultiRead:
      return ReadMultiRead(in, out);
    case OpCode::kExists: {
      auto& read = operation->emplace<service::Exists>();
      return ReadPathAndWatch(in, &read.path, &read.watch);
    }
    case OpCode::kGetData: {
      auto& read = operation->emplace<service::GetData>();
      return ReadPathAndWatch(in, &read.path, &read.watch);
    }
    case OpCode::kGetChildren:
    case OpCode::kGetChildren2: {
      auto& read = operation->emplace<service::GetChildren>();
      read.with_stat = out->shape.op == OpCode::kGetChildren2;
      return ReadPathAndWatch(in, &read.path, &read.watch);
    }
    case OpCode::kGetAcl:
      return ReadPath(in, &operation->emplace<service::GetAcl>().path);
    default:
      return DecodeRareOperation(in, out);
  }
}

}  // namespace

std::optional<ConnectFrame> DecodeConnect(std::string_view payload) {
  if (payload.size() > kConnectRequestBytesMax) return std::nullopt;
  JuteReader in(payload);
  ConnectFrame frame;
  in.Int();  // the protocol's version: there is one
  frame.request.last_zxid = Zxid(in.Long());
  frame.request.timeout = absl::Milliseconds(in.Int());
  frame.request.session = SessionId(in.Long());
  frame.request.password = in.String();
  if (!in.ok()) return std::nullopt;
  frame.has_read_only = !in.rest().empty();
  if (frame.has_read_only) frame.request.may_read_only = in.Bool();
  return frame;
}

std::optional<DecodedRequest> DecodeRequest(std::string_view payload) {
  if (payload.size() < kRequestHeaderBytes) return std::nullopt;
  JuteReader in(payload);
  std::optional<DecodedRequest> out(std::in_place);
  out->shape.xid = in.Int();
  out->shape.op = static_cast<OpCode>(in.Int());
  const ErrorNumber error = DecodeOperation(&in, &*out);
  if (error != ErrorNumber::kOk) {
    AnswerWith(error, &*out);
    // ZooKeeper closes for an unknown operation, and for an auth packet that it cannot read.
    out->shape.more->close_after = error == ErrorNumber::kUnimplemented || out->shape.op == OpCode::kAuth;
  }
  return out;
}

}  // namespace synod::frontdoor::zookeeper
