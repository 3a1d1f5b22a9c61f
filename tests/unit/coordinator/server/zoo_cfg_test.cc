// Files as ZooKeeper's packages and images write them, and every key that ZooKeeper documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/server/config.h"
#include "coordinator/server/config_keys.h"
#include "coordinator/server/ineffective_keys.h"
#include "tests/unit/coordinator/server/parsed_config.h"

namespace synod::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

// What the official image writes from its environment variables, with ZOO_SERVERS of three.
TEST(ZooCfgTest, TheFileOfTheOfficialImageStartsAServer) {
  ServerConfig config = Parsed(
      "dataDir=/data\ndataLogDir=/datalog\ntickTime=2000\ninitLimit=5\nsyncLimit=2\nautopurge.snapRetainCount=3\n"
      "autopurge.purgeInterval=0\nmaxClientCnxns=60\nstandaloneEnabled=true\nadmin.enableServer=true\n"
      "server.1=zoo1:2888:3888;2181\nserver.2=zoo2:2888:3888;2181\nserver.3=zoo3:2888:3888;2181\n"
      "4lw.commands.whitelist=srvr, mntr\n",
      "3\n");
  EXPECT_EQ(config.id, ServerId(3));
  EXPECT_EQ(config.data_log_dir, "/datalog");
  EXPECT_EQ(config.client_port, 2181);
  EXPECT_EQ(config.peer_listen_address, "zoo3");
  EXPECT_EQ(config.session_timeout_max, absl::Seconds(40));
  EXPECT_FALSE(config.standalone);
  EXPECT_EQ(config.membership,
            "server.1=zoo1:2888:3888:participant;0.0.0.0:2181\nserver.2=zoo2:2888:3888:participant;0.0.0.0:2181\n"
            "server.3=zoo3:2888:3888:participant;0.0.0.0:2181");
  EXPECT_THAT(config.four_letter_words, ElementsAre("srvr", "mntr"));
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("line 4: initLimit has no effect, conf shows it"), HasSubstr("line 5: syncLimit"),
                          HasSubstr("line 6: autopurge.snapRetainCount has no effect: there is one snapshot"),
                          HasSubstr("clientPortAddress is not named: clients are served on 127.0.0.1:2181 alone")));
}

// A common second image's, which names every key.
TEST(ZooCfgTest, AFileThatNamesEveryDefaultStartsAServer) {
  ServerConfig config = Parsed(
      "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/bitnami/zookeeper/data\ndataLogDir=/bitnami/datalog\n"
      "clientPort=2181\nmaxClientCnxns=60\nmaxCnxns=0\nautopurge.snapRetainCount=3\nautopurge.purgeInterval=0\n"
      "metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n"
      "metricsProvider.httpPort=7000\nmetricsProvider.exportJvmInfo=true\npreAllocSize=65536\nsnapCount=100000\n"
      "reconfigEnabled=false\nquorumListenOnAllIPs=false\n4lw.commands.whitelist=srvr, mntr\n"
      "maxSessionTimeout=40000\nadmin.serverPort=8080\nadmin.enableServer=true\n"
      "server.1=0.0.0.0:2888:3888;2181\nserver.2=zk2:2888:3888;2181\nserver.3=zk3:2888:3888;2181\n",
      "1");
  EXPECT_EQ(config.max_connections, 0u);
  EXPECT_EQ(config.snapshot_every_records, 100000u);
  EXPECT_TRUE(config.metrics_door);
  EXPECT_EQ(config.metrics_port, 7000);
  EXPECT_THAT(config.warnings, Contains(HasSubstr("metricsProvider.exportJvmInfo has no effect: there is no Java")));
  EXPECT_THAT(config.warnings, Contains(HasSubstr("metricsProvider.httpHost is not named")));
}

// /etc/zookeeper/conf_example/zoo.cfg of Debian before 12, without its comments.
TEST(ZooCfgTest, DebiansFileIsASingleServer) {
  ServerConfig config = Parsed(
      "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/var/lib/zookeeper\n# dataLogDir=/disk2/zookeeper\n\n"
      "clientPort=2181\n\n#server.1=zookeeper1:2888:3888\n#preAllocSize=65536\n#snapCount=1000\n#traceFile="
      "requestFile\n"
      "#leaderServes=yes\n");
  EXPECT_TRUE(config.standalone);
  EXPECT_EQ(config.membership, "");
  EXPECT_EQ(config.data_log_dir, "/var/lib/zookeeper");
  EXPECT_EQ(config.warnings.size(), 3u);
}

