"""Virtual environments with pinned packages, one per list of requirements."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from beds import places


class NotInstalled(Exception):
    pass


def servers() -> Path:
    """Keystone, and boto3 as the independent client that results are checked with."""
    return _existing("servers")


def tools() -> Path:
    """Other S3 clients, to read what Wherry writes for them."""
    return _existing("tools")


def bench() -> Path:
    """Other S3 clients, for side-by-side measurements."""
    return _existing("bench")


def install(name: str) -> Path:
    """Makes the environment if it is not there; quick when it is."""
    path = _path(name)
    places.cache().mkdir(parents=True, exist_ok=True)
    with open(places.cache() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (path / "complete").exists():
            print(f"testbed: installing {_requirements(name).name} (one to two minutes, once)", file=sys.stderr)
            shutil.rmtree(path, ignore_errors=True)
            subprocess.run(["/usr/bin/python3", "-m", "venv", path], check=True, stdout=sys.stderr)
            pip = [path / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--requirement", _requirements(name)], check=True, stdout=sys.stderr)
            (path / "complete").touch()
    return path


def _existing(name: str) -> Path:
    path = _path(name)
    if not (path / "complete").exists():
        flag = " --bench" if name == "bench" else ""
        raise NotInstalled(f"not installed yet; run: tests/testbed/testbed install{flag}")
    return path


def _requirements(name: str) -> Path:
    return places.TESTBED / f"requirements-{name}.txt"


def _path(name: str) -> Path:
    pinned = hashlib.sha256(_requirements(name).read_bytes()).hexdigest()[:16]
    return places.cache() / f"{name}-{pinned}"
