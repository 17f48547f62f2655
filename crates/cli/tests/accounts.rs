//! Accounts and keys, on a real gateway and a real Keystone.

#![allow(clippy::unwrap_used)]

mod harness;

use std::process::Stdio;

use harness::{Cli, files_with, keys};
use wherry_testbed::{Testbed, unique_bucket};

#[test]
fn an_account_is_added_used_and_forgotten() {
    let rgw = Testbed::rgw();
    let (cli, bucket) = (Cli::new(), unique_bucket("cli"));
    let add = |name: &str, secret: &str| {
        let args = [
            "account",
            "add",
            name,
            "--endpoint",
            &rgw.endpoint,
            "--access-key-id",
            &rgw.access_key,
            "--secret-stdin",
        ];
        cli.run_with(secret, args)
    };
    add("Lab", "wrong").refused(4, "secret");
    assert_eq!(
        cli.ok(["account", "list"]),
        "",
        "what was refused is not saved"
    );
    let added = add("Lab", &format!("{}\n", rgw.secret_key));
    assert_eq!(added.code, 0, "{}", added.err);
    add("Lab", &rgw.secret_key).refused(8, "Lab");
    let listed = cli.json(["account", "list"]);
    assert_eq!(
        (listed.len(), &listed[0]["access_key_id"]),
        (1, &rgw.access_key.clone().into())
    );

    cli.ok(["mb", &format!("Lab:{bucket}")]);
    let file = cli.home.path().join("ünï.txt");
    std::fs::write(&file, "hello").unwrap();
    cli.ok(["cp", file.to_str().unwrap(), &format!("Lab:{bucket}/dir/")]);
    assert_eq!(
        keys(&cli.json(["ls", "-r", &format!("Lab:{bucket}")])),
        ["dir/ünï.txt"]
    );
    assert!(
        cli.json(["ls", "Lab:"])
            .iter()
            .any(|row| row["bucket"] == bucket.as_str())
    );
    cli.ok(["rm", "-r", &format!("Lab:{bucket}")]);
    cli.ok(["rb", &format!("Lab:{bucket}")]);

    cli.run(["keys", "list", "Lab"]).refused(4, "by hand");
    assert!(
        files_with(cli.home.path(), &rgw.secret_key).is_empty(),
        "the secret is in no file"
    );
    cli.ok(["account", "remove", "Lab"]);
    assert_eq!(cli.ok(["account", "list"]), "");
    cli.run(["ls", "Lab:"]).refused(3, "Lab");
}

#[test]
fn a_secret_that_is_nowhere_is_asked_for() {
    let rgw = Testbed::rgw();
    let mut cli = Cli::new();
    cli.set("WHERRY_VAULT", "session");
    let add = [
        "account",
        "add",
        "Lab",
        "--endpoint",
        &rgw.endpoint,
        "--access-key-id",
        &rgw.access_key,
        "--secret-stdin",
    ];
    assert_eq!(cli.run_with(&rgw.secret_key, add).code, 0);
    cli.run(["ls", "Lab:"]).refused(7, "asked for each time");
    let given = cli.run_with(&rgw.secret_key, ["ls", "Lab:", "--secret-stdin"]);
    assert_eq!(given.code, 0, "{}", given.err);
}

#[test]
fn keystone_makes_the_key() {
    let (keystone, _rgw) = Testbed::both();
    let (cli, bucket) = (Cli::new(), unique_bucket("cli-keystone"));
    let add = |password: &str, name: &str, extra: &[&str]| {
        let mut args = vec![
            "account",
            "add",
            name,
            "--issuer",
            "keystone",
            "--url",
            &keystone.url,
            "--user",
            &keystone.alice.name,
            "--domain",
            &keystone.domain,
            "--project",
            "demo",
            "--provider",
            "wiit",
            "--password-stdin",
            "--json",
        ];
        args.extend(extra);
        cli.run_with(password, args)
    };
    let show = ["--show-secret"];
    assert_ne!(add("wrong", "Cloud", &show).code, 0);
    let nowhere = add(&keystone.alice.password, "Cloud", &["--region", "Nowhere"]);
    nowhere.refused(2, "no S3 store");
    let made = add(&keystone.alice.password, "Cloud", &show);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(
        made.err.contains("Region RegionOne is used"),
        "{}",
        made.err
    );
    let rows: Vec<serde_json::Value> = made
        .out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let first = rows[1]["access_key_id"].as_str().unwrap().to_owned();
    let secret = rows[1]["secret_access_key"].as_str().unwrap().to_owned();
    assert!(
        files_with(cli.home.path(), &secret).is_empty(),
        "the secret is in no file"
    );

    cli.ok(["mb", &format!("Cloud:{bucket}")]);
    let manage = |args: &[&str]| {
        let ran = cli.run_with(
            &keystone.alice.password,
            args.iter().copied().chain(["--password-stdin", "--json"]),
        );
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect::<Vec<serde_json::Value>>()
    };
    let has =
        |rows: &[serde_json::Value], id: &str| rows.iter().any(|row| row["access_key_id"] == id);
    let listed = manage(&["keys", "list", "Cloud"]);
    assert!(has(&listed, &first));
    let second = manage(&["keys", "create", "Cloud"])[0]["access_key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    cli.ok(["ls", &format!("Cloud:{bucket}")]);
    let deleted = manage(&["keys", "delete", "Cloud", &first]);
    assert_eq!(deleted[0]["was_already_gone"], false);
    let listed = manage(&["keys", "list", "Cloud"]);
    assert!(!has(&listed, &first) && has(&listed, &second));
    cli.ok(["rb", &format!("Cloud:{bucket}")]);
    manage(&["keys", "delete", "Cloud", &second]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_upload_leaves_nothing_behind() {
    use std::io::Read;
    let rgw = Testbed::rgw();
    let (cli, bucket) = (
        Cli::with_key(&rgw.endpoint, &rgw.access_key, &rgw.secret_key),
        unique_bucket("cli-int"),
    );
    cli.ok(["mb", &format!("s3://{bucket}")]);
    let file = cli.home.path().join("large");
    std::fs::File::create(&file)
        .unwrap()
        .set_len(3 << 30)
        .unwrap();
    let mut child = cli
        .command()
        .args([
            "cp",
            file.to_str().unwrap(),
            &format!("s3://{bucket}/large"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Until it has begun: then the gateway knows of an unfinished upload.
    let python = Testbed::python();
    let unfinished = || {
        let script = "import boto3,sys\n\
            c=boto3.client('s3',endpoint_url=sys.argv[1],aws_access_key_id=sys.argv[2],aws_secret_access_key=sys.argv[3],region_name='us-east-1')\n\
            print(len(c.list_multipart_uploads(Bucket=sys.argv[4]).get('Uploads',[])))";
        let args = [
            "-c",
            script,
            &rgw.endpoint,
            &rgw.access_key,
            &rgw.secret_key,
            &bucket,
        ];
        let output = std::process::Command::new(&python)
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    while unfinished() == "0" {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be interrupted"
        );
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let mut words = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut words)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{words}");
    assert_eq!(unfinished(), "0");
    cli.ok(["rb", &format!("s3://{bucket}")]);
}
