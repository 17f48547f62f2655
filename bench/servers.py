"""The servers that the work is done against, started here and stopped by their process id."""

import contextlib
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def started(program, *options):
    """A server of our own, which says its address in its first line."""
    command = [str(ROOT / "target/release" / program), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def null_s3(latency=0):
    return started("null-s3", "--latency", str(latency))


def slow_link(endpoint, round_trip, mbit):
    to = endpoint.removeprefix("http://")
    return started("slow-link", "--to", to, "--round-trip", str(round_trip), "--mbit", str(mbit))


def rgw():
    """What `tests/testbed` runs around this, if it does."""
    return json.loads(pathlib.Path(os.environ["WHERRY_TESTBED"]).read_text())["rgw"]


def head(endpoint, bucket, key):
    """Size and ETag as the null server has them, which asks for no signature; None when it is not there."""
    request = urllib.request.Request(f"{endpoint}/{bucket}/{key}", method="HEAD")
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.headers["content-length"]), answer.headers["etag"].strip('"')
    except urllib.error.HTTPError:
        return None


def empty(endpoint, bucket):
    """Forgets all that the null server remembers of a bucket."""
    request = urllib.request.Request(f"{endpoint}/{bucket}", method="DELETE")
    urllib.request.urlopen(request).close()
