#include "coordinator/service/liveness.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::service {

namespace {
// A client has no use for more; the oldest is forgotten, a younger one's answer says more.
constexpr size_t kPingsMax = 64;
// A leader may be slow, so answers are awaited long after a report was repeated.
constexpr size_t kInFlightMax = 64;
constexpr absl::Duration kNever = absl::InfiniteDuration();
}  // namespace

Liveness::Entry* Liveness::Attach(SessionId session, OwnerGeneration generation, absl::Duration timeout) {
  auto [it, inserted] = entries_.try_emplace(session, std::make_unique<Entry>());
  SYNOD_CHECK(inserted) << "session " << session << " is attached here already";
  Entry* entry = it->second.get();
  entry->session = session;
  entry->generation = generation;
  entry->timeout = timeout;
  ForgetDisconnect(session);
  return entry;
}

void Liveness::Detach(SessionId session) {
  entries_.erase(session);
  standing_.erase(session);
}

void Liveness::List(Entry* entry) {
  if (entry->listed) return;
  entry->listed = true;
  listed_.push_back(entry->session);
}

void Liveness::Ping(Entry* entry, uint64_t ping, absl::Duration now) {
  Heard(entry, now);
  if (entry->pings.size() == kPingsMax) entry->pings.erase(entry->pings.begin());
  entry->pings.push_back({ping, next_number_});
  urgent_ = true;
}

void Liveness::SetStanding(Entry* entry, bool standing) {
  if (standing) {
    standing_.insert(entry->session);
  } else {
    standing_.erase(entry->session);
  }
}

void Liveness::Disconnected(SessionId session, OwnerGeneration generation, absl::Duration timeout, absl::Duration now) {
  disconnects_[session] = {generation, now + timeout};
  urgent_ = true;
}

// Its sessions go into the next report, unless a later one under way names them.
void Liveness::Lost(const InFlight& report) {
  for (const OwnedSession& s : report.heard) {
    auto it = entries_.find(s.session);
    if (it == entries_.end() || it->second->last_report != report.number) continue;
    List(it->second.get());
    if (!it->second->pings.empty()) urgent_ = true;
  }
  for (const OwnedSession& s : report.disconnected) {
    auto it = disconnects_.find(s.session);
    if (it == disconnects_.end() || it->second.state != Disconnect::State::kSent) continue;
    it->second.state = Disconnect::State::kToSend;
    urgent_ = true;
  }
}

void Liveness::LeaderChanged() {
  for (const InFlight& report : in_flight_) Lost(report);
  in_flight_.clear();
  // A new leader gave every session its full timeout and knows of no closed connection.
  for (auto& [session, disconnect] : disconnects_) {
    disconnect.state = Disconnect::State::kToSend;
    urgent_ = true;
  }
}

bool Liveness::Due(absl::Duration now) const {
  absl::Duration since = now - last_report_;
  if (urgent_ && since >= options_.ping_report_interval) return true;
  return since >= options_.report_interval && (!listed_.empty() || !standing_.empty());
}

std::optional<std::string> Liveness::TakeReport(absl::Duration now) {
  for (InFlight& report : in_flight_) {
    if (report.given_up || now - report.sent_at < options_.report_lost_after) continue;
    report.given_up = true;
    Lost(report);
  }
  if (in_flight_.size() > kInFlightMax) in_flight_.pop_front();
  if (!Due(now)) return std::nullopt;
  for (SessionId session : standing_) Heard(entries_.find(session)->second.get(), now);
  std::sort(listed_.begin(), listed_.end());

  LivenessReport report;
  report.incarnation = options_.incarnation;
  report.number = next_number_;
  SessionId previous;
  for (SessionId session : listed_) {
    auto it = entries_.find(session);
    if (it == entries_.end() || session == previous) continue;
    previous = session;
    Entry& entry = *it->second;
    entry.listed = false;
    entry.last_report = report.number;
    entry.reported_since = std::min(entry.reported_since, entry.unreported_since);
    entry.unreported_since = kNever;
    report.heard.push_back({session, entry.generation});
  }
  listed_.clear();
  for (auto it = disconnects_.begin(); it != disconnects_.end();) {
    if (it->second.until <= now) {  // its timeout has done the work
      it = disconnects_.erase(it);
      continue;
    }
    if (it->second.state == Disconnect::State::kToSend) {
      it->second.state = Disconnect::State::kSent;
      report.disconnected.push_back({it->first, it->second.generation});
    }
    ++it;
  }
  urgent_ = false;
  if (report.heard.empty() && report.disconnected.empty()) return std::nullopt;
  ++next_number_;
  last_report_ = now;
  std::string bytes = EncodeReport(report);
  in_flight_.push_back({report.number, now, false, std::move(report.heard), std::move(report.disconnected)});
  return bytes;
}

void Liveness::OnAck(const LivenessAck& ack, std::vector<Pong>* pongs) {
  if (ack.incarnation != options_.incarnation) return;
  auto report =
      std::find_if(in_flight_.begin(), in_flight_.end(), [&](const InFlight& r) { return r.number == ack.number; });
  if (report == in_flight_.end()) return;
  ++acknowledged_;
  for (const OwnedSession& s : report->heard) {
    auto it = entries_.find(s.session);
    if (it == entries_.end() || it->second->generation != s.generation) continue;
    Entry& entry = *it->second;
    if (std::binary_search(ack.refused.begin(), ack.refused.end(), s)) {
      if (entry.last_report == report->number)
        List(&entry);  // asked again; the connection ends by itself if it stays refused
      continue;
    }
    // Everything heard before this report was sent is covered now.
    entry.reported_since =
        entry.last_report == report->number ? kNever : std::max(entry.reported_since, report->sent_at);
    auto waiting = entry.pings.begin();
    for (; waiting != entry.pings.end() && waiting->report <= report->number; ++waiting)
      pongs->push_back({s.session, waiting->ping});
    entry.pings.erase(entry.pings.begin(), waiting);
  }
  for (const OwnedSession& s : report->disconnected) {
    auto it = disconnects_.find(s.session);
    if (it != disconnects_.end() && it->second.generation == s.generation)
      it->second.state = Disconnect::State::kAcknowledged;
  }
  in_flight_.erase(report);
}

std::vector<SessionId> Liveness::Overdue(absl::Duration now) const {
  std::vector<SessionId> overdue;
  for (const auto& [session, entry] : entries_) {
    absl::Duration since = std::min(entry->reported_since, entry->unreported_since);
    if (since != kNever && now - since >= entry->timeout * 2 / 3) overdue.push_back(session);
  }
  return overdue;
}

}  // namespace synod::service
