"""The commands of `testbed`."""

import argparse
import json
import sys
from pathlib import Path

from beds import bed, install, keychain, processes, screen, venv
from beds.bed import Stopped, Wanted


def main(arguments: list) -> int:
    own, command = _split(arguments)
    parser = _parser()
    options = parser.parse_args(own)
    if (options.action in ("with", "keychain", "screen")) != bool(command):
        parser.error(f"{options.action}: a command after -- is {'not wanted' if command else 'needed'}")
    try:
        return options.run(options, command) or 0
    except Stopped as stopped:
        return 128 + stopped.args[0]
    except (processes.StartFailed, venv.NotInstalled, install.CannotInstall, RuntimeError) as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1


def _split(arguments: list) -> tuple:
    """Everything after the first -- is the command to run."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed", description="Real servers for Wherry's tests.")
    actions = parser.add_subparsers(dest="action", required=True)

    one = actions.add_parser("install", help="install what is missing: packages, Keystone, boto3, oidc-provider")
    one.add_argument("--bench", action="store_true", help="the clients to measure against, too")
    one.set_defaults(run=lambda o, _: install.install(o.bench))

    for name, about in (("rgw", "the S3 gateway"), ("keystone", "Keystone"), ("all", "these two, wired together"),
                        ("oidc", "an OpenID Connect provider")):  # fmt: skip
        verbs = actions.add_parser(name, help=about).add_subparsers(dest="verb", required=True)
        start = verbs.add_parser("up", help="start in DIR, print a JSON description, leave it running")
        start.add_argument("dir", type=_absolute)
        start.add_argument("--tls", action="store_true", help="HTTPS too, by a private authority")
        parts = {"rgw": name in ("rgw", "all"), "keystone": name in ("keystone", "all"), "oidc": name == "oidc"}
        start.set_defaults(run=_up, **parts, sts=False, keystone_dir=None, keystone_cache=0)
        if parts["rgw"]:
            _gateway_options(start)
        if name == "rgw":
            start.add_argument("--keystone", dest="keystone_dir", type=_absolute, metavar="DIR",
                               help="accept the keys of the Keystone running in DIR")  # fmt: skip
            start.set_defaults(keystone=False)
        end = verbs.add_parser("down", help="stop what runs in DIR and delete its data")
        end.add_argument("dir", type=_absolute)
        end.set_defaults(run=lambda o, _, parts=parts: bed.down(o.dir, parts["rgw"], parts["keystone"], parts["oidc"]))
        if parts["rgw"]:
            again = verbs.add_parser("restart", help="restart the gateway alone, on the same ports")
            again.add_argument("dir", type=_absolute)
            again.add_argument("--keystone-cache", type=int, metavar="N")
            again.set_defaults(run=_restart)

    for name, about in (("with", "run a command beside servers that stop when it ends"),
                        ("hold", "print a JSON description; stop when standard input ends")):  # fmt: skip
        one = actions.add_parser(name, help=about)
        for part in ("rgw", "keystone", "oidc", "tls"):
            one.add_argument(f"--{part}", action="store_true")
        _gateway_options(one)
        one.set_defaults(run=_with if name == "with" else _hold, keystone_dir=None)

    one = actions.add_parser("python", help="print the path of a Python that has boto3")
    one.set_defaults(run=lambda _o, _c: print(venv.servers() / "bin/python"))

    one = actions.add_parser("tools", help="print the folder with the other S3 clients: aws, rclone, s3cmd, and a python with s3fs")
    one.set_defaults(run=lambda _o, _c: print(venv.tools() / "bin"))

    one = actions.add_parser("keychain", help="run a command beside a private, unlocked keychain")
    state = one.add_mutually_exclusive_group()
    state.add_argument("--locked", action="store_const", dest="state", const="locked", help="there, but locked")
    state.add_argument("--absent", action="store_const", dest="state", const="absent", help="a session without one")
    one.set_defaults(run=lambda o, command: keychain.run(o.state or "unlocked", command))

    one = actions.add_parser("screen", help="run a command on an X screen of its own, with a window manager")
    one.add_argument("--size", default="1280x800", metavar="WxH")
    one.set_defaults(run=lambda o, command: screen.run(o.size, command))
    return parser


def _gateway_options(parser) -> None:
    parser.add_argument("--sts", action="store_true", help="turn the token service on")
    parser.add_argument("--keystone-cache", type=int, default=0, metavar="N",
                        help="answers from Keystone that the gateway remembers for 5 minutes (default: 0)")  # fmt: skip


def _absolute(path: str) -> Path:
    return Path(path).resolve()


def _wanted(options) -> Wanted:
    return Wanted(
        rgw=options.rgw,
        keystone=options.keystone,
        oidc=options.oidc,
        tls=options.tls,
        sts=options.sts,
        keystone_cache=options.keystone_cache,
        keystone_dir=options.keystone_dir,
    )


def _up(options, _command) -> None:
    print(json.dumps(bed.up(options.dir, _wanted(options)), indent=1))


def _restart(options, _command) -> None:
    print(json.dumps(bed.restart_gateway(options.dir, options.keystone_cache), indent=1))


def _with(options, command: list) -> int:
    return bed.run_with(_wanted(options), command)


def _hold(options, _command) -> int:
    return bed.hold(_wanted(options))
