package synod.interop;

import static synod.interop.Report.check;
import static synod.interop.Report.equal;
import static synod.interop.Report.eventually;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Recipes while every server is killed and started again in turn, the leader first. */
final class Killing {
  private static final int CLIENTS = 3;
  private static final int DOWN_MS = 2500;
  private static final int UP_MS = 1500;

  private final Ensemble ensemble;
  private final List<CuratorFramework> clients = new ArrayList<>();
  private final List<ConnectionState> states = Collections.synchronizedList(new ArrayList<>());
  private final List<Throwable> sorrows = Collections.synchronizedList(new ArrayList<>());
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stop;

  private final AtomicInteger holders = new AtomicInteger();
  private final AtomicInteger mostHolders = new AtomicInteger();
  private final AtomicInteger visits = new AtomicInteger();
  private final AtomicInteger leases = new AtomicInteger();
  private final AtomicInteger mostLeases = new AtomicInteger();
  private final AtomicInteger leased = new AtomicInteger();
  private final AtomicInteger leading = new AtomicInteger();
  private final AtomicInteger mostLeading = new AtomicInteger();
  private final Set<Integer> leaders = Collections.synchronizedSet(new TreeSet<>());
  private final AtomicInteger added = new AtomicInteger();
  private final AtomicInteger perhapsAdded = new AtomicInteger();
  private final Set<String> put = Collections.synchronizedSet(new TreeSet<>());
  private final ConcurrentLinkedQueue<String> got = new ConcurrentLinkedQueue<>();
  private final List<LeaderSelector> selectors = new ArrayList<>();
  private final List<PersistentNode> nodes = new ArrayList<>();
  private final List<GroupMember> members = new ArrayList<>();
  private CuratorCache cache;
  private CuratorFramework consumer;

  Killing(Ensemble ensemble) {
    this.ensemble = ensemble;
  }

  /** A call that may be done twice, until the connection holds. */
  static <T> T insist(Callable<T> call) throws Exception {
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (true) {
      try {
        return call.call();
      } catch (KeeperException.ConnectionLossException e) {
        if (System.nanoTime() > deadline) throw e;
        Thread.sleep(50);
      } catch (KeeperException.NodeExistsException e) {
        return null;
      }
    }
  }

  void run(Report report) {
    report.run("curator.killing.every_server_came_back", this::work);
    report.run("curator.killing.no_session_was_lost", this::noSessionWasLost);
    report.run("curator.killing.mutex", this::checkMutex);
    report.run("curator.killing.semaphore", this::checkSemaphore);
    report.run("curator.killing.leader_selector", this::checkLeaders);
    report.run("curator.killing.atomic_long", this::checkLong);
    report.run("curator.killing.queue", this::checkQueue);
    report.run("curator.killing.curator_cache", this::checkCache);
    report.run("curator.killing.persistent_node", this::checkNodes);
    report.run("curator.killing.group_member", this::checkGroup);
    for (LeaderSelector selector : selectors) selector.close();
    for (CuratorFramework client : clients) client.close();
  }

  private interface Loop {
    void turn() throws Exception;
  }

