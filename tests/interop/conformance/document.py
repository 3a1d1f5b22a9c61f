"""Writes docs/zookeeper_differences.md from differences.py, and tells whether the two agree."""
from differences import DIFFERENCES, INTRODUCTION, TOPICS


def text():
    lines = ["# Where Synod answers otherwise than ZooKeeper", "", *INTRODUCTION.strip().splitlines()]
    for topic, about in TOPICS:
        chosen = [d for d in DIFFERENCES if d.topic == topic]
        if not chosen:
            continue
        lines += ["", f"## {topic}", ""]
        if about:
            lines += [about, ""]
        lines += ["| What | ZooKeeper 3.8.0 | Synod | Why |", "| --- | --- | --- | --- |"]
        lines += [f"| {d.what} | {d.zookeeper} | {d.synod} | {d.reason} |" for d in chosen]
    return "\n".join(lines) + "\n"


def agrees(path):
    unknown = {d.topic for d in DIFFERENCES} - {topic for topic, _ in TOPICS}
    if unknown:
        raise ValueError(f"topics without a heading: {unknown}")
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() == text()
    except OSError:
        return False
