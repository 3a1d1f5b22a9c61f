package synod.interop;

import static synod.interop.Report.check;
import static synod.interop.Report.equal;
import static synod.interop.Report.eventually;
import static synod.interop.Report.raises;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/** The recipes on an ensemble that is well; contenders are clients of different servers. */
final class Recipes {
  private final Ensemble ensemble;
  private final List<CuratorFramework> clients = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  Recipes(Ensemble ensemble) {
    this.ensemble = ensemble;
  }

  void run(Report report) {
    report.prepare(
        "curator.recipes.connect",
        () -> {
          for (int i = 1; i <= Ensemble.SERVERS; i++) clients.add(ensemble.curator(ensemble.host(i)));
        });
    report.run("curator.recipes.mutex", this::mutex);
    report.run("curator.recipes.read_write_lock", this::readWriteLock);
    report.run("curator.recipes.semaphores", this::semaphores);
    report.run("curator.recipes.leader_latch", this::leaderLatch);
    report.run("curator.recipes.leader_selector", this::leaderSelector);
    report.run("curator.recipes.barriers", this::barriers);
    report.run("curator.recipes.shared_count", this::sharedCount);
    report.run("curator.recipes.atomic_long", this::atomicLong);
    report.run("curator.recipes.simple_queue", this::simpleQueue);
    report.run("curator.recipes.persistent_node", this::persistentNode);
    report.run("curator.recipes.persistent_ttl_node", this::persistentTtlNode);
    report.run("curator.recipes.group_member", this::groupMember);
    report.run("curator.recipes.transactions", this::transactions);
    report.run("curator.recipes.creates", this::creates);
    report.run("curator.recipes.service_discovery", this::serviceDiscovery);
    for (CuratorFramework client : clients) client.close();
    threads.shutdownNow();
  }

  private CuratorFramework client(int i) {
    return clients.get(i);
  }

  private void mutex() throws Exception {
    InterProcessMutex one = new InterProcessMutex(client(0), "/curator/mutex");
    InterProcessMutex two = new InterProcessMutex(client(1), "/curator/mutex");
    one.acquire();
    one.acquire();
    check(!two.acquire(200, TimeUnit.MILLISECONDS), "it is held");
    one.release();
    check(one.isOwnedByCurrentThread(), "acquired twice, released once");
    Future<Boolean> other = threads.submit(() -> two.acquire(10, TimeUnit.SECONDS));
    eventually("two in line", () -> one.getParticipantNodes().size() == 2);
    check(!other.isDone(), "it is still held");
    one.release();
    check(other.get(), "handed on");
    // Each within its own thread, over all servers.
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    List<Future<?>> all = new ArrayList<>();
    for (CuratorFramework client : clients) {
      all.add(
          threads.submit(
              () -> {
                InterProcessMutex mine = new InterProcessMutex(client, "/curator/contended");
                for (int i = 0; i < 15; i++) {
                  mine.acquire();
                  most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                  inside.decrementAndGet();
                  mine.release();
                }
                return null;
              }));
    }
    for (Future<?> future : all) future.get(30, TimeUnit.SECONDS);
    equal(most.get(), 1);
    InterProcessMultiLock multi = new InterProcessMultiLock(client(2), List.of("/curator/multi/a", "/curator/multi/b"));
    multi.acquire();
    check(!new InterProcessMutex(client(0), "/curator/multi/b").acquire(100, TimeUnit.MILLISECONDS), "both are held");
    multi.release();
  }

  private void readWriteLock() throws Exception {
    InterProcessReadWriteLock one = new InterProcessReadWriteLock(client(0), "/curator/rw");
    InterProcessReadWriteLock two = new InterProcessReadWriteLock(client(1), "/curator/rw");
    one.readLock().acquire();
    check(two.readLock().acquire(5, TimeUnit.SECONDS), "readers share");
    check(!two.writeLock().acquire(200, TimeUnit.MILLISECONDS), "a writer waits for readers");
    one.readLock().release();
    two.readLock().release();
    check(two.writeLock().acquire(5, TimeUnit.SECONDS), "nobody reads");
    check(two.readLock().acquire(5, TimeUnit.SECONDS), "who writes may read");
    check(!one.readLock().acquire(200, TimeUnit.MILLISECONDS), "the writer is alone");
    two.writeLock().release();
    check(one.readLock().acquire(5, TimeUnit.SECONDS), "a writer became a reader");
    two.readLock().release();
    one.readLock().release();
  }

