#include "coordinator/cli/zookeeper_peer.h"

#define THREADED  // of zookeeper.h: the client with threads of its own
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::cli {
namespace {

constexpr int kSessionTimeoutMs = 30000;
constexpr int kTriesMax =
    5;  // of one batch: an ensemble that cuts the connection at it every time would hold us for ever

// What the client's threads and ours share.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  int state = 0;       // of the handle
  size_t pending = 0;  // calls without an answer
  int error = ZOK;     // the first of a batch
  std::string error_path;
};

// One call: where its answer goes.
struct Call {
  Shared* shared;
  PeerNode* node;
};

// One node to be written.
struct WriteCall {
  Shared* shared = nullptr;
  int code = ZOK;
  std::vector<::ACL> entries;
};

void OnWritten(int code, const void* context) {
  auto* call = const_cast<WriteCall*>(static_cast<const WriteCall*>(context));
  std::lock_guard<std::mutex> lock(call->shared->mutex);
  if (call->code == ZOK) call->code = code;
  if (--call->shared->pending == 0) call->shared->changed.notify_all();
}
void OnCreated(int code, const char*, const void* context) { OnWritten(code, context); }
void OnSet(int code, const ::Stat*, const void* context) { OnWritten(code, context); }

// Notes how a call ended; `take` runs, under the lock, if it brought something.
template <typename Take>
void Finish(const void* context, int code, Take take) {
  const Call& call = *static_cast<const Call*>(context);
  std::lock_guard<std::mutex> lock(call.shared->mutex);
  if (code == ZOK) {
    take(call.node);
  } else if (code == ZNONODE) {
    call.node->missing = true;
  } else if (call.shared->error == ZOK) {
    call.shared->error = code;
    call.shared->error_path = call.node->path;
  }
  if (--call.shared->pending == 0) call.shared->changed.notify_all();
}

void OnData(int code, const char* value, int length, const ::Stat* stat, const void* context) {
  Finish(context, code, [&](PeerNode* node) {
    node->data.reset();
    if (value != nullptr && length >= 0) node->data.emplace(value, static_cast<size_t>(length));
    node->stat.czxid = stat->czxid;
    node->stat.mzxid = stat->mzxid;
    node->stat.pzxid = stat->pzxid;
    node->stat.ctime_ms = stat->ctime;
    node->stat.mtime_ms = stat->mtime;
    node->stat.version = stat->version;
    node->stat.cversion = stat->cversion;
    node->stat.aversion = stat->aversion;
    node->stat.ephemeral_owner = stat->ephemeralOwner;
    node->stat.data_length = stat->dataLength;
    node->stat.num_children = stat->numChildren;
  });
}

void OnAcl(int code, ACL_vector* acl, ::Stat*, const void* context) {
  Finish(context, code, [&](PeerNode* node) {
    node->acl.clear();
    for (int i = 0; i < acl->count; ++i) {
      const ::ACL& entry = acl->data[i];
      node->acl.push_back({static_cast<uint32_t>(entry.perms), entry.id.scheme, entry.id.id});
    }
  });
}

void OnChildren(int code, const String_vector* names, const void* context) {
  Finish(context, code, [&](PeerNode* node) {
    node->children.assign(names->data, names->data + names->count);
    std::sort(node->children.begin(), node->children.end());
  });
}

void OnAuth(int code, const void* context) {
  Finish(context, code, [](PeerNode*) {});
}

void OnEvent(zhandle_t* handle, int type, int, const char*, void*) {
  if (type != ZOO_SESSION_EVENT) return;
  auto* shared = const_cast<Shared*>(static_cast<const Shared*>(zoo_get_context(handle)));
  std::lock_guard<std::mutex> lock(shared->mutex);
  shared->state = zoo_state(handle);
  shared->changed.notify_all();
}

bool IsBroken(int code) {
  return code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT || code == ZSESSIONEXPIRED || code == ZINVALIDSTATE ||
         code == ZCLOSING || code == ZSESSIONMOVED;
}

class Peer final : public ZooKeeperPeer {
 public:
  Peer(std::string hosts, std::vector<std::string> auth, absl::Duration timeout)
      : hosts_(std::move(hosts)), auth_(std::move(auth)), timeout_(absl::ToChronoMilliseconds(timeout)) {}
  ~Peer() override { Close(); }

  absl::Status Open();
  absl::StatusOr<std::vector<PeerNode>> Read(const std::vector<std::string>& paths) override;
  absl::StatusOr<Written> Write(const std::vector<ExportNode>& nodes, client::OnExisting on_existing) override;

 private:
  void Create(const std::vector<ExportNode>& nodes, std::vector<WriteCall>* calls);
  // Sets data and ACL of those that the calls found there.
  void SetExisting(const std::vector<ExportNode>& nodes, std::vector<WriteCall>* calls);
  absl::Status FailureOf(const std::string& path, int code) const;
  absl::Status BrokenAgain() const {
    return absl::UnavailableError(absl::StrCat(hosts_, ": the connection broke ", kTriesMax, " times at one batch"));
  }
  void Close() {
    if (handle_ != nullptr) zookeeper_close(std::exchange(handle_, nullptr));
  }
  absl::Status AwaitConnection();
  absl::Status Authenticate();
  // Until `pending` calls were answered. The first error of Read's.
  int Await();
  // A call that could not even be started has its answer already.
  void Started(int code, const Call& call) {
    if (code != ZOK) Finish(&call, code, [](PeerNode*) {});
  }

  const std::string hosts_;
  const std::vector<std::string> auth_;
  const std::chrono::milliseconds timeout_;
  Shared shared_;
  zhandle_t* handle_ = nullptr;
};

absl::Status Peer::Open() {
  Close();
  shared_.state = 0;
  handle_ = zookeeper_init(hosts_.c_str(), OnEvent, kSessionTimeoutMs, nullptr, &shared_, 0);
  if (handle_ == nullptr) return absl::InvalidArgumentError(absl::StrCat(hosts_, ": not a list of ZooKeeper servers"));
  SYNOD_RETURN_IF_ERROR(AwaitConnection());
  return Authenticate();
}

absl::Status Peer::AwaitConnection() {
  std::unique_lock<std::mutex> lock(shared_.mutex);
  const bool there = shared_.changed.wait_for(lock, timeout_, [this] {
    return shared_.state == ZOO_CONNECTED_STATE || shared_.state == ZOO_EXPIRED_SESSION_STATE ||
           shared_.state == ZOO_AUTH_FAILED_STATE;
  });
  if (shared_.state == ZOO_AUTH_FAILED_STATE) return absl::UnauthenticatedError(absl::StrCat(hosts_, ": AuthFailed"));
  if (!there) return absl::UnavailableError(absl::StrCat(hosts_, ": no ZooKeeper server answers"));
  if (shared_.state == ZOO_CONNECTED_STATE) return absl::OkStatus();
  lock.unlock();
  return Open();  // the session expired: a new one reads as well
}

int Peer::Await() {
  std::unique_lock<std::mutex> lock(shared_.mutex);
  shared_.changed.wait(lock, [this] { return shared_.pending == 0; });
  return std::exchange(shared_.error, ZOK);
}

absl::Status Peer::Authenticate() {
  for (const std::string& text : auth_) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0) {
      return absl::InvalidArgumentError("a credential is SCHEME:CREDENTIAL, for example digest:me:secret");
    }
    const std::string scheme = text.substr(0, colon);
    PeerNode nobody;
    const Call call{&shared_, &nobody};
    shared_.pending = 1;
    Started(zoo_add_auth(handle_, scheme.c_str(), text.data() + colon + 1, static_cast<int>(text.size() - colon - 1),
                         OnAuth, &call),
            call);
    if (const int code = Await(); code != ZOK) {
      return absl::UnauthenticatedError(absl::StrCat(hosts_, ": scheme ", scheme, ": ", zerror(code)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PeerNode>> Peer::Read(const std::vector<std::string>& paths) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::vector<PeerNode> nodes(paths.size());
    std::vector<Call> calls(paths.size());
    shared_.pending = 3 * paths.size();  // nothing is under way: no lock
    for (size_t i = 0; i < paths.size(); ++i) {
      nodes[i].path = paths[i];
      calls[i] = {&shared_, &nodes[i]};
      Started(zoo_aget(handle_, paths[i].c_str(), 0, OnData, &calls[i]), calls[i]);
      Started(zoo_aget_acl(handle_, paths[i].c_str(), OnAcl, &calls[i]), calls[i]);
      Started(zoo_aget_children(handle_, paths[i].c_str(), 0, OnChildren, &calls[i]), calls[i]);
    }
    const int code = Await();
    if (code == ZOK) return nodes;
    if (code == ZNOAUTH) {
      return absl::PermissionDeniedError(absl::StrCat(shared_.error_path, ": NoAuth at ", hosts_));
    }
    if (!IsBroken(code)) return absl::UnknownError(absl::StrCat(shared_.error_path, ": ", zerror(code)));
    SYNOD_RETURN_IF_ERROR(AwaitConnection());
  }
  return BrokenAgain();
}

int FlagsOf(client::CreateMode mode) {
  switch (mode) {
    case client::CreateMode::kContainer:
      return ZOO_CONTAINER;
    case client::CreateMode::kPersistentTtl:
      return ZOO_PERSISTENT_WITH_TTL;
    default:
      return ZOO_PERSISTENT;
  }
}

void Peer::Create(const std::vector<ExportNode>& nodes, std::vector<WriteCall>* calls) {
  shared_.pending = nodes.size();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const ExportNode& node = nodes[i];
    WriteCall& call = (*calls)[i];
    call.shared = &shared_;
    for (const client::AclEntry& entry : node.acl) {
      call.entries.push_back({static_cast<int32_t>(entry.permissions),
                              {const_cast<char*>(entry.scheme.c_str()), const_cast<char*>(entry.id.c_str())}});
    }
    if (node.path == "/") {
      OnWritten(ZNODEEXISTS, &call);
      continue;
    }
    const ACL_vector acl{static_cast<int32_t>(call.entries.size()), call.entries.data()};
    const bool ttl = node.mode == client::CreateMode::kPersistentTtl;
    const int code = zoo_acreate_ttl(handle_, node.path.c_str(), node.data ? node.data->data() : nullptr,
                                     node.data ? static_cast<int>(node.data->size()) : -1, &acl, FlagsOf(node.mode),
                                     ttl ? absl::ToInt64Milliseconds(node.ttl) : -1, OnCreated, &call);
    if (code != ZOK) OnWritten(code, &call);
  }
}

void Peer::SetExisting(const std::vector<ExportNode>& nodes, std::vector<WriteCall>* calls) {
  for (const WriteCall& call : *calls) shared_.pending += call.code == ZNODEEXISTS ? 2 : 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const ExportNode& node = nodes[i];
    WriteCall& call = (*calls)[i];
    if (call.code != ZNODEEXISTS) continue;
    call.code = ZOK;
    int code = zoo_aset(handle_, node.path.c_str(), node.data ? node.data->data() : nullptr,
                        node.data ? static_cast<int>(node.data->size()) : -1, -1, OnSet, &call);
    if (code != ZOK) OnWritten(code, &call);
    ACL_vector acl{static_cast<int32_t>(call.entries.size()), call.entries.data()};
    code = zoo_aset_acl(handle_, node.path.c_str(), -1, &acl, OnWritten, &call);
    if (code != ZOK) OnWritten(code, &call);
  }
}

