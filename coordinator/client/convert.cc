#include "coordinator/client/convert.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <limits>

#include "coordinator/client/utf8.h"

namespace synod::client {
namespace {

void SetData(Data data, v1::NodeData* (*mutable_data)(void*), void* message) {
  if (data.has_value()) mutable_data(message)->set_value(*std::move(data));
}

template <typename Message>
void FillData(Data data, Message* message) {
  SetData(
      std::move(data), [](void* m) { return static_cast<Message*>(m)->mutable_data(); }, message);
}

template <typename Message>
void AddTo(const Chroot& chroot, Message* message) {
  message->set_path(chroot.Add(message->path()));
}

void Fill(std::string path, Data data, CreateMode mode, v1::Create* out) {
  out->set_path(std::move(path));
  FillData(std::move(data), out);
  out->set_mode(static_cast<v1::CreateMode>(mode));
}

void Fill(std::string path, Data data, int32_t version, v1::SetData* out) {
  out->set_path(std::move(path));
  FillData(std::move(data), out);
  out->set_version(version);
}

template <typename Message>
void Fill(std::string path, int32_t version, Message* out) {
  out->set_path(std::move(path));
  out->set_version(version);
}

void FillRead(const v1::Reply& reply, ReadInfo* out) {
  out->zxid = reply.zxid();
  out->age_ms = reply.age_ms();
}

void FillWritten(const v1::Reply& reply, Written* out) {
  out->zxid = reply.zxid();
  out->stat = FromProto(reply.result().stat());
  out->repeated_reply = reply.repeated_reply();
}

v1::Request Read(ReadStrength strength) {
  v1::Request request;
  request.set_strength(static_cast<v1::ReadStrength>(strength));
  return request;
}

}  // namespace

void AddChroot(const Chroot& chroot, v1::Request* request) {
  if (chroot.root().empty()) return;
  switch (request->operation_case()) {
    case v1::Request::kCreate:
      return AddTo(chroot, request->mutable_create());
    case v1::Request::kDelete:
      return AddTo(chroot, request->mutable_delete_());
    case v1::Request::kSetData:
      return AddTo(chroot, request->mutable_set_data());
    case v1::Request::kCheck:
      return AddTo(chroot, request->mutable_check());
    case v1::Request::kMulti:
      for (v1::MultiOperation& operation : *request->mutable_multi()->mutable_operations()) {
        switch (operation.operation_case()) {
          case v1::MultiOperation::kCreate:
            AddTo(chroot, operation.mutable_create());
            break;
          case v1::MultiOperation::kDelete:
            AddTo(chroot, operation.mutable_delete_());
            break;
          case v1::MultiOperation::kSetData:
            AddTo(chroot, operation.mutable_set_data());
            break;
          case v1::MultiOperation::kCheck:
            AddTo(chroot, operation.mutable_check());
            break;
          case v1::MultiOperation::OPERATION_NOT_SET:
            break;
        }
      }
      return;
    case v1::Request::kExists:
      return AddTo(chroot, request->mutable_exists());
    case v1::Request::kGetData:
      return AddTo(chroot, request->mutable_get_data());
    case v1::Request::kGetChildren:
      return AddTo(chroot, request->mutable_get_children());
    case v1::Request::kSync:
      return AddTo(chroot, request->mutable_sync());
    case v1::Request::kAddWatch:
      return AddTo(chroot, request->mutable_add_watch());
    case v1::Request::kRemoveWatch:
      return AddTo(chroot, request->mutable_remove_watch());
    case v1::Request::kCloseSession:
    case v1::Request::OPERATION_NOT_SET:
      return;
  }
}

bool PathsAreUtf8(const v1::Request& request) {
  switch (request.operation_case()) {
    case v1::Request::kCreate:
      return IsUtf8(request.create().path());
    case v1::Request::kDelete:
      return IsUtf8(request.delete_().path());
    case v1::Request::kSetData:
      return IsUtf8(request.set_data().path());
    case v1::Request::kCheck:
      return IsUtf8(request.check().path());
    case v1::Request::kSync:
      return IsUtf8(request.sync().path());
    case v1::Request::kMulti:
      return std::all_of(request.multi().operations().begin(), request.multi().operations().end(),
                         [](const v1::MultiOperation& operation) {
                           return IsUtf8(operation.create().path()) && IsUtf8(operation.delete_().path()) &&
                                  IsUtf8(operation.set_data().path()) && IsUtf8(operation.check().path());
                         });
    default:
      return IsUtf8(WatchOf(request).first);
  }
}

std::pair<std::string, v1::WatchKind> WatchOf(const v1::Request& request) {
  switch (request.operation_case()) {
    case v1::Request::kExists:
      return {request.exists().path(), v1::EXISTS};
    case v1::Request::kGetData:
      return {request.get_data().path(), v1::DATA};
    case v1::Request::kGetChildren:
      return {request.get_children().path(), v1::CHILDREN};
    case v1::Request::kAddWatch:
      return {request.add_watch().path(), request.add_watch().kind()};
    case v1::Request::kRemoveWatch:
      return {request.remove_watch().path(), request.remove_watch().kind()};
    default:
      return {"", v1::DATA};
  }
}

Error ErrorOf(const v1::Reply& reply) {
  if (reply.error() == v1::OK) return {};
  Error error{static_cast<ErrorCode>(reply.error()), Effect::kNotDone, reply.message()};
  if (reply.error() == v1::REPLY_LOST || reply.error() == v1::INTERNAL) error.effect = Effect::kMayHaveBeenDone;
  return error;
}

Stat FromProto(const v1::Stat& s) {
  return {s.czxid(),    s.mzxid(),    s.pzxid(),           s.ctime_ms(),    s.mtime_ms(),    s.version(),
          s.cversion(), s.aversion(), s.ephemeral_owner(), s.data_length(), s.num_children()};
}

bool ErrorFromDetails(const std::string& details, Error* out) {
  // google.rpc.Status: code = 1 (varint), message = 2 (bytes), details = 3 (repeated google.protobuf.Any).
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(details.data()),
                                            static_cast<int>(details.size()));
  while (uint32_t tag = in.ReadTag()) {
    std::string bytes;
    uint64_t number = 0;
    uint32_t length = 0;
    if ((tag & 7) == 0) {
      if (!in.ReadVarint64(&number)) return false;
      continue;
    }
    if ((tag & 7) != 2 || !in.ReadVarint32(&length) || length > details.size() ||
        !in.ReadString(&bytes, static_cast<int>(length))) {
      return false;
    }
    google::protobuf::Any any;
    v1::Error error;
    if (tag >> 3 != 3 || !any.ParseFromString(bytes) || !any.UnpackTo(&error)) continue;
    out->code = static_cast<ErrorCode>(error.code());
    out->effect = error.effect() == v1::NOT_DONE ? Effect::kNotDone : Effect::kMayHaveBeenDone;
    out->message = error.message();
    return !out->ok();
  }
  return false;
}

