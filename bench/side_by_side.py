#!/usr/bin/env python3
"""Runs the same work with several S3 clients in turn, and prints a table of ratios.

Each run is a whole process: wall time, user and system CPU and peak memory are the operating
system's own account of it (wait4). The clients take turns within every round, so that a machine
whose speed drifts slows all of them alike; medians are shown. Nothing is tuned to the server:
Wherry verifies what it moves, the others run with their defaults.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIB = 1 << 20


class Run:
    def __init__(self, wall, cpu, peak):
        self.wall, self.cpu, self.peak = wall, cpu, peak


def measure(command, env):
    """One process from start to end; its output goes to a file that is shown when it fails."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            out.seek(0)
            sys.exit(f"{' '.join(command)} failed ({process.returncode}):\n{out.read().decode(errors='replace')[-2000:]}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Client:
    """How one program is told to copy a folder up or down."""

    def __init__(self, name, program, env, up, down):
        self.name, self.program, self.env, self.up, self.down = name, program, env, up, down


def clients(store, folder):
    endpoint, key, secret = store["endpoint"], store["user"]["access_key"], store["user"]["secret_key"]
    aws = dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_ENDPOINT_URL=endpoint, S3_ENDPOINT_URL=endpoint,
               AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", WHERRY_HOME=str(folder / "home"))
    # RGW refuses the checksum trailers that the AWS CLI adds by default.
    plain = dict(aws, AWS_REQUEST_CHECKSUM_CALCULATION="when_required", AWS_RESPONSE_CHECKSUM_VALIDATION="when_required")
    rclone = dict(os.environ, RCLONE_CONFIG=os.devnull, RCLONE_CONFIG_R_TYPE="s3", RCLONE_CONFIG_R_PROVIDER="Ceph",
                  RCLONE_CONFIG_R_ACCESS_KEY_ID=key, RCLONE_CONFIG_R_SECRET_ACCESS_KEY=secret,
                  RCLONE_CONFIG_R_ENDPOINT=endpoint, RCLONE_CONFIG_R_REGION="us-east-1")
    wherry = os.environ.get("WHERRY_CLI", str(ROOT / "target/release/wherry-cli"))
    found = [
        Client("wherry-cli", wherry, aws,
               lambda d, b: ["cp", "-r", f"{d}/", f"s3://{b}"], lambda b, d: ["cp", "-r", f"s3://{b}/", d]),
        Client("aws s3 cp", peer("aws"), plain,
               lambda d, b: ["s3", "cp", "--recursive", "--only-show-errors", d, f"s3://{b}"],
               lambda b, d: ["s3", "cp", "--recursive", "--only-show-errors", f"s3://{b}", d]),
        Client("rclone", peer("rclone"), rclone,
               lambda d, b: ["copy", d, f"r:{b}"], lambda b, d: ["copy", f"r:{b}", d]),
        Client("s5cmd", peer("s5cmd"), aws,
               lambda d, b: ["--log", "error", "cp", f"{d}/", f"s3://{b}/"],
               lambda b, d: ["--log", "error", "cp", f"s3://{b}/*", f"{d}/"]),
    ]
    for client in found:
        if client.program is None:
            print(f"{client.name} is not installed and is left out (`make bench` installs it)", file=sys.stderr)
    return [client for client in found if client.program]


def peer(name):
    for program in sorted(ROOT.glob(f"target/testbed/bench-*/bin/{name}")):
        return str(program)
    return shutil.which(name)


class Bucket:
    """Made and emptied with Wherry, which is as good as any for that and not measured here."""

    def __init__(self, client, name, conf):
        self.client, self.name, self.conf = client, name, conf
        self.call("mb")

    def call(self, command, *options):
        subprocess.run([self.client.program, command, *options, f"s3://{self.name}"], env=self.client.env, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def empty(self):
        self.call("rm", "-r")
        # RGW keeps what is deleted for two hours, and this one's memory is small.
        subprocess.run(["radosgw-admin", "-c", self.conf, "gc", "process", "--include-all"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def fill(folder, files, size):
    """Random bytes: nothing on the way can compress them."""
    folder.mkdir()
    for number in range(files):
        with open(folder / f"file-{number:05}.bin", "wb") as out:
            left = size
            while left:
                out.write(os.urandom(min(left, 4 * MIB)))
                left -= min(left, 4 * MIB)


def same(a, b):
    return subprocess.run(["diff", "-r", "-q", a, b], stdout=subprocess.DEVNULL).returncode == 0


def work(title, files, size, all_clients, rounds, folder, conf):
    source = folder / "source"
    fill(source, files, size)
    results = {}
    bucket = Bucket(all_clients[0], f"bench-{os.getpid()}-{files}", conf)
    for number in range(rounds + 1):
        # The order changes from round to round; the first round warms up and does not count.
        turn = number % len(all_clients)
        for client in all_clients[turn:] + all_clients[:turn]:
            bucket.empty()
            up = measure([client.program, *client.up(str(source), bucket.name)], client.env)
            target = folder / "target"
            target.mkdir()
            down = measure([client.program, *client.down(bucket.name, str(target))], client.env)
            if not same(source, target):
                sys.exit(f"{client.name} did not bring back what it sent")
            shutil.rmtree(target)
            if number:
                results.setdefault(("up", client.name), []).append(up)
                results.setdefault(("down", client.name), []).append(down)
    bucket.empty()
    shutil.rmtree(source)
    return [table(f"{title}, {way}", way, all_clients, results) for way in ("up", "down")]


def table(title, way, all_clients, results):
    def middle(client, what):
        return statistics.median(getattr(run, what) for run in results[way, client.name])

    first = all_clients[0]
    lines = [f"### {title}", "", "| client | wall s | ratio | CPU s | ratio | peak MiB |", "|---|---:|---:|---:|---:|---:|"]
    for client in all_clients:
        wall, cpu, peak = (middle(client, what) for what in ("wall", "cpu", "peak"))
        lines.append(f"| {client.name} | {wall:.2f} | {wall / middle(first, 'wall'):.2f} | {cpu:.2f} | "
                     f"{cpu / middle(first, 'cpu'):.2f} | {peak / MIB:.0f} |")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5, help="counted rounds (5)")
    options.add_argument("--quick", action="store_true", help="a tenth of the data, one round")
    options = options.parse_args()
    rounds, part = (1, 10) if options.quick else (options.rounds, 1)
    store = json.loads(pathlib.Path(os.environ["WHERRY_TESTBED"]).read_text())["rgw"]
    with tempfile.TemporaryDirectory(prefix="wherry-bench-") as folder:
        folder = pathlib.Path(folder)
        all_clients = clients(store, folder)
        for files, size, words in ((10, 100 * MIB // part, f"{100 // part} MiB"), (1000 // part, 16 << 10, "16 KiB")):
            for text in work(f"{files:,} × {words}", files, size, all_clients, rounds, folder, store["conf"]):
                print(text, end="\n\n", flush=True)
    print(f"Medians of {rounds}; a ratio above 1 means more than wherry-cli needs.")


main()
