// Sums of what many runs met.
#include "absl/strings/str_cat.h"
#include "tests/sim/sim_run.h"

namespace synod::sim {

void RunStats::Add(const RunStats& o) {
  events += o.events;
  trace ^= o.trace;
  acknowledged_writes += o.acknowledged_writes;
  unknown_writes += o.unknown_writes;
  resent += o.resent;
  repeated += o.repeated;
  lost += o.lost;
  watch_events += o.watch_events;
  sessions += o.sessions;
  crashes += o.crashes;
  power_cuts += o.power_cuts;
  pauses += o.pauses;
  partitions += o.partitions;
  resets += o.resets;
  wipes += o.wipes;
  flips += o.flips;
  repairs += o.repairs;
  transfers += o.transfers;
  away += o.away;
  dropped += o.dropped;
  snapshots += o.snapshots;
  installs += o.installs;
  elections += o.elections;
  followed += o.followed;
  resumed += o.resumed;
  cursors_lost += o.cursors_lost;
}

std::string RunStats::ToString() const {
  std::string text = absl::StrCat("events ", events, ", writes acknowledged ", acknowledged_writes, " unknown ",
                                  unknown_writes, " re-sent ", resent, " repeated ", repeated, " lost ", lost,
                                  ", watch events ", watch_events, ", sessions ", sessions);
  absl::StrAppend(&text, ", crashes ", crashes, ", power cuts ", power_cuts, ", pauses ", pauses, ", partitions ",
                  partitions, ", resets ", resets);
  absl::StrAppend(&text, ", wipes ", wipes, ", flips ", flips, ", records to repair ", repairs, ", transfers ",
                  transfers, ", clients away ", away, ", messages dropped ", dropped, ", with snapshot ", snapshots,
                  ", installs ", installs, ", terms ", elections, ", followed events ", followed);
  absl::StrAppend(&text, ", resumed ", resumed, ", cursors lost ", cursors_lost);
  return text;
}

}  // namespace synod::sim
