package synod.interop;

/**
 * Curator's recipes, and what the Java client of ZooKeeper 3.9 added, against an ensemble that runs.
 *
 * <p>Main CONTROL BASE_PORT AGAINST ONLY: the words that work the ensemble, its first port less one, synod or zookeeper, and
 * a part of the tests' names.
 */
public final class Main {
  public static void main(String[] words) {
    Ensemble ensemble = new Ensemble(words[0], Integer.parseInt(words[1]));
    boolean synod = words[2].equals("synod");
    Report report = new Report(words[3]);
    new Recipes(ensemble).run(report);
    new Caches(ensemble).run(report);
    new NewerClient(ensemble, synod).run(report);
    new Killing(ensemble).run(report);
    if (synod) new ReadOnly(ensemble).run(report);
    int code = report.end();
    System.out.flush();
    // A test that failed may have left a client behind.
    Runtime.getRuntime().halt(code);
  }

  private Main() {}
}
