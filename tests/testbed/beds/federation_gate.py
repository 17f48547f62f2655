"""What Apache's mod_auth_openidc is to a federated Keystone: it looks at the bearer token, and says whose it is.

Runs inside Keystone's own process, so it imports nothing of the beds.
"""

import json
import urllib.error
import urllib.request

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PAGE = b"<!DOCTYPE HTML><html><head><title>401 Unauthorized</title></head><body><h1>Unauthorized</h1></body></html>"


class Gate:
    def __init__(self, application, issuer: str):
        self._application = application
        self._bearer = f"{issuer}/test/bearer"

    def __call__(self, environ, start_response):
        # Nobody outside may say who they are.
        for name in [name for name in environ if name.startswith("HTTP_OIDC_")]:
            del environ[name]
        path = environ.get("PATH_INFO", "")
        if "/OS-FEDERATION/identity_providers/" in path and path.endswith("/auth"):
            owner = self._owner(environ.get("HTTP_AUTHORIZATION", ""))
            if owner is None:
                headers = [("Content-Type", "text/html; charset=iso-8859-1"), ("WWW-Authenticate", "Bearer")]
                start_response("401 Unauthorized", headers)
                return [_PAGE]
            environ["HTTP_OIDC_SUB"] = owner
        return self._application(environ, start_response)

    def _owner(self, authorization: str):
        request = urllib.request.Request(self._bearer, headers={"Authorization": authorization})
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return json.load(answer)["name"]
        except urllib.error.HTTPError:
            return None