absl::Status Peer::FailureOf(const std::string& path, int code) const {
  const std::string text = absl::StrCat(path, ": ", zerror(code), " at ", hosts_);
  switch (code) {
    case ZNODEEXISTS:
      return absl::AlreadyExistsError(absl::StrCat(text, "; --on-existing keep or set goes on"));
    case ZNONODE:
      return absl::NotFoundError(absl::StrCat(text, ": its parent is missing there"));
    case ZNOAUTH:
      return absl::PermissionDeniedError(text);
    case ZUNIMPLEMENTED:
      return absl::FailedPreconditionError(
          absl::StrCat(text, ": zookeeper.extendedTypesEnabled=true allows TTL nodes"));
    default:
      return absl::UnknownError(text);
  }
}

absl::StatusOr<ZooKeeperPeer::Written> Peer::Write(const std::vector<ExportNode>& nodes,
                                                   client::OnExisting on_existing) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const bool again = tries > 0;
    std::vector<WriteCall> calls(nodes.size());
    Create(nodes, &calls);
    Await();
    Written written;
    std::vector<bool> existed(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i) existed[i] = calls[i].code == ZNODEEXISTS;
    if (on_existing == client::OnExisting::kSet) {
      SetExisting(nodes, &calls);
      Await();
    }
    bool broken = false;
    for (size_t i = 0; i < nodes.size() && !broken; ++i) {
      int code = calls[i].code;
      broken = IsBroken(code);
      const bool kept =
          code == ZNODEEXISTS && (again || on_existing == client::OnExisting::kKeep || nodes[i].path == "/");
      if (!broken && code != ZOK && !kept) return FailureOf(nodes[i].path, code);
      ++(kept ? written.kept : existed[i] ? written.set : written.created);
    }
    if (!broken) return written;
    SYNOD_RETURN_IF_ERROR(AwaitConnection());
  }
  return BrokenAgain();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZooKeeperPeer>> ZooKeeperPeer::Connect(const std::string& hosts,
                                                                      const std::vector<std::string>& auth,
                                                                      absl::Duration timeout) {
  zoo_set_debug_level(static_cast<ZooLogLevel>(0));  // what goes wrong is said by the command, once
  auto peer = std::make_unique<Peer>(hosts, auth, timeout);
  SYNOD_RETURN_IF_ERROR(peer->Open());
  return std::unique_ptr<ZooKeeperPeer>(std::move(peer));
}

}  // namespace synod::cli
