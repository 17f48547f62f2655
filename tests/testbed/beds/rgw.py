"""A throw-away Ceph cluster with an S3 gateway (RGW): one monitor, one in-memory disk, one gateway.

Everything that Ceph would protect in real life is turned off: one copy, no authentication between
its own parts, no manager. What S3 clients see is the real gateway.
"""

import concurrent.futures
import json
import os
import subprocess
import uuid
from pathlib import Path

from beds import http, processes
from beds.authority import Authority
from beds.ports import free_port

TEST_KEY = {"uid": "test", "access_key": "testkey", "secret_key": "testsecret"}
OTHER_KEY = {"uid": "other", "access_key": "otherkey", "secret_key": "othersecret"}
LIMITED_KEY = {"uid": "limited", "access_key": "limitedkey", "secret_key": "limitedsecret"}
SHARED_BUCKET = "shared-with-limited"
CAPS = "users=*;buckets=*;roles=*;metadata=*;usage=*;user-policy=*;oidc-provider=*"
DAEMONS = ("mon", "osd", "rgw")

_ENV = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",  # Ceph's tools are Python scripts for the system's Python
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
}


def up(directory: Path, *, tls: bool = False, sts: bool = False, keystone: dict | None = None,
       keystone_cache: int = 0, port: int | None = None) -> dict:  # fmt: skip
    """Boots a gateway in `directory` and returns what a test needs to know about it.

    With `keystone` (as `keystone.up` returns it) the gateway accepts EC2 credentials issued there.
    `keystone_cache` is how many answers from Keystone the gateway remembers: 0 makes it ask each
    time, so a deleted credential is refused at once; with more, as in real life (10000), it honours
    one for up to five minutes after its deletion.
    """
    (directory / "log").mkdir(parents=True, exist_ok=True)
    for data in ("mon", "osd", "rgw"):
        (directory / data).mkdir()
    port, tls_port, mon_port = port or free_port(), free_port() if tls else None, free_port()
    authority = Authority(directory / "tls").create() if tls else None
    fsid = str(uuid.uuid4())
    (directory / "ceph.conf").write_text(
        _configuration(directory, fsid, mon_port, port, tls_port, authority, sts, keystone)
    )
    try:
        _start_cluster(directory, fsid, mon_port)
        gateway = ["radosgw", *_common(directory), "-n", "client.rgw", _cache_option(keystone_cache)]
        processes.start(directory, "rgw", gateway, _ENV)
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for_gateway(directory, endpoint)
        _make_users(directory, endpoint)
    except BaseException:
        processes.stop(directory)
        raise
    about = {
        "dir": str(directory),
        "endpoint": endpoint,
        "localhost_endpoint": f"http://localhost:{port}",
        "tls_endpoint": f"https://localhost:{tls_port}" if tls else None,
        "ca_file": str(authority.ca_file) if authority else None,
        "swift_endpoint": f"{endpoint}/swift/v1",
        "user": TEST_KEY,
        "other": OTHER_KEY,
        "limited": {**LIMITED_KEY, "bucket": SHARED_BUCKET},
        "admin_socket": str(directory / "rgw.asok"),
        "conf": str(directory / "ceph.conf"),
        "keystone": keystone is not None,
        "sts": sts,
    }
    (directory / "rgw.json").write_text(json.dumps(about, indent=1))
    return about


def down(directory: Path) -> None:
    processes.stop(directory, *DAEMONS)


def restart(directory: Path, keystone_cache: int | None = None) -> None:
    """Starts the gateway anew on the same ports; the stored objects stay."""
    gateway = processes.recorded_argv(directory, "rgw")
    if keystone_cache is not None:
        gateway = [a for a in gateway if not a.startswith(_cache_option(""))] + [_cache_option(keystone_cache)]
    processes.stop(directory, "rgw")
    processes.start(directory, "rgw", gateway, _ENV)
    _wait_for_gateway(directory, json.loads((directory / "rgw.json").read_text())["endpoint"])


def _cache_option(size) -> str:
    return f"--rgw-keystone-token-cache-size={size}"


def _common(directory: Path) -> list:
    return ["-f", "-c", directory / "ceph.conf"]


def _start_cluster(directory: Path, fsid: str, mon_port: int) -> None:
    conf = ["-c", directory / "ceph.conf"]
    monmap, osd_uuid = directory / "monmap", str(uuid.uuid4())
    _run(["monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", monmap])
    _run(["ceph-mon", *conf, "--mkfs", "-i", "a", "--monmap", monmap])
    processes.start(directory, "mon", ["ceph-mon", *_common(directory), "-i", "a"], _ENV)
    _run(["ceph", *conf, "osd", "new", osd_uuid])
    _run(["ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", osd_uuid])
    processes.start(directory, "osd", ["ceph-osd", *_common(directory), "-i", "0"], _ENV)


