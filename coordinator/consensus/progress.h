// What a leader knows of one peer, and how fast it may send to it.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "coordinator/consensus/types.h"

namespace synod::consensus {

// Owner: the leader's state, one per peer. Invariant: match < next. Pure bookkeeping; the leader sends.
class Progress {
 public:
  enum class State : uint8_t {
    kProbe,      // where the logs agree is being looked for: one message at a time
    kReplicate,  // they agree: entries are sent ahead of acknowledgements, up to a window of bytes (thesis 10.2.1)
    kSnapshot,   // the log no longer reaches back to the peer: heartbeats only, until a snapshot got there
  };

  Progress(LogIndex last, uint64_t now) : next(last + 1), last_heard(now), last_sent(now) {}

  State state() const { return state_; }
  LogIndex match;             // synced at the peer and equal to the leader's log
  LogIndex next;              // the next entry to send
  bool guest = false;         // replicated to, but not in the configuration (D10)
  uint64_t last_heard;        // tick of the newest message from it in this term
  uint64_t last_sent;         // tick of the newest append to it
  bool heard = false;         // anything at all in this term
  bool heartbeat_due = true;  // a new peer hears at once who leads
  LogIndex sent_commit;       // the commit index it was told last
  uint64_t sent_round = 0;    // the newest read round it was sent, and the newest it echoed (L9)
  uint64_t echoed_round = 0;

  // Whether an append with entries may go now.
  bool MaySend(uint64_t window_bytes) const;
  // An append with entries up to `last` went out.
  void Sent(LogIndex last, uint64_t bytes);
  // The peer holds everything up to `index`. Returns whether that is news.
  bool Accepted(LogIndex index);
  // The peer has no entry equal to ours at `rejected`; the logs may agree at `hint` at best. Returns whether it is
  // news. `match` goes back only if the peer lost what it had acknowledged (D5).
  bool Rejected(LogIndex rejected, LogIndex hint);
  // What was in flight may be lost: sends again from the last acknowledged entry.
  void ConnectionLost();
  // The answer to a probe may be lost: the next one may go.
  void AllowProbe() { probe_in_flight_ = false; }
  void BecomeSnapshot();
  // The transfer ended. The peer's next answer tells how far it is.
  void SnapshotEnded(bool ok);

 private:
  void BecomeProbe(LogIndex from);

  State state_ = State::kProbe;
  bool probe_in_flight_ = false;
  bool snapshot_ended_ = false;
  std::deque<std::pair<LogIndex, uint64_t>> in_flight_;  // last entry and bytes of each append not yet acknowledged
  uint64_t in_flight_bytes_ = 0;
};

}  // namespace synod::consensus
