"""Who and what is in the test Keystone."""

from beds import http

REGIONS = ("RegionOne", "RegionTwo")
DOMAIN = "Default"
ADMIN = {"name": "admin", "password": "adminpw", "project": "admin"}
SERVICE_USER = {"name": "rgw", "password": "rgwpw", "project": "admin"}
ALICE = {"name": "alice", "password": "alicepw"}
BOB = {"name": "bob", "password": "bobpw"}
CAROL = {"name": "carol", "password": "carolpw"}
PROJECTS = ("demo", "survey")
IDENTITY_PROVIDER = "institution"
PROTOCOL = "openid"


def plant(url: str) -> dict:
    """Creates everybody over the API of a freshly bootstrapped Keystone; returns the `seed.json`.

    `alice` is a member of both projects and has a (restricted) application credential in the first;
    `bob` can sign in but has no role anywhere; `carol` is a member of the second project, and her keys are
    counted by one test, so no other may make any; the service user is the store's own account.
    """
    admin = _token(url, ADMIN, ADMIN["project"])

    def api(method: str, path: str, body=None, token=admin):
        return http.call_json(method, url + path, body, {"X-Auth-Token": token})[1]

    def role(name: str) -> str:
        return api("GET", f"/roles?name={name}")["roles"][0]["id"]

    def user(account: dict) -> dict:
        new = {"name": account["name"], "password": account["password"], "domain_id": "default"}
        return {**account, "id": api("POST", "/users", {"user": new})["user"]["id"]}

    alice, bob, carol, service = user(ALICE), user(BOB), user(CAROL), user(SERVICE_USER)
    projects = {}
    for name in PROJECTS:
        new = {"name": name, "domain_id": "default"}
        projects[name] = api("POST", "/projects", {"project": new})["project"]["id"]
        api("PUT", f"/projects/{projects[name]}/users/{alice['id']}/roles/{role('member')}")
    api("PUT", f"/projects/{projects[PROJECTS[1]]}/users/{carol['id']}/roles/{role('member')}")
    admin_project = api("GET", f"/projects?name={ADMIN['project']}")["projects"][0]["id"]
    api("PUT", f"/projects/{admin_project}/users/{service['id']}/roles/{role('admin')}")

    api("POST", "/regions", {"region": {"id": REGIONS[1]}})
    store = {"name": "swift", "type": "object-store", "description": "Research object store"}
    store_id = api("POST", "/services", {"service": store})["service"]["id"]
    for region in REGIONS:
        for interface in ("public", "internal"):
            new = {"service_id": store_id, "region_id": region, "interface": interface, "url": "http://template.invalid"}
            api("POST", "/endpoints", {"endpoint": new})

    _trust_an_institution(api)
    return {
        "domain": DOMAIN,
        "identity_provider": IDENTITY_PROVIDER,
        "protocol": PROTOCOL,
        "admin": ADMIN,
        "service_user": service,
        "alice": alice,
        "bob": bob,
        "carol": carol,
        "projects": projects,
        "application_credential": _application_credential(url, alice),
    }


def _trust_an_institution(api) -> None:
    """Whoever comes from there is the user of the same name here."""
    user = {"name": "{0}", "domain": {"id": "default"}, "type": "local"}
    rule = {"local": [{"user": user}], "remote": [{"type": "HTTP_OIDC_SUB"}]}
    api("PUT", "/OS-FEDERATION/mappings/namesakes", {"mapping": {"rules": [rule]}})
    provider = f"/OS-FEDERATION/identity_providers/{IDENTITY_PROVIDER}"
    api("PUT", provider, {"identity_provider": {"enabled": True, "domain_id": "default"}})
    api("PUT", f"{provider}/protocols/{PROTOCOL}", {"protocol": {"mapping_id": "namesakes"}})


def _application_credential(url: str, alice: dict) -> dict:
    token = _token(url, alice, PROJECTS[0])
    new = {"application_credential": {"name": "laptop", "secret": "laptop-secret"}}
    path = f"{url}/users/{alice['id']}/application_credentials"
    made = http.call_json("POST", path, new, {"X-Auth-Token": token})[1]["application_credential"]
    return {"id": made["id"], "name": made["name"], "secret": made["secret"], "project": PROJECTS[0]}


def _token(url: str, account: dict, project: str) -> str:
    domain = {"id": "default"}
    user = {"name": account["name"], "domain": domain, "password": account["password"]}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"name": project, "domain": domain}}}
    headers, _ = http.call_json("POST", f"{url}/auth/tokens", {"auth": auth})
    return headers["X-Subject-Token"]