// The keys of the administrator's guide of ZooKeeper 3.9 and later, by its names and by those of the properties.
constexpr char kDocumentedKeys[] =
    "clientPort secureClientPort observerMasterPort dataDir tickTime dataLogDir globalOutstandingLimit "
    "preAllocSize snapCount commitLogCount snapSizeLimitInKb txnLogSizeLimitInKb maxCnxns maxClientCnxns "
    "clientPortAddress secureClientPortAddress minSessionTimeout maxSessionTimeout fsync.warningthresholdms "
    "maxResponseCacheSize maxGetChildrenResponseCacheSize autopurge.snapRetainCount autopurge.purgeInterval "
    "syncEnabled observer.syncEnabled extendedTypesEnabled emulate353TTLNodes watchManagerName "
    "watcherCleanThreadsNum watcherCleanThreshold watcherCleanIntervalInSeconds maxInProcessingDeadWatchers "
    "bitHashCacheSize fastleader.minNotificationInterval fastleader.maxNotificationInterval connectionMaxTokens "
    "connection_throttle_tokens connectionTokenFillTime connection_throttle_fill_time connectionTokenFillCount "
    "connection_throttle_fill_count connectionFreezeTime connection_throttle_freeze_time connectionDropIncrease "
    "connection_throttle_drop_increase connectionDropDecrease connection_throttle_drop_decrease "
    "connectionDecreaseRatio connection_throttle_decrease_ratio connection_throttle_weight_enabled "
    "connection_throttle_global_session_weight connection_throttle_local_session_weight "
    "connection_throttle_renew_session_weight clientPortListenBacklog serverCnxnFactory flushDelay "
    "maxWriteQueuePollTime maxBatchSize enforceQuota requestThrottleLimit request_throttle_max_requests "
    "requestThrottleStallTime request_throttle_stall_time requestThrottleDropStale request_throttle_drop_stale "
    "requestStaleLatencyCheck request_stale_latency_check requestStaleConnectionCheck "
    "request_stale_connection_check request_throttler.shutdownTimeout advancedFlowControlEnabled "
    "netty.advancedFlowControl.enabled enableEagerACLCheck maxConcurrentSnapSyncs leader.maxConcurrentSnapSyncs "
    "maxConcurrentDiffSyncs leader.maxConcurrentDiffSyncs digest.enabled snapshot.compression.method "
    "snapshot.trust.empty audit.enable audit.impl.class largeRequestMaxBytes largeRequestThreshold "
    "outstandingHandshake.limit netty.server.outstandingHandshake.limit "
    "netty.server.earlyDropSecureConnectionHandshakes throttledOpWaitTime throttled_op_wait_time "
    "learner.closeSocketAsync leader.closeSocketAsync learner.asyncSending "
    "forward_learner_requests_to_commit_processor_disabled serializeLastProcessedZxid.enabled electionAlg "
    "maxTimeToWaitForEpoch leader.maxTimeToWaitForEpoch initLimit connectToLearnerMasterLimit leaderServes "
    "syncLimit group.1 weight.1 cnxTimeout quorumCnxnTimeoutMs quorumCnxnThreadsSize quorum.cnxn.threads.size "
    "standaloneEnabled reconfigEnabled 4lw.commands.whitelist tcpKeepAlive clientTcpKeepAlive "
    "electionPortBindRetry observer.reconnectDelayMs observer.election.DelayMs localSessionsEnabled "
    "localSessionsUpgradingEnabled peerType dynamicConfigFile oraclePath quorumListenOnAllIPs "
    "DigestAuthenticationProvider.enabled DigestAuthenticationProvider.superDigest "
    "DigestAuthenticationProvider.digestAlg IPAuthenticationProvider.usexforwardedfor "
    "X509AuthenticationProvider.superUser superUser ssl.authProvider ensembleAuthName "
    "sessionRequireClientSASLAuth allowSaslFailedClients enforce.auth.enabled enforce.auth.schemes sslQuorum "
    "portUnification ssl.keyStore.location ssl.keyStore.password ssl.quorum.keyStore.location "
    "ssl.trustStore.passwordPath ssl.protocol ssl.enabledProtocols ssl.ciphersuites ssl.context.supplier.class "
    "ssl.hostnameVerification ssl.quorum.hostnameVerification ssl.clientHostnameVerification "
    "ssl.allowReverseDnsLookup ssl.crl ssl.ocsp ssl.clientAuth ssl.handshakeDetectionTimeoutMillis "
    "ssl.sslProvider sslQuorumReloadCertFiles client.certReload client.portUnification authProvider.1 "
    "authProvider.sasl kerberos.removeHostFromPrincipal kerberos.removeRealmFromPrincipal "
    "kerberos.canonicalizeHostNames multiAddress.enabled multiAddress.reachabilityCheckTimeoutMs "
    "multiAddress.reachabilityCheckEnabled fips-mode readonlymode.enabled "
    "follower.skipLearnerRequestToNextProcessor forceSync jute.maxbuffer jute.maxbuffer.extrasize skipACL "
    "datadir.autocreate db.autocreate nio.numSelectorThreads nio.numWorkerThreads nio.sessionlessCnxnTimeout "
    "commitProcessor.numWorkerThreads commitProcessor.maxReadBatchSize commitProcessor.maxCommitBatchSize "
    "znode.container.checkIntervalMs znode.container.maxPerMinute znode.container.maxNeverUsedIntervalMs "
    "messageTracker.BufferSize messageTracker.Enabled admin.rateLimiterIntervalInMS admin.snapshot.enabled "
    "admin.restore.enabled admin.needClientAuth admin.forceHttps admin.portUnification admin.enableServer "
    "admin.serverAddress admin.serverPort admin.idleTimeout admin.commandURL closeSessionTxn.enabled "
    "metricsProvider.className metricsProvider.httpHost metricsProvider.httpPort metricsProvider.exportJvmInfo "
    "quorum.auth.enableSasl quorum.auth.learnerRequireSasl quorum.auth.serverRequireSasl "
    "quorum.auth.kerberos.servicePrincipal jvm.pause.monitor pathStats.enabled snapshotSizeFactor "
    "sasl.serverconfig";

