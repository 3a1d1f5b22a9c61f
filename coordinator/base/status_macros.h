// The two macros that Debian's abseil lacks.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the Status of `expression` from the enclosing function unless it is OK.
#define SYNOD_RETURN_IF_ERROR(expression)          \
  do {                                             \
    absl::Status synod_status_ = (expression);     \
    if (!synod_status_.ok()) return synod_status_; \
  } while (false)

#define SYNOD_STATUS_CONCAT_(a, b) a##b
#define SYNOD_STATUS_CONCAT(a, b) SYNOD_STATUS_CONCAT_(a, b)

// SYNOD_ASSIGN_OR_RETURN(auto x, Make()): the value of a StatusOr, or return its Status.
#define SYNOD_ASSIGN_OR_RETURN(declaration, expression) \
  SYNOD_ASSIGN_OR_RETURN_(SYNOD_STATUS_CONCAT(synod_or_, __LINE__), declaration, expression)
#define SYNOD_ASSIGN_OR_RETURN_(temporary, declaration, expression) \
  auto temporary = (expression);                                    \
  if (!temporary.ok()) return std::move(temporary).status();        \
  declaration = *std::move(temporary)
