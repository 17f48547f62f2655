//! Every portal that can be signed in to without a window: a key is made, opens the store, and is looked
//! after, all from the command line. The portals are doubles or real ones, the store is a real Ceph gateway.

mod harness;

use harness::{Cli, files_with};
use serde_json::Value;
use wherry_doubles::{
    Backing, Bearers, Cray, Jasmin, JasminOptions, Propagation, S3KeysManager, Swarm, Tokens,
};
use wherry_testbed::{Rgw, Testbed};

/// With the log at its most talkative, which is searched for secrets with all other files.
fn talkative() -> Cli {
    let mut cli = Cli::new();
    cli.set("WHERRY_LOG", "trace");
    cli
}

/// A command that must succeed, with this on standard input; every line it printed.
fn rows(cli: &Cli, input: &str, args: &[&str]) -> Vec<Value> {
    let args = args.iter().copied().chain(["--json"]);
    let ran = cli.run_with(input, args);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect()
}

/// Adds an account; its access key id. The secret must be in no file, nor what was typed.
fn add(cli: &Cli, input: &str, args: &[&str]) -> String {
    let start = [
        "account",
        "add",
        "Mine",
        "--provider",
        "ceph",
        "--show-secret",
    ];
    let said = rows(cli, input, &[&start[..], args].concat());
    let secret = said[1]["secret_access_key"].as_str().expect("is shown");
    assert!(!secret.is_empty());
    for word in input.lines().chain([secret]) {
        assert_eq!(files_with(cli.home.path(), word), Vec::<String>::new());
    }
    said[1]["access_key_id"]
        .as_str()
        .expect("has one")
        .to_owned()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| row["access_key_id"].as_str())
        .collect()
}

fn in_a_year() -> String {
    let day = chrono::Utc::now() + chrono::TimeDelta::days(365);
    day.format("%Y-%m-%d").to_string()
}

/// Listed, made, rotated and deleted. `prove` is how one signs in again, with `input` on standard input.
fn a_keys_life(cli: &Cli, first: &str, input: &str, prove: &[&str], wish: &[&str]) {
    cli.ok(["ls", "Mine:"]);
    let keys = |what: &[&str]| rows(cli, input, &[&["keys"], what, prove].concat());
    assert!(ids(&keys(&["list", "Mine"])).contains(&first));

    let made = keys(&[&["create", "Mine"], wish].concat());
    let second = ids(&made)[0].to_owned();
    assert_ne!(second, first);
    cli.ok(["ls", "Mine:"]);
    let deleted = keys(&["delete", "Mine", first]);
    assert_eq!(deleted[0]["was_already_gone"], false);
    let again = keys(&["delete", "Mine", first]);
    assert_eq!(again[0]["was_already_gone"], true);

    let turned = keys(&[&["rotate", "Mine"], wish].concat());
    let turned = turned.last().expect("says so");
    assert_eq!(turned["old_access_key_id"], second.as_str());
    assert_eq!(turned["old_key_left"], false);
    let third = turned["access_key_id"].as_str().expect("has one");
    cli.ok(["ls", "Mine:"]);
    let left = keys(&["list", "Mine"]);
    assert!(ids(&left).contains(&third), "{left:?}");
    assert!(!ids(&left).contains(&second.as_str()), "{left:?}");
}

fn with_a_swarm_gateway() -> (Rgw, Swarm) {
    let rgw = Testbed::rgw();
    let tokens = Tokens::of_a_small_site(Backing::rgw(&rgw));
    let swarm = Swarm::start(tokens, "cedadev-o", None);
    (rgw, swarm)
}

fn at_its_portal<'a>(swarm: &'a Swarm, rgw: &'a Rgw) -> [&'a str; 9] {
    [
        "--issuer",
        "swarm",
        "--url",
        swarm.url(),
        "--endpoint",
        &rgw.endpoint,
        "--user",
        "jdoe",
        "--password-stdin",
    ]
}

