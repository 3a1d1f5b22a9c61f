// Settings of one consensus core. Time is counted in ticks; the driver decides how long one is (10 ms).
#pragma once

#include <cstdint>

#include "coordinator/consensus/types.h"

namespace synod::consensus {

struct CoreConfig {
  Identity self;
  // A follower that heard nothing from a leader for a random number of ticks in [min, max] starts a pre-vote (L10).
  uint32_t election_ticks_min = 30;
  uint32_t election_ticks_max = 60;
  // After the *leader's connection* was lost: wait rank ticks (rank: own position among the voters by identity), then
  // pre-vote.
  uint32_t lost_leader_ticks_per_rank = 1;
  // A refused pre-vote is repeated within this many ticks while no leader is known (L10).
  uint32_t prevote_retry_ticks = 5;
  // A leader sends an empty append to a peer that got nothing for this long.
  uint32_t heartbeat_ticks = 5;
  // Bytes of entries in flight to one peer, and in one append message (L1).
  uint64_t append_window_bytes = 4 << 20;
  uint64_t append_message_bytes = 1 << 20;
  // Bytes of `committed` in one Output.
  uint64_t apply_batch_bytes = 1 << 20;
  // Entries kept in memory for peers and apply; older ones are read back through EntryReader.
  uint64_t log_cache_bytes = 8 << 20;
};

}  // namespace synod::consensus
