"""Where what is installed once lives: under the build folder, so that a fresh clone is a fresh start."""

import os
from pathlib import Path

TESTBED = Path(__file__).resolve().parent.parent
ROOT = TESTBED.parent.parent


def cache() -> Path:
    target = os.environ.get("CARGO_TARGET_DIR")
    return (ROOT / target if target else ROOT / "target") / "testbed"
