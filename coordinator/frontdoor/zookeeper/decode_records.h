// The records of single operations, which stand in a multi as well (specs: ZooKeeper protocol, 5.2). For decode.cc and
// decode_multi.cc.
//
// Each reads one record and fills `out`. kOk: it is to be asked of the service, which judges paths, ACLs, TTLs and the
// state. Other numbers: what has no representation below the door.
#pragma once

#include "coordinator/frontdoor/zookeeper/decode.h"
#include "coordinator/frontdoor/zookeeper/jute.h"
#include "coordinator/frontdoor/zookeeper/protocol.h"
#include "coordinator/service/request.h"

namespace synod::frontdoor::zookeeper {

// kMarshallingError if the record did not end well; in most records a null path is as bad (section 9).
inline ErrorNumber Judge(const JuteReader& in, bool null_path = false) {
  return in.ok() && !null_path ? ErrorNumber::kOk : ErrorNumber::kMarshallingError;
}

// `op`: create, create2, createContainer or createTTL. A combination of operation and flags that no create has (8.2)
// becomes a create that the state machine answers with kBadArguments, or kUnimplemented while TTLs are off, at its
// place in the order of checks. kBadArguments: an unknown flag; in a multi that, and a create with a TTL's flag but
// no TTL, is kMarshallingError (8.1, 12.1).
ErrorNumber ReadCreate(OpCode op, bool in_multi, JuteReader* in, service::CreateOp* out);
ErrorNumber ReadDelete(JuteReader* in, service::DeleteOp* out);
ErrorNumber ReadSetData(JuteReader* in, service::SetDataOp* out);
ErrorNumber ReadSetAcl(JuteReader* in, service::SetAclOp* out);
ErrorNumber ReadCheck(JuteReader* in, service::CheckOp* out);
// getData, getChildren, exists and their like.
ErrorNumber ReadPathAndWatch(JuteReader* in, std::string* path, bool* watch);
ErrorNumber ReadPath(JuteReader* in, std::string* path);

// decode_multi.cc: sections 12.1 and 12.5. kMarshallingError: a list of mixed or unknown operations, or one that does
// not decode. kBadArguments: more operations than anybody may ask for at once.
ErrorNumber ReadMulti(JuteReader* in, DecodedRequest* out);
ErrorNumber ReadMultiRead(JuteReader* in, DecodedRequest* out);

}  // namespace synod::frontdoor::zookeeper
