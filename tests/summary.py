"""Adds up what the test runners said: "N passed, N failed".

usage: summary.py LOGS [--failed STAGE]

A stage that failed without a failed test (it did not compile, say) counts as one failure. A stage of
tests that ran none is a failure too: nothing was tested.
"""

import re
import sys
from pathlib import Path

# (passed, failed) as the runners write them in their last lines.
PATTERNS = {
    "cargo nextest": (r"tests? run:.*?(\d+) passed", r"tests? run:.*?(\d+) failed"),
    "cargo test": (r"test result: .*?(\d+) passed", r"test result: .*?(\d+) failed"),
    "vitest": (r"^\s*Tests\s.*?(\d+) passed", r"^\s*Tests\s.*?(\d+) failed"),
    "node --test": (r"^[#ℹ] pass (\d+)", r"^[#ℹ] fail (\d+)"),
    "mocha": (r"^\s*(\d+) passing", r"^\s*(\d+) failing"),
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def count(text: str) -> tuple:
    text = COLOUR.sub("", text)
    totals = [0, 0]
    for patterns in PATTERNS.values():
        for index, pattern in enumerate(patterns):
            totals[index] += sum(int(n) for n in re.findall(pattern, text, re.MULTILINE))
    return totals[0], totals[1]


def main(arguments: list) -> int:
    logs, failed_stage = Path(arguments[0]), arguments[2] if len(arguments) > 2 else None
    passed = failed = 0
    for log in sorted(logs.glob("*.log")):
        stage_passed, stage_failed = count(log.read_text(errors="replace"))
        if log.stem == failed_stage:
            stage_failed = max(stage_failed, 1)
        elif log.stem in ("rust", "ui", "browser", "window") and not stage_passed:
            print(f"{log.stem}: no test ran")
            stage_failed = 1
        passed, failed = passed + stage_passed, failed + stage_failed
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
