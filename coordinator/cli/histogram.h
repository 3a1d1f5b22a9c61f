// Latencies, counted in buckets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace synod::cli {

// Log-linear: exact to 1 us below 2,048 us, then 1,024 buckets per doubling (an error below 0.1 %), up to 2^36 us.
// Adding costs a few instructions. Not thread-safe: one per thread, merged at the end.
class Histogram {
 public:
  Histogram() : buckets_(kBuckets, 0) {}
  void Add(uint64_t us);
  void Merge(const Histogram& other);
  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  // The smallest value that at least `fraction` of all do not exceed (the upper end of its bucket, and never above
  // max). 0 when empty.
  uint64_t Percentile(double fraction) const;

 private:
  static constexpr int kSubBits = 10;
  static constexpr int kOctaves = 26;
  static constexpr size_t kBuckets = (kOctaves + 1) << kSubBits;
  static size_t BucketOf(uint64_t us);
  static uint64_t UpperEnd(size_t bucket);

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace synod::cli
