"""Free loopback ports, also when several test runs look for some at the same moment.

A port that was free a moment ago may be taken before the server that it is for has bound it.
So ports are picked outside the range the kernel hands to outgoing connections, and each pick is
claimed by a file: other test runs leave it alone until its server has had time to bind it.
"""

import os
import random
import socket
import tempfile
import time
from pathlib import Path

FIRST, LAST = 20_000, 32_000
# By then the server either listens, which the bind below notices, or has failed.
CLAIM_LASTS_SECONDS = 180


def free_port() -> int:
    claims = Path(tempfile.gettempdir()) / f"wherry-testbed-ports-{os.getuid()}"
    claims.mkdir(mode=0o700, exist_ok=True)
    for _ in range(1000):
        port = random.SystemRandom().randrange(FIRST, LAST)
        if _claim(claims / str(port)) and _can_bind(port):
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST} on 127.0.0.1")


def _claim(path: Path) -> bool:
    try:
        if time.time() - path.stat().st_mtime > CLAIM_LASTS_SECONDS:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
