"""The expected differences in what operators see: words, metrics, the admin server's commands. See differences.py."""
from difference import Difference

WORDS = "Four-letter words and metrics"
ADMIN = "The admin server"
NOTHING = "(no such step)"

PIPELINE = """
prep_processor_request_queued prep_processor_queue_size prep_processor_queue_time_ms prep_process_time proposal_process_time
outstanding_changes_queued outstanding_changes_removed sync_processor_request_queued sync_processor_queue_size sync_processor_batch_size
sync_process_time sync_processor_queue_time_ms sync_processor_queue_flush_time_ms sync_processor_queue_and_flush_time_ms commit_process_time
request_commit_queued commit_commit_proc_req_queued read_commit_proc_req_queued write_commit_proc_req_queued read_commit_proc_issued
write_commit_proc_issued read_commitproc_time_ms write_commitproc_time_ms read_final_proc_time_ms write_final_proc_time_ms
requests_in_session_queue pending_session_queue_size reads_issued_from_session_queue reads_after_write_in_session_queue session_queues_drained
requests_not_forwarded_to_commit_processor concurrent_request_processing_in_commit_processor write_batch_time_in_commit_processor
time_waiting_empty_pool_in_commit_processor_read_ms skip_learner_request_to_next_processor_count learner_request_processor_queue_size
close_session_prep_time local_write_committed_time_ms server_write_committed_time_ms om_commit_process_time_ms om_proposal_process_time_ms
""".split()
REPLICATION = """
proposal_count commit_count learner_proposal_received_count learner_commit_received_count quorum_ack_latency propagation_latency
commit_propagation_latency proposal_latency proposal_ack_creation_latency N_ack_latency follower_sync_time observer_sync_time diff_count snap_count
inflight_diff_count inflight_snap_count looking_count election_time unavailable_time leader_unavailable_time quit_leading_due_to_disloyal_voter
synced_non_voting_followers N_learner_handler_qp_size N_learner_handler_qp_time_ms revalidate_count digest_mismatches_count
""".split()
STORAGE = "snapshottime dbinittime startup_txns_loaded startup_txns_load_time startup_snap_load_time unrecoverable_error_count".split()
TRAFFIC = """
connection_request_count connection_token_deficit connection_drop_probability socket_closing_time stale_requests stale_requests_dropped
stale_replies throttled_ops request_throttle_wait_count request_throttle_queue_time_ms response_bytes watch_bytes response_packet_cache_hits
response_packet_cache_misses response_packet_get_children_cache_hits response_packet_get_children_cache_misses auth_failed_count local_sessions
NAMESPACE_write_per_namespace NAMESPACE_read_per_namespace NAMESPACE_quota_exceeded_error_per_namespace
dead_watchers_queued dead_watchers_cleared dead_watchers_cleaner_latency add_dead_watcher_stall_time
""".split()
SECURITY = """
ensemble_auth_success ensemble_auth_fail ensemble_auth_skip tls_handshake_exceeded outstanding_tls_handshake unsuccessful_handshake
non_mtls_remote_conn_count non_mtls_local_conn_count insecure_admin_count jvm_pause_time_ms netty_queued_buffer_capacity
""".split()
WATCH_COUNTS = "node_created_watch_count node_deleted_watch_count node_changed_watch_count node_children_watch_count".split()
JAVA = "java.version java.vendor java.home java.class.path java.library.path java.io.tmpdir java.compiler".split()


def absent(metrics):
    """Steps that say that mntr and /monitor show these in ZooKeeper only."""
    return tuple((scenario, f"{word} at *: {name}", "*", NOTHING) for name in metrics
                 for scenario, word in (("mntr", "mntr"), ("admin-commands-of-an-ensemble", "/monitor")))


def metrics_of(what, metrics, reason):
    return Difference(WORDS, f"Metrics of {what}: " + ", ".join(metrics), "shown", "not shown", reason, absent(metrics))