#[test]
fn a_swarm_gateway() {
    let (rgw, swarm) = with_a_swarm_gateway();
    let cli = talkative();
    let expires = in_a_year();
    let wish = ["--description", "my laptop", "--expires", &expires];
    let portal = at_its_portal(&swarm, &rgw);
    let wrong = cli.run_with(
        "wrong",
        ["account", "add", "Mine"]
            .iter()
            .chain(&portal)
            .chain(&wish),
    );
    assert_ne!(wrong.code, 0);
    assert!(wrong.err.contains("did not accept"), "{}", wrong.err);
    let past = ["--description", "old", "--expires", "2020-01-01"];
    let late = cli.run_with(
        "jdoe-password",
        ["account", "add", "Mine"]
            .iter()
            .chain(&portal)
            .chain(&past),
    );
    assert_ne!(late.code, 0, "a key that has expired already");
    assert_eq!(swarm.tokens.all().len(), 0, "{}", late.err);

    let first = add(&cli, "jdoe-password", &[&portal[..], &wish].concat());
    let listed = rows(
        &cli,
        "jdoe-password",
        &["keys", "list", "Mine", "--password-stdin"],
    );
    assert_eq!(listed[0]["description"], "my laptop");
    assert!(
        listed[0]["expires"]
            .as_str()
            .is_some_and(|day| day.starts_with(&expires)),
        "{listed:?}"
    );
    a_keys_life(&cli, &first, "jdoe-password", &["--password-stdin"], &wish);
}

#[test]
fn the_jasmin_portal() {
    let rgw = Testbed::rgw();
    let tokens = Tokens::of_a_small_site(Backing::rgw(&rgw));
    let jasmin = Jasmin::start(tokens, &JasminOptions::default());
    let cli = talkative();
    let expires = in_a_year();
    let wish = ["--description", "my laptop", "--expires", &expires];
    let proof = || format!("{}\njdoe-password\n", jasmin.session_of("jdoe"));
    let portal = [
        "--issuer",
        "jasmin-portal",
        "--url",
        jasmin.url(),
        "--endpoint",
        &rgw.endpoint,
        "--tenancy",
        "cedadev-o",
        "--session-cookie-stdin",
    ];
    let several = cli.run_with(
        &proof(),
        ["account", "add", "Mine"]
            .iter()
            .chain(&portal[..6])
            .chain(&portal[8..])
            .chain(&wish),
    );
    several.refused(2, "cedadev-o, survey-o");
    let first = add(&cli, &proof(), &[&portal[..], &wish].concat());
    a_keys_life(&cli, &first, &proof(), &["--session-cookie-stdin"], &wish);
    let no_window = cli.run_with("x", ["keys", "list", "Mine", "--password-stdin"]);
    no_window.refused(2, "--session-cookie-stdin");
    jasmin.end_sessions();
    let ended = cli.run_with(
        "session=0123\n",
        ["keys", "list", "Mine", "--session-cookie-stdin"],
    );
    assert_ne!(ended.code, 0);
    assert!(ended.err.contains("ign in"), "{}", ended.err);
}

#[test]
fn the_s3_keys_manager() {
    let (rgw, oidc) = (Testbed::rgw(), Testbed::oidc());
    let manager = S3KeysManager::start(Bearers::of(&oidc), Backing::rgw(&rgw), None);
    // As in life: a new key takes a while to be known.
    manager.propagate_by(Propagation::After(std::time::Duration::from_secs(2)));
    let cli = talkative();
    let url = manager.url();
    let portal = [
        "--issuer",
        "s3-keys-manager",
        "--url",
        &url,
        "--endpoint",
        &rgw.endpoint,
        "--oidc-issuer",
        &oidc.issuer,
        "--client-id",
        "cdse-public",
        "--user",
        &oidc.alice.name,
        "--password-stdin",
    ];
    let first = add(&cli, &oidc.alice.password, &portal);
    // The command does not wait for the store; whoever scripts it asks again.
    wait_until_known(&cli);
    let reset = rows(
        &cli,
        &oidc.alice.password,
        &["keys", "reset", "Mine", "--password-stdin", "--show-secret"],
    );
    assert_eq!(ids(&reset), [first.as_str()]);
    assert!(
        reset[0]["secret_access_key"]
            .as_str()
            .is_some_and(|s| !s.is_empty())
    );
    wait_until_known(&cli);
    let rotated = rows(
        &cli,
        &oidc.alice.password,
        &["keys", "rotate", "Mine", "--password-stdin"],
    );
    assert_eq!(rotated.last().expect("says so")["old_key_left"], false);
    cli.ok(["ls", "Mine:"]);
    assert_eq!(manager.credentials().len(), 1);
}

/// Asks until the store knows the key, which is at most some seconds here.
fn wait_until_known(cli: &Cli) {
    let began = std::time::Instant::now();
    while cli.run(["ls", "Mine:"]).code != 0 {
        assert!(
            began.elapsed().as_secs() < 60,
            "the store never knew the key"
        );
    }
}

