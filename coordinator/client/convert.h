// From the replies of coordination.proto to the library's own values.
#pragma once

#include <string>

#include "coordinator/client/server_list.h"
#include "coordinator/client/types.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// Takes the chroot from every path in the reply to such a request.
void StripChroot(const Chroot& chroot, v1::Request::OperationCase operation, v1::Reply* reply);
// kOk, or the error the server reports. A refused operation was not done; kReplyLost was, and an internal error may
// have been.
Error ErrorOf(const v1::Reply& reply);
Stat FromProto(const v1::Stat& stat);
// The Error in the details of a gRPC status (the bytes of a google.rpc.Status); false if there is none.
bool ErrorFromDetails(const std::string& details, Error* out);

// Replies. The reply is moved from.
Result<Created> CreatedFrom(const Error& error, v1::Reply& reply);
Result<Deleted> DeletedFrom(const Error& error, v1::Reply& reply);
Result<Written> WrittenFrom(const Error& error, v1::Reply& reply);
Result<MultiOutcome> MultiFrom(const Error& error, v1::Reply& reply);
Result<TxnOutcome> TxnFrom(const Error& error, v1::Reply& reply);
Result<NodeStat> NodeStatFrom(const Error& error, v1::Reply& reply);
Result<NodeValue> NodeValueFrom(const Error& error, v1::Reply& reply);
Result<Children> ChildrenFrom(const Error& error, v1::Reply& reply);
Result<NodeAcl> NodeAclFrom(const Error& error, v1::Reply& reply);
Result<Listing> ListingFrom(const Error& error, v1::Reply& reply);
Result<ReadResults> ReadResultsFrom(const Error& error, v1::Reply& reply);
Result<Ephemerals> EphemeralsFrom(const Error& error, v1::Reply& reply);
Result<Count> CountFrom(const Error& error, v1::Reply& reply);
Result<Identities> IdentitiesFrom(const Error& error, v1::Reply& reply);
// The zxid.
Result<int64_t> ZxidFrom(const Error& error, v1::Reply& reply);

}  // namespace synod::client
