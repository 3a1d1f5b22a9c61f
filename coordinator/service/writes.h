// Writes on their way to the log: what is refused before it, and how an outcome becomes a reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/service/request.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/outcome.h"

namespace synod::service {

// Why this write shall not reach the log; nullopt: it may. Only what needs no look at the state and could not come out
// otherwise there (the order of precedence is the state machine's): sizes beyond the limits, paths that no state makes
// right, credentials that prove nothing (kAuthFailed).
std::optional<tree::Error> RefusalOf(const Operation& operation, uint32_t max_data_bytes);

// REQUIRES IsWrite. Unintelligible becomes its refusal, a credential the identities that it proves: it goes no further.
statemachine::Operation ToCommandOperation(Operation operation);

// What a request holds in memory, near enough for budgets.
size_t BytesOf(const Operation& operation);
// What the outcome takes in a reply table, near enough for S3.
size_t ReplyBytes(const statemachine::Outcome& outcome);

// For people: the path of the operation, the first one's of a multi, or nothing. Good while the operation lives.
std::string_view PathOf(const Operation& operation);
std::string_view PathOf(const statemachine::Operation& operation);

void FillReply(const statemachine::Outcome& outcome, Reply* reply);

}  // namespace synod::service
