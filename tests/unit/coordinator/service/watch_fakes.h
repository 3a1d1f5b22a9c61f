// Access lists, credentials and Watch streams for tests of the service.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/access/schemes.h"
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::service::testing {

inline const char kAnn[] = "ann:secret";
inline const char kBob[] = "bob:secret";

inline Credential Digest(std::string user_and_password) { return {"digest", std::move(user_and_password)}; }
inline access::IdentitySet IdentityOf(const std::string& user_and_password) {
  return {{"digest", access::DigestId(user_and_password)}};
}
// Everybody has `anyone`, Ann has `ann`.
inline access::Acl AnyoneAndAnn(uint32_t anyone, uint32_t ann) {
  return {{anyone, "world", "anyone"}, {ann, "digest", access::DigestId(kAnn)}};
}
// Only Ann may read it; whoever likes may do the rest.
inline access::Acl ReadByAnn() { return AnyoneAndAnn(access::kAllPermissions & ~access::kRead, access::kRead); }

inline CreateOp CreateWith(std::string path, access::Acl acl, std::string data = "") {
  CreateOp op = Create(std::move(path), std::move(data));
  op.acl = std::move(acl);
  return op;
}
inline SetAclOp SetAcl(std::string path, WantedAcl acl) {
  SetAclOp op;
  op.path = std::move(path);
  op.acl = std::move(acl);
  return op;
}

// The door of a Watch stream that takes as many answers as a test says. Goes before its World.
class FakeStream final : public WatchStream {
 public:
  ~FakeStream() override {
    if (service != nullptr) service->CloseWatch(id);
  }
  bool OnEvents(std::vector<WatchStreamEvent> given, Cursor at) override {
    SYNOD_CHECK(!end) << "told after its end";
    SYNOD_CHECK_GT(room, 0) << "told while it was full";
    ++answers;
    cursors.push_back(cursor = at);
    for (WatchStreamEvent& event : given) {
      log.push_back(absl::StrCat(TypeName(event.type), " ", event.path, event.stat ? "=" : "",
                                 event.data ? *event.data : std::string()));
      events.push_back(std::move(event));
    }
    return --room > 0;
  }
  void OnEnd(WatchEnd reason, Cursor at) override {
    SYNOD_CHECK(!end) << "ended twice";
    end = reason;
    oldest = at;
  }
  std::vector<std::string> Take() { return std::exchange(log, {}); }
  // "type path zxid ordinal" of all that ever came.
  std::vector<std::string> All() const {
    std::vector<std::string> out;
    for (const WatchStreamEvent& e : events)
      out.push_back(absl::StrCat(TypeName(e.type), " ", e.path, " ", e.zxid.value(), " ", e.ordinal));
    return out;
  }

  Service* service = nullptr;
  WatchStreamId id;
  int room = 1 << 30;  // how many more answers it takes
  int answers = 0;
  Cursor cursor;
  std::vector<Cursor> cursors;
  std::vector<WatchStreamEvent> events;
  std::vector<std::string> log;
  std::optional<WatchEnd> end;
  Cursor oldest;
};

inline WatchStreamRequest Watching(std::string path, bool recursive, std::optional<Cursor> after = std::nullopt) {
  WatchStreamRequest request;
  request.path = std::move(path);
  request.recursive = recursive;
  request.after = after;
  return request;
}
inline void OpenStream(World* w, FakeStream* stream, WatchStreamRequest request) {
  stream->service = &w->service;
  stream->id = w->service.OpenWatch(stream, std::move(request));
}

}  // namespace synod::service::testing
