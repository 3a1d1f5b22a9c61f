// Credit for forwarded commands, both ends (L11): a follower sends no more than the leader granted, so that votes,
// appends and acknowledgements never queue behind forwarded writes. Pure.
#pragma once

#include <cstdint>

#include "coordinator/base/ids.h"

namespace synod::node {

// The follower's end.
class ForwardCredit {
 public:
  // A leader granted more; the first grant of a later term starts anew. What the leader of an earlier one still grants,
  // not knowing that it is none any more, says nothing about the credit with its successor.
  void Grant(Term term, uint64_t bytes) {
    if (term < term_) return;
    if (term != term_) {
      term_ = term;
      bytes_ = 0;
    }
    bytes_ += bytes;
  }
  void Clear() { bytes_ = 0; }
  uint64_t Available(Term term) const { return term == term_ ? bytes_ : 0; }
  void Spend(uint64_t bytes) { bytes_ -= bytes < bytes_ ? bytes : bytes_; }

 private:
  Term term_;
  uint64_t bytes_ = 0;
};

}  // namespace synod::node
