// Sends the own snapshot to peers whose log ends before ours begins (D9). Chunks are read off the loop, sent within a
// window, and resumed with the same snapshot after a broken connection.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "coordinator/base/executor.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/interfaces/transport.h"

namespace synod::node {

// Loop only.
class SnapshotSender {
 public:
  struct Dependencies {
    Executor* loop = nullptr;
    Executor* worker = nullptr;
    interfaces::SnapshotStore* store = nullptr;
    interfaces::Transport* transport = nullptr;
    size_t chunk_bytes = 256 << 10;
    StorageId own_storage;
    std::function<Term()> term;
    // A transfer that consensus asked for ended.
    std::function<void(ServerId peer, bool ok)> ended;
    // Reading the own snapshot failed: it is damaged.
    std::function<void(absl::Status)> failed;
  };

  explicit SnapshotSender(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  // Begins, or resumes, sending to `peer`. `for_core`: tell `ended`. Without a snapshot at or above `at_least` it ends
  // at once, not ok.
  void Begin(ServerId peer, LogIndex at_least, bool for_core, absl::Duration now);
  void OnProgress(ServerId peer, const interfaces::SnapshotProgress& progress, absl::Duration now);
  // The transfer is kept for a while, to be resumed.
  void OnPeerDown(ServerId peer);
  void Tick(absl::Duration now);
  // The log must keep everything from here on for the transfers in progress; nullopt: they need nothing.
  std::optional<LogIndex> KeepFrom() const;
  void Stop() { alive_.reset(); }

 private:
  static constexpr uint64_t kWindowChunks = 8;
  static constexpr size_t kQueuedBytesMax = 2 << 20;
  static constexpr absl::Duration kOfferAgain = absl::Seconds(1);
  static constexpr absl::Duration kGiveUp = absl::Seconds(30);

  struct Transfer {
    uint64_t id = 0;
    std::shared_ptr<interfaces::SnapshotReader> reader;
    bool for_core = false;
    bool connected = true;
    bool receiving = false;     // the receiver answered the offer
    bool reading = false;       // a chunk is being read on the worker
    uint64_t acknowledged = 0;  // chunks kept by the receiver
    uint64_t next = 0;          // chunk to send next
    uint64_t read = 0;          // chunks before this were read from `reader`, which gives them in order the first time
    std::optional<uint64_t> count;  // of all chunks, once the last was read
    bool AllSent() const { return count && next >= *count; }
    absl::Duration heard;  // from the receiver
    absl::Duration offered;
  };

  void Offer(ServerId peer, Transfer& transfer, absl::Duration now);
  void Pump(ServerId peer, Transfer& transfer);
  void End(ServerId peer, bool ok);

  Dependencies deps_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<ServerId, Transfer> transfers_;
};

}  // namespace synod::node
