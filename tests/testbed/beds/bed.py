"""A test bed: the servers of one test run, in one folder, described by one JSON file."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from beds import keystone, oidc, rgw, seed, venv
from beds.ports import free_port


@dataclass(frozen=True)
class Wanted:
    """What to start."""

    rgw: bool = False
    keystone: bool = False
    oidc: bool = False
    tls: bool = False
    sts: bool = False
    keystone_cache: int = 0
    keystone_dir: Path | None = None  # a test bed whose Keystone the gateway shall accept


def up(directory: Path, wanted: Wanted) -> dict:
    """Starts what is wanted in DIRECTORY/rgw, …/keystone and …/oidc, beside what runs there already."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, chosen in (("rgw", wanted.rgw), ("keystone", wanted.keystone), ("oidc", wanted.oidc)):
        if chosen and (directory / name).exists():
            raise RuntimeError(f"there is a {name} in {directory} already; stop it first")
    about = {**_described(directory), "dir": str(directory)}
    try:
        about.update(_start(directory, wanted))
    except BaseException:
        down(directory, wanted.rgw, wanted.keystone, wanted.oidc)
        raise
    with contextlib.suppress(venv.NotInstalled):
        about["python"] = str(venv.servers() / "bin/python")
    description(directory).write_text(json.dumps(about, indent=1))
    return about


def _start(directory: Path, wanted: Wanted) -> dict:
    about = {"oidc": oidc.up(directory / "oidc", tls=wanted.tls)} if wanted.oidc else {}
    about.update(_start_stores(directory, wanted, about["oidc"]["issuer"] if wanted.oidc else None))
    return about


def _start_stores(directory: Path, wanted: Wanted, issuer: str | None) -> dict:
    if not (wanted.rgw or wanted.keystone):
        return {}
    if not wanted.keystone:
        told = _described(wanted.keystone_dir)["keystone"] if wanted.keystone_dir else None
        return {"rgw": _start_gateway(directory, wanted, told, free_port())}
    if not wanted.rgw:
        return {"keystone": keystone.up(directory / "keystone", tls=wanted.tls, issuer=issuer)}
    # The catalog names the gateway and the gateway asks Keystone, so the gateway's port comes first.
    port = free_port()
    stores = {region: f"http://{host}:{port}/swift/v1" for region, host in zip(seed.REGIONS, ("127.0.0.1", "localhost"))}
    told = keystone.up(directory / "keystone", tls=wanted.tls, object_store=stores, issuer=issuer)
    return {"keystone": told, "rgw": _start_gateway(directory, wanted, told, port)}


def _start_gateway(directory: Path, wanted: Wanted, told: dict | None, port: int) -> dict:
    return rgw.up(
        directory / "rgw",
        tls=wanted.tls,
        sts=wanted.sts,
        keystone=told,
        keystone_cache=wanted.keystone_cache,
        port=port,
    )


def down(directory: Path, with_rgw: bool = True, with_keystone: bool = True, with_oidc: bool = True) -> None:
    about = _described(directory)
    servers = (("rgw", rgw.down, with_rgw), ("keystone", keystone.down, with_keystone), ("oidc", oidc.down, with_oidc))
    for name, stop, chosen in servers:
        if chosen and (directory / name).exists():
            stop(directory / name)
            shutil.rmtree(directory / name)
            about.pop(name, None)
    if description(directory).exists():
        description(directory).write_text(json.dumps(about, indent=1))


def restart_gateway(directory: Path, keystone_cache: int | None) -> dict:
    rgw.restart(directory / "rgw", keystone_cache)
    return _described(directory)


def description(directory: Path) -> Path:
    return directory / "testbed.json"


def _described(directory: Path) -> dict:
    try:
        return json.loads(description(directory).read_text())
    except FileNotFoundError:
        return {}


class Stopped(BaseException):
    """A signal asked this process to end."""


@contextlib.contextmanager
def stoppable():
    """Within, a request to end becomes `Stopped`, so that what was started is stopped; after, it is ignored."""

    def stop(number, _frame):
        raise Stopped(number)

    _on_signals(stop)
    try:
        yield
    finally:
        _on_signals(signal.SIG_IGN)


@contextlib.contextmanager
def temporary(wanted: Wanted):
    """A test bed that is gone afterwards, whatever happens short of SIGKILL."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-testbed-"))
    try:
        with stoppable():
            yield up(directory, wanted)
    finally:
        down(directory)
        shutil.rmtree(directory, ignore_errors=True)


def run_with(wanted: Wanted, command: list) -> int:
    """Runs `command` with WHERRY_TESTBED naming the description; returns its exit status."""
    with temporary(wanted) as about:
        env = {**os.environ, "WHERRY_TESTBED": str(description(Path(about["dir"])))}
        return run_forwarding_signals(command, env)


def hold(wanted: Wanted) -> int:
    """Prints the description, then keeps the servers until standard input ends.

    The end comes by itself when the process at the other end of the pipe is gone, however it went.
    """
    with temporary(wanted) as about:
        print(json.dumps(about), flush=True)
        while os.read(sys.stdin.fileno(), 4096):
            pass
    return 0


def run_forwarding_signals(command: list, env: dict) -> int:
    child = subprocess.Popen(command, env=env)

    def forward(number, _frame):
        child.send_signal(number)

    _on_signals(forward)
    status = child.wait()
    return 128 - status if status < 0 else status


def _on_signals(handler) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)
