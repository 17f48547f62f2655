"""A private session bus with a real keychain on it (gnome-keyring), for one command.

The command gets a home folder of its own, so it finds no settings and leaves none, and a bus that
starts nothing on demand but the accessibility bus: whether there is a keychain, and whether
somebody could be asked for its password, is decided here and not by what the machine has installed.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from beds import bed, processes

PASSWORD = "testpw"
_SERVICE = "org.freedesktop.secrets"
_ON_DEMAND = Path("/usr/share/dbus-1/services/org.a11y.Bus.service")

_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def run(state: str, command: list) -> int:
    """Runs `command` beside a keychain that is `unlocked`, `locked` or `absent`; returns its status."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-keychain-"))
    processes.adopt_orphans()
    try:
        with bed.stoppable():
            env = _start_bus(directory)
            if state != "absent":
                # A keychain has to be unlocked once to exist; only then can it be found locked.
                _start_keyring(directory, env, unlock=True)
            if state == "locked":
                processes.stop(directory, "keyring")
                _start_keyring(directory, env, unlock=False)
            return bed.run_forwarding_signals(command, env)
    finally:
        processes.stop(directory)
        processes.kill_descendants()
        shutil.rmtree(directory, ignore_errors=True)


def _start_bus(directory: Path) -> dict:
    for name in ("home", "runtime", "services", "log"):
        (directory / name).mkdir(mode=0o700)
    if _ON_DEMAND.exists():
        shutil.copy(_ON_DEMAND, directory / "services")
    socket, configuration = directory / "bus", directory / "bus.conf"
    configuration.write_text(_BUS.format(socket=socket, services=directory / "services"))
    env = _environment(directory, socket)
    processes.start(directory, "bus", ["dbus-daemon", "--nofork", f"--config-file={configuration}"], env)
    processes.wait_until(directory, "bus", socket.exists, 20, "listening")
    return env


def _environment(directory: Path, socket: Path) -> dict:
    old_home = Path(os.environ.get("HOME", "/"))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DBUS_", "GNOME_"))}
    env.setdefault("CARGO_HOME", str(old_home / ".cargo"))
    env.setdefault("RUSTUP_HOME", str(old_home / ".rustup"))
    env["HOME"] = str(directory / "home")
    env["XDG_RUNTIME_DIR"] = str(directory / "runtime")
    env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={socket}"
    return env


def _start_keyring(directory: Path, env: dict, unlock: bool) -> None:
    without_display = {name: value for name, value in env.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    argv = ["gnome-keyring-daemon", "--foreground", "--components=secrets", *(["--unlock"] if unlock else [])]
    reading, writing = os.pipe()
    os.write(writing, PASSWORD.encode() if unlock else b"")
    os.close(writing)
    processes.start(directory, "keyring", argv, without_display, stdin=reading)
    os.close(reading)
    processes.wait_until(directory, "keyring", lambda: _is_there(env), 20, f"on the bus as {_SERVICE}")
    if unlock:
        processes.wait_until(directory, "keyring", lambda: _has_default_collection(env), 20, "unlocked")


def _is_there(env: dict) -> bool:
    said = _ask(env, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", _SERVICE)
    return "true" in said


def _has_default_collection(env: dict) -> bool:
    path = "/org/freedesktop/secrets"
    said = _ask(env, _SERVICE, path, "org.freedesktop.Secret.Service.ReadAlias", "default")
    return f"{path}/collection/" in said


def _ask(env: dict, destination: str, path: str, method: str, argument: str) -> str:
    call = ["dbus-send", "--session", "--print-reply", f"--dest={destination}", path, method, f"string:{argument}"]
    return subprocess.run(call, env=env, capture_output=True, text=True).stdout
