"""The admin server's commands (section 21): the keys of their JSON and the kinds of their values."""
import json
import urllib.error
import urllib.request

import wire
from scenario import scenario
from scenarios.words import show_metrics


def shapes(value, path=""):
    """Pairs of the path to a value and its kind. Elements of a list count as one; keys that are ids or addresses are named N."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "N" if key[:1].isdigit() or key.startswith(("0x", "/")) else key
            yield from shapes(inner, f"{path}.{name}" if path else name)
        if not value:
            yield path, "empty object"
    elif isinstance(value, list):
        for inner in value:
            yield from shapes(inner, path + "[]")
        if not value:
            yield path, "empty list"
    else:
        kind = {bool: "boolean", int: "number", float: "number", str: "text", type(None): "null"}[type(value)]
        yield path, kind


def ask(run, command, at):
    host, port = run.roles[at].admin
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/commands{command}", timeout=30) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers.get_content_type(), e.read().decode()


def show(run, command, at, values=()):
    status, content, text = ask(run, command, at)
    run.trace.note(f"{command} at {at}: status and type", f"{status} {content}")
    try:
        found = dict.fromkeys(shapes(json.loads(text)))
    except ValueError:
        run.trace.note(f"{command} at {at}", "no JSON")
        return
    for path, kind in found:
        # Lists come and go while sessions end.
        if kind == "empty list" and any(other.startswith(path + "[]") for other, _ in found):
            continue
        run.trace.note(f"{command} at {at}: {path}", kind)
    for key in values:
        run.trace.note(f"{command} at {at}: the value of {key}", str(json.loads(text).get(key)))


@scenario
def admin_commands(run):
    alice = run.start(at="alone")
    alice.create(run.root + "/e", flags=wire.EPHEMERAL)
    alice.get(run.root, watch=True)
    for command in ("configuration", "connections", "connection_stat_reset", "dirs", "dump", "environment", "get_trace_mask", "is_read_only",
                    "ruok", "server_stats", "stats", "stat_reset", "watch_summary", "watches", "watches_by_path", "initial_configuration",
                    "last_snapshot", "hash"):
        show(run, "/" + command, "alone", ("command", "error"))
    for alias in ("conf", "cons", "crst", "env", "envi", "isro", "srvr", "stat", "wchs", "mntr", "nosuch"):
        status, _, text = ask(run, "/" + alias, "alone")
        answer = json.loads(text)
        run.trace.note(f"/{alias}", f"{status} command={answer.get('command')} error={answer.get('error')}")


@scenario
def admin_commands_of_an_ensemble(run):
    for at in ("leader", "follower"):
        for command in ("leader", "server_stats", "observers", "voting_view", "zabstate", "configuration"):
            show(run, "/" + command, at, ("command", "error"))
        status, _, text = ask(run, "/monitor", at)
        run.trace.note(f"/monitor at {at}", str(status))
        show_metrics(run, f"/monitor at {at}", json.loads(text))
