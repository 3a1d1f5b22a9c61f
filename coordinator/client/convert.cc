#include "coordinator/client/convert.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>

#include <iterator>
#include <utility>
#include <vector>

namespace synod::client {
namespace {

void FillRead(const v1::Reply& reply, ReadInfo* out) {
  out->zxid = reply.zxid();
  out->age_ms = reply.age_ms();
}

void FillWritten(const v1::Reply& reply, Written* out) {
  out->zxid = reply.zxid();
  out->stat = FromProto(reply.result().stat());
  out->repeated_reply = reply.repeated_reply();
}

Acl AclFrom(v1::Acl& acl) {
  Acl out;
  for (v1::AclEntry& entry : *acl.mutable_entries()) {
    out.push_back({entry.permissions(), std::move(*entry.mutable_scheme()), std::move(*entry.mutable_id())});
  }
  return out;
}

std::vector<std::string> Texts(google::protobuf::RepeatedPtrField<std::string>* texts) {
  return {std::make_move_iterator(texts->begin()), std::make_move_iterator(texts->end())};
}

// Below 100 a multi had an outcome, all or nothing; anything else is the way to it.
bool HasOutcome(const Error& error) {
  const bool decided = static_cast<int>(error.code) < 100 && error.effect == Effect::kNotDone;
  return error.ok() || (decided && error.code != ErrorCode::kSessionExpired && error.code != ErrorCode::kSessionMoved);
}

void FillOutcome(const Error& error, v1::Reply& reply, MultiOutcome* out) {
  out->error = error;
  out->zxid = reply.zxid();
  out->repeated_reply = reply.repeated_reply();
  for (v1::OpResult& result : *reply.mutable_results()) {
    out->results.push_back({static_cast<ErrorCode>(result.error()), std::move(*result.mutable_path()),
                            FromProto(result.stat()), result.created(), result.deleted(), result.remaining()});
  }
}

}  // namespace

void StripChroot(const Chroot& chroot, v1::Request::OperationCase operation, v1::Reply* reply) {
  if (chroot.root().empty()) return;
  const auto strip = [&](std::string* path) {
    if (!path->empty()) *path = chroot.Strip(*path);
  };
  if (reply->has_result()) strip(reply->mutable_result()->mutable_path());
  for (v1::OpResult& result : *reply->mutable_results()) strip(result.mutable_path());
  if (operation != v1::Request::kGetEphemerals) return;
  for (std::string& path : *reply->mutable_children()) strip(&path);
  strip(reply->mutable_next());
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

Result<Created> CreatedFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Created out;
  FillWritten(reply, &out);
  out.path = std::move(*reply.mutable_result()->mutable_path());
  out.created = reply.result().created();
  return out;
}

Result<Deleted> DeletedFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Deleted out;
  FillWritten(reply, &out);
  out.deleted = reply.result().deleted();
  out.remaining = reply.result().remaining();
  return out;
}

Result<Written> WrittenFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Written out;
  FillWritten(reply, &out);
  return out;
}

Result<MultiOutcome> MultiFrom(const Error& error, v1::Reply& reply) {
  if (!HasOutcome(error)) return error;
  MultiOutcome out;
  FillOutcome(error, reply, &out);
  return out;
}

Result<TxnOutcome> TxnFrom(const Error& error, v1::Reply& reply) {
  if (!HasOutcome(error)) return error;
  TxnOutcome out;
  FillOutcome(error, reply, &out);
  out.succeeded = reply.succeeded();
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
  out.names = Texts(reply.mutable_children());
  if (reply.has_stat()) out.stat = FromProto(reply.stat());
  return out;
}

Result<NodeAcl> NodeAclFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  NodeAcl out;
  FillRead(reply, &out);
  out.acl = AclFrom(*reply.mutable_acl());
  out.stat = FromProto(reply.stat());
  out.mode = static_cast<CreateMode>(reply.mode());
  out.ttl = absl::Milliseconds(static_cast<int64_t>(reply.ttl_ms()));
  return out;
}

Result<Listing> ListingFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Listing out;
  FillRead(reply, &out);
  out.entries.reserve(static_cast<size_t>(reply.entries_size()));
  for (v1::ListEntry& entry : *reply.mutable_entries()) {
    ListEntry& to = out.entries.emplace_back();
    to.name = std::move(*entry.mutable_name());
    if (entry.has_stat()) to.stat = FromProto(entry.stat());
    if (entry.has_data()) to.data = std::move(*entry.mutable_data()->mutable_value());
    to.denied = entry.denied();
  }
  out.more = reply.more();
  out.stat = FromProto(reply.stat());
  return out;
}

Result<ReadResults> ReadResultsFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  ReadResults out;
  FillRead(reply, &out);
  for (v1::Reply& read : *reply.mutable_reads()) {
    ReadResult& to = out.results.emplace_back();
    to.error = static_cast<ErrorCode>(read.error());
    if (read.has_stat()) to.stat = FromProto(read.stat());
    if (read.has_data()) to.data = std::move(*read.mutable_data()->mutable_value());
    to.children = Texts(read.mutable_children());
    to.acl = AclFrom(*read.mutable_acl());
    to.mode = static_cast<CreateMode>(read.mode());
    to.ttl = absl::Milliseconds(static_cast<int64_t>(read.ttl_ms()));
  }
  return out;
}

Result<Ephemerals> EphemeralsFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Ephemerals out;
  FillRead(reply, &out);
  out.paths = Texts(reply.mutable_children());
  out.more = reply.more();
  out.next = std::move(*reply.mutable_next());
  // Of one session a page goes on after its last path.
  if (out.more && out.next.empty() && !out.paths.empty()) out.next = out.paths.back();
  return out;
}

Result<Count> CountFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Count out;
  FillRead(reply, &out);
  out.count = reply.count();
  return out;
}

Result<Identities> IdentitiesFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  Identities out;
  FillRead(reply, &out);
  for (v1::Identity& identity : *reply.mutable_identities()) {
    out.identities.push_back({std::move(*identity.mutable_scheme()), std::move(*identity.mutable_id())});
  }
  return out;
}

Result<int64_t> ZxidFrom(const Error& error, v1::Reply& reply) {
  if (!error.ok()) return error;
  return reply.zxid();
}

}  // namespace synod::client
