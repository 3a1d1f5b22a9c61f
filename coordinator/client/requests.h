// The requests of coordination.proto: made from the library's values, and what a session must know of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/types.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// ---- the requests, without id and sequence ----
v1::Request CreateRequest(std::string path, Data data, CreateOptions options);
v1::Request CreateRequest(std::string path, Data data, CreateMode mode);
v1::Request DeleteRequest(std::string path, DeleteOptions options);
v1::Request DeleteRequest(std::string path, int32_t version);
v1::Request DeleteTreeRequest(std::string path, DeleteTreeOptions options);
v1::Request SetRequest(std::string path, Data data, int32_t version);
v1::Request SetAclRequest(std::string path, Acl acl, int32_t version);
v1::Request CheckRequest(std::string path, int32_t version);
v1::Request MultiRequest(std::vector<Operation> operations);
v1::Request TxnRequest(std::vector<Compare> compares, std::vector<Operation> then_operations,
                       std::vector<Operation> else_operations);
v1::Request AuthenticateRequest(Credential credential);
v1::Request CloseRequest();
v1::Request ExistsRequest(std::string path, ReadStrength strength, bool watch);
v1::Request GetRequest(std::string path, ReadStrength strength, bool watch);
v1::Request ChildrenRequest(std::string path, bool with_stat, ReadStrength strength, bool watch);
v1::Request GetAclRequest(std::string path, ReadStrength strength);
v1::Request ListRequest(std::string path, ListOptions options, ReadStrength strength);
v1::Request MultiReadRequest(std::vector<ReadOperation> operations, ReadStrength strength);
v1::Request EphemeralsRequest(EphemeralsOptions options, ReadStrength strength);
v1::Request CountRequest(std::string path, ReadStrength strength);
v1::Request WhoAmIRequest();
v1::Request SyncRequest(std::string path);
v1::Request AddWatchRequest(std::string path, PersistentWatchKind kind);
v1::Request RemoveWatchRequest(std::string path, v1::WatchKind kind);
v1::Request CheckWatchRequest(std::string path, v1::WatchKind kind);
void FillCredential(const Credential& credential, v1::Credential* out);

// ---- what they are ----
// Whether a session numbers it.
bool IsWrite(v1::Request::OperationCase operation);
// Why it cannot be a unary call; nullptr: it can.
const char* NeedsSession(const v1::Request& request);
// Puts the chroot before every path of the request.
void AddChroot(const Chroot& chroot, v1::Request* request);
// Whether every text of the request is UTF-8, as a string field of a protocol buffer must be: no server could read it.
// Changes nothing.
bool TextsAreUtf8(v1::Request* request);
// The path and kind a read with watch, AddWatch, RemoveWatch or CheckWatch is about. Empty path: none.
std::pair<std::string, v1::WatchKind> WatchOf(const v1::Request& request);

}  // namespace synod::client