TEST(ZooCfgTest, EveryDocumentedKeyIsHonouredOrHasAReason) {
  RawConfig raw;
  const auto setters = Setters(&raw);
  for (const std::string& key : std::vector<std::string>(absl::StrSplit(kDocumentedKeys, ' '))) {
    const std::string canonical = CanonicalKey(key);
    const bool honoured = setters.contains(canonical) || canonical == "dynamicConfigFile";
    EXPECT_TRUE(honoured || WhyIneffective(canonical, "unlikely").has_value()) << key;
    EXPECT_EQ(CanonicalKey("zookeeper." + key), canonical);
  }
}

TEST(ZooCfgTest, AnIneffectiveKeyIsNamedWithLineAndReason) {
  EXPECT_THAT(Parsed("dataDir=/d\nforceSync=no\nzookeeper.leaderServes=no\nssl.keyStore.password=geheim\n").warnings,
              ElementsAre("line 2: forceSync has no effect: every write is synced before it is acknowledged; this "
                          "cannot be turned off",
                          "line 3: zookeeper.leaderServes has no effect: the leader serves clients like every server",
                          HasSubstr("line 4: ssl.keyStore.password has no effect: TLS is not offered")));
}

TEST(ZooCfgTest, AskingForWhatIsDoneAnywayIsNoWarning) {
  EXPECT_THAT(Parsed("dataDir=/d\nforceSync=yes\nleaderServes=yes\nelectionAlg=3\nreconfigEnabled=false\n"
                     "autopurge.purgeInterval=0\nsslQuorum=false\nDigestAuthenticationProvider.digestAlg=SHA1\n"
                     "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n")
                  .warnings,
              IsEmpty());
}