#[test]
fn the_cray_token_service() {
    let oidc = Testbed::oidc();
    let rgw = Rgw::start_private_with_sts();
    let cray = Cray::start(Bearers::of(&oidc), Backing::rgw(&rgw), true, None);
    let cli = talkative();
    // No address of the store: the token service says it.
    let portal = [
        "--issuer",
        "cray-sts",
        "--url",
        cray.url(),
        "--oidc-issuer",
        &oidc.issuer,
        "--client-id",
        "shasta",
        "--user",
        &oidc.alice.name,
        "--password-stdin",
    ];
    add(&cli, &oidc.alice.password, &portal);
    cli.ok(["ls", "Mine:"]);
    let listed = cli.run_with(
        &oidc.alice.password,
        ["keys", "list", "Mine", "--password-stdin"],
    );
    assert_ne!(listed.code, 0);
    assert!(!listed.err.is_empty(), "the reason is said");
    let rotated = cli.run_with(
        &oidc.alice.password,
        ["keys", "rotate", "Mine", "--password-stdin"],
    );
    assert!(rotated.err.contains("renewed by itself"), "{}", rotated.err);
}

#[test]
fn a_store_that_lends_keys_for_a_role() {
    let rgw = Rgw::start_private_with_role();
    let cli = talkative();
    let role = "arn:aws:iam:::role/Reader";
    let portal = [
        "--issuer",
        "sts-assume-role",
        "--url",
        &rgw.endpoint,
        "--role-arn",
        role,
        "--duration",
        "900",
        "--source-key",
        &rgw.access_key,
        "--password-stdin",
    ];
    let refused = cli.run_with("wrong", ["account", "add", "Mine"].iter().chain(&portal));
    assert_ne!(refused.code, 0);
    assert!(
        refused.err.contains("did not accept this access key"),
        "{}",
        refused.err
    );
    let lent = add(&cli, &rgw.secret_key, &portal);
    assert_ne!(lent, rgw.access_key);
    assert_eq!(
        files_with(cli.home.path(), &rgw.secret_key),
        Vec::<String>::new()
    );
    cli.ok(["mb", "Mine:made-in-a-role"]);
    cli.ok(["ls", "Mine:made-in-a-role"]);
}

#[test]
fn a_store_that_lends_keys_to_people() {
    let oidc = Testbed::oidc();
    let rgw = Rgw::start_private_trusting(&oidc);
    let cli = talkative();
    let portal = [
        "--issuer",
        "sts-web-identity",
        "--url",
        &rgw.endpoint,
        "--oidc-issuer",
        &oidc.issuer,
        "--client-id",
        &oidc.client,
        "--oidc-scopes",
        "openid offline_access s3",
        "--role-arn",
        "arn:aws:iam:::role/Web",
        "--session-name",
        "alice",
        "--user",
        &oidc.alice.name,
        "--password-stdin",
    ];
    add(&cli, &oidc.alice.password, &portal);
    cli.ok(["mb", "Mine:made-by-alice"]);
    assert_eq!(
        files_with(cli.home.path(), &oidc.alice.password),
        Vec::<String>::new()
    );
}

/// Killed while the new key is being made, and while the old one is being deleted.
#[test]
fn a_rotation_that_is_killed_leaves_a_key_that_works() {
    use http::Method;
    use std::io::Write as _;
    use std::time::Duration;
    use wherry_doubles::Fault;

    let (rgw, swarm) = with_a_swarm_gateway();
    let cli = talkative();
    let expires = in_a_year();
    let wish = ["--description", "my laptop", "--expires", &expires];
    let portal = at_its_portal(&swarm, &rgw);
    let first = add(&cli, "jdoe-password", &[&portal[..], &wish].concat());
    for (method, swapped) in [(Method::POST, false), (Method::DELETE, true)] {
        let asked = swarm.serving.count(&method, "/.TOKEN");
        let slow = Fault::delay(method.clone(), "/.TOKEN", Duration::from_mins(2));
        swarm.serving.fault(slow);
        let mut rotating = cli
            .command()
            .args(["keys", "rotate", "Mine", "--password-stdin"])
            .args(wish)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("starts");
        let mut input = rotating.stdin.take().expect("is piped");
        input.write_all(b"jdoe-password").expect("is read");
        drop(input);
        let began = std::time::Instant::now();
        while swarm.serving.count(&method, "/.TOKEN") == asked {
            assert!(began.elapsed().as_secs() < 60, "it never came to {method}");
            std::thread::yield_now();
        }
        rotating.kill().expect("is killed");
        rotating.wait().expect("is gone");
        swarm.serving.clear_faults();

        cli.ok(["ls", "Mine:"]);
        let accounts = cli.json(["account", "list"]);
        let used = accounts[0]["access_key_id"].as_str().expect("has one");
        assert_eq!(used != first, swapped, "killed in the middle of {method}");
    }
}