OPERATORS = [
    Difference(
        WORDS, "The default of `4lw.commands.whitelist`", "srvr", "ruok, srvr, stat, isro, mntr, conf, envi, dirs, wchs",
        "They do no harm. Those that name sessions or reset counters have to be allowed.",
        (("alone-whitelist", "* alone", "* is not executed because it is not in the whitelist.*", "runs"),)),
    Difference(
        WORDS, "gtmk, stmk, hash", "the trace mask; a digest log", "refused as not in the whitelist", "They are about ZooKeeper's insides.",
        (("short-words", "gtmk at *", "'N'", "'gtmk is not executed *"), ("not-serving", "gtmk", "306", "gtmk is not executed *"))),
    Difference(
        WORDS, "java.* in envi and /commands/environment", "shown", "not shown", "There is no Java.",
        tuple((scenario, f"*: {key}", "text", NOTHING) for key in JAVA for scenario in ("envi", "admin-commands"))),
    Difference(
        WORDS, "zk_followers in mntr", "not shown since 3.6", "shown beside zk_learners", "Exporters still read it.",
        (("mntr", "mntr at leader: followers", NOTHING, "integer"),
         ("admin-commands-of-an-ensemble", "/monitor at leader: followers", NOTHING, "integer"))),
    Difference(
        WORDS, "zk_pending_syncs in mntr of a follower", "not shown", "shown", "Every server of ours may have some.",
        (("mntr", "mntr at follower: pending_syncs", NOTHING, "integer"),
         ("admin-commands-of-an-ensemble", "/monitor at follower: pending_syncs", NOTHING, "integer"))),
    Difference(
        WORDS, "Summaries " + ", ".join(WATCH_COUNTS), "avg, min, max, cnt and sum", "sum", "How many were fired is what counts.",
        tuple(("mntr", f"mntr at *: {name}", "avg cnt max min sum", "sum") for name in WATCH_COUNTS)
        + tuple(("admin-commands-of-an-ensemble", f"/monitor at *: {name}", "avg cnt max min sum", "sum") for name in WATCH_COUNTS)),
    Difference(
        WORDS, "fsynctime", "avg, min, max, cnt and sum", "quantiles too", "Disks are judged by their slow syncs.",
        (("mntr", "mntr at *: fsynctime", "avg cnt max min sum", "avg cnt max min p50 p95 p99 p999 sum"),
         ("admin-commands-of-an-ensemble", "/monitor at *: fsynctime", "avg cnt max min sum", "avg cnt max min p50 p95 p99 p999 sum"))),
    metrics_of("the stages and queues that a request passes in ZooKeeper", PIPELINE, "Synod has no such stages: one loop does it all."),
    metrics_of("ZooKeeper's replication", REPLICATION, "Raft is not Zab; see synod_* at /metrics."),
    metrics_of("ZooKeeper's log and snapshots", STORAGE, "Ours are other files; see synod_* at /metrics."),
    metrics_of("connections and watches", TRAFFIC, "Not counted, or of caches, queues and cleaners that Synod does not have."),
    metrics_of("TLS, SASL between servers, and Java", SECURITY, "There is none of it."),
    Difference(
        ADMIN, "Commands that are unknown", "status 200 and an error", "status 404 and the error", "The status is what scripts look at.",
        (("admin-commands", "/nosuch", "200 *", "404 *"),)),
    Difference(
        ADMIN, "/commands/get_trace_mask, set_trace_mask and hash", "the trace mask; a digest log", "status 501",
        "They are about ZooKeeper's insides.",
        (("admin-commands", "/get_trace_mask at alone: *", "*", "*"), ("admin-commands", "/hash at alone: *", "*", "*"))),
    Difference(
        ADMIN, "server_stats: fsync_threshold_exceed_count, auth_failed_count, non_mtlsremote_conn_count, non_mtlslocal_conn_count", "shown",
        "not shown", "As in mntr.",
        tuple((scenario, f"/*stats at *: server_stats.{key}", "number", NOTHING) for scenario in ("admin-commands", "admin-commands-of-an-ensemble")
              for key in ("fsync_threshold_exceed_count", "auth_failed_count", "non_mtlsremote_conn_count", "non_mtlslocal_conn_count"))),
    Difference(
        ADMIN, "zabstate: which addresses of a server can be reached", "shown", "not shown", "A server has one address.",
        tuple(("admin-commands-of-an-ensemble", f"/zabstate at *: *_address.{key}", "text", NOTHING)
              for key in ("all_reachable_addresses[]", "reachable_address", "all_reachable_addresses_or_all[]", "reachable_or_one"))),
]
