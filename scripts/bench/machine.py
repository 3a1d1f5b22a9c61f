"""What the machine itself does while something is measured: how long a sync takes, how fast one core spins, what was stolen."""
import os
import time


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def sync_probe(directory, count=200):
    """Median microseconds of overwriting 200 bytes of a file that has its blocks, and fdatasync."""
    path = os.path.join(directory, "sync-probe")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(fd, b"\0" * (1 << 20))
        os.fsync(fd)
        took = []
        for i in range(count):
            started = time.perf_counter()
            os.pwrite(fd, b"x" * 200, i * 4096 % (1 << 20))
            os.fdatasync(fd)
            took.append(time.perf_counter() - started)
        return median(took) * 1e6
    finally:
        os.close(fd)
        os.unlink(path)


def spin_probe():
    """Milliseconds of a fixed piece of arithmetic: it drifts with the clock of the core and with what else runs."""
    took = []
    for _ in range(5):
        started = time.perf_counter()
        x = 0
        for i in range(200_000):
            x = (x * 31 + i) & 0xFFFFFFFF
        took.append(time.perf_counter() - started)
    return median(took) * 1e3


def cpu_times():
    with open("/proc/stat") as f:
        fields = [int(field) for field in f.readline().split()[1:]]
    busy = sum(fields[:3]) + sum(fields[5:8])
    return {"busy": busy, "all": busy + fields[3] + fields[4], "steal": fields[7]}


class Watch:
    """Steal, and what is busy, from its beginning."""

    def __init__(self):
        self.before = cpu_times()

    def percent(self, what):
        now = cpu_times()
        return 100.0 * (now[what] - self.before[what]) / max(1, now["all"] - self.before["all"])


def idle_check(seconds=1.0):
    """Percent of the machine that is busy when nothing of ours runs."""
    watch = Watch()
    time.sleep(seconds)
    return watch.percent("busy")


def file_system(path):
    """Type of the file system that holds path."""
    path = os.path.realpath(path)
    best = ("", "unknown")
    with open("/proc/mounts") as f:
        for line in f:
            _, point, kind = line.split()[:3]
            if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]
