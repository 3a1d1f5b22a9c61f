package synod.interop;

import static synod.interop.Report.check;
import static synod.interop.Report.equal;
import static synod.interop.Report.eventually;
import static synod.interop.Report.raises;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Stat;

/** What the Java client gained from 3.5 to 3.9, by itself. */
final class NewerClient {
  /** Events of nodes as text, in order; connection states apart. */
  static final class Log implements Watcher {
    final List<WatchedEvent> events = Collections.synchronizedList(new ArrayList<>());
    final List<Event.KeeperState> states = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void process(WatchedEvent event) {
      if (event.getType() == EventType.None) states.add(event.getState());
      else events.add(event);
    }

    List<String> texts() {
      synchronized (events) {
        return events.stream().map(e -> e.getType() + " " + e.getPath()).collect(Collectors.toList());
      }
    }
  }

  private final Ensemble ensemble;
  private final boolean synod;
  private ZooKeeper zk;
  private ZooKeeper writer;

  NewerClient(Ensemble ensemble, boolean synod) {
    this.ensemble = ensemble;
    this.synod = synod;
  }

  static ZooKeeper connect(String hosts, Watcher watcher, boolean readOnly) throws Exception {
    return new ZooKeeper(hosts, Ensemble.SESSION_MS, watcher, readOnly);
  }

