// Messages: which are believed, what a term means, who handles what.
#include <utility>

#include "coordinator/consensus/core.h"

namespace synod::consensus {
namespace {

// Terms and indexes beyond this are lies or bit rot; below it nothing overflows.
constexpr uint64_t kNumberMax = uint64_t{1} << 62;

bool IsReply(MessageType type) {
  return type == MessageType::kPreVoteReply || type == MessageType::kVoteReply || type == MessageType::kAppendReply ||
         type == MessageType::kReadIndexReply;
}

}  // namespace

void Core::Step(Message message) {
  if (!WellFormed(message)) return;
  // Votes and acknowledgements, and the terms they carry, count from those who take part only (D10, R16).
  if (IsReply(message.type) && !FromParticipant(message.from)) return;
  if (StepTerm(message)) Dispatch(std::move(message));
}

bool Core::WellFormed(const Message& message) const {
  if (message.type < MessageType::kPreVote || message.type > MessageType::kReadIndexReply) return false;
  if (message.to != config_.self.server || message.from.server == message.to) return false;
  if (message.from.server == ServerId(0) || message.from.storage == StorageId(0)) return false;
  if (message.term == Term(0) || message.term.value() >= kNumberMax) return false;
  for (LogIndex index : {message.log_end.index, message.commit, message.match, message.read_index}) {
    if (index.value() >= kNumberMax) return false;
  }
  return message.type == MessageType::kAppend ? EntriesWellFormed(message) : message.entries.empty();
}

bool Core::EntriesWellFormed(const Message& message) const {
  LogEnd before = message.log_end;
  if (before.term > message.term) return false;
  for (const Entry& entry : message.entries) {
    if (entry.index != before.index + 1 || entry.term < before.term || entry.term > message.term) return false;
    if (entry.payload == nullptr || entry.type > EntryType::kConfiguration) return false;
    if (entry.type == EntryType::kConfiguration && !Configuration::Decode(*entry.payload).ok()) return false;
    before = LogEnd{entry.term, entry.index};
  }
  return true;
}

bool Core::FromParticipant(const Identity& identity) const {
  return membership_.current().IsMember(identity) || guests_.contains(identity);
}

// What the message's term means for ours (thesis 3.3, 9.6). Returns whether the message is to be handled.
bool Core::StepTerm(const Message& message) {
  if (message.type == MessageType::kPreVote) return true;                          // its term is a question
  if (message.type == MessageType::kPreVoteReply && !message.reject) return true;  // and so is its answer's
  if (message.term < term_) {
    // Who campaigns or leads in an older term learns of the newer one, or it would be stuck (thesis 3.3).
    if (message.type == MessageType::kAppend) {
      Message reply = Reply(MessageType::kAppendReply, message);
      reply.reject = true;
      Send(std::move(reply));
    } else if (message.type == MessageType::kVote) {
      Message reply = Reply(MessageType::kVoteReply, message);
      reply.reject = true;
      Send(std::move(reply));
    }
    return false;
  }
  // L1, thesis 4.2.3: whoever hears its leader is not disturbed by candidates, unless the leader sent them.
  if (message.type == MessageType::kVote && !message.transfer && HearsLeader()) return false;
  if (message.term > term_) {
    bool retry = std::holds_alternative<Candidate>(state_) && IsReply(message.type);
    BecomeFollower(message.term, Identity{});
    // A candidate that was merely behind asks again soon (L10).
    if (retry) SetRetryTimer();
  }
  return true;
}

void Core::Dispatch(Message message) {
  switch (message.type) {
    case MessageType::kPreVote:
      return HandlePreVote(message);
    case MessageType::kVote:
      return HandleVote(message);
    case MessageType::kPreVoteReply:
    case MessageType::kVoteReply:
      return HandleVoteReply(message);
    case MessageType::kAppend:
      return HandleAppend(std::move(message));
    case MessageType::kAppendReply:
      return HandleAppendReply(message);
    case MessageType::kTimeoutNow:
      return HandleTimeoutNow(message);
    case MessageType::kReadIndex:
      return HandleReadIndex(message);
    case MessageType::kReadIndexReply:
      return HandleReadIndexReply(message);
  }
}

Message Core::Reply(MessageType type, const Message& to) const { return {.type = type, .to = to.from.server}; }

void Core::Send(Message message) {
  message.from = config_.self;
  if (message.term == Term(0)) message.term = term_;
  out_.messages.push_back(std::move(message));
}

}  // namespace synod::consensus
