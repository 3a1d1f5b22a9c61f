package synod.interop;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;

/** Named tests: a line for each, and the counts on the last line. */
final class Report {
  interface Test {
    void run() throws Exception;
  }

  private final String only;
  private int passed;
  private int failed;

  Report(String only) {
    this.only = only;
  }

  /** What tests need first: always done, and a test of its own. */
  void prepare(String name, Test test) {
    measure(name, test);
  }

  void run(String name, Test test) {
    if (name.contains(only)) measure(name, test);
  }

  private void measure(String name, Test test) {
    long started = System.nanoTime();
    String sorrow = "";
    try {
      test.run();
    } catch (Throwable e) {
      StringBuilder text = new StringBuilder("    " + e + "\n");
      for (StackTraceElement frame : e.getStackTrace()) {
        if (frame.getClassName().startsWith("synod.")) text.append("      at ").append(frame).append('\n');
      }
      if (e.getCause() != null) text.append("    because of ").append(e.getCause()).append('\n');
      sorrow = text.toString();
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    System.out.printf("%s %s (%.1f s)%n%s", sorrow.isEmpty() ? "ok  " : "FAIL", name, seconds, sorrow);
    if (sorrow.isEmpty()) passed++;
    else failed++;
  }

  int end() {
    System.out.printf("%d passed, %d failed%n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
  }

  static void check(boolean isTrue, String what) {
    if (!isTrue) throw new AssertionError(what);
  }

  static void equal(Object got, Object want) {
    boolean same = got instanceof byte[] ? Arrays.equals((byte[]) got, (byte[]) want) : Objects.equals(got, want);
    if (!same) throw new AssertionError("got " + got + ", want " + want);
  }

  /** Waits for a condition. */
  static void eventually(String what, int seconds, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + seconds * 1_000_000_000L;
    while (!condition.call()) {
      if (System.nanoTime() > deadline) throw new AssertionError("not within " + seconds + " s: " + what);
      Thread.sleep(20);
    }
  }

  static void eventually(String what, Callable<Boolean> condition) throws Exception {
    eventually(what, 15, condition);
  }

  /** The call must fail with exactly this exception, which it returns. */
  static <E extends Exception> E raises(Class<E> kind, Callable<?> call) throws Exception {
    Object result;
    try {
      result = call.call();
    } catch (Exception e) {
      if (e.getClass() == kind) return kind.cast(e);
      throw new AssertionError("got " + e + ", want " + kind.getSimpleName(), e);
    }
    throw new AssertionError("it returned " + result + ", want " + kind.getSimpleName());
  }
}
