"""What the tests need beyond Rust and Node: Debian packages, and Python packages in environments."""

import subprocess

from beds import places, venv


class CannotInstall(Exception):
    pass


def install(bench: bool) -> None:
    """Installs what is missing; quick and silent when nothing is."""
    packages = places.ROOT / "tests/packages.debian"
    if subprocess.run([places.ROOT / "src-tauri/setup", "packages", packages]).returncode != 0:
        raise CannotInstall("the packages above are missing")
    venv.install("servers")
    if bench:
        venv.install("bench")
