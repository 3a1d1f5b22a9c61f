package synod.interop;

import static synod.interop.Report.check;
import static synod.interop.Report.equal;
import static synod.interop.Report.eventually;
import static synod.interop.Report.raises;

import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/** One server of three is left, and serves those who accept reading only (readonlymode.enabled). */
final class ReadOnly {
  private final Ensemble ensemble;

  ReadOnly(Ensemble ensemble) {
    this.ensemble = ensemble;
  }

  void run(Report report) {
    report.run("java.read_only", this::readOnly);
  }

  private void readOnly() throws Exception {
    ZooKeeper before = NewerClient.connect(ensemble.hosts());
    before.create("/read-only", "kept".getBytes(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    before.close();
    for (int server = 1; server <= Ensemble.SERVERS; server++) {
      ZooKeeper each = NewerClient.connect(ensemble.host(server));
      each.sync("/");
      check(each.exists("/read-only", false) != null, "all have it");
      each.close();
    }
    ensemble.kill(1);
    ensemble.kill(2);
    NewerClient.Log log = new NewerClient.Log();
    ZooKeeper reader = NewerClient.connect(ensemble.hosts(), log, true);
    eventually("connected for reading", 30, () -> reader.getState() == ZooKeeper.States.CONNECTEDREADONLY);
    equal(new String(reader.getData("/read-only", false, null)), "kept");
    check(reader.getChildren("/", false).contains("read-only"), "it lists");
    raises(KeeperException.NotReadOnlyException.class, () -> reader.setData("/read-only", null, -1));
    raises(
        KeeperException.NotReadOnlyException.class,
        () -> reader.create("/read-only/x", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
    ensemble.start(1);
    ensemble.start(2);
    // The client asks the other servers by isro whether one writes again.
    eventually("connected for writing", 40, () -> reader.getState() == ZooKeeper.States.CONNECTED);
    Killing.insist(() -> reader.setData("/read-only", "written".getBytes(), -1));
    equal(new String(reader.getData("/read-only", false, null)), "written");
    reader.close();
    for (int server = 1; server <= Ensemble.SERVERS; server++) ensemble.waitFor(server);
  }
}
