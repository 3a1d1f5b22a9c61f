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
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;

/** Caches, which live by watches, the queue made of one, and the removal of watches. */
@SuppressWarnings("deprecation")
final class Caches {
  /** Text as bytes, for the queue. */
  static final QueueSerializer<String> TEXT =
      new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
          return item.getBytes();
        }

        @Override
        public String deserialize(byte[] bytes) {
          return new String(bytes);
        }
      };

  private final Ensemble ensemble;
  private CuratorFramework reader;
  private CuratorFramework writer;

  Caches(Ensemble ensemble) {
    this.ensemble = ensemble;
  }

  void run(Report report) {
    report.prepare(
        "curator.caches.connect",
        () -> {
          reader = ensemble.curator(ensemble.host(1));
          writer = ensemble.curator(ensemble.host(2));
          writer.createContainers("/caches");
          reader.sync().forPath("/");
        });
    report.run("curator.caches.curator_cache", this::curatorCache);
    report.run("curator.caches.path_children_cache", this::pathChildrenCache);
    report.run("curator.caches.node_cache", this::nodeCache);
    report.run("curator.caches.tree_cache", this::treeCache);
    report.run("curator.caches.persistent_watcher", this::persistentWatcher);
    report.run("curator.caches.watches_are_removed", this::watchesAreRemoved);
    report.run("curator.caches.distributed_queue", this::distributedQueue);
    if (reader != null) reader.close();
    if (writer != null) writer.close();
  }

  private void put(String path, String data) throws Exception {
    writer.create().orSetData().creatingParentsIfNeeded().forPath(path, data.getBytes());
  }

  private void curatorCache() throws Exception {
    put("/caches/curator/a", "1");
    reader.sync().forPath("/");
    ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    CountDownLatch initialized = new CountDownLatch(1);
    CuratorCache cache = CuratorCache.build(reader, "/caches/curator");
    cache
        .listenable()
        .addListener(
            CuratorCacheListener.builder()
                .forCreates(node -> seen.add("+" + node.getPath()))
                .forChanges((before, after) -> seen.add("=" + after.getPath() + ":" + new String(after.getData())))
                .forDeletes(node -> seen.add("-" + node.getPath()))
                .forInitialized(initialized::countDown)
                .build());
    cache.start();
    check(initialized.await(10, TimeUnit.SECONDS), "initialized");
    put("/caches/curator/a", "2");
    put("/caches/curator/a/b/c", "deep");
    eventually("the deep one", () -> cache.get("/caches/curator/a/b/c").isPresent());
    eventually("the change", () -> seen.contains("=/caches/curator/a:2"));
    writer.delete().deletingChildrenIfNeeded().forPath("/caches/curator/a");
    eventually("all gone", () -> cache.size() == 1);
    // The cache forgets a node before its listeners hear of that.
    List<String> all =
        List.of("+/caches/curator", "+/caches/curator/a", "+/caches/curator/a/b/c", "-/caches/curator/a/b/c", "-/caches/curator/a");
    eventually("every change is heard", () -> seen.containsAll(all));
    // Many quick changes: the cache ends up as the tree.
    for (int i = 0; i < 200; i++) put("/caches/curator/n" + i % 20 + "/x", Integer.toString(i));
    eventually("as the tree", () -> cache.size() == 41 && sameAsTree(cache));
    cache.close();
  }

  private boolean sameAsTree(CuratorCache cache) throws Exception {
    for (int i = 0; i < 20; i++) {
      String path = "/caches/curator/n" + i + "/x";
      byte[] data = cache.get(path).map(node -> node.getData()).orElse(null);
      if (!Arrays.equals(data, Integer.toString(180 + i).getBytes())) return false;
    }
    return true;
  }

  private void pathChildrenCache() throws Exception {
    put("/caches/path/a", "1");
    reader.sync().forPath("/");
    ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    PathChildrenCache cache = new PathChildrenCache(reader, "/caches/path", true);
    cache.getListenable().addListener((client, event) -> seen.add(event.getType() + (event.getData() == null ? "" : " " + event.getData().getPath())));
    cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
    equal(cache.getCurrentData().size(), 1);
    put("/caches/path/b", "1");
    eventually("added", () -> seen.contains("CHILD_ADDED /caches/path/b"));
    put("/caches/path/a", "2");
    eventually("updated", () -> seen.contains("CHILD_UPDATED /caches/path/a"));
    writer.delete().forPath("/caches/path/b");
    eventually("removed", () -> seen.contains("CHILD_REMOVED /caches/path/b"));
    cache.close();
  }

  private void nodeCache() throws Exception {
    NodeCache cache = new NodeCache(reader, "/caches/node");
    cache.start(true);
    equal(cache.getCurrentData(), null);
    put("/caches/node", "1");
    eventually("there", () -> cache.getCurrentData() != null);
    put("/caches/node", "2");
    eventually("changed", () -> new String(cache.getCurrentData().getData()).equals("2"));
    writer.delete().forPath("/caches/node");
    eventually("gone", () -> cache.getCurrentData() == null);
    cache.close();
  }

  private void treeCache() throws Exception {
    put("/caches/tree/a/b", "1");
    reader.sync().forPath("/");
    TreeCache cache = new TreeCache(reader, "/caches/tree");
    cache.start();
    eventually("read", () -> cache.getCurrentData("/caches/tree/a/b") != null);
    put("/caches/tree/a/c", "2");
    eventually("two children", () -> cache.getCurrentChildren("/caches/tree/a").keySet().equals(Set.of("b", "c")));
    writer.delete().deletingChildrenIfNeeded().forPath("/caches/tree/a");
    eventually("gone", () -> cache.getCurrentData("/caches/tree/a") == null);
    cache.close();
  }

  private void persistentWatcher() throws Exception {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    PersistentWatcher watcher = new PersistentWatcher(reader, "/caches/watched", true);
    watcher.getListenable().addListener(event -> seen.add(event.getType() + " " + event.getPath()));
    watcher.start();
    // It is set in the background.
    eventually(
        "the watch is set",
        () -> {
          put("/caches/watched/probe", "x");
          writer.delete().forPath("/caches/watched/probe");
          return !seen.isEmpty();
        });
    put("/caches/watched/a/b", "1");
    put("/caches/watched/a/b", "2");
    writer.delete().forPath("/caches/watched/a/b");
    eventually("the last event", () -> seen.contains("NodeDeleted /caches/watched/a/b"));
    List<String> of = new ArrayList<>(seen);
    of.removeIf(line -> !line.endsWith("/a") && !line.endsWith("/a/b"));
    equal(of, List.of("NodeCreated /caches/watched/a", "NodeCreated /caches/watched/a/b", "NodeDataChanged /caches/watched/a/b", "NodeDeleted /caches/watched/a/b"));
    watcher.close();
  }

  private void watchesAreRemoved() throws Exception {
    put("/caches/removed", "1");
    reader.sync().forPath("/");
    List<WatchedEvent> events = Collections.synchronizedList(new ArrayList<>());
    Watcher watcher = events::add;
    reader.getData().usingWatcher(watcher).forPath("/caches/removed");
    reader.watchers().remove(watcher).ofType(Watcher.WatcherType.Data).forPath("/caches/removed");
    eventually("told of it", () -> events.size() == 1);
    equal(events.get(0).getType(), Watcher.Event.EventType.DataWatchRemoved);
    reader.getChildren().usingWatcher(watcher).forPath("/caches/removed");
    reader.watchers().removeAll().ofType(Watcher.WatcherType.Any).forPath("/caches/removed");
    eventually("told of it", () -> events.size() == 2);
    put("/caches/removed", "2");
    put("/caches/removed/a", "2");
    reader.sync().forPath("/");
    reader.getData().forPath("/caches/removed");
    equal(events.size(), 2);
  }

  private void distributedQueue() throws Exception {
    ConcurrentLinkedQueue<String> got = new ConcurrentLinkedQueue<>();
    DistributedQueue<String> consuming = QueueBuilder.builder(reader, consumer(got), TEXT, "/caches/queue").lockPath("/caches/queue-lock").buildQueue();
    DistributedQueue<String> producing = QueueBuilder.builder(writer, (QueueConsumer<String>) null, TEXT, "/caches/queue").buildQueue();
    consuming.start();
    producing.start();
    Set<String> put = new TreeSet<>();
    for (int i = 0; i < 50; i++) {
      producing.put("item-" + i);
      put.add("item-" + i);
    }
    check(producing.flushPuts(10, TimeUnit.SECONDS), "all put");
    eventually("all got", () -> got.size() >= 50);
    equal(new ArrayList<>(new TreeSet<>(got)), new ArrayList<>(put));
    equal(got.size(), 50);
    consuming.close();
    producing.close();
  }

  static QueueConsumer<String> consumer(ConcurrentLinkedQueue<String> got) {
    return new QueueConsumer<>() {
      @Override
      public void consumeMessage(String message) {
        got.add(message);
      }

      @Override
      public void stateChanged(CuratorFramework client, ConnectionState state) {}
    };
  }
}
