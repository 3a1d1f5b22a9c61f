// A client of a simulated ensemble, which checks what it is told; what it did becomes the history that the
// linearizability checker judges. Native: it numbers its writes and re-sends them after every break. Of ZooKeeper's
// kind: the server numbers its writes, what was not answered when a connection breaks stays unknown, and it sets its
// watches again by SetWatches.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/service/connection.h"
#include "coordinator/service/service.h"
#include "tests/sim/event_truth.h"
#include "tests/sim/world.h"
#include "tests/support/linearizability.h"

namespace synod::sim {

// What a client reaches: one incarnation of a server.
struct Endpoint {
  service::Service* service = nullptr;
  Executor* loop = nullptr;
  std::weak_ptr<void> alive;  // expired: crashed since
};

struct ClientOptions {
  int keys = 4;
  int outstanding = 3;
  absl::Duration think = absl::Milliseconds(5);
  absl::Duration timeout = absl::Seconds(4);
  absl::Duration grace = absl::ZeroDuration();
  bool zookeeper = false;
};

class SimClient {
 public:
  SimClient(World* world, const EventTruth* truth, int id, ClientOptions options,
            std::function<std::optional<Endpoint>()> pick_server);
  void Start();
  // No new operations; what is under way is still brought to its end.
  void Drain() { draining_ = true; }
  bool Idle() const { return pending_.empty(); }
  // Its machine is cut off for so long: nothing is sent or heard.
  void GoAway(absl::Duration time);
  // The server it is connected to crashed (its kernel resets the connection).
  void Broken(const std::weak_ptr<void>& server);

  testing::RegisterHistory TakeHistory();
  // Sequential znodes this client was told it created, and how many it does not know about.
  const std::set<std::string>& created() const { return created_; }
  int created_unknown() const { return created_unknown_; }
  uint64_t acknowledged_writes() const { return acknowledged_writes_; }
  uint64_t resent() const { return resent_; }
  uint64_t sessions() const { return sessions_; }
  uint64_t lost() const { return lost_; }
  uint64_t repeated() const { return repeated_; }
  uint64_t events() const { return events_; }
  uint64_t events_lost() const { return events_lost_; }
  // TTL znodes it asked for: when, and how long they live.
  struct Ttl {
    absl::Duration asked;
    absl::Duration ttl;
  };
  const std::map<std::string, Ttl>& ttl_nodes() const { return ttl_nodes_; }
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  struct Op {
    service::Request request;
    bool write = false;
    bool sequential = false;
    bool sent_ever = false;
    std::optional<testing::RegisterOp> history;  // linearizable ones
    std::string watch_key;                       // a read that sets a watch
  };
  class Link;

  void Connect();
  void Reconnect(absl::Duration delay);
  void Disconnect(bool tell_server);
  void Think();
  void Issue();
  void IssueWatch();
  Op MakeOp();
  void MakeCreate(uint64_t dice, const std::string& value, Op* op);
  void SendAll();
  void Send(const Op& op);
  void PingLoop(uint64_t generation);
  void OnConnected(const service::ConnectResult& result);
  void OnReply(service::Reply reply);
  void OnNotification(const service::Notification& notification);
  void OnPong();
  void OnClose(service::CloseReason reason, const std::string& message);
  void SessionLost();
  // What was not answered never will be, and may have been done.
  void LosePending();
  void IssueSetWatches();
  void Settle(Op op, const service::Reply& reply);
  void ToldUpTo(Zxid zxid);
  void CheckRead(const Op& op, const service::Reply& reply);
  void Violated(const std::string& what);
  std::string KeyPath(int key) const { return "/k" + std::to_string(key); }

  World* const world_;
  const EventTruth* const truth_;
  const int id_;
  const ClientOptions options_;
  const std::function<std::optional<Endpoint>()> pick_server_;

  std::shared_ptr<Link> link_;
  uint64_t link_generation_ = 0;
  bool connected_ = false;
  SessionId session_;
  std::string password_;
  Sequence next_sequence_{1};
  uint64_t next_id_ = 1;
  Zxid last_zxid_;
  absl::Duration last_heard_;
  bool draining_ = false;
  std::deque<Op> pending_;
  std::map<std::string, int32_t> known_versions_;
  std::map<std::string, Zxid> watched_;  // by path: mzxid when set
  // The persistent recursive watch on the root: asked for, and up to where all its events came (unset: not answered).
  bool watch_asked_ = false;
  std::optional<Cursor> cursor_;
  std::map<std::string, Ttl> ttl_nodes_;
  int values_ = 0;
  testing::RegisterHistory history_;
  std::set<std::string> created_;
  int created_unknown_ = 0;
  uint64_t acknowledged_writes_ = 0, resent_ = 0, sessions_ = 0, repeated_ = 0, events_ = 0, events_lost_ = 0,
           lost_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace synod::sim
