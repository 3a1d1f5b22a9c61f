// Between the messages of coordination.proto and the library's own values.
#pragma once

#include <string>
#include <utility>

#include "coordinator/client/server_list.h"
#include "coordinator/client/types.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// Puts the chroot before every path of the request.
void AddChroot(const Chroot& chroot, v1::Request* request);
// Whether every path of the request is UTF-8, as a string field of a protocol buffer must be: no server could read it.
bool PathsAreUtf8(const v1::Request& request);
// The path and kind a read with watch, AddWatch or RemoveWatch is about. Empty path: none.
std::pair<std::string, v1::WatchKind> WatchOf(const v1::Request& request);
// kOk, or the error the server reports. A refused operation was not done; kReplyLost was, and an internal error may
// have been.
Error ErrorOf(const v1::Reply& reply);
Stat FromProto(const v1::Stat& stat);
// The Error in the details of a gRPC status (the bytes of a google.rpc.Status); false if there is none.
bool ErrorFromDetails(const std::string& details, Error* out);

// Requests, without id and sequence.
v1::Request CreateRequest(std::string path, Data data, CreateMode mode);
v1::Request DeleteRequest(std::string path, int32_t version);
v1::Request SetRequest(std::string path, Data data, int32_t version);
v1::Request CheckRequest(std::string path, int32_t version);
v1::Request MultiRequest(std::vector<Operation> operations);
v1::Request ExistsRequest(std::string path, ReadStrength strength, bool watch);
v1::Request GetRequest(std::string path, ReadStrength strength, bool watch);
v1::Request ChildrenRequest(std::string path, bool with_stat, ReadStrength strength, bool watch);
v1::Request SyncRequest(std::string path);
v1::Request AddWatchRequest(std::string path, PersistentWatchKind kind);
v1::Request RemoveWatchRequest(std::string path, v1::WatchKind kind);

// Replies. The reply is moved from.
Result<Created> CreatedFrom(const Error& error, v1::Reply& reply);
Result<Written> WrittenFrom(const Error& error, v1::Reply& reply);
Result<MultiOutcome> MultiFrom(const Error& error, v1::Reply& reply);
Result<NodeStat> NodeStatFrom(const Error& error, v1::Reply& reply);
Result<NodeValue> NodeValueFrom(const Error& error, v1::Reply& reply);
Result<Children> ChildrenFrom(const Error& error, v1::Reply& reply);
// The zxid.
Result<int64_t> ZxidFrom(const Error& error, v1::Reply& reply);

}  // namespace synod::client
