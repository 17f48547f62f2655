#!/usr/bin/env python3
"""Runs the same work with several S3 clients in turn, and prints tables of ratios. See README.md."""

import argparse
import os
import pathlib
import sys
import tempfile

import page
import servers
import window
import works
from clients import ROOT
from measuring import MIB, table

RGW_ROWS = ("rgw-large", "rgw-small")


def rows(part):
    """Name, what people read, and the work; sizes for a `part`th of it."""
    large, small, link = 4096 // part * MIB, 10_000 // part, max(128 // part, 16) * MIB
    thousand, keys, synced = 1000 // part, 100_000 // part, 20_000 // part
    kib = 16 << 10
    name = f"{large // MIB} MiB" if large < 1 << 30 else f"{large >> 30} GiB"
    return {
        "large-up": (f"One object of {name}, up", works.large_up, large),
        "large-down": (f"One object of {name}, down", works.large_down, large),
        "small-up": (f"{small:,} × 16 KiB, up", works.small_up, small, kib),
        "small-down": (f"{small:,} × 16 KiB, down", works.small_down, small, kib),
        "list": (f"{keys:,} objects listed", works.listing, keys),
        "sync": (f"{synced:,} unchanged files synchronised", works.sync, synced),
        "link-large-up": (f"On the link: one object of {link // MIB} MiB, up", works.on_the_link(works.large_up), link),
        "link-large-down": (f"On the link: one object of {link // MIB} MiB, down", works.on_the_link(works.large_down), link),
        "link-small-up": (f"On the link: {thousand:,} × 16 KiB, up", works.on_the_link(works.small_up), thousand, kib),
        "link-small-down": (f"On the link: {thousand:,} × 16 KiB, down", works.on_the_link(works.small_down), thousand, kib),
        "link-list": (f"On the link: {keys:,} objects listed", works.on_the_link(works.listing), keys),
        "rgw-large": (f"Ceph RGW: 10 × {100 // part} MiB", works.on_rgw, 10, 100 * MIB // part),
        "rgw-small": (f"Ceph RGW: {thousand:,} × 16 KiB", works.on_rgw, thousand, kib),
        "window": (window.TITLE, window.measure),
    }


def wanted(options):
    every = rows(10 if options.quick else 1)
    chosen = options.rows.split(",") if options.rows else list(every)
    for row in chosen:
        if row not in every:
            sys.exit(f"There is no row “{row}”; there are {', '.join(every)}.")
    return {row: every[row] for row in chosen}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, help="counted rounds (5; 1 with --quick)")
    options.add_argument("--quick", action="store_true", help="a tenth of the data, one round, no page")
    options.add_argument("--rows", help="comma-separated names, in place of all")
    options.add_argument("--clients", help="comma-separated names, in place of all; no page")
    options = options.parse_args()
    work = wanted(options)
    if "WHERRY_TESTBED" not in os.environ and any(row in RGW_ROWS for row in work):
        testbed = str(ROOT / "tests/testbed/testbed")
        os.execv(testbed, [testbed, "with", "--rgw", "--", sys.executable, *sys.argv])
    rounds = options.rounds or (1 if options.quick else 5)
    only = options.clients.split(",") if options.clients else None
    with_page = not options.quick and not only
    with tempfile.TemporaryDirectory(prefix="wherry-bench-") as folder, servers.null_s3() as endpoint:
        bench = works.Bench(pathlib.Path(folder), rounds, 10 if options.quick else 1, only)
        for row, (title, run, *sizes) in work.items():
            if row == "window":
                shown = run(rounds, options.quick)
                print(f"### {title}\n\n{shown}\n", flush=True)
                if with_page:
                    page.remember_table(row, title, shown)
                continue
            if row in RGW_ROWS:
                found = zip((f"{title}, up", f"{title}, down"), (f"{row}-up", f"{row}-down"), run(bench, *sizes))
            else:
                found = [(title, row, run(bench, endpoint, *sizes))]
            for title, row, results in found:
                print(f"### {title}\n\n{table(results)}\n", flush=True)
                if with_page:
                    page.remember(row, title, results)
        versions = [client.version() for client in bench.everybody(endpoint)]
    print(f"Medians of {rounds}; a ratio above 1 means more than wherry-cli needs.")
    if with_page:
        order = [name for row in rows(1) for name in ((f"{row}-up", f"{row}-down") if row in RGW_ROWS else (row,))]
        page.write(order, versions)
        print(f"Written to {page.PAGE.relative_to(ROOT)}.")


main()