def _wait_for_gateway(directory: Path, endpoint: str) -> None:
    processes.wait_until(directory, "rgw", lambda: http.answers(endpoint), 60, f"answering at {endpoint}")


def _make_users(directory: Path, endpoint: str) -> None:
    def create(user: dict, *more: str) -> None:
        _run(["radosgw-admin", "-c", directory / "ceph.conf", "user", "create", f"--uid={user['uid']}",
              f"--display-name={user['uid'].title()}", f"--access-key={user['access_key']}",
              f"--secret-key={user['secret_key']}", *more])  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor() as pool:
        admin = pool.submit(create, TEST_KEY, f"--caps={CAPS}")
        rest = [pool.submit(create, user) for user in (OTHER_KEY, LIMITED_KEY)]
        for done in [admin, *rest]:
            done.result()
    _share_bucket_with_limited(endpoint)


def _share_bucket_with_limited(endpoint: str) -> None:
    """`limited` may not list buckets, as at many institutions, but may read one by its name."""
    bucket = f"{endpoint}/{SHARED_BUCKET}"
    http.call_signed("PUT", bucket, TEST_KEY)
    http.call_signed("PUT", f"{bucket}/readings/2024.csv", TEST_KEY, b"day,level\n1,2.5\n2,2.7\n")
    http.call_signed("PUT", f"{bucket}/about.txt", TEST_KEY, b"Read me: shared by test with limited.\n")
    allow = _policy(
        Effect="Allow",
        Principal={"AWS": [f"arn:aws:iam:::user/{LIMITED_KEY['uid']}"]},
        Action=["s3:ListBucket", "s3:GetObject", "s3:GetBucketLocation"],
        Resource=[f"arn:aws:s3:::{SHARED_BUCKET}", f"arn:aws:s3:::{SHARED_BUCKET}/*"],
    )
    http.call_signed("PUT", bucket, TEST_KEY, allow.encode(), query={"policy": ""})
    deny = _policy(Effect="Deny", Action=["s3:ListAllMyBuckets", "s3:CreateBucket"], Resource=["arn:aws:s3:::*"])
    put_policy = {
        "Action": "PutUserPolicy",
        "UserName": LIMITED_KEY["uid"],
        "PolicyName": "no-overview",
        "PolicyDocument": deny,
        "Version": "2010-05-08",
    }
    http.call_signed("POST", f"{endpoint}/", TEST_KEY, service="iam", query=put_policy)


def _policy(**statement) -> str:
    # RGW's IAM API cannot read a policy with spaces in it.
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _run(argv: list) -> None:
    argv = [str(a) for a in argv]
    done = subprocess.run(argv, env=_ENV, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise processes.StartFailed(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")


def _configuration(directory, fsid, mon_port, port, tls_port, authority, sts, keystone) -> str:
    # Without tcp_nodelay each answer on a kept connection waits 40 ms for the kernels to agree.
    frontend = f"beast tcp_nodelay=1 endpoint=127.0.0.1:{port}"
    if tls_port:
        frontend += f" ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={authority.chain_file}"
        frontend += f" ssl_private_key={authority.key_file}"
    return f"""\
[global]
fsid = {fsid}
mon_host = v2:127.0.0.1:{mon_port}/0
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
# With authentication off and this unset, the gateway waits five minutes and gives up.
ms_mon_client_mode = crc
keyring = /dev/null
run_dir = {directory}
pid_file =
admin_socket =
crash_dir = {directory}/log
log_file = {directory}/log/$name.log
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
mon_data_avail_warn = 1
mon_data_avail_crit = 0
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_class_load_list = *
[mon]
mon_data = {directory}/mon
[osd]
osd_data = {directory}/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
[client.rgw]
admin_socket = {directory}/rgw.asok
rgw_data = {directory}/rgw
rgw_frontends = {frontend}
rgw_dns_name = localhost
rgw_enable_apis = s3, s3website, sts, iam, admin, swift, swift_auth
rgw_enable_static_website = true
rgw_enable_usage_log = true
rgw_crypt_require_ssl = false
rgw_s3_auth_use_sts = {str(sts).lower()}
rgw_sts_key = abcdefghijklmnop
{_keystone_configuration(keystone) if keystone else ""}"""


def _keystone_configuration(keystone: dict) -> str:
    service = keystone["service_user"]
    root = keystone["url"].removesuffix("/v3")
    return f"""\
rgw_keystone_url = {root}
rgw_keystone_api_version = 3
rgw_keystone_admin_user = {service["name"]}
rgw_keystone_admin_password = {service["password"]}
rgw_keystone_admin_domain = {keystone["domain"]}
rgw_keystone_admin_project = {service["project"]}
rgw_keystone_accepted_roles = member, admin
rgw_keystone_implicit_tenants = false
rgw_keystone_verify_ssl = false
rgw_s3_auth_use_keystone = true
# Its own users first: asking Keystone about each of their requests would take a second every time.
rgw_s3_auth_order = sts, local, external
rgw_swift_account_in_url = false
"""
