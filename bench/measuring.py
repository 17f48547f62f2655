"""Whole processes, as the operating system accounts for them."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20


class Run:
    """Seconds of wall time, seconds of user and system time, bytes of peak memory."""

    def __init__(self, wall, cpu, peak):
        self.wall, self.cpu, self.peak = wall, cpu, peak


def measure(command, env):
    """One process from start to end; its output goes to a file that is shown when it fails.

    The peak is never below this interpreter's own memory, which the kernel carries over into
    what it starts: about 15 MiB.
    """
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            size = out.seek(0, os.SEEK_END)
            out.seek(max(0, size - 2000))
            sys.exit(f"{' '.join(command)} failed ({process.returncode}):\n{out.read().decode(errors='replace')}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def middle(runs):
    """Medians, each for itself."""
    return {what: statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "peak")}


def table(results):
    """Markdown. The first client is what the others are compared with."""
    first = next(iter(results.values()))
    lines = ["| client | wall s | ratio | CPU s | ratio | peak MiB | runs |", "|---|---:|---:|---:|---:|---:|---:|"]
    for name, found in results.items():
        lines.append(f"| {name} | {found['wall']:.2f} | {found['wall'] / first['wall']:.2f} | {found['cpu']:.2f} | "
                     f"{found['cpu'] / max(first['cpu'], 0.001):.2f} | {found['peak'] / MIB:.0f} | {found['runs']} |")
    return "\n".join(lines)
