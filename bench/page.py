"""What was found, as a page for people."""

import json
import os
import platform

from clients import ROOT
from measuring import table

RESULTS = ROOT / "target/bench/results.json"
PAGE = ROOT / "docs/benchmarks.md"

HEAD = """# Wherry beside other clients

`make bench` measures `wherry-cli`, s5cmd, rclone and the AWS CLI (with CRT) side by side in one run: same
server, same data, whole processes. Clients take turns within each round; medians are shown, and how many runs
they are of (a client that takes longer than 15 seconds for a run has one). Wall time is in seconds; CPU time is
user and system together; the peak is that of resident memory. A ratio above 1 means more than `wherry-cli` needs.

Everything stays on one computer. Against the *null server* (`bench/null-s3`: throws away what it is sent, serves a
pattern, lists keys nobody stored) the client is what is measured; against Ceph RGW much of the wall time is the
server's. The *link* is `bench/slow-link`: 40 ms there and back, 200 Mbit/s each way for all connections together.

The *window* is the app itself under a screen of its own, with files dropped into it by a real mouse, against the
null server; `wherry-cli` takes turns with it. Its memory is that of all its processes together.

Wherry verifies what it moves: every part and file carries its MD5, over plain HTTP its SHA-256 too, and what
arrived is compared with the ETag. The others run with their defaults.

To see it on your own computer: `make bench`, or `bench/run --quick` for a tenth of it, or
`bench/run --rows list,sync` for some of the rows. `make bench` writes this page.
"""


def remember(row, title, results):
    """Rows may be measured on different days; the page has the last of each."""
    keep(row, {"title": title, "results": results})


def remember_table(row, title, shown):
    """The same of what is no comparison of clients."""
    keep(row, {"title": title, "table": shown})


def keep(row, found):
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[row] = found
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=1))


def write(rows, versions):
    known = json.loads(RESULTS.read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    said = [HEAD, f"Measured on {os.cpu_count()} cores ({processor()}), {memory:.0f} GiB of memory, "
            f"{platform.system()} {platform.release().split('-')[0]}, with {'; '.join(versions)}.", ""]
    for row in rows:
        if row in known:
            shown = known[row].get("table") or table(known[row]["results"])
            said += [f"## {known[row]['title']}", "", shown, ""]
    PAGE.write_text("\n".join(said))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as facts:
        for line in facts:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
