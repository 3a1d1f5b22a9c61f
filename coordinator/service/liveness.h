// The serving server's side of S6 and S8: which sessions were heard here, which pings may be answered, whose connection
// lost the quorum. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/service/liveness_codec.h"

namespace synod::service {

// Told the time by its caller; `now` never goes back. A ping is answered when a report *sent since it came*, naming its
// session and generation, was acknowledged: an older report's acknowledgement says nothing about it (counterexample 9).
// What was reported and not acknowledged is reported again, so a lost report or a change of leader costs time only.
class Liveness {
 public:
  struct Options {
    uint64_t incarnation = 0;
    absl::Duration report_interval = absl::Milliseconds(100);
    absl::Duration ping_report_interval = absl::Milliseconds(20);
    // A report without answer counts as lost after it: its sessions are reported again. Its answer is welcome all the
    // same.
    absl::Duration report_lost_after = absl::Milliseconds(300);
  };
  // One attached session. Kept by its connection so that Heard costs no lookup; good until Detach.
  struct Entry {
    SessionId session;
    OwnerGeneration generation;
    absl::Duration timeout;
    absl::Duration unreported_since = absl::InfiniteDuration();  // the oldest sign of life that is in no report yet
    absl::Duration reported_since = absl::InfiniteDuration();    // the oldest one that is in a report not acknowledged
    uint64_t last_report = 0;                                    // the newest that names it
    bool listed = false;                                         // goes into the next report
    struct Ping {
      uint64_t ping = 0;
      uint64_t report = 0;  // this one or a later one must be acknowledged
    };
    std::vector<Ping> pings;
  };
  struct Pong {
    SessionId session;
    uint64_t ping = 0;
  };

  explicit Liveness(const Options& options) : options_(options) {}

  // A connection of this server was granted the session; an older one of it was detached before.
  Entry* Attach(SessionId session, OwnerGeneration generation, absl::Duration timeout);
  void Detach(SessionId session);
  // Any message counts.
  void Heard(Entry* entry, absl::Duration now) {
    if (entry->unreported_since != absl::InfiniteDuration()) return;
    entry->unreported_since = now;
    List(entry);
  }
  void Ping(Entry* entry, uint64_t ping, absl::Duration now);
  // L11: this client is not read at the moment; it counts as heard while its connection stands.
  void SetStanding(Entry* entry, bool standing);
  // S8: the other side closed the connection of this generation. Reported until acknowledged, to every new leader
  // again, while the session may live.
  void Disconnected(SessionId session, OwnerGeneration generation, absl::Duration timeout, absl::Duration now);
  // It ended, or was attached again: whose connection closed before does not matter any more.
  void ForgetDisconnect(SessionId session) { disconnects_.erase(session); }

  // Another leader, or another connection to it: reports under way count as lost.
  void LeaderChanged();
  // The report to send now, if one is due.
  std::optional<std::string> TakeReport(absl::Duration now);
  // The leader's answer to one. Appends the pings to answer now, by session.
  void OnAck(const LivenessAck& ack, std::vector<Pong>* pongs);
  // Sessions whose oldest sign of life has waited for an acknowledgement for two thirds of their timeout: their
  // connections are to be closed (S6). Ascending.
  std::vector<SessionId> Overdue(absl::Duration now) const;

  uint64_t reports_sent() const { return next_number_ - 1; }
  uint64_t reports_acknowledged() const { return acknowledged_; }

 private:
  struct InFlight {
    uint64_t number = 0;
    absl::Duration sent_at;
    bool given_up = false;  // its sessions were listed again; a late acknowledgement still counts
    std::vector<OwnedSession> heard;
    std::vector<OwnedSession> disconnected;
  };
  struct Disconnect {
    OwnerGeneration generation;
    absl::Duration until;
    enum class State : uint8_t { kToSend, kSent, kAcknowledged } state = State::kToSend;
  };

  void List(Entry* entry);
  void Lost(const InFlight& report);
  bool Due(absl::Duration now) const;

  const Options options_;
  absl::btree_map<SessionId, std::unique_ptr<Entry>> entries_;
  absl::btree_map<SessionId, Disconnect> disconnects_;
  absl::btree_set<SessionId> standing_;
  std::vector<SessionId> listed_;   // no order; may name detached ones
  std::deque<InFlight> in_flight_;  // by number
  uint64_t next_number_ = 1;
  uint64_t acknowledged_ = 0;
  bool urgent_ = false;  // a ping or a disconnect waits
  absl::Duration last_report_ = -absl::InfiniteDuration();
};

}  // namespace synod::service
