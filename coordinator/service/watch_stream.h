// A Watch stream (W3): every change of a node or subtree from a cursor on. What the door implements and asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/service/request.h"
#include "coordinator/statemachine/event_window.h"

namespace synod::service {

// Names one Watch stream of this process. 0 is none.
using WatchStreamId = StrongInt<struct WatchStreamIdTag, uint64_t>;
using statemachine::Cursor;

struct WatchStreamRequest {
  std::string path;
  bool recursive = false;
  std::optional<Cursor> after;  // nullopt: from now on. Beyond what is applied here: it waits
  bool with_data = false;
  std::vector<Credential> credentials;
  std::string address;                         // of the client, without port
  absl::Duration progress = absl::Seconds(2);  // a mark at least this often
};

struct WatchStreamEvent {
  NotificationType type = NotificationType::kCreated;
  std::string path;
  Zxid zxid;
  uint32_t ordinal = 0;
  // With data wanted, kCreated and kDataChanged: as of this change; without stat: changed or deleted since, or not to
  // be read by this caller any more.
  std::optional<tree::Stat> stat;
  NodeData data;
};

// Why a stream ends; the gRPC status it becomes stands in coordination.proto.
enum class WatchEnd : uint8_t { kEventsLost, kBadArguments, kAuthFailed, kOverloaded, kNoQuorum, kResume, kShutdown };

// Implemented by the door. Called on the loop, also from inside OpenWatch; it does not call the service back from
// inside a callback. Must live until OnEnd, or until CloseWatch was called.
class WatchStream {
 public:
  virtual ~WatchStream() = default;
  // Events in order, maybe none (a progress mark); `cursor`: all up to here was given. Returns whether it takes more
  // now: after false the service gives nothing until ResumeWatch, and goes on from the window.
  virtual bool OnEvents(std::vector<WatchStreamEvent> events, Cursor cursor) = 0;
  // The last call. `oldest`: with kEventsLost, the oldest cursor on offer.
  virtual void OnEnd(WatchEnd reason, Cursor oldest) = 0;
};

}  // namespace synod::service