  private void semaphores() throws Exception {
    InterProcessSemaphoreV2 one = new InterProcessSemaphoreV2(client(0), "/curator/semaphore", 2);
    InterProcessSemaphoreV2 two = new InterProcessSemaphoreV2(client(1), "/curator/semaphore", 2);
    Lease first = one.acquire();
    Lease second = two.acquire();
    equal(two.acquire(200, TimeUnit.MILLISECONDS), null);
    equal(one.getParticipantNodes().size(), 2);
    one.returnLease(first);
    Lease third = two.acquire(5, TimeUnit.SECONDS);
    check(third != null, "a lease came free");
    two.returnLease(second);
    two.returnLease(third);
    InterProcessSemaphoreMutex mutex = new InterProcessSemaphoreMutex(client(2), "/curator/semaphore-mutex");
    mutex.acquire();
    check(!new InterProcessSemaphoreMutex(client(0), "/curator/semaphore-mutex").acquire(100, TimeUnit.MILLISECONDS), "held");
    mutex.release();
  }

  private void leaderLatch() throws Exception {
    List<LeaderLatch> latches = new ArrayList<>();
    for (int i = 0; i < clients.size(); i++) {
      latches.add(new LeaderLatch(client(i), "/curator/latch", "l" + i));
      latches.get(i).start();
      int count = i + 1;
      eventually("it stands", () -> latches.get(0).getParticipants().size() == count);
    }
    check(latches.get(0).await(5, TimeUnit.SECONDS), "the first leads");
    check(!latches.get(1).hasLeadership() && !latches.get(2).hasLeadership(), "and no other");
    equal(latches.get(2).getLeader().getId(), "l0");
    latches.get(0).close();
    check(latches.get(1).await(10, TimeUnit.SECONDS), "the second follows");
    latches.get(1).close();
    latches.get(2).close();
  }

