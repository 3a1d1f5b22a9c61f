// The tree and the sessions of a fake ensemble (fake_coordination.h), and the operations on them. No permissions: ACLs
// are kept and shown, never judged.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/access/schemes.h"
#include "synod/v1/coordination.pb.h"

namespace synod::testing {

// Thread-safe by `mutex`. Several servers may share one: an ensemble.
class FakeState {
 public:
  static constexpr uint32_t kAll = 4294967295u;  // of Cursor::ordinal
  using Place = std::pair<int64_t, uint32_t>;    // zxid, ordinal

  struct Node {
    bool has_data = false;
    std::string data;
    v1::Stat stat;
    v1::Acl acl;
    v1::CreateMode mode = v1::PERSISTENT;
    uint64_t ttl_ms = 0;
  };
  struct Watcher {
    std::function<void(const v1::WatchEvent&)> send;
    std::set<std::pair<std::string, int>> watches;
  };
  struct Session {
    int64_t id = 0;
    uint64_t generation = 0;
    uint64_t last_applied = 0;
    std::map<uint64_t, v1::Reply> replies;
    access::IdentitySet identities;
  };

  FakeState() { nodes["/"].acl = OpenAcl(); }

  static v1::Acl OpenAcl() {
    v1::Acl acl;
    v1::AclEntry* entry = acl.add_entries();
    entry->set_permissions(31);
    entry->set_scheme("world");
    entry->set_id("anyone");
    return acl;
  }
  static std::string Parent(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  static bool Below(const std::string& above, const std::string& path) {
    const std::string prefix = above == "/" ? "/" : above + "/";
    return path.size() > prefix.size() && path.compare(0, prefix.size(), prefix) == 0;
  }
  std::vector<std::string> ChildrenOf(const std::string& path) const {
    std::vector<std::string> names;
    const std::string prefix = path == "/" ? "/" : path + "/";
    for (auto it = nodes.lower_bound(prefix); it != nodes.end() && it->first.compare(0, prefix.size(), prefix) == 0;
         ++it) {
      const std::string name = it->first.substr(prefix.size());
      if (!name.empty() && name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
  }
  // Itself first; a node before its children.
  std::vector<std::string> TreeOf(const std::string& path) const {
    std::vector<std::string> paths;
    for (const auto& [p, node] : nodes) {
      if (p == path || Below(path, p)) paths.push_back(p);
    }
    return paths;
  }

  // ---- events ----
  static bool Fires(int kind, const std::string& watched, v1::WatchEvent::Type type, const std::string& path) {
    const bool children = type == v1::WatchEvent::CHILDREN_CHANGED;
    const bool same = watched == path;
    if (kind == v1::WATCH_PERSISTENT) return same;
    if (kind == v1::WATCH_PERSISTENT_RECURSIVE) return !children && (same || Below(watched, path));
    if (kind == v1::CHILDREN) return same && (children || type == v1::WatchEvent::DELETED);
    return same && !children;
  }
  static Place PlaceOf(const v1::WatchEvent& event) { return {event.zxid(), event.ordinal()}; }

  // The events of one command, all of this zxid: numbered (event i: 2i of the node, 2i + 1 of its parent), kept, sent.
  using Events = std::vector<std::pair<v1::WatchEvent::Type, std::string>>;
  void Fire(const Events& events) {
    uint32_t number = 0;
    for (const auto& [type, path] : events) {
      v1::WatchEvent event;
      event.set_type(type);
      event.set_path(path);
      event.set_zxid(zxid);
      const bool children = type == v1::WatchEvent::CHILDREN_CHANGED;
      event.set_ordinal(children ? 2 * number - 1 : 2 * number);
      if (!children) ++number;
      window.push_back(event);
      for (auto& [id, watcher] : watchers) {
        bool fires = false;
        for (auto it = watcher.watches.begin(); it != watcher.watches.end();) {
          if (!Fires(it->second, it->first, type, path)) {
            ++it;
            continue;
          }
          fires = true;
          it = it->second <= v1::CHILDREN ? watcher.watches.erase(it) : std::next(it);
        }
        if (fires) watcher.send(event);
      }
    }
    changed.notify_all();
  }
  // As a server that has no room: every event so far is gone.
  void ForgetEvents() {
    window.clear();
    oldest = {zxid, kAll};
    changed.notify_all();
  }
  // What a connection hears of its watches at once, and what it keeps.
  void Rearm(const google::protobuf::RepeatedPtrField<v1::WatchSet>& sets, Watcher* watcher) {
    for (const v1::WatchSet& set : sets) {
      if (set.kind() < v1::WATCH_PERSISTENT) continue;
      watcher->watches.insert({set.path(), set.kind()});
      if (Place(set.since_zxid(), set.since_ordinal()) >= oldest) continue;
      SendAt(v1::WatchEvent::EVENTS_LOST, set.path(), watcher);
    }
    for (const v1::WatchEvent& event : window) {
      const bool wanted = std::any_of(sets.begin(), sets.end(), [&](const v1::WatchSet& set) {
        const Place since(set.since_zxid(), set.since_ordinal());
        return set.kind() >= v1::WATCH_PERSISTENT && since >= oldest && PlaceOf(event) > since &&
               Fires(set.kind(), set.path(), event.type(), event.path());
      });
      if (wanted) watcher->send(event);
    }
    for (const v1::WatchSet& set : sets) {
      if (set.kind() < v1::WATCH_PERSISTENT) RearmOneShot(set, watcher);
    }
  }
  // The setWatches rule.
  void RearmOneShot(const v1::WatchSet& set, Watcher* watcher) {
    auto it = nodes.find(set.path());
    const bool there = it != nodes.end();
    if (set.kind() == v1::EXISTS) {
      if (there) return SendAt(v1::WatchEvent::CREATED, set.path(), watcher);
    } else if (!there) {
      return SendAt(v1::WatchEvent::DELETED, set.path(), watcher);
    } else if (set.kind() == v1::DATA && it->second.stat.mzxid() > set.since_zxid()) {
      return SendAt(v1::WatchEvent::DATA_CHANGED, set.path(), watcher);
    } else if (set.kind() == v1::CHILDREN && it->second.stat.pzxid() > set.since_zxid()) {
      return SendAt(v1::WatchEvent::CHILDREN_CHANGED, set.path(), watcher);
    }
    watcher->watches.insert({set.path(), set.kind()});
  }
  void SendAt(v1::WatchEvent::Type type, const std::string& path, Watcher* watcher) const {
    v1::WatchEvent event;
    event.set_type(type);
    event.set_path(path);
    event.set_zxid(zxid);
    event.set_ordinal(kAll);
    watcher->send(event);
  }
  // Returns when some connection holds a watch.
  void WaitForWatch() {
    std::unique_lock lock(mutex);
    watch_set.wait(lock, [this] {
      return std::any_of(watchers.begin(), watchers.end(),
                         [](const auto& entry) { return !entry.second.watches.empty(); });
    });
  }

  // ---- writes: one operation on the tree; events are collected, so that a multi can be undone ----
  v1::ErrorCode Create(const v1::Create& o, int64_t session, v1::OpResult* result, Events* events) {
    std::string path = o.path();
    if (path.size() < 2 || path[0] != '/' || path.back() == '/') return v1::BAD_ARGUMENTS;
    if (o.has_acl() && o.acl().entries().empty()) return v1::INVALID_ACL;
    const std::string parent = Parent(path);
    auto above = nodes.find(parent);
    if (above == nodes.end()) return v1::NO_NODE;
    if (above->second.stat.ephemeral_owner() != 0) return v1::NO_CHILDREN_FOR_EPHEMERALS;
    if (o.mode() == v1::PERSISTENT_SEQUENTIAL || o.mode() == v1::EPHEMERAL_SEQUENTIAL ||
        o.mode() == v1::PERSISTENT_SEQUENTIAL_TTL) {
      char suffix[16];
      snprintf(suffix, sizeof suffix, "%010d", above->second.stat.cversion());
      path += suffix;
    }
    if (auto it = nodes.find(path); it != nodes.end()) {
      if (o.on_existing() == v1::FAIL) return v1::NODE_EXISTS;
      result->set_path(path);
      *result->mutable_stat() = it->second.stat;
      if (o.on_existing() == v1::KEEP) return v1::OK;
      v1::SetData set;
      set.set_path(path);
      if (o.has_data()) *set.mutable_data() = o.data();
      set.set_version(-1);
      return Set(set, result, events);
    }
    Node& node = nodes[path];
    node.has_data = o.has_data();
    node.data = o.data().value();
    node.acl = o.has_acl() ? o.acl() : OpenAcl();
    node.mode = o.mode();
    node.ttl_ms = o.ttl_ms();
    node.stat.set_czxid(zxid);
    node.stat.set_mzxid(zxid);
    node.stat.set_pzxid(zxid);
    node.stat.set_data_length(static_cast<int>(node.data.size()));
    if (o.mode() == v1::EPHEMERAL || o.mode() == v1::EPHEMERAL_SEQUENTIAL) node.stat.set_ephemeral_owner(session);
    TouchParent(parent, 1);
    result->set_path(path);
    *result->mutable_stat() = node.stat;
    result->set_created(true);
    events->push_back({v1::WatchEvent::CREATED, path});
    events->push_back({v1::WatchEvent::CHILDREN_CHANGED, parent});
    return v1::OK;
  }
  v1::ErrorCode Delete(const v1::Delete& o, v1::OpResult* result, Events* events) {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return o.missing_ok() ? v1::OK : v1::NO_NODE;
    if (o.version() != -1 && o.version() != it->second.stat.version()) return v1::BAD_VERSION;
    if (it->second.stat.num_children() > 0) return v1::NOT_EMPTY;
    nodes.erase(it);
    result->set_deleted(result->deleted() + 1);
    TouchParent(Parent(o.path()), -1);
    events->push_back({v1::WatchEvent::DELETED, o.path()});
    events->push_back({v1::WatchEvent::CHILDREN_CHANGED, Parent(o.path())});
    return v1::OK;
  }
  v1::ErrorCode DeleteTree(const v1::DeleteTree& o, v1::OpResult* result, Events* events) {
    auto it = nodes.find(o.path());
    if (o.path() == "/") return v1::BAD_ARGUMENTS;
    if (it == nodes.end()) return v1::NO_NODE;
    if (o.version() != -1 && o.version() != it->second.stat.version()) return v1::BAD_VERSION;
    std::vector<std::string> paths = TreeOf(o.path());
    const size_t max = o.max_nodes() == 0 ? 5'000 : o.max_nodes();
    if (paths.size() > max && !o.partial()) return v1::TOO_LARGE;
    const size_t gone = std::min(paths.size(), max);
    for (size_t i = 0; i < gone; ++i) {
      v1::Delete one;
      one.set_path(paths[paths.size() - 1 - i]);
      one.set_version(-1);
      Delete(one, result, events);
    }
    result->set_remaining(paths.size() - gone);
    return v1::OK;
  }
  v1::ErrorCode Set(const v1::SetData& o, v1::OpResult* result, Events* events) {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    Node& node = it->second;
    if (o.version() != -1 && o.version() != node.stat.version()) return v1::BAD_VERSION;
    node.has_data = o.has_data();
    node.data = o.data().value();
    node.stat.set_version(node.stat.version() + 1);
    node.stat.set_mzxid(zxid);
    node.stat.set_data_length(static_cast<int>(node.data.size()));
    *result->mutable_stat() = node.stat;
    events->push_back({v1::WatchEvent::DATA_CHANGED, o.path()});
    return v1::OK;
  }
  v1::ErrorCode SetAcl(const v1::SetAcl& o, v1::OpResult* result) {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    if (o.has_acl() && o.acl().entries().empty()) return v1::INVALID_ACL;
    v1::Stat& stat = it->second.stat;
    if (o.version() != -1 && o.version() != stat.aversion()) return v1::BAD_VERSION;
    it->second.acl = o.has_acl() ? o.acl() : OpenAcl();
    stat.set_aversion(stat.aversion() + 1);
    *result->mutable_stat() = stat;
    return v1::OK;
  }
  v1::ErrorCode Check(const v1::Check& o, v1::OpResult* result) const {
    auto it = nodes.find(o.path());
    if (it == nodes.end()) return v1::NO_NODE;
    if (o.version() != -1 && o.version() != it->second.stat.version()) return v1::BAD_VERSION;
    *result->mutable_stat() = it->second.stat;
    return v1::OK;
  }
  void TouchParent(const std::string& parent, int delta) {
    v1::Stat& stat = nodes[parent].stat;
    stat.set_cversion(stat.cversion() + 1);
    stat.set_pzxid(zxid);
    stat.set_num_children(stat.num_children() + delta);
  }

  v1::ErrorCode ApplyOne(const v1::MultiOperation& o, int64_t session, v1::OpResult* result, Events* events) {
    if (o.has_create()) return Create(o.create(), session, result, events);
    if (o.has_delete_()) return Delete(o.delete_(), result, events);
    if (o.has_set_data()) return Set(o.set_data(), result, events);
    if (o.has_set_acl()) return SetAcl(o.set_acl(), result);
    if (o.has_delete_tree()) return DeleteTree(o.delete_tree(), result, events);
    return Check(o.check(), result);
  }
  void ApplyMulti(const google::protobuf::RepeatedPtrField<v1::MultiOperation>& operations, int64_t session,
                  v1::Reply* reply, Events* events) {
    const auto kept = nodes;
    v1::ErrorCode first = v1::OK;
    for (const v1::MultiOperation& o : operations) {
      v1::OpResult* result = reply->add_results();
      if (first == v1::OK) first = ApplyOne(o, session, result, events);
      result->set_error(reply->error() == v1::OK ? first : v1::RUNTIME_INCONSISTENCY);
      reply->set_error(first);
    }
    if (first == v1::OK) return;
    nodes = kept;
    events->clear();
    for (v1::OpResult& result : *reply->mutable_results()) {
      // As the servers: those before the one that failed say OK and nothing else.
      if (result.error() == v1::OK) result.Clear();
    }
  }
  bool Holds(const v1::Compare& c) const {
    auto it = nodes.find(c.path());
    const bool there = it != nodes.end();
    if (c.target() == v1::Compare::NODE_EXISTS_IS) {
      return ((c.number() != 0) == there) == (c.relation() == v1::Compare::EQUAL);
    }
    if (!there) return false;
    const v1::Stat& stat = it->second.stat;
    int sign = 0;
    if (c.target() == v1::Compare::VALUE) {
      const std::pair<bool, std::string> has(it->second.has_data, it->second.data),
          want(c.has_value(), c.value().value());
      sign = has < want ? -1 : has == want ? 0 : 1;
    } else {
      const int64_t numbers[] = {
          0, stat.version(), stat.cversion(), stat.aversion(), stat.czxid(), stat.mzxid(), stat.ephemeral_owner()};
      const int64_t has = numbers[c.target()];
      sign = has < c.number() ? -1 : has == c.number() ? 0 : 1;
    }
    const bool table[][3] = {{false, true, false}, {true, false, true},  {true, false, false},
                             {true, true, false},  {false, false, true}, {false, true, true}};
    return table[c.relation()][sign + 1];
  }
  void ApplyTxn(const v1::Txn& txn, int64_t session, v1::Reply* reply, Events* events) {
    const bool holds =
        std::all_of(txn.compares().begin(), txn.compares().end(), [this](const auto& c) { return Holds(c); });
    reply->set_succeeded(holds);
    ApplyMulti(holds ? txn.then_operations() : txn.else_operations(), session, reply, events);
  }

  // False: refused.
  static bool AddIdentities(const v1::Credential& credential, access::IdentitySet* set) {
    auto proved = access::Authenticate(credential.scheme(), credential.credential());
    if (!proved) return false;
    for (access::Identity& identity : *proved) access::Insert(std::move(identity), set);
    return true;
  }

  void CloseSession(int64_t session) {
    Events events;
    std::vector<std::string> gone;
    for (const auto& [path, node] : nodes) {
      if (node.stat.ephemeral_owner() == session) gone.push_back(path);
    }
    if (!gone.empty()) ++zxid;
    for (const std::string& path : gone) {
      v1::Delete o;
      o.set_path(path);
      o.set_version(-1);
      v1::OpResult result;
      Delete(o, &result, &events);
    }
    sessions.erase(session);
    Fire(events);
  }

  static bool IsWrite(const v1::Request& r) {
    return r.has_create() || r.has_delete_() || r.has_set_data() || r.has_check() || r.has_multi() ||
           r.has_close_session() || r.has_set_acl() || r.has_delete_tree() || r.has_txn() || r.has_authenticate();
  }

  // `watcher`: the connection's, 0 without one. `identities`: the caller's.
  v1::Reply Apply(const v1::Request& request, int64_t session, uint64_t watcher, access::IdentitySet* identities) {
    v1::Reply reply;
    reply.set_id(request.id());
    reply.set_sequence(request.sequence());
    if (IsWrite(request)) {
      ++zxid;
      ++writes_applied;
      Write(request, session, identities, &reply);
    } else {
      Read(request, session, watcher, *identities, &reply);
    }
    reply.set_zxid(zxid);
    return reply;
  }
  void Write(const v1::Request& request, int64_t session, access::IdentitySet* identities, v1::Reply* reply) {
    Events events;
    v1::OpResult* result = reply->mutable_result();
    if (request.has_create()) reply->set_error(Create(request.create(), session, result, &events));
    if (request.has_delete_()) reply->set_error(Delete(request.delete_(), result, &events));
    if (request.has_delete_tree()) reply->set_error(DeleteTree(request.delete_tree(), result, &events));
    if (request.has_set_data()) reply->set_error(Set(request.set_data(), result, &events));
    if (request.has_set_acl()) reply->set_error(SetAcl(request.set_acl(), result));
    if (request.has_check()) reply->set_error(Check(request.check(), result));
    if (request.has_multi()) ApplyMulti(request.multi().operations(), session, reply, &events);
    if (request.has_txn()) ApplyTxn(request.txn(), session, reply, &events);
    if (request.has_authenticate() && !AddIdentities(request.authenticate().credential(), identities))
      reply->set_error(v1::AUTH_FAILED);
    if (request.has_close_session()) CloseSession(session);
    Fire(events);
  }

  // fake_reads.h
  void Read(const v1::Request& request, int64_t session, uint64_t watcher, const access::IdentitySet& identities,
            v1::Reply* reply);

  std::mutex mutex;  // guards all
  std::condition_variable watch_set;
  std::condition_variable changed;  // the window, or a server stops
  std::map<std::string, Node> nodes;
  std::map<int64_t, Session> sessions;
  std::map<uint64_t, Watcher> watchers;
  std::vector<v1::WatchEvent> window;  // all events since `oldest`
  Place oldest{0, kAll};
  int64_t zxid = 0;
  int64_t next_session = 1;
  uint64_t next_watcher = 1;
  int writes_applied = 0;
};

}  // namespace synod::testing