  static ZooKeeper connect(String hosts) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper zk =
        connect(
            hosts,
            event -> {
              if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
            },
            false);
    check(connected.await(20, TimeUnit.SECONDS), "connected");
    return zk;
  }

  void run(Report report) {
    report.prepare(
        "java.newer.connect",
        () -> {
          zk = connect(ensemble.host(1));
          writer = connect(ensemble.host(2));
          create("/newer");
        });
    report.run("java.newer.persistent_watch", this::persistentWatch);
    report.run("java.newer.recursive_watch", this::recursiveWatch);
    report.run("java.newer.both_on_one_path", this::bothOnOnePath);
    report.run("java.newer.watches_removed", this::watchesRemoved);
    if (synod) report.run("java.newer.watches_removed_by_the_types_of_39", this::watchesRemovedByType);
    if (synod) report.run("java.newer.events_carry_their_zxid", this::eventsCarryTheirZxid);
    if (synod) report.run("java.newer.ttl_nodes_and_containers_go", this::ttlNodesAndContainersGo);
    report.run("java.newer.who_am_i", this::whoAmI);
    report.run("java.newer.multi", this::multi);
    report.run("java.newer.multi_read", this::multiRead);
    report.run("java.newer.all_children_number", this::allChildrenNumber);
    report.run("java.newer.ephemerals", this::ephemerals);
    report.run("java.newer.creates_with_stat", this::createsWithStat);
    report.run("java.newer.configuration", this::configuration);
    report.run("java.newer.asynchronous_order", this::asynchronousOrder);
    report.run("java.newer.session_resumed", this::sessionResumed);
    report.run("java.newer.set_watches_2", this::setWatches2);
    try {
      if (zk != null) zk.close();
      if (writer != null) writer.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void create(String path) throws Exception {
    writer.create(path, new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
  }

  private static void waitFor(Log log, int count) throws Exception {
    try {
      eventually(count + " events", () -> log.events.size() >= count);
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; came: " + log.texts(), e);
    }
  }

  private void persistentWatch() throws Exception {
    Log log = new Log();
    zk.addWatch("/newer/p", log, AddWatchMode.PERSISTENT);
    create("/newer/p");
    writer.setData("/newer/p", new byte[1], -1);
    writer.setData("/newer/p", new byte[2], -1);
    create("/newer/p/child");
    writer.setData("/newer/p/child", new byte[1], -1);
    writer.delete("/newer/p/child", -1);
    writer.delete("/newer/p", -1);
    create("/newer/p");
    waitFor(log, 7);
    equal(
        log.texts(),
        List.of(
            "NodeCreated /newer/p",
            "NodeDataChanged /newer/p",
            "NodeDataChanged /newer/p",
            "NodeChildrenChanged /newer/p",
            "NodeChildrenChanged /newer/p",
            "NodeDeleted /newer/p",
            "NodeCreated /newer/p"));
  }

  private void recursiveWatch() throws Exception {
    Log log = new Log();
    zk.addWatch("/newer/r", log, AddWatchMode.PERSISTENT_RECURSIVE);
    for (String path : List.of("/newer/r", "/newer/r/a", "/newer/r/a/b", "/newer/r2")) create(path);
    writer.setData("/newer/r/a/b", new byte[1], -1);
    writer.delete("/newer/r/a/b", -1);
    writer.delete("/newer/r/a", -1);
    waitFor(log, 6);
    equal(
        log.texts(),
        List.of(
            "NodeCreated /newer/r",
            "NodeCreated /newer/r/a",
            "NodeCreated /newer/r/a/b",
            "NodeDataChanged /newer/r/a/b",
            "NodeDeleted /newer/r/a/b",
            "NodeDeleted /newer/r/a"));
  }

  /** A one-shot and a recursive watch of one client: one event of the server tells both watchers. */
  private void bothOnOnePath() throws Exception {
    create("/newer/both");
    Log recursive = new Log();
    Log once = new Log();
    zk.sync("/");
    zk.addWatch("/newer", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
    zk.getData("/newer/both", once, null);
    writer.setData("/newer/both", new byte[1], -1);
    writer.setData("/newer/both", new byte[2], -1);
    waitFor(recursive, 2);
    equal(recursive.texts(), List.of("NodeDataChanged /newer/both", "NodeDataChanged /newer/both"));
    equal(once.texts(), List.of("NodeDataChanged /newer/both"));
    zk.removeAllWatches("/newer", Watcher.WatcherType.Any, false);
  }

  private void watchesRemoved() throws Exception {
    create("/newer/removed");
    zk.sync("/");
    Log log = new Log();
    raises(KeeperException.NoWatcherException.class, () -> remove("/newer/removed", log, Watcher.WatcherType.Any));
    zk.getData("/newer/removed", log, null);
    zk.getChildren("/newer/removed", log);
    remove("/newer/removed", log, Watcher.WatcherType.Children);
    removeAll("/newer/removed", Watcher.WatcherType.Data);
    waitFor(log, 2);
    equal(new TreeSet<>(log.texts()), new TreeSet<>(List.of("ChildWatchRemoved /newer/removed", "DataWatchRemoved /newer/removed")));
    zk.addWatch("/newer/removed", log, AddWatchMode.PERSISTENT_RECURSIVE);
    removeAll("/newer/removed", Watcher.WatcherType.Any);
    waitFor(log, 3);
    writer.setData("/newer/removed", new byte[1], -1);
    create("/newer/removed/a");
    zk.sync("/");
    zk.exists("/newer/removed", false);
    equal(log.events.size(), 3);
  }

  private Void remove(String path, Watcher watcher, Watcher.WatcherType type) throws Exception {
    zk.removeWatches(path, watcher, type, false);
    return null;
  }

  private Void removeAll(String path, Watcher.WatcherType type) throws Exception {
    zk.removeAllWatches(path, type, false);
    return null;
  }

  private void watchesRemovedByType() throws Exception {
    create("/newer/types");
    zk.sync("/");
    Log persistent = new Log();
    Log recursive = new Log();
    zk.addWatch("/newer/types", persistent, AddWatchMode.PERSISTENT);
    zk.addWatch("/newer/types", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
    removeAll("/newer/types", Watcher.WatcherType.Persistent);
    waitFor(persistent, 1);
    equal(persistent.texts(), List.of("PersistentWatchRemoved /newer/types"));
    create("/newer/types/a");
    waitFor(recursive, 1);
    equal(recursive.texts(), List.of("NodeCreated /newer/types/a"));
    equal(persistent.events.size(), 1);
    raises(KeeperException.NoWatcherException.class, () -> removeAll("/newer/types", Watcher.WatcherType.Persistent));
    removeAll("/newer/types", Watcher.WatcherType.PersistentRecursive);
    waitFor(recursive, 2);
    create("/newer/types/b");
    zk.sync("/");
    zk.exists("/newer/types", false);
    equal(recursive.events.size(), 2);
  }

  private void eventsCarryTheirZxid() throws Exception {
    Log log = new Log();
    zk.addWatch("/newer/zxid", log, AddWatchMode.PERSISTENT_RECURSIVE);
    create("/newer/zxid");
    Stat changed = writer.setData("/newer/zxid", new byte[1], -1);
    waitFor(log, 2);
    equal(log.events.get(0).getZxid(), changed.getCzxid());
    equal(log.events.get(1).getZxid(), changed.getMzxid());
  }

  private void ttlNodesAndContainersGo() throws Exception {
    zk.create("/newer/ttl", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, null, 300);
    zk.create("/newer/stays", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, null, 600_000);
    zk.create("/newer/container", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER);
    zk.create("/newer/unused", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER);
    zk.create("/newer/container/child", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    Log log = new Log();
    zk.exists("/newer/container", log);
    zk.delete("/newer/container/child", -1);
    eventually("the TTL node goes", () -> zk.exists("/newer/ttl", false) == null);
    eventually("the container goes", () -> zk.exists("/newer/container", false) == null);
    waitFor(log, 1);
    equal(log.texts(), List.of("NodeDeleted /newer/container"));
    check(zk.exists("/newer/stays", false) != null && zk.exists("/newer/unused", false) != null, "others stay");
  }

  private void whoAmI() throws Exception {
    ZooKeeper other = connect(ensemble.host(3));
    other.addAuthInfo("digest", "bob:secret".getBytes());
    TreeSet<String> ids = new TreeSet<>();
    for (ClientInfo info : other.whoAmI()) ids.add(info.getAuthScheme() + ":" + info.getUser());
    equal(ids, new TreeSet<>(List.of("digest:bob", "ip:127.0.0.1")));
    other.close();
  }

  private void multi() throws Exception {
    List<OpResult> results =
        zk.multi(
            List.of(
                Op.create("/newer/m", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.create("/newer/m/c", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
                Op.create("/newer/m/t-", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, 600_000),
                Op.setData("/newer/m", new byte[3], 0),
                Op.check("/newer/m", 1),
                Op.delete("/newer/m/c", 0)));
    equal(((OpResult.CreateResult) results.get(2)).getPath(), "/newer/m/t-0000000001");
    equal(((OpResult.SetDataResult) results.get(3)).getStat().getDataLength(), 3);
    KeeperException failed =
        raises(
            KeeperException.BadVersionException.class,
            () -> zk.multi(List.of(Op.delete("/newer/m/t-0000000001", -1), Op.check("/newer/m", 7), Op.delete("/newer/none", -1))));
    List<Integer> codes = failed.getResults().stream().map(r -> ((OpResult.ErrorResult) r).getErr()).collect(Collectors.toList());
    equal(codes, List.of(0, KeeperException.Code.BADVERSION.intValue(), KeeperException.Code.RUNTIMEINCONSISTENCY.intValue()));
    equal(zk.getChildren("/newer/m", false), List.of("t-0000000001"));
  }

  private void multiRead() throws Exception {
    writer.setData("/newer", "data".getBytes(), -1);
    create("/newer/read");
    create("/newer/read/a");
    zk.sync("/");
    List<OpResult> results = zk.multi(List.of(Op.getData("/newer"), Op.getChildren("/newer/read"), Op.getData("/newer/none")));
    equal(new String(((OpResult.GetDataResult) results.get(0)).getData()), "data");
    equal(((OpResult.GetChildrenResult) results.get(1)).getChildren(), List.of("a"));
    equal(((OpResult.ErrorResult) results.get(2)).getErr(), KeeperException.Code.NONODE.intValue());
  }

  private void allChildrenNumber() throws Exception {
    for (String path : List.of("/newer/count", "/newer/count/a", "/newer/count/a/b", "/newer/count/c")) create(path);
    zk.sync("/");
    equal(zk.getAllChildrenNumber("/newer/count"), 3);
    raises(KeeperException.NoNodeException.class, () -> zk.getAllChildrenNumber("/newer/none"));
  }

  private void ephemerals() throws Exception {
    for (String name : List.of("e1", "e2", "f")) zk.create("/newer/" + name, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    equal(new TreeSet<>(zk.getEphemerals()), new TreeSet<>(List.of("/newer/e1", "/newer/e2", "/newer/f")));
    equal(new TreeSet<>(zk.getEphemerals("/newer/e")), new TreeSet<>(List.of("/newer/e1", "/newer/e2")));
    equal(writer.getEphemerals(), List.of());
  }

  private void createsWithStat() throws Exception {
    for (CreateMode mode : CreateMode.values()) {
      Stat stat = new Stat();
      String path = "/newer/" + mode.name().toLowerCase() + "-";
      String made = zk.create(path, new byte[4], ZooDefs.Ids.OPEN_ACL_UNSAFE, mode, stat, mode.isTTL() ? 600_000 : -1);
      equal(made.startsWith(path) && made.length() == path.length() + (mode.isSequential() ? 10 : 0), true);
      equal(stat.getDataLength(), 4);
      equal(stat.getEphemeralOwner(), mode.isEphemeral() ? zk.getSessionId() : 0L);
      equal(zk.exists(made, false), stat);
    }
  }

  private void configuration() throws Exception {
    Stat stat = new Stat();
    String text = new String(zk.getConfig(false, stat), StandardCharsets.UTF_8);
    check(text.contains("server.1=") && text.contains("server.3=") && text.contains("version="), text);
    equal(stat.getVersion(), -1);
  }

  private void asynchronousOrder() throws Exception {
    create("/newer/order");
    zk.sync("/");
    AtomicInteger next = new AtomicInteger();
    AtomicInteger wrong = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(3000);
    for (int i = 0; i < 3000; i++) {
      zk.setData(
          "/newer/order",
          new byte[i % 100],
          i,
          (rc, path, context, stat) -> {
            if (rc != 0 || stat.getVersion() != next.incrementAndGet()) wrong.incrementAndGet();
            done.countDown();
          },
          null);
    }
    check(done.await(30, TimeUnit.SECONDS), "all are answered");
    equal(wrong.get(), 0);
  }

  private void sessionResumed() throws Exception {
    ZooKeeper first = connect(ensemble.host(1));
    first.create("/newer/resumed", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    Log log = new Log();
    ZooKeeper second = new ZooKeeper(ensemble.host(2), Ensemble.SESSION_MS, log, first.getSessionId(), first.getSessionPasswd());
    eventually("taken over", () -> log.states.contains(Watcher.Event.KeeperState.SyncConnected));
    equal(second.getSessionId(), first.getSessionId());
    second.close();
    zk.sync("/");
    equal(zk.exists("/newer/resumed", false), null);
    Log late = new Log();
    ZooKeeper third = new ZooKeeper(ensemble.host(3), Ensemble.SESSION_MS, late, first.getSessionId(), first.getSessionPasswd());
    eventually("expired", () -> late.states.contains(Watcher.Event.KeeperState.Expired));
    third.close();
    first.close();
  }

  /** After its server died a client sets all its watches again, the persistent ones by setWatches2. */
  private void setWatches2() throws Exception {
    Log states = new Log();
    ZooKeeper moving = connect(ensemble.host(1) + "," + ensemble.host(3), states, false);
    eventually("connected", () -> states.states.contains(Watcher.Event.KeeperState.SyncConnected));
    // On paths of their own: in 3.8.0 the last watch on a path replaces the others.
    for (String path : List.of("/newer/again", "/newer/again/p", "/newer/again/r", "/newer/again/o")) create(path);
    moving.sync("/");
    Log persistent = new Log();
    Log recursive = new Log();
    Log once = new Log();
    moving.addWatch("/newer/again/p", persistent, AddWatchMode.PERSISTENT);
    moving.addWatch("/newer/again/r", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
    moving.getData("/newer/again/o", once, null);
    moving.getChildren("/newer/again/o", once);
    moving.exists("/newer/again/missing", once);
    moving.create("/newer/again-own", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    for (int server : new int[] {1, 3}) {
      ensemble.kill(server);
      ensemble.start(server);
      ensemble.waitFor(server);
    }
    eventually("connected again", () -> moving.getState() == ZooKeeper.States.CONNECTED && states.states.contains(Watcher.Event.KeeperState.Disconnected));
    // Its answer is behind that of setWatches2: what changes from here on is told.
    Killing.insist(() -> moving.exists("/newer", false));
    String[] paths = {"/newer/again/p/a", "/newer/again/p/a/b", "/newer/again/r/a", "/newer/again/r/a/b", "/newer/again/o/a", "/newer/again/missing"};
    for (String path : paths) Killing.insist(() -> writer.create(path, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
    for (String path : List.of("/newer/again/p", "/newer/again/r", "/newer/again/o")) {
      Killing.insist(() -> writer.setData(path, new byte[1], -1));
    }
    waitFor(persistent, 2);
    waitFor(recursive, 3);
    waitFor(once, 3);
    equal(persistent.texts(), List.of("NodeChildrenChanged /newer/again/p", "NodeDataChanged /newer/again/p"));
    equal(recursive.texts(), List.of("NodeCreated /newer/again/r/a", "NodeCreated /newer/again/r/a/b", "NodeDataChanged /newer/again/r"));
    equal(once.texts(), List.of("NodeChildrenChanged /newer/again/o", "NodeCreated /newer/again/missing", "NodeDataChanged /newer/again/o"));
    equal(moving.exists("/newer/again-own", false).getEphemeralOwner(), moving.getSessionId());
    check(!states.states.contains(Watcher.Event.KeeperState.Expired), "the session lives");
    moving.close();
  }
}
