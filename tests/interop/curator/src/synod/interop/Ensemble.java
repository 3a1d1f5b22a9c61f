package synod.interop;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryForever;

/** The ensemble under test, run by tests/interop/support/ensemble.py, and clients of it. */
final class Ensemble {
  static final int SERVERS = 3;
  static final int SESSION_MS = 15_000;

  private final List<String> control;
  private final int basePort;

  Ensemble(String control, int basePort) {
    this.control = Arrays.asList(control.split(" "));
    this.basePort = basePort;
  }

  String host(int server) {
    return "127.0.0.1:" + (basePort + server);
  }

  String hosts() {
    return host(1) + "," + host(2) + "," + host(3);
  }

  void kill(int server) throws Exception {
    control("kill", server);
  }

  void start(int server) throws Exception {
    control("start", server);
  }

  void waitFor(int server) throws Exception {
    control("wait", server);
  }

  int leader() throws Exception {
    return Integer.parseInt(control("leader", 0).trim());
  }

  private String control(String word, int server) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(control);
    words.add(word);
    if (server > 0) words.add(Integer.toString(server));
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) throw new IOException(word + " " + server + ": " + output);
    return output;
  }

  /** A started Curator client; the caller closes it. */
  CuratorFramework curator(String hosts) throws InterruptedException {
    CuratorFramework client =
        CuratorFrameworkFactory.builder()
            .connectString(hosts)
            .sessionTimeoutMs(SESSION_MS)
            .connectionTimeoutMs(10_000)
            .retryPolicy(new RetryForever(200))
            .build();
    client.start();
    client.blockUntilConnected();
    return client;
  }
}
