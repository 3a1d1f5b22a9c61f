"""Named tests of a script: a line for each, and the counts on the last line, as scripts/run_tests.py reads them."""
import threading
import time
import traceback


class Report:
    def __init__(self, only=""):
        self.only = only
        self.passed, self.failed = 0, 0
        self._lock = threading.Lock()

    def run(self, name, test, *args):
        """Runs one test; what it raises is its failure. Says whether it passed (or was not asked for)."""
        if self.only and self.only not in name:
            return True
        started = time.monotonic()
        try:
            test(*args)
        except Exception:  # pylint: disable=broad-except
            self.add(name, traceback.format_exc(), time.monotonic() - started)
            return False
        self.add(name, "", time.monotonic() - started)
        return True

    def add(self, name, sorrow, seconds=0.0):
        """The outcome of a test that ran elsewhere; an empty sorrow is a success."""
        with self._lock:
            if sorrow:
                self.failed += 1
                print(f"FAIL {name} ({seconds:.1f} s)\n    " + sorrow.strip().replace("\n", "\n    "), flush=True)
            else:
                self.passed += 1
                print(f"ok   {name} ({seconds:.1f} s)", flush=True)

    def end(self):
        """Prints the last line; the exit code of the process."""
        if self.passed + self.failed == 0:
            self.add("anything at all", "no test ran")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}" if what else f"got {got!r}, want {want!r}")


def check(true, what):
    if not true:
        raise AssertionError(what)


def raises(error, function, *args, **kwargs):
    """The function must fail with exactly this error; returns it."""
    try:
        result = function(*args, **kwargs)
    except Exception as e:  # pylint: disable=broad-except
        if type(e) is not error:  # pylint: disable=unidiomatic-typecheck
            raise AssertionError(f"got {type(e).__name__}({e}), want {error.__name__}") from e
        return e
    raise AssertionError(f"it returned {result!r}, want {error.__name__}")


def eventually(true, what, seconds=15.0):
    """Waits for a condition; its last value is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)
