"""The window's own figures, measured by tests/window/measure.mjs beside `wherry-cli`."""

import json
import subprocess
import sys
import tempfile

from clients import ROOT

TITLE = "The window"


def build():
    """The app has its pages built in."""
    subprocess.run(["npm", "run", "--silent", "--prefix", "ui", "build"], cwd=ROOT, check=True, stdout=sys.stderr)
    command = ["cargo", "build", "--release", "--package", "wherry", "--features", "wherry/custom-protocol"]
    subprocess.run(command, cwd=ROOT, check=True)


def measure(rounds, quick):
    """A table of what was measured, and what is to be reached."""
    build()
    with tempfile.NamedTemporaryFile(suffix=".json") as found:
        command = ["node", "tests/window/measure.mjs", "--rounds", str(rounds), "--json", found.name]
        subprocess.run(command + ["--quick"] * quick, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return json.load(found)["table"]