  private void leaderSelector() throws Exception {
    ConcurrentLinkedQueue<Integer> led = new ConcurrentLinkedQueue<>();
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    List<LeaderSelector> selectors = new ArrayList<>();
    for (int i = 0; i < clients.size(); i++) {
      int number = i;
      LeaderSelector selector =
          new LeaderSelector(
              client(i),
              "/curator/selector",
              new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) throws InterruptedException {
                  most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                  led.add(number);
                  Thread.sleep(30);
                  inside.decrementAndGet();
                }
              });
      selector.autoRequeue();
      selector.start();
      selectors.add(selector);
    }
    eventually("each led twice", () -> led.stream().distinct().count() == 3 && led.size() >= 6);
    for (LeaderSelector selector : selectors) selector.close();
    equal(most.get(), 1);
  }

  private void barriers() throws Exception {
    DistributedBarrier barrier = new DistributedBarrier(client(0), "/curator/barrier");
    barrier.setBarrier();
    client(1).sync().forPath("/");
    DistributedBarrier waiting = new DistributedBarrier(client(1), "/curator/barrier");
    check(!waiting.waitOnBarrier(200, TimeUnit.MILLISECONDS), "it stands");
    Future<Boolean> passed = threads.submit(() -> waiting.waitOnBarrier(10, TimeUnit.SECONDS));
    barrier.removeBarrier();
    check(passed.get(), "it is lifted");
    AtomicInteger entered = new AtomicInteger();
    List<Future<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < clients.size(); i++) {
      CuratorFramework client = client(i);
      all.add(
          threads.submit(
              () -> {
                DistributedDoubleBarrier both = new DistributedDoubleBarrier(client, "/curator/double", 3);
                boolean in = both.enter(10, TimeUnit.SECONDS);
                entered.incrementAndGet();
                return in && both.leave(10, TimeUnit.SECONDS) && entered.get() == 3;
              }));
      if (i == 1) {
        Thread.sleep(200);
        equal(entered.get(), 0);
      }
    }
    for (Future<Boolean> future : all) check(future.get(20, TimeUnit.SECONDS), "all entered, and left");
  }

  private void sharedCount() throws Exception {
    SharedCount one = new SharedCount(client(0), "/curator/count", 7);
    SharedCount two = new SharedCount(client(1), "/curator/count", 0);
    one.start();
    two.start();
    equal(two.getCount(), 7);
    check(one.trySetCount(one.getVersionedValue(), 8), "set");
    eventually("the other sees it", () -> two.getCount() == 8);
    two.setCount(9);
    eventually("the other sees it", () -> one.getCount() == 9);
    one.close();
    two.close();
    SharedValue value = new SharedValue(client(2), "/curator/value", new byte[] {1});
    value.start();
    value.setValue(new byte[] {2, 3});
    equal(value.getValue(), new byte[] {2, 3});
    value.close();
  }

  private void atomicLong() throws Exception {
    List<Future<?>> all = new ArrayList<>();
    for (CuratorFramework client : clients) {
      all.add(
          threads.submit(
              () -> {
                PromotedToLock lock = PromotedToLock.builder().lockPath("/curator/long-lock").retryPolicy(new RetryNTimes(100, 5)).build();
                DistributedAtomicLong mine = new DistributedAtomicLong(client, "/curator/long", new RetryNTimes(3, 5), lock);
                for (int i = 0; i < 20; i++) check(mine.add(2L).succeeded() && mine.decrement().succeeded(), "it added");
                return null;
              }));
    }
    for (Future<?> future : all) future.get(30, TimeUnit.SECONDS);
    client(0).sync().forPath("/curator/long");
    equal(new DistributedAtomicLong(client(0), "/curator/long", new RetryNTimes(1, 1)).get().postValue(), 60L);
  }

  private void simpleQueue() throws Exception {
    SimpleDistributedQueue one = new SimpleDistributedQueue(client(0), "/curator/simple-queue");
    SimpleDistributedQueue two = new SimpleDistributedQueue(client(1), "/curator/simple-queue");
    equal(one.poll(), null);
    Future<byte[]> taken = threads.submit(two::take);
    check(one.offer("a".getBytes()), "offered");
    equal(taken.get(10, TimeUnit.SECONDS), "a".getBytes());
    for (int i = 0; i < 20; i++) one.offer(("i" + i).getBytes());
    for (int i = 0; i < 20; i++) equal(one.remove(), ("i" + i).getBytes());
  }

  private void persistentNode() throws Exception {
    PersistentNode node = new PersistentNode(client(0), CreateMode.EPHEMERAL, false, "/curator/persistent", "x".getBytes());
    node.start();
    check(node.waitForInitialCreate(5, TimeUnit.SECONDS), "created");
    client(1).sync().forPath("/");
    client(1).delete().forPath("/curator/persistent");
    eventually("it comes back", () -> client(1).checkExists().forPath("/curator/persistent") != null);
    node.setData("y".getBytes());
    eventually("new data", () -> new String(client(1).getData().forPath("/curator/persistent")).equals("y"));
    node.close();
    eventually("gone", () -> client(1).checkExists().forPath("/curator/persistent") == null);
  }

  private void persistentTtlNode() throws Exception {
    PersistentTtlNode node = new PersistentTtlNode(client(0), "/curator/ttl-node", 1000, "x".getBytes());
    node.start();
    check(node.waitForInitialCreate(5, TimeUnit.SECONDS), "created");
    eventually("touched", () -> client(0).checkExists().forPath("/curator/ttl-node").getNumChildren() == 1);
    node.close();
  }

  private void groupMember() throws Exception {
    List<GroupMember> members = new ArrayList<>();
    for (int i = 0; i < clients.size(); i++) {
      members.add(new GroupMember(client(i), "/curator/group", "m" + i, ("data" + i).getBytes()));
      members.get(i).start();
    }
    for (GroupMember member : members) eventually("all are known", () -> member.getCurrentMembers().size() == 3);
    equal(members.get(2).getCurrentMembers().get("m0"), "data0".getBytes());
    members.get(0).close();
    eventually("one left", () -> members.get(2).getCurrentMembers().keySet().equals(Set.of("m1", "m2")));
    members.get(1).close();
    members.get(2).close();
  }

  private void transactions() throws Exception {
    CuratorFramework client = client(0);
    client.create().orSetData().creatingParentsIfNeeded().forPath("/curator/tx", "0".getBytes());
    CuratorOp create = client.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/curator/tx/e-", "a".getBytes());
    CuratorOp set = client.transactionOp().setData().withVersion(0).forPath("/curator/tx", "1".getBytes());
    CuratorOp look = client.transactionOp().check().withVersion(1).forPath("/curator/tx");
    List<CuratorTransactionResult> results = client.transaction().forOperations(create, set, look);
    equal(results.get(0).getResultPath(), "/curator/tx/e-0000000000");
    equal(results.get(1).getResultStat().getVersion(), 1);
    CuratorOp bad = client.transactionOp().delete().forPath("/curator/none");
    raises(KeeperException.NoNodeException.class, () -> client.transaction().forOperations(create, bad));
    equal(client.getChildren().forPath("/curator/tx").size(), 1);
  }

  private void creates() throws Exception {
    CuratorFramework client = client(1);
    Stat stat = new Stat();
    String path = client.create().storingStatIn(stat).creatingParentContainersIfNeeded().forPath("/curator/c/parent/a", "abc".getBytes());
    equal(path, "/curator/c/parent/a");
    equal(stat.getDataLength(), 3);
    String guarded = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/curator/c/p-");
    check(guarded.endsWith("p-0000000001") && guarded.contains("_c_"), guarded);
    equal(client.create().idempotent().forPath("/curator/c/parent/a", "abc".getBytes()), "/curator/c/parent/a");
    client.create().withTtl(600_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath("/curator/c/t-");
    client.create().withMode(CreateMode.CONTAINER).forPath("/curator/c/container");
    client.setData().idempotent().withVersion(0).forPath("/curator/c/parent/a", "new".getBytes());
    client.setData().idempotent().withVersion(0).forPath("/curator/c/parent/a", "new".getBytes());
    Set<String> names = new TreeSet<>(client.getChildren().storingStatIn(stat).forPath("/curator/c"));
    equal(stat.getNumChildren(), names.size());
    CountDownLatch told = new CountDownLatch(1);
    client.create().inBackground((who, event) -> told.countDown()).forPath("/curator/c/background");
    check(told.await(5, TimeUnit.SECONDS), "told in the background");
    client.delete().guaranteed().deletingChildrenIfNeeded().forPath("/curator/c");
    equal(client.checkExists().forPath("/curator/c"), null);
    client.delete().quietly().forPath("/curator/c");
    equal(client.getACL().forPath("/curator").size(), 1);
  }

  private void serviceDiscovery() throws Exception {
    List<ServiceDiscovery<Void>> all = new ArrayList<>();
    for (int i = 0; i < clients.size(); i++) {
      ServiceInstance<Void> instance = ServiceInstance.<Void>builder().name("svc").id("i" + i).address("127.0.0.1").port(1000 + i).build();
      ServiceDiscovery<Void> mine =
          ServiceDiscoveryBuilder.builder(Void.class).client(client(i)).basePath("/curator/discovery").thisInstance(instance).build();
      mine.start();
      all.add(mine);
    }
    eventually("three instances", () -> all.get(0).queryForInstances("svc").size() == 3);
    equal(all.get(2).queryForInstance("svc", "i0").getPort(), 1000);
    equal(new ArrayList<>(all.get(1).queryForNames()), Collections.singletonList("svc"));
    all.get(0).close();
    eventually("two instances", () -> all.get(1).queryForInstances("svc").size() == 2);
    all.get(1).close();
    all.get(2).close();
  }
}
