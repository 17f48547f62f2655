"""What the tests need beyond Rust and Node: packages from Debian, PyPI and npm."""

import subprocess

from beds import oidc, places, venv


class CannotInstall(Exception):
    pass


def install(bench: bool) -> None:
    """Installs what is missing; quick and silent when nothing is."""
    packages = places.ROOT / "tests/packages.debian"
    if subprocess.run([places.ROOT / "src-tauri/setup", "packages", packages]).returncode != 0:
        raise CannotInstall("the packages above are missing")
    if subprocess.run([places.ROOT / "src-tauri/setup", "npm", oidc.PROGRAM]).returncode != 0:
        raise CannotInstall("the npm packages of the OpenID Connect provider are missing")
    venv.install("servers")
    venv.install("tools")
    if bench:
        venv.install("bench")
