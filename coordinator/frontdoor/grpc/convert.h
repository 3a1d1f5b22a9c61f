// Between the messages of proto/synod/v1 and the service's plain values. The only place that knows both.
#pragma once

#include "coordinator/service/request.h"
#include "coordinator/service/status.h"
#include "synod/v1/coordination.pb.h"
#include "synod/v1/ensemble.pb.h"

namespace synod::frontdoor {

// Takes the strings out of `in`. What has no meaning (no operation, an enum out of range) becomes Unintelligible, so
// that a write keeps its number (S2).
service::Request FromProto(v1::Request* in);
service::ConnectRequest FromProto(v1::Connect* in);

void ToProto(service::Reply reply, v1::Reply* out);
void ToProto(const service::Notification& notification, v1::WatchEvent* out);
void ToProto(const service::ConnectResult& result, v1::Connected* out);
void ToProto(const tree::Stat& stat, v1::Stat* out);
void ToProto(const service::ServerStatus& status, v1::StatusReply* out);
void ToProto(const service::MemberStatus& member, v1::MemberInfo* out);

// Sixteen hex digits.
std::string Hex(uint64_t value);

}  // namespace synod::frontdoor