v1::Request CreateRequest(std::string path, Data data, CreateMode mode) {
  v1::Request request;
  Fill(std::move(path), std::move(data), mode, request.mutable_create());
  return request;
}
v1::Request DeleteRequest(std::string path, int32_t version) {
  v1::Request request;
  Fill(std::move(path), version, request.mutable_delete_());
  return request;
}
v1::Request SetRequest(std::string path, Data data, int32_t version) {
  v1::Request request;
  Fill(std::move(path), std::move(data), version, request.mutable_set_data());
  return request;
}
v1::Request CheckRequest(std::string path, int32_t version) {
  v1::Request request;
  Fill(std::move(path), version, request.mutable_check());
  return request;
}
v1::Request MultiRequest(std::vector<Operation> operations) {
  v1::Request request;
  v1::Multi* multi = request.mutable_multi();
  for (Operation& o : operations) {
    v1::MultiOperation* out = multi->add_operations();
    switch (o.kind) {
      case Operation::Kind::kCreate:
        Fill(std::move(o.path), std::move(o.data), o.mode, out->mutable_create());
        break;
      case Operation::Kind::kDelete:
        Fill(std::move(o.path), o.version, out->mutable_delete_());
        break;
      case Operation::Kind::kSet:
        Fill(std::move(o.path), std::move(o.data), o.version, out->mutable_set_data());
        break;
      case Operation::Kind::kCheck:
        Fill(std::move(o.path), o.version, out->mutable_check());
        break;
    }
  }
  return request;
}
v1::Request ExistsRequest(std::string path, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_exists()->set_path(std::move(path));
  request.mutable_exists()->set_watch(watch);
  return request;
}
v1::Request GetRequest(std::string path, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_get_data()->set_path(std::move(path));
  request.mutable_get_data()->set_watch(watch);
  return request;
}
v1::Request ChildrenRequest(std::string path, bool with_stat, ReadStrength strength, bool watch) {
  v1::Request request = Read(strength);
  request.mutable_get_children()->set_path(std::move(path));
  request.mutable_get_children()->set_with_stat(with_stat);
  request.mutable_get_children()->set_watch(watch);
  return request;
}
v1::Request SyncRequest(std::string path) {
  v1::Request request;
  request.mutable_sync()->set_path(std::move(path));
  return request;
}
v1::Request AddWatchRequest(std::string path, PersistentWatchKind kind) {
  v1::Request request;
  request.mutable_add_watch()->set_path(std::move(path));
  request.mutable_add_watch()->set_kind(static_cast<v1::WatchKind>(kind));
  return request;
}
v1::Request RemoveWatchRequest(std::string path, v1::WatchKind kind) {
  v1::Request request;
  request.mutable_remove_watch()->set_path(std::move(path));
  request.mutable_remove_watch()->set_kind(kind);
  return request;
}

