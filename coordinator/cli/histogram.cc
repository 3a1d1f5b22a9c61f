#include "coordinator/cli/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace synod::cli {

// Values below 2^11 are their own buckets (the first two groups of 2^10); above, the top 11 bits choose it.
size_t Histogram::BucketOf(uint64_t us) {
  if (us < (uint64_t{2} << kSubBits)) return us;
  const int shift = std::bit_width(us) - (kSubBits + 1);
  const size_t bucket = (static_cast<size_t>(shift) << kSubBits) + (us >> shift);
  return std::min(bucket, kBuckets - 1);
}

uint64_t Histogram::UpperEnd(size_t bucket) {
  if (bucket < (size_t{2} << kSubBits)) return bucket;
  const int shift = static_cast<int>(bucket >> kSubBits) - 1;
  const uint64_t top = (uint64_t{1} << kSubBits) + (bucket & ((uint64_t{1} << kSubBits) - 1));
  return ((top + 1) << shift) - 1;
}

void Histogram::Add(uint64_t us) {
  ++buckets_[BucketOf(us)];
  ++count_;
  max_ = std::max(max_, us);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::Percentile(double fraction) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= std::max<uint64_t>(wanted, 1)) return i + 1 == kBuckets ? max_ : std::min(UpperEnd(i), max_);
  }
  return max_;
}

}  // namespace synod::cli
