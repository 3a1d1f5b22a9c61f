// What the persistent watches of a connection missed, read from the window of past events (W2, W3).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "coordinator/access/caller.h"
#include "coordinator/service/request.h"
#include "coordinator/statemachine/event_window.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

// Reads the window once, from the oldest cursor on; a watch joins at its own. What several of them would tell is told
// once, as live (13.3). Used between commands, by one connection; bounded slices keep a turn of the loop short (L3).
class WatchReplay {
 public:
  // Persistent kinds only, with valid paths.
  explicit WatchReplay(std::vector<WatchSet> sets);

  // Reads about `bytes` more of the window and appends what `caller` may read (by the ACL of its moment, 13.7) to
  // `due`, in order. True: everything up to `applied` was read; the watches are to be set in this very turn.
  bool Next(const statemachine::EventWindow& window, Zxid applied, const access::Caller& caller, size_t bytes,
            std::vector<Notification>* due);

  // The paths of watches whose cursor is older than the window, one for each: their clients must be told kEventsLost.
  const std::vector<std::string>& lost() const { return lost_; }
  size_t denied() const { return denied_; }

 private:
  void Lose(const statemachine::EventWindow& window);
  void JoinBefore(statemachine::Cursor cursor);
  void Visit(const statemachine::PastEvent& past, const access::Caller& caller, std::vector<Notification>* due);
  // Of the notifications in fired_ those of the parent or of the node itself.
  void Take(bool of_parent, const statemachine::PastEvent& past, const access::Caller& caller,
            std::vector<Notification>* due);

  std::vector<WatchSet> sets_;  // by cursor; those before next_ have joined
  size_t next_ = 0;
  statemachine::Cursor at_;  // all up to here was read for those that have joined
  watches::WatchTable table_;
  std::vector<std::string> lost_;
  size_t denied_ = 0;
  tree::Event event_;  // reused
  std::vector<watches::Notification> fired_;
};

}  // namespace synod::service
