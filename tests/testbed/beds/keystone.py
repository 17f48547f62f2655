"""A throw-away OpenStack Keystone with people, projects and a service catalog in it.

Setting up its database takes half a minute, so that is done once: the finished folder is kept as a
template, and each start copies it and writes the addresses of this start into the catalog.
"""

import fcntl
import getpass
import grp
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from beds import http, places, processes, seed, venv
from beds.authority import Authority
from beds.ports import free_port

_WSGI = """\
import os
import sys
sys.argv = ["keystone"]  # oslo.config would otherwise read gunicorn's arguments as its own and exit
from keystone.server import wsgi
application = wsgi.initialize_public_application()
if issuer := os.environ.get("WHERRY_OIDC_ISSUER"):
    sys.path.insert(0, os.environ["WHERRY_TESTBED_PROGRAMS"])
    from federation_gate import Gate
    application = Gate(application, issuer)
"""


def up(directory: Path, *, tls: bool = False, object_store: dict | None = None, issuer: str | None = None) -> dict:
    """Starts Keystone in `directory` and returns what a test needs to know about it.

    `object_store` maps a region's name to the URL its catalog entry shall have; without it the
    catalog has no object store. With `tls` the same Keystone also answers over HTTPS. With `issuer`
    it lets in, as their namesakes, the people of the OpenID Connect provider there.
    """
    template = _template()
    shutil.copytree(template, directory, dirs_exist_ok=True)
    port, tls_port = free_port(), free_port() if tls else None
    url = f"http://127.0.0.1:{port}/v3"
    tls_url = f"https://localhost:{tls_port}/v3" if tls else None
    authority = Authority(directory / "tls").create() if tls else None
    _write_configuration(directory)
    _set_catalog(directory / "keystone.db", {"identity": {seed.REGIONS[0]: url}, "object-store": object_store or {}})
    try:
        _serve(directory, "keystone", port, issuer=issuer)
        if authority:
            _serve(directory, "keystone-tls", tls_port, authority, issuer)
        processes.wait_until(directory, "keystone", lambda: http.answers(url), 60, f"answering at {url}")
        if authority:
            ready = lambda: http.accepts_connections(tls_port)  # noqa: E731
            processes.wait_until(directory, "keystone-tls", ready, 60, f"listening on {tls_port}")
    except BaseException:
        down(directory)
        raise
    return {
        "dir": str(directory),
        "url": url,
        "tls_url": tls_url,
        "ca_file": str(authority.ca_file) if authority else None,
        "regions": object_store or {},
        "federated": issuer is not None,
        **json.loads((directory / "seed.json").read_text()),
    }


def down(directory: Path) -> None:
    processes.stop(directory, "keystone", "keystone-tls")


def _template() -> Path:
    """The folder every start begins from, made first if this is the first start."""
    tools = venv.servers()
    recipe = Path(__file__).read_bytes() + Path(seed.__file__).read_bytes() + str(tools).encode()
    finished = places.cache() / f"keystone-{hashlib.sha256(recipe).hexdigest()[:16]}"
    places.cache().mkdir(parents=True, exist_ok=True)
    with open(places.cache() / "keystone.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            for outdated in places.cache().glob("keystone-*"):
                shutil.rmtree(outdated)
            draft = finished.with_suffix(".draft")
            _build_template(draft)
            draft.rename(finished)
    return finished


def _build_template(directory: Path) -> None:
    for name in ("fernet", "credential"):
        (directory / name).mkdir(parents=True, mode=0o700)
    _write_configuration(directory)
    (directory / "wsgi.py").write_text(_WSGI)
    port = free_port()
    url = f"http://127.0.0.1:{port}/v3"
    _manage(directory, "db_sync")
    owner = ["--keystone-user", getpass.getuser(), "--keystone-group", grp.getgrgid(os.getgid()).gr_name]
    _manage(directory, "fernet_setup", *owner)
    _manage(directory, "credential_setup", *owner)
    admin = seed.ADMIN
    _manage(
        directory, "bootstrap", "--bootstrap-username", admin["name"], "--bootstrap-password", admin["password"],
        "--bootstrap-project-name", admin["project"], "--bootstrap-role-name", "admin",
        "--bootstrap-service-name", "keystone", "--bootstrap-region-id", seed.REGIONS[0],
        "--bootstrap-public-url", url, "--bootstrap-internal-url", url, "--bootstrap-admin-url", url,
    )  # fmt: skip
    try:
        _serve(directory, "keystone", port)
        processes.wait_until(directory, "keystone", lambda: http.answers(url), 60, f"answering at {url}")
        (directory / "seed.json").write_text(json.dumps(seed.plant(url), indent=1))
    finally:
        down(directory)
    shutil.rmtree(directory / "log")


def _set_catalog(database: Path, addresses: dict) -> None:
    """Writes this start's addresses over the template's.

    Straight into the database, because asking Keystone would need it running, with the wrong
    catalog, first. The release is pinned, so the tables are known.
    """
    with sqlite3.connect(database) as db:
        rows = db.execute("SELECT e.id, s.type, e.region_id FROM endpoint e JOIN service s ON s.id = e.service_id")
        for endpoint, service, region in rows.fetchall():
            if url := addresses[service].get(region):
                db.execute("UPDATE endpoint SET url = ? WHERE id = ?", (url, endpoint))
            else:
                db.execute("DELETE FROM endpoint WHERE id = ?", (endpoint,))
    db.close()


def _serve(directory: Path, name: str, port: int, authority: Authority | None = None, issuer: str | None = None) -> None:
    # Where Keystone's own log stays empty, the access log answers "was it asked at all?". Processes, not
    # threads: with threads Keystone 30 now and then judges one request by another's token.
    argv = [
        venv.servers() / "bin/gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "4", "--preload",
        "--no-control-socket", "--access-logfile", directory / "log" / f"{name}.access.log", "--chdir", directory,
        *(["--certfile", authority.chain_file, "--keyfile", authority.key_file] if authority else []),
        "wsgi:application",
    ]  # fmt: skip
    federation = {"WHERRY_OIDC_ISSUER": issuer, "WHERRY_TESTBED_PROGRAMS": str(Path(__file__).parent)} if issuer else {}
    processes.start(directory, name, argv, {**_environment(directory), **federation})


def _manage(directory: Path, *arguments: str) -> None:
    command = [venv.servers() / "bin/keystone-manage", "--config-file", directory / "keystone.conf", *arguments]
    done = subprocess.run(command, env=_environment(directory), capture_output=True, text=True)
    if done.returncode != 0:
        raise processes.StartFailed(f"keystone-manage {arguments[0]}:\n{done.stdout}{done.stderr}")


def _environment(directory: Path) -> dict:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "OS_KEYSTONE_CONFIG_DIR": str(directory),
        "PYTHONWARNINGS": "ignore",
    }


def _write_configuration(directory: Path) -> None:
    (directory / "log").mkdir(exist_ok=True)
    (directory / "keystone.conf").write_text(f"""\
[DEFAULT]
log_file = {directory}/log/keystone.log
[database]
connection = sqlite:///{directory}/keystone.db
[auth]
# The usual ones, without which EC2 credentials open nothing, and the protocol of the federation.
methods = external,password,token,oauth1,mapped,application_credential,ec2credential,openid
[token]
provider = fernet
expiration = 3600
[fernet_tokens]
key_repository = {directory}/fernet
[credential]
key_repository = {directory}/credential
[identity]
# The passwords are in this repository; slow hashing would only slow the tests.
password_hash_rounds = 4
[cache]
enabled = false
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
""")
