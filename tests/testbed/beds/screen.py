"""An X screen of its own, with a window manager, for one command."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from beds import bed, processes


def run(size: str, command: list) -> int:
    """Runs `command` with DISPLAY naming a new screen of `size` (`WIDTHxHEIGHT`); returns its status."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-screen-"))
    processes.adopt_orphans()
    try:
        with bed.stoppable():
            env = {**os.environ, "DISPLAY": _start_screen(directory, size)}
            env.pop("WAYLAND_DISPLAY", None)
            processes.start(directory, "openbox", ["openbox"], env)
            processes.wait_until(directory, "openbox", lambda: _has_window_manager(env), 20, "managing windows")
            return bed.run_forwarding_signals(command, env)
    finally:
        processes.stop(directory, ask_first=True)  # the X server has a socket and a lock file to remove
        processes.kill_descendants()
        shutil.rmtree(directory, ignore_errors=True)


def _start_screen(directory: Path, size: str) -> str:
    # The server itself picks a free number and tells it, so that two of them never meet.
    number = directory / "number"
    script = f'exec Xvfb -displayfd 3 -screen 0 {size}x24 -nolisten tcp -noreset 3>"{number}"'
    processes.start(directory, "xvfb", ["sh", "-c", script], dict(os.environ))
    processes.wait_until(directory, "xvfb", lambda: number.exists() and number.read_text().endswith("\n"), 20, "ready")
    return f":{number.read_text().strip()}"


def _has_window_manager(env: dict) -> bool:
    said = subprocess.run(["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=env, capture_output=True, text=True)
    return re.search("window id", said.stdout) is not None
