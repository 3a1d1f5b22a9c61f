// The service's answers become frames. Pure. Everything appends whole frames to `out`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/frontdoor/zookeeper/decode.h"
#include "coordinator/frontdoor/zookeeper/protocol.h"
#include "coordinator/service/request.h"

namespace synod::frontdoor::zookeeper {

// Section 2.2. `has_read_only`: as the request had it.
void EncodeConnected(const service::ConnectResult& result, bool has_read_only, std::string* out);
// The session is expired, unknown, or the password is wrong: timeout 0, id 0, 16 zero bytes. Never another session.
void EncodeRefused(bool has_read_only, std::string* out);

// The reply to a request of that shape. Takes the payload out of `reply`, byte for byte once. Multi: sections 12.3 and
// 12.4. The zxid of an auth or SASL reply is 0 (section 3).
void EncodeReply(const Shape& shape, service::Reply* reply, std::string* out);
void EncodePong(Zxid zxid, std::string* out);
// State SyncConnected; the header's zxid is the change's, or -1 for what a re-armed watch had missed (13.5; its ordinal
// is statemachine::Cursor::kAll). kEventsLost is never sent to a ZooKeeper connection.
void EncodeNotification(const service::Notification& notification, std::string* out);

// The error that a reply of that shape bears: the number that stands in its header, or would but for a multi.
ErrorNumber ErrorOf(const Shape& shape, const service::Reply& reply);

}  // namespace synod::frontdoor::zookeeper