TEST(ZooCfgTest, AnyOtherKeyIsASystemPropertyThatMeansNothing) {
  EXPECT_THAT(
      Parsed("dataDir=/d\nfoo=1\nzookeeper.bar=2\n").warnings,
      ElementsAre("line 2: foo has no effect: it is taken as the system property zookeeper.foo, which means "
                  "nothing here",
                  "line 3: zookeeper.bar has no effect: it is taken as the system property zookeeper.bar, which "
                  "means nothing here"));
}

TEST(ZooCfgTest, TheLastOfAKeyThatStandsTwiceCounts) {
  ServerConfig config = Parsed(
      "dataDir=/d\nskipACL=yes\nsnapCount=5\nzookeeper.skipACL=no\nadminPort=9000\n"
      "admin.serverPort=9001\nserver.1=a:1:2\nserver.1=b:1:2\n");
  EXPECT_EQ(config.skip_acl, false);
  EXPECT_EQ(config.admin_port, 9001);
  EXPECT_EQ(config.seeds[0].address, "b:1");
  EXPECT_THAT(config.warnings, ElementsAre("line 2: skipACL stands in line 4 again: the last one counts",
                                           "line 5: adminPort stands in line 6 again: the last one counts",
                                           "line 7: server.1 stands in line 8 again: the last one counts"));
}

TEST(ZooCfgTest, WhatWouldCountVotesOrLetClientsInAnotherWayIsAnError) {
  EXPECT_THAT(Error("dataDir=/d\ngroup.1=1:2:3\n"), HasSubstr("line 2: group.1=1:2:3: hierarchical quorums"));
  EXPECT_THAT(Error("dataDir=/d\nweight.1=2\n"), HasSubstr("line 2: weight.1=2: hierarchical quorums"));
  EXPECT_THAT(Error("dataDir=/d\nsessionRequireClientSASLAuth=true\n"), HasSubstr("nobody could be served"));
  EXPECT_THAT(Parsed("dataDir=/d\nsessionRequireClientSASLAuth=false\n").warnings, IsEmpty());
  EXPECT_THAT(Error("dataDir=/d\nenforce.auth.enabled=true\n"), HasSubstr("needs enforce.auth.schemes"));
  EXPECT_THAT(Error("dataDir=/d\nenforce.auth.enabled=true\nenforce.auth.schemes=digest,sasl\n"),
              HasSubstr("\"sasl\" is no scheme"));
}

TEST(ZooCfgTest, ATlsPortBesideAPlainOneIsAWarningAndAloneAnError) {
  EXPECT_THAT(Parsed("dataDir=/d\nclientPort=2181\nclientPortAddress=::1\nsecureClientPort=2281\n").warnings,
              ElementsAre(HasSubstr("line 4: secureClientPort has no effect: TLS is not offered")));
  EXPECT_THAT(Error("dataDir=/d\nsecureClientPort=2281\n"), HasSubstr("secureClientPort is the only client port"));
}

