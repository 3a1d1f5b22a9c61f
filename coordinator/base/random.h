// Randomness as a parameter, so that one seed replays everything.
#pragma once

#include <cstdint>

namespace synod {

// SplitMix64 (Steele et al. 2014): small, fast, good enough for timeouts and simulation, never for secrets. Not
// thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [0, n); n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // Uniform in [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  // True with probability `numerator` in `denominator`.
  bool OneIn(uint64_t denominator, uint64_t numerator = 1) { return Below(denominator) < numerator; }
  // A generator of its own, so that one user's draws do not shift another's.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

}  // namespace synod
