#include "coordinator/server/ineffective_keys.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"

namespace synod::server {
namespace {

struct Ineffective {
  std::string_view key;    // one that ends with '*' stands for all that begin so
  std::string_view as_is;  // the value that asks for what is done anyway, in small letters; "*": any
  std::string_view why;
};

constexpr std::string_view kOneSnapshot = "there is one snapshot, kept up in place; nothing piles up";
constexpr std::string_view kTls = "TLS is not offered in this version: clients and peers talk in plain text";
constexpr std::string_view kSasl = "SASL is not offered in this version: identities are digest and ip";
constexpr std::string_view kX509 = "x509 identities come with TLS, which is not offered in this version";
constexpr std::string_view kPeerSockets =
    "servers keep one connection for each pair, and reconnect within milliseconds";
constexpr std::string_view kPipeline = "requests do not pass through a chain of threads; one loop does all of it";
constexpr std::string_view kSockets = "one loop serves all sockets";
constexpr std::string_view kSync = "what waits for the disk is synced together, and nothing waits for more to come";
constexpr std::string_view kThrottle = "globalOutstandingLimit says how much a connection may have in flight";
constexpr std::string_view kConnectThrottle =
    "connections are throttled by tokens alone: nothing is dropped at random, and all weigh the same";
constexpr std::string_view kWatches = "watches are kept in one compact table";
constexpr std::string_view kNoCache = "replies are made from the tree; there is nothing to cache";
constexpr std::string_view kCatchUp = "logRetainMb says how much log is kept for servers that were away";
constexpr std::string_view kLocalSessions = "every session is known to all servers, and can move between them";
constexpr std::string_view kReconfig = "reconfig is not offered in this version: the server lines say who takes part";
constexpr std::string_view kTreeDigest = "the digest of the tree is always kept and compared between servers";
constexpr std::string_view kNoAudit = "no audit log is written";
constexpr std::string_view kNoJvm = "there is no Java virtual machine";
constexpr std::string_view kMetrics = "Prometheus metrics have no threads or options of their own";
constexpr std::string_view kAddresses = "a server has one address for its peers";
constexpr std::string_view kPathStats = "requests are not counted by path";
constexpr std::string_view kAdminPlain = "the admin door speaks plain HTTP; put a proxy before it for TLS";
constexpr std::string_view kAdminSnapshot = "the admin door hands out and takes no snapshots";
constexpr std::string_view kObservers = "observers are servers of the log like the others";
constexpr std::string_view kHierarchy =
    "hierarchical quorums are not offered: every voter has one vote, and a majority decides. What is safe would be "
    "another thing than the file says";

constexpr Ineffective kTable[] = {
    // the ensemble
    {"connectToLearnerMasterLimit", "", "a server catches up for as long as it takes; nothing times it out"},
    {"electionAlg", "3", "there is one election algorithm"},
    {"leaderServes", "yes|true", "the leader serves clients like every server"},
    {"syncEnabled", "true|yes", "observers always write to disk"},
    {"reconfigEnabled", "false|no", kReconfig},
    {"version", "*", ""},
    {"localSessionsEnabled", "false|no", kLocalSessions},
    {"localSessionsUpgradingEnabled", "false|no", kLocalSessions},
    {"observerMasterPort", "", "observers follow the leader"},
    {"observerMaster.*", "", "observers follow the leader"},
    {"observer.*", "", kObservers},
    {"oraclePath", "", "there is no oracle: of two servers both are needed"},
    {"multiAddress.enabled", "false|no", kAddresses},
    {"multiAddress.*", "", kAddresses},
    {"group.*", "", kHierarchy},
    {"weight.*", "", kHierarchy},
    {"cnxTimeout", "", kPeerSockets},
    {"quorumCnxnTimeoutMs", "", kPeerSockets},
    {"quorumCnxnThreadsSize", "", kPeerSockets},
    {"quorum.cnxn.threads.size", "", kPeerSockets},
    {"tcpKeepAlive", "", "a silent peer is found by its heartbeats"},
    {"electionPortBindRetry", "", "peers use one port; if it is taken the server does not start"},
    {"fastleader.*", "", "electionTimeoutMin and electionTimeoutMax govern elections"},
    {"leaderConnectDelayDuringRetryMs", "", kPeerSockets},
    {"leader.*", "", "the leader sends to each server at its own pace"},
    {"learner.*", "", kPeerSockets},
    {"follower.*", "", kPipeline},
    {"ensembleAuthName", "", "a client cannot be told that it came to the wrong ensemble by a name"},

    // data
    {"autopurge.purgeInterval", "0", kOneSnapshot},
    {"autopurge.*", "", kOneSnapshot},
    {"forceSync", "yes|true", "every write is synced before it is acknowledged; this cannot be turned off"},
    {"fsync.warningthresholdms", "", "slowOperationMs says which operations are listed as slow"},
    {"flushDelay", "0", kSync},
    {"maxWriteQueuePollTime", "", kSync},
    {"maxBatchSize", "", kSync},
    {"commitLogCount", "", kCatchUp},
    {"commitLogSize", "", kCatchUp},
    {"snapshotSizeFactor", "", kCatchUp},
    {"forceSnapshotSync", "false", kCatchUp},
    {"txnLogSizeLimitInKb", "", "snapSizeLimitInKb says after how much log a snapshot is written"},
    {"snapshot.compression.method", "", "the snapshot is a database of its own, not a file to compress"},
    {"snapshot.trust.empty", "false", "a log whose snapshot is missing is never trusted"},
    {"serializeLastProcessedZxid.enabled", "true", "a snapshot always holds the zxid it was taken at"},
    {"db.autocreate", "", "a server whose data was lost has no vote before it has everything again, in any case"},
    {"digest.enabled", "true|yes", kTreeDigest},
    {"closeSessionTxn.enabled", "true|yes", "a session and its ephemerals always go in one command"},
    {"emulate353TTLNodes", "false|no", "TTL nodes have the ids of ZooKeeper 3.5.4 and later"},
    {"znode.container.maxNeverUsedIntervalMs", "0", "a container that never had a child stays"},
    {"jute.maxbuffer.extrasize", "", "jute.maxbuffer counts the data alone; there is room for the rest"},
    {"maxResponseCacheSize", "", kNoCache},
    {"maxGetChildrenResponseCacheSize", "", kNoCache},
    {"intBufferStartingSizeBytes", "", kNoCache},

    // clients
    {"secureClientPort", "", kTls},
    {"secureClientPortAddress", "", kTls},
    {"ssl.*", "", kTls},
    {"sslQuorum", "false|no", kTls},
    {"sslQuorumReloadCertFiles", "false|no", kTls},
    {"portUnification", "false|no", kTls},
    {"client.portUnification", "false|no", kTls},
    {"client.certReload", "false|no", kTls},
    {"fips-mode", "*", ""},
    {"authProvider*", "", "identities are digest and ip; classes of Java are not loaded"},
    {"DigestAuthenticationProvider.enabled", "true|yes", "digest identities cannot be turned off"},
    {"DigestAuthenticationProvider.digestAlg", "sha1|sha-1",
     "digests are SHA-1: ids made with another algorithm match nobody"},
    {"IPAuthenticationProvider.usexforwardedfor", "false|no",
     "an address is that of the connection: no header is believed"},
    {"X509AuthenticationProvider.superUser", "", kX509},
    {"superUser", "", "a super user is a digest (DigestAuthenticationProvider.superDigest)"},
    {"SASLAuthenticationProvider.superPassword", "", kSasl},
    {"sessionRequireClientSASLAuth", "false|no", "SASL is not offered in this version, so nobody could be served"},
    {"allowSaslFailedClients", "", kSasl},
    {"requireClientAuthScheme", "", kSasl},
    {"letAnySaslUserDoX", "", kSasl},
    {"requireKerberosConfig", "", kSasl},
    {"security.auth_to_local", "", kSasl},
    {"server.principal", "", kSasl},
    {"server.realm", "", kSasl},
    {"kerberos.*", "", kSasl},
    {"sasl.*", "", kSasl},
    {"quorum.auth.*", "", "peers do not prove who they are: keep their ports on a network of their own"},
    {"enableEagerACLCheck", "false|no", "an ACL is looked at where the write is applied"},
    {"watchManagerName", "", kWatches},
    {"watcherClean*", "", kWatches},
    {"maxInProcessingDeadWatchers", "", kWatches},
    {"bitHashCacheSize", "", kWatches},
    {"connection_throttle_weight_enabled", "false|no", kConnectThrottle},
    {"connection_throttle_*", "", kConnectThrottle},
    {"connectionFreezeTime", "-1", kConnectThrottle},
    {"connectionDropIncrease", "", kConnectThrottle},
    {"connectionDropDecrease", "", kConnectThrottle},
    {"connectionDecreaseRatio", "", kConnectThrottle},
    {"requestThrottleLimit", "0", kThrottle},
    {"request_throttle_max_requests", "0", kThrottle},
    {"requestThrottle*", "", kThrottle},
    {"request_throttle*", "", kThrottle},
    {"requestStale*", "false|no", kThrottle},
    {"request_stale_*", "false|no", kThrottle},
    {"throttledOpWaitTime", "0", kThrottle},
    {"throttled_op_wait_time", "0", kThrottle},
    {"request.timeout", "", "a request is answered, or its connection ends by the rules of sessions"},
    {"largeRequestThreshold", "-1", "jute.maxbuffer and the budget of the server bound what requests may hold"},
    {"largeRequestMaxBytes", "", "jute.maxbuffer and the budget of the server bound what requests may hold"},

    // threads and sockets
    {"serverCnxnFactory", "*", ""},
    {"advancedFlowControlEnabled", "", kSockets},
    {"outstandingHandshake.limit", "", kTls},
    {"netty.*", "", kSockets},
    {"nio.*", "", kSockets},
    {"commitProcessor.*", "", kPipeline},
    {"forward_learner_requests_to_commit_processor_disabled", "", kPipeline},
    {"maxConcurrentSnapSyncs", "", "the leader sends to each server at its own pace"},
    {"maxConcurrentDiffSyncs", "", "the leader sends to each server at its own pace"},
    {"maxTimeToWaitForEpoch", "", "electionTimeoutMin and electionTimeoutMax govern elections"},
    {"skipLearnerRequestToNextProcessor", "", kPipeline},

    // operations
    {"admin.rateLimiterIntervalInMS", "", kAdminSnapshot},
    {"admin.snapshot.enabled", "false|no", kAdminSnapshot},
    {"admin.restore.enabled", "false|no", kAdminSnapshot},
    {"admin.forceHttps", "false|no", kAdminPlain},
    {"admin.needClientAuth", "false|no", kAdminPlain},
    {"admin.portUnification", "false|no", kAdminPlain},
    {"admin.httpVersion", "", "the admin door speaks HTTP/1.1"},
    {"audit.enable", "false|no", kNoAudit},
    {"audit.*", "", kNoAudit},
    {"metricsProvider.exportJvmInfo", "false|no", kNoJvm},
    {"metricsProvider.*", "", kMetrics},
    {"jvm.pause.*", "", kNoJvm},
    {"jmx.*", "", kNoJvm},
    {"messageTracker.*", "", "the last messages between servers are not kept"},
    {"pathStats.enabled", "false|no", kPathStats},
    {"pathStats.*", "", kPathStats},
};

bool Matches(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with('*')) return pattern == key;
  pattern.remove_suffix(1);
  return key.starts_with(pattern);
}

// `choices` are parted by '|'.
bool IsOneOf(std::string_view value, std::string_view choices) {
  while (!choices.empty()) {
    const size_t end = std::min(choices.find('|'), choices.size());
    if (absl::EqualsIgnoreCase(absl::string_view(value.data(), value.size()), absl::string_view(choices.data(), end)))
      return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

const Ineffective* Find(std::string_view key) {
  const auto* found = std::find_if(std::begin(kTable), std::end(kTable),
                                   [&](const Ineffective& entry) { return Matches(entry.key, key); });
  return found == std::end(kTable) ? nullptr : found;
}

}  // namespace

std::optional<std::string_view> WhyIneffective(std::string_view key, std::string_view value) {
  const Ineffective* entry = Find(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->as_is == "*" || IsOneOf(value, entry->as_is)) return "";
  return entry->why;
}

bool MustNotBeIgnored(std::string_view key, std::string_view value) {
  if (Matches("group.*", key) || Matches("weight.*", key)) return true;
  return key == "sessionRequireClientSASLAuth" && !IsOneOf(value, Find(key)->as_is);
}

bool IsSecret(std::string_view key) {
  std::string small(key);
  std::transform(small.begin(), small.end(), small.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return small.find("password") != std::string::npos || small.find("superdigest") != std::string::npos ||
         small.find("ensembleauthname") != std::string::npos;
}

}  // namespace synod::server
