// The tree and the caller of the tables of permissions: Bob has some bits on a node and some on its parent, and that is
// all he has.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {

// Permissions that are enough together.
struct Needed {
  uint32_t node = 0;
  uint32_t parent = 0;
};
// One of them is enough; none: everybody may.
using Needs = std::vector<Needed>;

inline bool Suffices(const Needs& needs, Needed granted) {
  if (needs.empty()) return true;
  for (const Needed& one : needs) {
    if ((granted.node & one.node) == one.node && (granted.parent & one.parent) == one.parent) return true;
  }
  return false;
}

// Nothing; every single bit on the node and on the parent; everything; and everything but one bit.
inline std::vector<Needed> AllGrants() {
  std::vector<Needed> grants = {{0, 0}, {access::kAllPermissions, access::kAllPermissions}};
  for (uint32_t bit = 1; bit <= access::kAdmin; bit <<= 1) {
    grants.push_back({bit, 0});
    grants.push_back({0, bit});
    grants.push_back({access::kAllPermissions & ~bit, access::kAllPermissions});
    grants.push_back({access::kAllPermissions, access::kAllPermissions & ~bit});
  }
  return grants;
}

inline std::string GrantName(Needed granted) {
  return absl::StrCat("node ", granted.node, ", parent ", granted.parent);
}

inline access::Acl BobsAcl(uint32_t permissions) {
  return {{permissions, "digest", access::DigestId(kBob)}, {access::kAllPermissions, "digest", access::DigestId(kAnn)}};
}

//   /p            the parent
//   /p/n          the node, value "secret-value"
//   /p/n/secret-child
//   /p/leaf       as the node, without children
//   /p/secret-eph an ephemeral of Ann's session
class AclWorld {
 public:
  explicit AclWorld(Needed granted) {
    w.Lead();
    ConnectRequest as_ann = World::NewSession();
    as_ann.credentials = {Digest(kAnn)};
    ann = &w.Connect(as_ann);
    ConnectRequest as_bob = World::NewSession();
    as_bob.credentials = {Digest(kBob)};
    bob = &w.Connect(as_bob);
    Request setup[] = {Write(1, CreateWith("/p", BobsAcl(granted.parent))),
                       Write(2, CreateWith("/p/n", BobsAcl(granted.node), "secret-value")),
                       Write(3, CreateWith("/p/n/secret-child", BobsAcl(granted.node), "secret-value")),
                       Write(4, CreateWith("/p/leaf", BobsAcl(granted.node), "secret-value")),
                       Write(5, Ephemeral("/p/secret-eph"))};
    w.service.Submit(ann->id, setup, Sequence(0));
    w.ApplyAll();
    for (const Reply& reply : ann->replies) SYNOD_CHECK(reply.error == ErrorCode::kOk);
    next = 6;
  }
  void AsAnn(Operation operation) {
    w.Submit(*ann, {Write(next++, std::move(operation))});
    w.ApplyAll();
    SYNOD_CHECK(ann->replies.back().error == ErrorCode::kOk) << "Ann may do everything";
  }
  Reply AsBob(Operation operation) {
    bool write = IsWrite(operation);
    w.Submit(*bob, {write ? Write(1, std::move(operation)) : Read(1, std::move(operation))});
    w.ApplyAll();
    return bob->replies.back();
  }
  Reply CallAsBob(Operation operation) {
    std::optional<Reply> reply;
    w.service.Call({Read(1, std::move(operation)), {}, {Digest(kBob)}}, [&](Reply r) { reply = std::move(r); });
    w.ApplyAll();
    return *reply;
  }

  World w;
  FakeDoor* ann = nullptr;
  FakeDoor* bob = nullptr;
  uint64_t next = 1;
};

}  // namespace synod::service::testing