TEST(ZooCfgTest, DynamicConfigFileHoldsTheServerLines) {
  absl::StatusOr<ServerConfig> config = ParseConfig(
      "dataDir=/d\ndynamicConfigFile=/c/zoo.cfg.dynamic.100000000\n", "2",
      "server.1=a:1:2:participant;0.0.0.0:2181\nserver.2=b:1:2:observer;10.0.0.2:2182\nversion=100000000\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->seeds.size(), 2u);
  EXPECT_TRUE(config->observer);
  EXPECT_EQ(config->client_address, "10.0.0.2");
  EXPECT_EQ(config->client_port, 2182);
  EXPECT_THAT(config->warnings, IsEmpty());
  auto error = [](const std::string& text, const std::string& dynamic) {
    return std::string(ParseConfig(text, "1", dynamic).status().message());
  };
  EXPECT_THAT(error("dataDir=/d\ndynamicConfigFile=/c\nserver.1=a:1:2\n", "server.1=a:1:2\n"),
              HasSubstr("not in both"));
  EXPECT_THAT(error("dataDir=/d\ndynamicConfigFile=/c\n", "tickTime=1\n"),
              HasSubstr("dynamicConfigFile: line 1: tickTime=1: does not belong there"));
  EXPECT_THAT(error("dataDir=/d\ndynamicConfigFile=/c\n", "server.1=a:1:2\ngroup.1=1\n"), HasSubstr("hierarchical"));
}

TEST(ZooCfgTest, WhatIsGivenIsShownInOrderAndWithoutSecrets) {
  EXPECT_THAT(Parsed("snapCount=7\ndataDir=/d\nssl.keyStore.password=geheim\n"
                     "DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=\n")
                  .given,
              ElementsAre(Pair("snapCount", "7"), Pair("dataDir", "/d"), Pair("ssl.keyStore.password", "(not shown)"),
                          Pair("DigestAuthenticationProvider.superDigest", "(not shown)")));
}

TEST(ZooCfgTest, TheClientPartOfTheServerLineAndTheKeysMustAgree) {
  auto lines = [](const std::string& client) { return "dataDir=/d\nserver.1=a:1:2;" + client + "\n"; };
  EXPECT_EQ(Parsed(lines("10.0.0.1:4000") + "clientPort=4000\nclientPortAddress=0.0.0.0\n").client_address, "10.0.0.1");
  EXPECT_EQ(Parsed(lines("4000") + "clientPortAddress=10.0.0.1\n").client_address, "10.0.0.1");
  EXPECT_EQ(Parsed(lines("[::1]:4000")).client_address, "::1");
  EXPECT_THAT(Error(lines("10.0.0.1:4000") + "clientPortAddress=10.0.0.2\n"),
              HasSubstr("clientPortAddress contradicts"));
}

TEST(ZooCfgTest, MembershipNamesClientPortsOnlyWhereTheLinesDo) {
  EXPECT_EQ(Parsed("dataDir=/d\nclientPort=2181\nserver.2=[::1]:1:2:observer\nserver.1=a:1\nserver.10=c:1:2;5\n", "1")
                .membership,
            "server.1=a:1:3888:participant\nserver.2=[::1]:1:2:observer\nserver.10=c:1:2:participant;0.0.0.0:5");
  EXPECT_EQ(Parsed("dataDir=/d\nserver.1=a:1:2\n").membership, "");
  ServerConfig ensemble_of_one = Parsed("dataDir=/d\nserver.1=a:1:2\nstandaloneEnabled=false\n");
  EXPECT_FALSE(ensemble_of_one.standalone);
  EXPECT_EQ(ensemble_of_one.membership, "server.1=a:1:2:participant");
}

TEST(ZooCfgTest, OfSeveralAddressesTheFirstIsTakenWithAWarning) {
  ServerConfig config = Parsed("dataDir=/d\nserver.1=a:1:2|b:3:4\n");
  EXPECT_EQ(config.seeds[0].address, "a:1");
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("line 2: server.1 has several addresses")));
}

TEST(ZooCfgTest, FourLetterWordsAreThoseOfTheListAndTheTwoThatScriptsNeed) {
  EXPECT_THAT(Parsed("dataDir=/d\n").four_letter_words,
              ElementsAre("ruok", "srvr", "stat", "isro", "mntr", "conf", "envi", "dirs", "wchs"));
  ServerConfig config = Parsed("dataDir=/d\nreadonlymode.enabled=true\nzookeeper.4lw.commands.whitelist=mntr,, nope\n");
  EXPECT_THAT(config.four_letter_words, ElementsAre("mntr", "srvr", "isro"));
  EXPECT_TRUE(config.read_only_mode);
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("\"nope\" is no four-letter word")));
  EXPECT_FALSE(config.all_four_letter_words);
  EXPECT_TRUE(Parsed("dataDir=/d\n4lw.commands.whitelist=*\n").all_four_letter_words);
}

