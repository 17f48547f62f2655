"""Servers as ordinary processes that outlive the command that started them.

Each is the leader of a session of its own. Its process id is recorded together with the moment it
started, so that stopping it later can never hit a stranger that was given the same id.
"""

import ctypes
import json
import os
import signal
import subprocess
import time
from pathlib import Path


class StartFailed(Exception):
    """A server did not come up; the message holds the end of its log."""


def start(directory: Path, name: str, argv: list, env: dict, stdin=subprocess.DEVNULL, cwd=None) -> int:
    """Starts `argv` in the background, its output in DIRECTORY/log/NAME.out, and records it."""
    log = output_file(directory, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        child = subprocess.Popen(
            [str(a) for a in argv], env=env, cwd=cwd, stdin=stdin, stdout=out, stderr=out, start_new_session=True
        )
    records = _read(directory)
    records[name] = {"pid": child.pid, "started": _started(child.pid), "argv": [str(a) for a in argv]}
    _write(directory, records)
    return child.pid


def output_file(directory: Path, name: str) -> Path:
    return directory / "log" / f"{name}.out"


def recorded_argv(directory: Path, name: str) -> list:
    return _read(directory)[name]["argv"]


def stop(directory: Path, *names: str, ask_first: bool = False) -> None:
    """Stops the named servers, or all, newest first, and returns when they are gone.

    They are killed: their data is thrown away, and Ceph takes ten seconds to say goodbye. Those that
    leave something outside their folder are asked first, and killed after two seconds.
    """
    records = _read(directory)
    chosen = list(names) or list(records)
    sessions = [records[n] for n in reversed(chosen) if n in records]
    began = time.monotonic()
    while alive := [pid for record in sessions for pid in _members(record)]:
        waited = time.monotonic() - began
        for pid in alive:
            try:
                os.kill(pid, signal.SIGTERM if ask_first and waited < 2 else signal.SIGKILL)
            except ProcessLookupError:
                pass
        if waited > 20:
            raise RuntimeError(f"processes {alive} of {directory} do not end")
        time.sleep(0.02)
    for record in sessions:
        _reap(record["pid"])
    _write(directory, {n: r for n, r in records.items() if n not in chosen})


def is_running(directory: Path, name: str) -> bool:
    record = _read(directory).get(name)
    return bool(record and _members(record))


def wait_until(directory: Path, name: str, ready, seconds: float, what: str) -> None:
    """Polls `ready` until it is true; fails at once when the server has ended."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not is_running(directory, name):
            raise StartFailed(f"{name} ended before {what}:\n{_tail(directory, name)}")
        if time.monotonic() > deadline:
            raise StartFailed(f"{name} is up but after {seconds:.0f} s still not {what}:\n{_tail(directory, name)}")
        time.sleep(0.03)


def adopt_orphans() -> None:
    """From here on, descendants whose parent has ended become children of this process."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def kill_descendants() -> None:
    """Ends whatever this process and its adopted orphans have left running."""
    while living := [pid for pid, stat in _all_processes() if stat["parent"] == os.getpid() and stat["state"] != "Z"]:
        for pid in living:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in living:
            _reap(pid, block=True)


def _members(record: dict) -> list:
    """Living processes of the recorded server's session."""
    if _started(record["pid"]) not in (None, record["started"]):
        return []
    return [pid for pid, stat in _all_processes() if stat["session"] == record["pid"] and stat["state"] != "Z"]


def _all_processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))):
            yield int(entry), stat


def _started(pid: int):
    stat = _stat(pid)
    return stat and stat["started"]


def _stat(pid: int):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # proc(5): the name in parentheses may hold anything
    return {"state": fields[0], "parent": int(fields[1]), "session": int(fields[3]), "started": int(fields[19])}


def _reap(pid: int, block: bool = False) -> None:
    try:
        os.waitpid(pid, 0 if block else os.WNOHANG)
    except ChildProcessError:
        pass


def _tail(directory: Path, name: str, lines: int = 25) -> str:
    """The end of what the server has written, to its output and to logs of its own."""
    tails = []
    for log in sorted((directory / "log").glob(f"*{name}*")):
        if text := log.read_text(errors="replace").strip():
            tails.append(f"--- {log}\n" + "\n".join(text.splitlines()[-lines:]))
    return "\n".join(tails) or "(nothing logged)"


def _read(directory: Path) -> dict:
    try:
        return json.loads((directory / "processes.json").read_text())
    except FileNotFoundError:
        return {}


def _write(directory: Path, records: dict) -> None:
    fresh = directory / "processes.json.new"
    fresh.write_text(json.dumps(records, indent=1))
    fresh.replace(directory / "processes.json")
