// Between the messages of proto/synod/v1 and the service's plain values. The only place that knows both.
//
// In: FromProto takes the strings out of its argument. What has no meaning - no operation, one this version does not
// know, an enum out of range, also in a part of a multi or a txn - becomes Unintelligible as a whole, so that a write
// keeps its number (S2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/service/request.h"
#include "coordinator/service/status.h"
#include "coordinator/service/watch_stream.h"
#include "synod/v1/coordination.pb.h"
#include "synod/v1/ensemble.pb.h"

namespace synod::frontdoor {

service::Request FromProto(v1::Request* in);
// nullopt: a watch to set again is of a kind that this version does not know. To leave it out would lose its events.
std::optional<service::ConnectRequest> FromProto(v1::Connect* in);
// `address` of the client (peer_address.h).
service::CallRequest FromProto(v1::CallRequest* in, std::string address);
service::WatchStreamRequest FromProto(v1::WatchRequest* in, std::string address);
// The operation alone. `write`: whether what has no meaning counts as a write.
service::Operation OperationFromProto(v1::Request* in, bool write);
std::vector<service::Credential> FromProto(google::protobuf::RepeatedPtrField<v1::Credential>* in);

void ToProto(service::Reply reply, v1::Reply* out);
void ToProto(const service::Notification& notification, v1::WatchEvent* out);
void ToProto(service::WatchStreamEvent event, v1::WatchStreamEvent* out);
void ToProto(const service::Cursor& cursor, v1::Cursor* out);
void ToProto(const service::ConnectResult& result, v1::Connected* out);
void ToProto(const tree::Stat& stat, v1::Stat* out);
void ToProto(const service::ServerStatus& status, v1::StatusReply* out);
void ToProto(const service::MemberStatus& member, v1::MemberInfo* out);

// What a message of it holds on the heap, near enough for bounds of what is unsent.
size_t RoughSize(const service::Reply& reply);
size_t RoughSize(const service::WatchStreamEvent& event);

// Sixteen hex digits.
std::string Hex(uint64_t value);

}  // namespace synod::frontdoor
