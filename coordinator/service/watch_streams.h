// The Watch streams of this server (W3): from the window of past events to the live ones and back.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "coordinator/access/caller.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/executor.h"
#include "coordinator/service/status.h"
#include "coordinator/service/watch_stream.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

// A stream reads the window in slices; one per turn of the loop, the streams in turn. Where it reaches the end it
// enters the table of live watches in the same turn, so nothing falls between and nothing comes twice. When its door
// takes no more it leaves the table with its cursor, and goes on from the window once resumed.
//
// Loop thread only. Told of every command and install; the window is read only between commands.
class WatchStreams {
 public:
  struct Options {
    uint32_t max_streams = 0;
    uint64_t table_bytes_max = 0;
    size_t slice_bytes = 256 << 10;  // of the window, per turn
  };
  // All must outlive it; `stats` counts what it gives.
  WatchStreams(const Options& options, Executor* loop, const Clock* clock,
               const statemachine::StateMachine* state_machine, ServiceStats* stats);

  // As Service's OpenWatch, ResumeWatch and CloseWatch.
  WatchStreamId Open(WatchStream* door, WatchStreamRequest request);
  void Resume(WatchStreamId id);
  void Close(WatchStreamId id);
  void EndAll(WatchEnd reason);

  // After each command, in order.
  void OnCommand(const std::vector<tree::Event>& events) {
    if (!events.empty() && table_.watch_count() != 0) Fire(events);
    live_until_ = state_machine_->last_zxid();
    if (!ahead_.empty() && ahead_.begin()->first <= live_until_) WakeAhead();
  }
  // S10, W3: the window came along with the state; live streams go on from where they were.
  void OnInstalled();
  // Progress marks that are due; the end of all streams if no leader was heard of for too long. To be called every 100
  // ms or more often.
  void Sweep(absl::Duration now, absl::Duration leader_age);

  size_t count() const { return streams_.size(); }
  size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  struct Stream {
    enum class Phase : uint8_t {
      kAhead,    // its cursor is beyond what is applied here
      kReading,  // the window, in slices
      kLive,
      kFull,  // until Resume
    };
    WatchStreamId id;
    WatchStream* door = nullptr;
    std::string path;
    bool recursive = false;
    bool with_data = false;
    access::IdentitySet identities;  // as proved when it was opened
    absl::Duration progress;
    Phase phase = Phase::kReading;
    bool scheduled = false;  // stands in reading_
    Cursor cursor;           // all up to here was given; live: to live_until_ at least
    absl::Duration last_told;
    std::vector<WatchStreamEvent> batch;  // of the running command
  };

  Stream* Find(WatchStreamId id);
  void Schedule(Stream* stream);
  void PostNext();
  void ReadSlice(Stream* stream);
  // Appends what `past` tells this stream.
  void Take(const statemachine::PastEvent& past, const Stream& stream, const access::Caller& caller,
            std::vector<WatchStreamEvent>* events);
  void FillData(const access::Caller& caller, WatchStreamEvent* event) const;
  void FillData(const access::Caller& caller, std::vector<WatchStreamEvent>* batch) const;
  // To the door, with the stream's cursor. False: it is full now.
  bool Give(Stream* stream, std::vector<WatchStreamEvent> events);
  void Fire(const std::vector<tree::Event>& events);
  void WakeAhead();
  void Leave(Stream* stream);
  void End(Stream* stream, WatchEnd reason, Cursor oldest = {});
  access::Caller CallerOf(const Stream& stream) const { return state_machine_->CallerOf(stream.identities); }

  const Options options_;
  Executor* const loop_;
  const Clock* const clock_;
  const statemachine::StateMachine* const state_machine_;
  ServiceStats* const stats_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted slices hold it weakly

  absl::btree_map<WatchStreamId, std::unique_ptr<Stream>> streams_;
  absl::btree_set<std::pair<Zxid, WatchStreamId>> ahead_;  // what they wait for
  std::deque<WatchStreamId> reading_;                      // in turn
  bool posted_ = false;                                    // its next turn
  watches::WatchTable table_;                              // of the live ones
  Zxid live_until_;                                        // the live ones were given everything up to here
  uint64_t next_id_ = 1;
  // Reused from command to command.
  std::vector<watches::Notification> fired_;
  std::vector<Stream*> touched_;
};

}  // namespace synod::service
