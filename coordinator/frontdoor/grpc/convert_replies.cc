// Outcomes on their way out.
#include <utility>

#include "coordinator/frontdoor/grpc/convert.h"

namespace synod::frontdoor {
namespace {

constexpr size_t kOverhead = 96;      // a message's fixed parts on the heap, near enough
constexpr size_t kNameOverhead = 24;  // of one string in a list

bool Empty(const service::OpResult& result) {
  return result.path.empty() && result.stat.czxid.value() == 0 && !result.created && result.deleted == 0 &&
         result.remaining == 0;
}

void ResultToProto(service::OpResult& result, v1::OpResult* out) {
  out->set_error(static_cast<v1::ErrorCode>(result.error));
  out->set_path(std::move(result.path));
  if (result.stat.czxid.value() != 0) ToProto(result.stat, out->mutable_stat());
  out->set_created(result.created);
  out->set_deleted(result.deleted);
  out->set_remaining(result.remaining);
}

void EntryToProto(service::ListEntry& entry, v1::ListEntry* out) {
  out->set_name(std::move(entry.name));
  if (entry.stat) ToProto(*entry.stat, out->mutable_stat());
  if (entry.data) out->mutable_data()->set_value(*std::move(entry.data));
  out->set_denied(entry.denied);
}

// What reads show.
void FoundToProto(service::Reply& reply, v1::Reply* out) {
  if (reply.stat) ToProto(*reply.stat, out->mutable_stat());
  if (reply.data) out->mutable_data()->set_value(*std::move(reply.data));
  out->mutable_children()->Reserve(static_cast<int>(reply.children.size()));
  for (std::string& name : reply.children) out->add_children(std::move(name));
  for (access::AclEntry& entry : reply.acl) {
    v1::AclEntry* added = out->mutable_acl()->add_entries();
    added->set_permissions(entry.permissions);
    added->set_scheme(std::move(entry.scheme));
    added->set_id(std::move(entry.id));
  }
  out->set_mode(static_cast<v1::CreateMode>(reply.mode));
  out->set_ttl_ms(reply.ttl_ms);
  out->mutable_entries()->Reserve(static_cast<int>(reply.entries.size()));
  for (service::ListEntry& entry : reply.entries) EntryToProto(entry, out->add_entries());
  out->set_more(reply.more);
  if (!reply.next.empty()) out->set_next(std::move(reply.next));
  out->set_count(reply.count);
  for (access::Identity& identity : reply.identities) {
    v1::Identity* added = out->add_identities();
    added->set_scheme(std::move(identity.scheme));
    added->set_id(std::move(identity.id));
  }
  out->mutable_reads()->Reserve(static_cast<int>(reply.reads.size()));
  for (service::Reply& read : reply.reads) ToProto(std::move(read), out->add_reads());
}

}  // namespace

void ToProto(service::Reply reply, v1::Reply* out) {
  out->set_id(reply.id);
  out->set_sequence(reply.sequence.value());
  out->set_zxid(reply.zxid.value());
  out->set_error(static_cast<v1::ErrorCode>(reply.error));
  out->set_repeated_reply(reply.repeated);
  out->set_succeeded(reply.succeeded);
  if (!reply.message.empty()) out->set_message(std::move(reply.message));
  if (reply.age != absl::ZeroDuration()) out->set_age_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(reply.age)));
  out->mutable_results()->Reserve(static_cast<int>(reply.results.size()));
  for (service::OpResult& result : reply.results) ResultToProto(result, out->add_results());
  if (reply.error != service::ErrorCode::kOk) return;
  if (!Empty(reply.result)) ResultToProto(reply.result, out->mutable_result());
  FoundToProto(reply, out);
}

void ToProto(const tree::Stat& stat, v1::Stat* out) {
  out->set_czxid(stat.czxid.value());
  out->set_mzxid(stat.mzxid.value());
  out->set_pzxid(stat.pzxid.value());
  out->set_ctime_ms(stat.ctime_ms);
  out->set_mtime_ms(stat.mtime_ms);
  out->set_version(stat.version);
  out->set_cversion(stat.cversion);
  out->set_aversion(stat.aversion);
  out->set_ephemeral_owner(stat.ephemeral_owner.value());
  out->set_data_length(stat.data_length);
  out->set_num_children(stat.num_children);
}

void ToProto(const service::Notification& notification, v1::WatchEvent* out) {
  out->set_type(static_cast<v1::WatchEvent::Type>(notification.type));
  out->set_path(notification.path);
  out->set_zxid(notification.zxid.value());
  out->set_ordinal(notification.ordinal);
}

void ToProto(service::WatchStreamEvent event, v1::WatchStreamEvent* out) {
  out->set_type(static_cast<v1::WatchEvent::Type>(event.type));
  out->set_path(std::move(event.path));
  out->set_zxid(event.zxid.value());
  out->set_ordinal(event.ordinal);
  if (event.stat) ToProto(*event.stat, out->mutable_stat());
  if (event.data) out->mutable_data()->set_value(*std::move(event.data));
}

void ToProto(const service::Cursor& cursor, v1::Cursor* out) {
  out->set_zxid(cursor.zxid.value());
  out->set_ordinal(cursor.ordinal);
}

size_t RoughSize(const service::Reply& reply) {
  size_t bytes = kOverhead + reply.message.size() + reply.result.path.size() + reply.next.size() +
                 (reply.data ? reply.data->size() : 0);
  for (const std::string& name : reply.children) bytes += kNameOverhead + name.size();
  for (const service::OpResult& result : reply.results) bytes += kOverhead + result.path.size();
  for (const service::ListEntry& entry : reply.entries) {
    bytes += kOverhead + entry.name.size() + (entry.data ? entry.data->size() : 0);
  }
  for (const access::AclEntry& entry : reply.acl) bytes += kOverhead + entry.scheme.size() + entry.id.size();
  for (const access::Identity& identity : reply.identities) {
    bytes += kOverhead + identity.scheme.size() + identity.id.size();
  }
  for (const service::Reply& read : reply.reads) bytes += RoughSize(read);
  return bytes;
}

size_t RoughSize(const service::WatchStreamEvent& event) {
  return kOverhead + event.path.size() + (event.stat ? kOverhead : 0) + (event.data ? event.data->size() : 0);
}

}  // namespace synod::frontdoor
