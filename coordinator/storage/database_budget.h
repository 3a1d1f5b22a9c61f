// What the snapshot store may use (architecture.md section 6: fixed budgets, each a key).
#pragma once

#include <cstddef>
#include <cstdint>

namespace synod::storage {

struct DatabaseBudget {
  size_t write_buffer_bytes = 8 << 20;
  size_t block_cache_bytes = 8 << 20;
  int64_t compaction_bytes_per_second = 32 << 20;
};

}  // namespace synod::storage
