"""How each program is told to do the same work.

All run with their defaults; the AWS CLI with its faster transfer client, CRT, which is the default
where it is installed with it. Wherry verifies what it moves.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Client:
    """A program with its environment for one store, and its words for each kind of work."""

    def __init__(self, name, program, env, words, version):
        self.name, self.program, self.env, self.words = name, program, env, words
        self._version = version

    def can(self, kind):
        return kind in self.words

    def command(self, kind, *places):
        return [self.program, *self.words[kind](*places)]

    def version(self):
        said = subprocess.run([self.program, *self._version], env=self.env, capture_output=True, text=True, check=False)
        return (said.stdout or said.stderr).splitlines()[0].strip()


def wherry_cli():
    return os.environ.get("WHERRY_CLI", str(ROOT / "target/release/wherry-cli"))


def peer(name):
    for program in sorted(ROOT.glob(f"target/testbed/bench-*/bin/{name}"), key=os.path.getmtime, reverse=True):
        return str(program)
    return shutil.which(name)


WHERRY = {
    "up-one": lambda file, b, key: ["cp", file, f"s3://{b}/{key}"],
    "down-one": lambda b, key, file: ["cp", f"s3://{b}/{key}", file],
    "up-tree": lambda d, b: ["cp", "-r", f"{d}/", f"s3://{b}"],
    "down-tree": lambda b, d: ["cp", "-r", f"s3://{b}/", d],
    "list": lambda b: ["ls", "-r", f"s3://{b}/"],
    "sync": lambda d, b: ["sync", f"{d}/", f"s3://{b}"],
}
S5CMD = {
    "up-one": lambda file, b, key: ["--log", "error", "cp", file, f"s3://{b}/{key}"],
    "down-one": lambda b, key, file: ["--log", "error", "cp", f"s3://{b}/{key}", file],
    "up-tree": lambda d, b: ["--log", "error", "cp", f"{d}/", f"s3://{b}/"],
    "down-tree": lambda b, d: ["--log", "error", "cp", f"s3://{b}/*", f"{d}/"],
    "list": lambda b: ["ls", f"s3://{b}/*"],
    "sync": lambda d, b: ["--log", "error", "sync", f"{d}/", f"s3://{b}/"],
}
RCLONE = {
    "up-one": lambda file, b, key: ["copyto", file, f"r:{b}/{key}"],
    "down-one": lambda b, key, file: ["copyto", f"r:{b}/{key}", file],
    "up-tree": lambda d, b: ["copy", d, f"r:{b}"],
    "down-tree": lambda b, d: ["copy", f"r:{b}", d],
    "list": lambda b: ["ls", f"r:{b}"],
    "sync": lambda d, b: ["sync", d, f"r:{b}"],
}
AWS = {
    "up-one": lambda file, b, key: ["s3", "cp", "--only-show-errors", file, f"s3://{b}/{key}"],
    "down-one": lambda b, key, file: ["s3", "cp", "--only-show-errors", f"s3://{b}/{key}", file],
    "up-tree": lambda d, b: ["s3", "cp", "--recursive", "--only-show-errors", d, f"s3://{b}"],
    "down-tree": lambda b, d: ["s3", "cp", "--recursive", "--only-show-errors", f"s3://{b}", d],
    "list": lambda b: ["s3", "ls", "--recursive", f"s3://{b}/"],
    "sync": lambda d, b: ["s3", "sync", "--only-show-errors", d, f"s3://{b}"],
}


def clients(endpoint, key, secret, folder, provider="Other", aws_checksums=True):
    """Everybody who is installed, for one store; Wherry first."""
    env = dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_ENDPOINT_URL=endpoint,
               S3_ENDPOINT_URL=endpoint, AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true",
               WHERRY_HOME=str(folder / "home"), AWS_CONFIG_FILE=str(folder / "aws-config"))
    (folder / "aws-config").write_text("[default]\ns3 =\n  preferred_transfer_client = crt\n  addressing_style = path\n")
    aws = dict(env)
    if not aws_checksums:
        # RGW refuses the checksum trailers that the AWS CLI adds by default.
        aws.update(AWS_REQUEST_CHECKSUM_CALCULATION="when_required", AWS_RESPONSE_CHECKSUM_VALIDATION="when_required")
    rclone = dict(os.environ, RCLONE_CONFIG=os.devnull, RCLONE_CONFIG_R_TYPE="s3", RCLONE_CONFIG_R_PROVIDER=provider,
                  RCLONE_CONFIG_R_ACCESS_KEY_ID=key, RCLONE_CONFIG_R_SECRET_ACCESS_KEY=secret,
                  RCLONE_CONFIG_R_ENDPOINT=endpoint, RCLONE_CONFIG_R_REGION="us-east-1")
    found = [
        Client("wherry-cli", wherry_cli(), env, WHERRY, ["--version"]),
        Client("s5cmd", peer("s5cmd"), env, S5CMD, ["version"]),
        Client("rclone", peer("rclone"), rclone, RCLONE, ["version"]),
        Client("aws", peer("aws"), aws, AWS, ["--version"]),
    ]
    for client in found:
        if client.program is None:
            print(f"{client.name} is not installed and is left out (`make bench` installs it)", file=sys.stderr)
    return [client for client in found if client.program]
