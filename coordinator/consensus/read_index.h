// Linearizable reads without the log (L9, thesis 6.4): the leader's rounds and the follower's questions. Pure
// bookkeeping; neither sends. Ids come from the core, which never gives one out twice.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/consensus/types.h"

namespace synod::consensus {

// Leader. One round is in flight at a time and serves all reads that waited when it began; those that come later wait
// for the next, because only answers to messages sent after a read came may confirm it.
class ReadRounds {
 public:
  // Who asked: a local read (server 0), or the question of a follower.
  struct Read {
    ServerId asker;
    uint64_t id = 0;
  };

  void Add(Read read) { waiting_.push_back(read); }
  bool WantsRound() const { return current_ == 0 && !waiting_.empty(); }
  // Begins round `id` for all that wait; they may be served at `index`, the commit index now.
  void Start(uint64_t id, LogIndex index);
  // 0: none is in flight.
  uint64_t current() const { return current_; }
  LogIndex index() const { return index_; }
  // The round in flight was confirmed by a majority: returns the reads it serves.
  std::vector<Read> Finish();
  // Leadership is lost: returns all reads, served by nobody.
  std::vector<Read> Abandon();

 private:
  std::vector<Read> waiting_;
  std::vector<Read> in_round_;
  uint64_t current_ = 0;
  LogIndex index_;
};

// Follower. Reads that came since the last question share the next one.
class ReadQuestions {
 public:
  void Add(uint64_t read) { waiting_.push_back(read); }
  bool WantsQuestion() const { return !waiting_.empty(); }
  void Start(uint64_t question) { asked_.emplace(question, std::move(waiting_)), waiting_.clear(); }
  // The reads behind a question that was answered; empty if it is not (any more) open.
  std::vector<uint64_t> Finish(uint64_t question);
  // The leader changed: returns all reads, in the order they came.
  std::vector<uint64_t> Abandon();
  // Open questions, to be sent again under the same id: the answer was computed after the reads came all the same.
  std::vector<uint64_t> Open() const;

 private:
  std::vector<uint64_t> waiting_;
  std::map<uint64_t, std::vector<uint64_t>> asked_;
};

}  // namespace synod::consensus