Result<Created> CreatedFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Created out;
  FillWritten(reply, &out);
  out.path = std::move(*reply.mutable_result()->mutable_path());
  return out;
}

Result<Written> WrittenFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Written out;
  FillWritten(reply, &out);
  return out;
}

Result<MultiOutcome> MultiFrom(const Error& error, v1::Reply& reply) {
  // Below 100 the multi had an outcome, all or nothing; anything else is the way to it.
  const bool decided = static_cast<int>(error.code) < 100 && error.effect == Effect::kNotDone;
  if (!error.ok() && (!decided || error.code == ErrorCode::kSessionExpired || error.code == ErrorCode::kSessionMoved))
    return error;
  MultiOutcome out;
  out.error = error;
  out.zxid = reply.zxid();
  for (v1::OpResult& result : *reply.mutable_results()) {
    out.results.push_back(
        {static_cast<ErrorCode>(result.error()), std::move(*result.mutable_path()), FromProto(result.stat())});
  }
  return out;
}

Result<NodeStat> NodeStatFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok() && error.code != ErrorCode::kNoNode) return error;
  NodeStat out;
  FillRead(reply, &out);
  if (error.ok()) out.stat = FromProto(reply.stat());
  return out;
}

Result<NodeValue> NodeValueFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  NodeValue out;
  FillRead(reply, &out);
  if (reply.has_data()) out.data = std::move(*reply.mutable_data()->mutable_value());
  out.stat = FromProto(reply.stat());
  return out;
}

Result<Children> ChildrenFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Children out;
  FillRead(reply, &out);
  out.names.reserve(static_cast<size_t>(reply.children_size()));
  for (std::string& name : *reply.mutable_children()) out.names.push_back(std::move(name));
  if (reply.has_stat()) out.stat = FromProto(reply.stat());
  return out;
}

Result<int64_t> ZxidFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  return reply.zxid();
}

}  // namespace synod::client
