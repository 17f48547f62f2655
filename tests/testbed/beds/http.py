"""The little HTTP that setting the servers up needs, with Signature V4 for the S3 side."""

import datetime
import hashlib
import hmac
import json
import socket
import urllib.error
import urllib.parse
import urllib.request

# Never through a proxy that the machine may have configured: everything is on loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """The server answered with an HTTP error."""

    def __init__(self, method, url, status, body):
        super().__init__(f"{method} {url}: {status} {body[:300].decode(errors='replace')}")
        self.status = status


def answers(url: str) -> bool:
    """Whether anything at all, an error included, comes back from `url`."""
    try:
        with _OPENER.open(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def accepts_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def call(method: str, url: str, body: bytes = b"", headers: dict | None = None):
    """Returns (headers, body) of a successful answer; raises `Refused` for any other."""
    request = urllib.request.Request(url, data=body or None, method=method, headers=headers or {})
    try:
        with _OPENER.open(request, timeout=60) as answer:
            return answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(method, url, error.code, error.read()) from None


def call_json(method: str, url: str, body=None, headers: dict | None = None):
    """As `call`, with JSON both ways."""
    data = b"" if body is None else json.dumps(body).encode()
    answer_headers, answer = call(method, url, data, {"Content-Type": "application/json", **(headers or {})})
    return answer_headers, json.loads(answer) if answer else None


def call_signed(method: str, url: str, key: dict, body: bytes = b"", service: str = "s3", query: dict | None = None):
    """As `call`, signed with AWS Signature Version 4 (region us-east-1, which RGW does not look at).

    The path has to be plain already: buckets and keys made here have simple names.
    """
    parts = urllib.parse.urlsplit(url)
    pairs = sorted((query or {}).items())
    canonical_query = "&".join(
        f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs
    )
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    canonical_headers = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([method, parts.path or "/", canonical_query, canonical_headers, names, digest])
    scope = f"{stamp[:8]}/us-east-1/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing_key = b"AWS4" + key["secret_key"].encode()
    for part in [*scope.split("/"), to_sign]:
        signing_key = hmac.new(signing_key, part.encode(), hashlib.sha256).digest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key['access_key']}/{scope}, SignedHeaders={names}, Signature={signing_key.hex()}"
    )
    headers["Content-Type"] = "application/octet-stream"
    return call(method, url + (f"?{canonical_query}" if canonical_query else ""), body, headers)
