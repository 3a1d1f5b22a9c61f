// What the consensus cores of an ensemble say to each other. Plain values; transport/message_codec turns them into
// frames.
#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/consensus/types.h"

namespace synod::consensus {

enum class MessageType : uint8_t {
  kPreVote = 1,  // would you vote for me in term `term`? (thesis 9.6; changes nothing at the receiver)
  kPreVoteReply = 2,
  kVote = 3,  // RequestVote
  kVoteReply = 4,
  kAppend = 5,  // AppendEntries; with no entries it is the heartbeat
  kAppendReply = 6,
  kTimeoutNow = 7,  // leadership transfer: campaign at once (thesis 3.10)
  kReadIndex = 8,   // a follower asks the leader for a read index
  kReadIndexReply = 9,
};

// One struct for all types; a field's comment says who uses it. Unused fields keep their defaults.
struct Message {
  MessageType type = MessageType::kAppend;
  Identity from;
  ServerId to;
  Term term;  // the sender's; for kPreVote the term it would campaign in
  // kPreVote, kVote: the end of the candidate's log. kAppend: the entry before `entries`. kAppendReply: see match.
  LogEnd log_end;
  // kAppend: the leader's commit index, at most what the receiver is known to hold is applied there.
  LogIndex commit;
  // kAppendReply: accepted: everything up to here is synced at the sender and equal to the leader's log.
  // Rejected: the greatest index (<= log_end.index) at which the logs might still agree; log_end.term of the reply is
  // its term there.
  LogIndex match;
  bool reject = false;    // kPreVoteReply, kVoteReply, kAppendReply
  bool transfer = false;  // kVote: sent by order of the leader; stickiness does not apply
  // kAppend: the newest ReadIndex round (L9) the leader waits for; kAppendReply echoes it, also when rejecting or when
  // the reply waits for no sync. kReadIndex, kReadIndexReply: the asker's own id.
  uint64_t read_round = 0;
  LogIndex read_index;         // kReadIndexReply; 0 and reject: the receiver does not lead
  std::vector<Entry> entries;  // kAppend
};

}  // namespace synod::consensus
