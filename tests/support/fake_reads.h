// The reads of a fake ensemble (fake_state.h).
#pragma once

#include <string>

#include "tests/support/fake_state.h"

namespace synod::testing {

// What the answers of one read need.
struct FakeReader {
  FakeState& state;
  v1::Reply* reply;

  // nullptr, with the error: there is none.
  const FakeState::Node* Find(const std::string& path, v1::Reply* to) const {
    auto it = state.nodes.find(path);
    if (it != state.nodes.end()) return &it->second;
    to->set_error(v1::NO_NODE);
    return nullptr;
  }
  void Exists(const std::string& path, v1::Reply* to) const {
    if (const auto* node = Find(path, to)) *to->mutable_stat() = node->stat;
  }
  void GetData(const std::string& path, v1::Reply* to) const {
    const auto* node = Find(path, to);
    if (node == nullptr) return;
    *to->mutable_stat() = node->stat;
    if (node->has_data) to->mutable_data()->set_value(node->data);
  }
  void GetChildren(const v1::GetChildren& o, v1::Reply* to) const {
    const auto* node = Find(o.path(), to);
    if (node == nullptr) return;
    for (const std::string& name : state.ChildrenOf(o.path())) to->add_children(name);
    if (o.with_stat()) *to->mutable_stat() = node->stat;
  }
  void GetAcl(const std::string& path, v1::Reply* to) const {
    const auto* node = Find(path, to);
    if (node == nullptr) return;
    *to->mutable_acl() = node->acl;
    to->set_mode(node->mode);
    to->set_ttl_ms(node->ttl_ms);
    *to->mutable_stat() = node->stat;
  }
  void List(const v1::List& o) const {
    const auto* parent = Find(o.path(), reply);
    if (parent == nullptr) return;
    *reply->mutable_stat() = parent->stat;
    const int limit = o.limit() == 0 ? 1'000 : static_cast<int>(o.limit());
    for (const std::string& name : state.ChildrenOf(o.path())) {
      if (name <= o.after() || name.compare(0, o.prefix().size(), o.prefix()) != 0) continue;
      if (reply->entries_size() == limit) return reply->set_more(true);
      v1::ListEntry* entry = reply->add_entries();
      entry->set_name(name);
      const FakeState::Node& node = state.nodes.at((o.path() == "/" ? "" : o.path()) + "/" + name);
      if (o.with_stat()) *entry->mutable_stat() = node.stat;
      if (o.with_data() && node.has_data) entry->mutable_data()->set_value(node.data);
    }
  }
  void MultiRead(const v1::MultiRead& o) const {
    for (const v1::ReadOperation& part : o.operations()) {
      v1::Reply* to = reply->add_reads();
      if (part.has_exists()) Exists(part.exists().path(), to);
      if (part.has_get_data()) GetData(part.get_data().path(), to);
      if (part.has_get_children()) GetChildren(part.get_children(), to);
      if (part.has_get_acl()) GetAcl(part.get_acl().path(), to);
    }
  }
  void GetEphemerals(const v1::GetEphemerals& o, int64_t session) const {
    const int64_t owner = o.session_id() != 0 ? o.session_id() : session;
    const int limit = o.limit() == 0 ? 1'000 : static_cast<int>(o.limit());
    for (const auto& [path, node] : state.nodes) {
      const bool below = path == o.prefix() || FakeState::Below(o.prefix(), path);
      const bool begins = path.compare(0, o.prefix().size(), o.prefix()) == 0;
      if (node.stat.ephemeral_owner() == 0 || path <= o.after() || !(o.all_sessions() ? below : begins)) continue;
      if (!o.all_sessions() && node.stat.ephemeral_owner() != owner) continue;
      if (reply->children_size() == limit) {
        reply->set_more(true);
        if (o.all_sessions()) reply->set_next(reply->children(limit - 1));
        return;
      }
      reply->add_children(path);
    }
  }
};

inline void FakeState::Read(const v1::Request& request, int64_t session, uint64_t watcher,
                            const access::IdentitySet& identities, v1::Reply* reply) {
  const FakeReader reader{*this, reply};
  const auto watch = [&](const std::string& path, int kind) {
    watchers[watcher].watches.insert({path, kind});
    watch_set.notify_all();
  };
  if (request.has_exists()) {
    if (request.exists().watch()) watch(request.exists().path(), v1::EXISTS);
    reader.Exists(request.exists().path(), reply);
  } else if (request.has_get_data()) {
    reader.GetData(request.get_data().path(), reply);
    if (request.get_data().watch() && reply->error() == v1::OK) watch(request.get_data().path(), v1::DATA);
  } else if (request.has_get_children()) {
    reader.GetChildren(request.get_children(), reply);
    if (request.get_children().watch() && reply->error() == v1::OK) watch(request.get_children().path(), v1::CHILDREN);
  } else if (request.has_get_acl()) {
    reader.GetAcl(request.get_acl().path(), reply);
  } else if (request.has_list()) {
    reader.List(request.list());
  } else if (request.has_multi_read()) {
    reader.MultiRead(request.multi_read());
  } else if (request.has_get_ephemerals()) {
    reader.GetEphemerals(request.get_ephemerals(), session);
  } else if (request.has_count_descendants()) {
    reader.Exists(request.count_descendants().path(), reply);
    reply->clear_stat();
    if (reply->error() == v1::OK) reply->set_count(TreeOf(request.count_descendants().path()).size() - 1);
  } else if (request.has_who_am_i()) {
    for (const access::Identity& identity : identities) {
      v1::Identity* out = reply->add_identities();
      out->set_scheme(identity.scheme);
      out->set_id(identity.id);
    }
  } else if (request.has_add_watch()) {
    watch(request.add_watch().path(), request.add_watch().kind());
  } else if (request.has_remove_watch() || request.has_check_watch()) {
    const bool remove = request.has_remove_watch();
    const std::string& path = remove ? request.remove_watch().path() : request.check_watch().path();
    const int kind = remove ? request.remove_watch().kind() : request.check_watch().kind();
    auto& held = watchers[watcher].watches;
    bool had = false;
    for (const int same : {kind, kind == v1::DATA ? static_cast<int>(v1::EXISTS) : kind}) {
      had = had || held.count({path, same}) > 0;
      if (remove) held.erase({path, same});
    }
    if (!had) reply->set_error(v1::NO_WATCHER);
  }
}

}  // namespace synod::testing