  private void loop(Loop loop) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!stop) {
                  loop.turn();
                  Thread.sleep(20);
                }
              } catch (Throwable e) {
                sorrows.add(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    threads.add(thread);
  }

  private void work() throws Exception {
    for (int i = 0; i < CLIENTS; i++) {
      CuratorFramework client = ensemble.curator(ensemble.hosts());
      client.getConnectionStateListenable().addListener((who, state) -> states.add(state));
      clients.add(client);
    }
    clients.get(0).create().creatingParentsIfNeeded().forPath("/killing/sum", "0".getBytes());
    for (int i = 0; i < CLIENTS; i++) begin(clients.get(i), i);
    cache = CuratorCache.build(clients.get(0), "/killing/tree");
    cache.start();
    loopTree(clients.get(1));
    loopQueue();
    Thread.sleep(1000);
    int leader = ensemble.leader();
    List<Integer> order = new ArrayList<>(List.of(leader));
    for (int server = 1; server <= Ensemble.SERVERS; server++) if (server != leader) order.add(server);
    for (int server : order) {
      ensemble.kill(server);
      Thread.sleep(DOWN_MS);
      ensemble.start(server);
      ensemble.waitFor(server);
      Thread.sleep(UP_MS);
    }
    stop = true;
    for (Thread thread : threads) {
      thread.join(20_000);
      check(!thread.isAlive(), "a thread hangs: " + Arrays.toString(thread.getStackTrace()));
    }
    if (!sorrows.isEmpty()) throw new AssertionError("a load failed", sorrows.get(0));
  }

  private void begin(CuratorFramework client, int number) throws Exception {
    InterProcessMutex mutex = new InterProcessMutex(client, "/killing/mutex");
    loop(
        () -> {
          mutex.acquire();
          mostHolders.accumulateAndGet(holders.incrementAndGet(), Math::max);
          client.sync().forPath("/killing/sum");
          int sum = Integer.parseInt(new String(client.getData().forPath("/killing/sum")));
          client.setData().forPath("/killing/sum", Integer.toString(sum + 1).getBytes());
          visits.incrementAndGet();
          holders.decrementAndGet();
          mutex.release();
        });
    InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, "/killing/semaphore", 2);
    loop(
        () -> {
          Lease lease = semaphore.acquire(5, TimeUnit.SECONDS);
          if (lease == null) return;
          mostLeases.accumulateAndGet(leases.incrementAndGet(), Math::max);
          leased.incrementAndGet();
          Thread.sleep(5);
          leases.decrementAndGet();
          semaphore.returnLease(lease);
        });
    LeaderSelector selector =
        new LeaderSelector(
            client,
            "/killing/leader",
            new LeaderSelectorListenerAdapter() {
              @Override
              public void takeLeadership(CuratorFramework who) throws InterruptedException {
                mostLeading.accumulateAndGet(leading.incrementAndGet(), Math::max);
                leaders.add(number);
                try {
                  Thread.sleep(50);
                } finally {
                  leading.decrementAndGet();
                }
              }
            });
    selector.autoRequeue();
    selector.start();
    selectors.add(selector);
    DistributedAtomicLong counter = new DistributedAtomicLong(client, "/killing/long", new RetryNTimes(50, 10));
    loop(
        () -> {
          int breaks = suspensions();
          AtomicValue<Long> value;
          try {
            value = counter.increment();
          } catch (KeeperException e) {
            perhapsAdded.incrementAndGet();
            return;
          }
          // Curator itself tries a write again whose answer was lost, and adds another time if it had been done.
          if (suspensions() != breaks) perhapsAdded.incrementAndGet();
          if (value.succeeded()) added.incrementAndGet();
          else perhapsAdded.incrementAndGet();
        });
    PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/killing/node-" + number, new byte[0]);
    node.start();
    nodes.add(node);
    GroupMember member = new GroupMember(client, "/killing/group", "m" + number);
    member.start();
    members.add(member);
  }

  private void loopTree(CuratorFramework client) {
    AtomicInteger turn = new AtomicInteger();
    loop(
        () -> {
          int i = turn.incrementAndGet();
          String path = "/killing/tree/" + i % 5 + "/" + i % 3;
          client.create().orSetData().creatingParentsIfNeeded().forPath(path, Integer.toString(i).getBytes());
          if (i % 7 == 0) client.delete().quietly().forPath(path);
        });
  }

  private void loopQueue() throws Exception {
    consumer = ensemble.curator(ensemble.hosts());
    consume(consumer);
    DistributedQueue<String> producing = QueueBuilder.builder(clients.get(2), (QueueConsumer<String>) null, Caches.TEXT, "/killing/queue").buildQueue();
    producing.start();
    AtomicInteger turn = new AtomicInteger();
    loop(
        () -> {
          String item = "item-" + turn.incrementAndGet();
          producing.put(item);
          put.add(item);
          Thread.sleep(30);
        });
  }

  private void consume(CuratorFramework client) throws Exception {
    QueueBuilder.builder(client, Caches.consumer(got), Caches.TEXT, "/killing/queue").lockPath("/killing/queue-lock").buildQueue().start();
  }

  private int suspensions() {
    synchronized (states) {
      return Collections.frequency(states, ConnectionState.SUSPENDED);
    }
  }

  private void noSessionWasLost() {
    check(!states.contains(ConnectionState.LOST), "" + states);
    check(suspensions() > 0, "the deaths hit nobody: this run shows nothing");
  }

  private void checkMutex() throws Exception {
    equal(mostHolders.get(), 1);
    check(visits.get() > 20, visits + " visits");
    clients.get(0).sync().forPath("/killing/sum");
    equal(new String(clients.get(0).getData().forPath("/killing/sum")), Integer.toString(visits.get()));
  }

  private void checkSemaphore() {
    check(mostLeases.get() <= 2, mostLeases + " leases of 2");
    check(leased.get() > 10, leased + " leases");
  }

  private void checkLeaders() {
    equal(mostLeading.get(), 1);
    equal(leaders, new TreeSet<>(List.of(0, 1, 2)));
  }

  private void checkLong() throws Exception {
    clients.get(0).sync().forPath("/killing/long");
    long value = new DistributedAtomicLong(clients.get(0), "/killing/long", new RetryNTimes(3, 10)).get().postValue();
    check(added.get() <= value && value <= added.get() + perhapsAdded.get(), value + " of " + added + " and perhaps " + perhapsAdded);
    check(added.get() > 20, added + " additions");
  }

  /**
   * With a lock path nothing is lost; an item whose answer was lost may come again. A lock whose answer was lost is held until the session
   * of the consumer ends, and its item goes to the next.
   */
  private void checkQueue() throws Exception {
    check(put.size() > 20, put.size() + " items");
    consumer.close();
    check(new TreeSet<>(got).size() > put.size() / 2, got.size() + " of " + put.size() + " items before the consumer left");
    consume(clients.get(1));
    eventually("all were got", 20, () -> new TreeSet<>(got).equals(put));
  }

  private void checkCache() throws Exception {
    eventually("as the tree", () -> sameAsTree("/killing/tree"));
    cache.close();
  }

  private boolean sameAsTree(String path) throws Exception {
    CuratorFramework client = clients.get(1);
    byte[] cached = cache.get(path).map(node -> node.getData()).orElse(null);
    if (!Arrays.equals(cached, client.getData().forPath(path))) return false;
    List<String> names = client.getChildren().forPath(path);
    if (cache.stream().filter(n -> n.getPath().startsWith(path + "/") && n.getPath().lastIndexOf('/') == path.length()).count() != names.size()) return false;
    for (String name : names) if (!sameAsTree(path + "/" + name)) return false;
    return true;
  }

  private void checkNodes() throws Exception {
    for (int i = 0; i < CLIENTS; i++) {
      CuratorFramework client = clients.get(i);
      client.sync().forPath("/");
      equal(client.checkExists().forPath("/killing/node-" + i).getEphemeralOwner(), client.getZookeeperClient().getZooKeeper().getSessionId());
      nodes.get(i).close();
    }
  }

  private void checkGroup() throws Exception {
    for (GroupMember member : members) {
      eventually("all are known", () -> member.getCurrentMembers().keySet().equals(Set.of("m0", "m1", "m2")));
    }
    for (GroupMember member : members) member.close();
  }
}
