// The entry of one fuzzer; SYNOD_FUZZ_TARGET names its target.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coordinator/base/check.h"
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const synod::fuzz::Target* const kTarget = synod::fuzz::FindTarget(SYNOD_FUZZ_TARGET);
  SYNOD_CHECK(kTarget != nullptr) << SYNOD_FUZZ_TARGET;
  kTarget->run(*kTarget, std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
