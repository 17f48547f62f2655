"""A throw-away OpenID Connect provider with people, and a client for each place it stands in for."""

import hashlib
import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

from beds import http, places, processes, venv
from beds.authority import Authority
from beds.ports import free_port

PROGRAM = places.TESTBED / "oidc"
ALICE = {"name": "alice", "password": "alicepw"}
TOM = {"name": "tom", "password": "tompw", "totp": True}
PUBLIC_CLIENTS = ("wherry", "shasta", "cdse-public")
CONFIDENTIAL_CLIENT = {"id": "openstack", "secret": "openstack-client-secret"}
# One that may do nothing but the password grant, as some sites set theirs up.
PASSWORD_CLIENT = {"id": "password-only", "grants": ["password"]}
AUDIENCE = "urn:s3"


def up(directory: Path, *, tls: bool = False) -> dict:
    """Starts the provider in `directory` and returns what a test needs to know about it.

    Over HTTPS it is a second issuer with the same people: an issuer has but one address.
    """
    if not (PROGRAM / "node_modules/oidc-provider").exists():
        raise venv.NotInstalled("not installed yet; run: tests/testbed/testbed install")
    directory.mkdir(parents=True)
    port, tls_port = free_port(), free_port() if tls else None
    authority = Authority(directory / "tls").create() if tls else None
    key_file, certificate_file = _signing_key(directory)
    issuer = f"http://127.0.0.1:{port}"
    tls_issuer = f"https://localhost:{tls_port}" if tls else None
    told = {
        "issuer": issuer,
        "port": port,
        "key_file": str(key_file),
        "certificate_file": str(certificate_file),
        "access_token_seconds": 300,
        "people": [ALICE, TOM],
        "clients": [*({"id": name} for name in PUBLIC_CLIENTS), CONFIDENTIAL_CLIENT, PASSWORD_CLIENT],
        "tls": tls and {
            "issuer": tls_issuer,
            "port": tls_port,
            "chain_file": str(authority.chain_file),
            "key_file": str(authority.key_file),
        },
    }  # fmt: skip
    (directory / "provider.json").write_text(json.dumps(told, indent=1))
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "NO_COLOR": "1"}
    argv = [shutil.which("node") or "node", PROGRAM / "provider.mjs", directory / "provider.json"]
    try:
        processes.start(directory, "oidc", argv, environment)
        document = f"{issuer}/.well-known/openid-configuration"
        processes.wait_until(directory, "oidc", lambda: http.answers(document), 30, f"answering at {issuer}")
        if tls:
            ready = lambda: http.accepts_connections(tls_port)  # noqa: E731
            processes.wait_until(directory, "oidc", ready, 30, f"listening on {tls_port}")
    except BaseException:
        down(directory)
        raise
    return {
        "dir": str(directory),
        "issuer": issuer,
        "tls_issuer": tls_issuer,
        "ca_file": str(authority.ca_file) if authority else None,
        "alice": ALICE,
        "tom": TOM,
        "client": PUBLIC_CLIENTS[0],
        "confidential": CONFIDENTIAL_CLIENT,
        "password_client": PASSWORD_CLIENT["id"],
        "audience": AUDIENCE,
        "thumbprint": _thumbprint(certificate_file),
    }


def down(directory: Path) -> None:
    processes.stop(directory, "oidc")


def _signing_key(directory: Path) -> tuple:
    key, certificate = directory / "signing.key", directory / "signing.crt"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Wherry Testbed OIDC",
         "-keyout", key, "-out", certificate], capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"openssl req: {done.stderr}")
    return key, certificate


def _thumbprint(certificate: Path) -> str:
    """What Ceph's gateway knows the provider by: the SHA-1 of its certificate, in capitals."""
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()
