"""The kinds of work: what is made ready, what is measured, and that it was really done."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import servers
from clients import clients
from measuring import MIB, measure, middle

# A client that takes longer than this for one run has one run only, so that all of it ends in time.
PATIENCE = 15

# The line of the emulated link.
ROUND_TRIP, MBIT = 40, 200


class Bench:
    def __init__(self, folder, rounds, scale, only):
        self.folder, self.rounds, self.scale, self.only = folder, rounds, scale, only

    def everybody(self, endpoint, **options):
        all_clients = clients(endpoint, "AKIDBENCH", "secret-of-the-bench", self.folder, **options)
        return [client for client in all_clients if not self.only or client.name in self.only]

    def turns(self, all_clients, once, warm_up=True):
        """Runs `once(client)`, in turns within each round, so that a machine whose speed drifts slows
        all of them alike. The order changes from round to round."""
        results = {client.name: [] for client in all_clients}
        slow = set()
        for number in range(0 if warm_up else 1, self.rounds + 1):
            turn = number % len(all_clients)
            for client in all_clients[turn:] + all_clients[:turn]:
                if client.name in slow:
                    continue
                run = once(client)
                if run.wall > PATIENCE:
                    slow.add(client.name)
                if number or client.name in slow:
                    results[client.name].append(run)
        return {name: dict(middle(runs), runs=len(runs)) for name, runs in results.items() if runs}

    def tree(self, name, files, size, per_folder=1000):
        """Random bytes: nothing on the way can compress them."""
        top = self.folder / name
        if top.exists():
            return top
        for number in range(files):
            folder = top / f"set-{number // per_folder:03}"
            folder.mkdir(parents=True, exist_ok=True)
            fill(folder / f"file-{number:06}.bin", size)
        return top

    def file(self, name, size):
        path = self.folder / name
        if not path.exists():
            fill(path, size)
        return path

    def target(self, size):
        """A folder to download to: in memory where there is plenty, as a disk has moods."""
        memory = pathlib.Path("/dev/shm")
        parent = memory if memory.is_dir() and free_memory() > 3 * size + (4 << 30) else self.folder
        path = parent / f"wherry-bench-{os.getpid()}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path


def fill(path, size):
    """In pieces: what this program holds counts as the memory of the clients that it starts."""
    with path.open("wb") as out:
        for start in range(0, size, MIB):
            out.write(os.urandom(min(MIB, size - start)))


def free_memory():
    with open("/proc/meminfo", encoding="ascii") as facts:
        for line in facts:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def need(done, client, what):
    if not done:
        sys.exit(f"{client.name} did not {what}")


def large_up(bench, endpoint, size):
    source = bench.file(f"large-{size}", size)

    def once(client):
        servers.empty(endpoint, "large")
        run = measure(client.command("up-one", str(source), "large", "data.bin"), client.env)
        there = servers.head(endpoint, "large", "data.bin")
        need(there and there[0] == size, client, "send all of the file")
        return run

    return bench.turns(bench.everybody(endpoint), once, warm_up=False)


def large_down(bench, endpoint, size):
    bucket, key = f"objects-1-{size}", "run-000/set-0/file-0000000.bin"
    servers.head(endpoint, bucket, key)

    def once(client):
        folder = bench.target(size)
        run = measure(client.command("down-one", bucket, key, str(folder / "data.bin")), client.env)
        need((folder / "data.bin").stat().st_size == size, client, "fetch all of the object")
        shutil.rmtree(folder)
        return run

    return bench.turns(bench.everybody(endpoint), once, warm_up=False)


def small_up(bench, endpoint, files, size):
    source = bench.tree(f"small-{files}-{size}", files, size)

    def once(client):
        servers.empty(endpoint, "small")
        run = measure(client.command("up-tree", str(source), "small"), client.env)
        for number in (0, files // 2, files - 1):
            key = f"set-{number // 1000:03}/file-{number:06}.bin"
            there = servers.head(endpoint, "small", key)
            need(there and there[0] == size, client, f"send {key}")
        return run

    return bench.turns(bench.everybody(endpoint), once)


def small_down(bench, endpoint, files, size):
    bucket = f"objects-{files}-{size}"
    wanted = servers.head(endpoint, bucket, "run-000/set-0/file-0000000.bin")[1]

    def once(client):
        folder = bench.target(files * size)
        run = measure(client.command("down-tree", bucket, str(folder)), client.env)
        got = [path for path in folder.rglob("*") if path.is_file()]
        need(len(got) == files, client, f"fetch {files} files, but {len(got)}")
        need(hashlib.md5(got[0].read_bytes()).hexdigest() == wanted, client, "fetch the right bytes")
        shutil.rmtree(folder)
        return run

    return bench.turns(bench.everybody(endpoint), once)


def listing(bench, endpoint, objects):
    bucket = f"objects-{objects}-1000"
    servers.head(endpoint, bucket, "run-000/set-0/file-0000000.bin")
    return bench.turns(bench.everybody(endpoint), lambda client: measure(client.command("list", bucket), client.env))


def sync(bench, endpoint, files):
    source = bench.tree(f"sync-{files}", files, 1000)
    all_clients = [client for client in bench.everybody(endpoint) if can_sync(client)]
    for client in all_clients:
        # Each has uploaded it itself: some keep a file's time with the object.
        subprocess.run(client.command("sync", str(source), f"sync-{client.name}"), env=client.env, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return bench.turns(all_clients, lambda client: measure(client.command("sync", str(source), f"sync-{client.name}"), client.env))


def can_sync(client):
    """Wherry's can since a version this does not ask for by number."""
    if client.name != "wherry-cli":
        return True
    said = subprocess.run([client.program, "sync", "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return said.returncode == 0


def on_the_link(work):
    def run(bench, endpoint, *options):
        with servers.slow_link(endpoint, ROUND_TRIP, MBIT) as link:
            return work(bench, link, *options)
    return run


def on_rgw(bench, files, size):
    """Up and down again on a real server, compared byte by byte."""
    store = servers.rgw()
    key, secret = store["user"]["access_key"], store["user"]["secret_key"]
    all_clients = clients(store["endpoint"], key, secret, bench.folder, provider="Ceph", aws_checksums=False)
    all_clients = [client for client in all_clients if not bench.only or client.name in bench.only]
    source, bucket = bench.tree(f"rgw-{files}-{size}", files, size), f"bench-{os.getpid()}-{files}"
    wherry = clients(store["endpoint"], key, secret, bench.folder)[0]
    downs = {client.name: [] for client in all_clients}

    def wherry_does(*words):
        subprocess.run([wherry.program, *words], env=wherry.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def empty():
        wherry_does("rm", "-r", f"s3://{bucket}")
        # RGW keeps what is deleted for two hours, and this one's memory is small.
        subprocess.run(["radosgw-admin", "-c", store["conf"], "gc", "process", "--include-all"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def once(client):
        up = measure(client.command("up-tree", str(source), bucket), client.env)
        target = bench.target(files * size)
        downs[client.name].append(measure(client.command("down-tree", bucket, str(target)), client.env))
        same = subprocess.run(["diff", "-r", "-q", source, target], stdout=subprocess.DEVNULL, check=False).returncode == 0
        need(same, client, "bring back what it sent")
        shutil.rmtree(target)
        empty()
        return up

    wherry_does("mb", f"s3://{bucket}")
    ups = bench.turns(all_clients, once, warm_up=False)
    shutil.rmtree(source)
    return ups, {name: dict(middle(runs), runs=len(runs)) for name, runs in downs.items() if runs}
