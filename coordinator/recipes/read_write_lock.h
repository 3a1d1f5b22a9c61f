// A lock that many readers or one writer hold, with fencing tokens.
//
//   ReadLock reader(session.get(), "/locks/table");
//   WriteLock writer(session.get(), "/locks/table");
//
// Layout: `path`/read-NNNNNNNNNN and `path`/write-NNNNNNNNNN, one ephemeral per contender, in one order of numbers. A
// reader waits for the last writer before it, a writer for the last contender before it, of either kind. `path` and
// what is above it are made when missing, and stay.
//
// Guarantees
//  - First come, first served: a reader behind a waiting writer waits, so that writers do not starve.
//  - At no moment does a writer see held() true together with any other holder (S7; lock.h says what that means).
//  - Tokens rise from each holder to every later one that it excludes: those are granted in the order of the numbers,
//    which is that of the zxids (lock.h). Two readers that hold together have different tokens in no order of grant. A
//    resource that refuses a *write* with a token smaller than the greatest of any write or read it saw is never
//    written by a writer of the past.
//  - A release wakes whoever waited for that very node: one writer, or the readers between it and the next writer.
//
// What may happen, and what the holder has to do: as for Lock (lock.h), word for word. There is no upgrade: a reader
// that wants to write releases first; holding both from one program waits for itself for ever.
#pragma once

#include <string>

#include "coordinator/recipes/holder.h"

namespace synod::recipes {

class ReadLock final : public Holder {
 public:
  ReadLock(Session* session, std::string path, HolderOptions options = {});
};

class WriteLock final : public Holder {
 public:
  WriteLock(Session* session, std::string path, HolderOptions options = {});
};

}  // namespace synod::recipes