TEST(ZooCfgTest, KeysOfTheClientsDoorAreTakenInBothSpellings) {
  for (const char* prefix : {"", "zookeeper."}) {
    std::string text = "dataDir=/d\n";
    for (const char* line : {"clientPortListenBacklog=7", "globalOutstandingLimit=9", "connectionMaxTokens=10",
                             "connectionTokenFillTime=11", "connectionTokenFillCount=12", "sessionlessCnxnTimeout=13",
                             "clientTcpKeepAlive=true", "linearizableReads=true", "enforce.auth.enabled=true",
                             "enforce.auth.schemes=digest, ip", "admin.commandURL=/c/", "admin.idleTimeout=14",
                             "jute.maxbuffer=0x9fffff", "datadir.autocreate=false"}) {
      absl::StrAppend(&text, prefix, line, "\n");
    }
    ServerConfig c = Parsed(text);
    EXPECT_EQ(c.listen_backlog, 7);
    EXPECT_EQ(c.max_outstanding, 9u);
    EXPECT_EQ(c.connection_tokens, 10u);
    EXPECT_EQ(c.connection_token_fill_time, absl::Milliseconds(11));
    EXPECT_EQ(c.connection_token_fill_count, 12u);
    EXPECT_EQ(c.sessionless_timeout, absl::Milliseconds(13));
    EXPECT_TRUE(c.client_keep_alive);
    EXPECT_TRUE(c.linearizable_reads);
    EXPECT_THAT(c.enforced_schemes, ElementsAre("digest", "ip"));
    EXPECT_EQ(c.admin_command_url, "/c");
    EXPECT_EQ(c.admin_idle_timeout, absl::Milliseconds(14));
    EXPECT_EQ(c.max_data_bytes, 0x9fffffu);
    EXPECT_FALSE(c.make_directories);
    EXPECT_THAT(c.warnings, IsEmpty());
  }
}

TEST(ZooCfgTest, MetricsHaveAPortOfTheirOwnIfTheClassIsPrometheus) {
  ServerConfig c = Parsed(
      "dataDir=/d\nmetricsProvider.className=x.PrometheusMetricsProvider\n"
      "metricsProvider.httpHost=::\nmetricsProvider.httpPort=7001\n");
  EXPECT_TRUE(c.metrics_door);
  EXPECT_EQ(c.metrics_address, "::");
  EXPECT_EQ(c.metrics_port, 7001);
  EXPECT_THAT(c.warnings, IsEmpty());
  c = Parsed("dataDir=/d\nmetricsProvider.httpPort=7001\nmetricsProvider.className=x.NullMetricsProvider\n");
  EXPECT_FALSE(c.metrics_door);
  EXPECT_THAT(c.warnings, ElementsAre(HasSubstr("line 3: metricsProvider.className has no effect"),
                                      HasSubstr("line 2: metricsProvider.httpPort has no effect")));
}

TEST(ZooCfgTest, PeerTypeYieldsToTheServerLine) {
  EXPECT_THAT(Parsed("dataDir=/d\nserver.1=a:1:2\npeerType=OBSERVER\n").warnings,
              ElementsAre("line 3: peerType has no effect: the server line says participant"));
  EXPECT_THAT(Parsed("dataDir=/d\nserver.1=a:1:2\npeerType=participant\n").warnings, IsEmpty());
  EXPECT_THAT(Error("dataDir=/d\nserver.1=a:1:2\npeerType=leader\n"), HasSubstr("peerType must be"));
}

TEST(ZooCfgTest, ValuesThatZooKeeperTakesAreBroughtInsideOurBounds) {
  ServerConfig c = Parsed(
      "dataDir=/d\njute.maxbuffer=104857600\npreAllocSize=64\nsnapSizeLimitInKb=-1\n"
      "maxClientCnxns=-1\nmaxSessionTimeout=2147483647\n");
  EXPECT_EQ(c.max_data_bytes, 32u << 20);
  EXPECT_EQ(c.log_segment_bytes, 1u << 20);
  EXPECT_EQ(c.snapshot_every_bytes, ~uint64_t{0});
  EXPECT_EQ(c.max_connections_per_address, 0u);
  EXPECT_EQ(c.session_timeout_max, absl::Milliseconds(2147483647));
  EXPECT_THAT(c.warnings, ElementsAre(HasSubstr("line 2: jute.maxbuffer is taken as 33554432"),
                                      HasSubstr("line 3: preAllocSize is taken as 1024")));
}

TEST(ZooCfgTest, ASecretIsNotPrintedInItsError) {
  EXPECT_THAT(Error("dataDir=/d\nDigestAuthenticationProvider.superDigest=super:geheim\n"), Not(HasSubstr("geheim")));
}

}  // namespace
}  // namespace synod::server
