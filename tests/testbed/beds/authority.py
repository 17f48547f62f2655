"""A private certificate authority, and a certificate from it for the servers on loopback."""

import subprocess
from pathlib import Path

HOSTS = "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1"


class Authority:
    """Where the files are; `create` makes them once per directory."""

    def __init__(self, directory: Path):
        self.ca_file = directory / "ca.pem"
        self.chain_file = directory / "server-chain.pem"
        self.key_file = directory / "server.key"
        self._directory = directory

    def create(self) -> "Authority":
        if self.chain_file.exists():
            return self
        self._directory.mkdir(parents=True, exist_ok=True)
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl(
            "req", "-x509", *new_key, "-days", "30", "-subj", "/CN=Wherry Testbed CA",
            "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        self._openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        (self._directory / "server.ext").write_text(
            f"subjectAltName={HOSTS}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
        )
        self._openssl(
            "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "30", "-extfile", "server.ext", "-out", "server.crt",
        )  # fmt: skip
        server = (self._directory / "server.crt").read_text()
        self.chain_file.write_text(server + self.ca_file.read_text())
        return self

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self._directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
