#include "coordinator/base/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "coordinator/base/check.h"

namespace synod {

uint64_t SystemRandom() {
  uint64_t value = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  SYNOD_CHECK(got == static_cast<ssize_t>(sizeof value)) << "getrandom failed";
  return value;
}

}  // namespace synod
