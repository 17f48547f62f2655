//! What is written for other tools, read by those tools: each lists a bucket of a real gateway with it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use wherry_account::export::{self, Key, Surroundings};
use wherry_account::{Account, AccountId, Addressing, KeyFacts, Signing};
use wherry_testbed::{Rgw, Testbed, unique_bucket};

/// Somebody's home folder, in which the tools find nothing but what the test put there.
struct Home {
    folder: tempfile::TempDir,
    tools: PathBuf,
    environment: Vec<(String, String)>,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            tools: Testbed::tools(),
            environment: Vec::new(),
        }
    }

    fn here(&self) -> Surroundings {
        Surroundings::new(Some(self.folder.path().into()), |_| None)
    }

    /// Runs a tool and returns what it printed.
    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let done = Command::new(self.tools.join(program))
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", format!("{}:/usr/bin:/bin", self.tools.display()))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.environment.iter().cloned())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "{program} {arguments:?}:\n{out}\n{err}"
        );
        out
    }

    /// Adds the account to the tool's own file.
    fn merge(&self, account: &Account, key: &Secrets, tool: &str) {
        let tool = export::tool(tool).unwrap();
        let now = DateTime::UNIX_EPOCH;
        export::merge(
            account,
            key.key(),
            tool,
            Some("lab"),
            true,
            &self.here(),
            now,
        )
        .unwrap();
    }

    /// Saves what is written for a tool, and answers where.
    fn save(&self, account: &Account, key: &Secrets, tool: &str) -> PathBuf {
        let tool = export::tool(tool).unwrap();
        let export = export::export(account, key.key(), tool, Some("lab"), &self.here()).unwrap();
        let file = &export.files[0];
        let path = self.folder.path().join(&file.save_as);
        export::save(&path, &file.text).unwrap();
        path
    }

    /// Runs a program that was saved, and this at its end.
    #[track_caller]
    fn python(&self, program: &Path, more: &str) -> String {
        let text = fs::read_to_string(program).unwrap();
        self.run("python", &["-c", &format!("{text}\n{more}\n")])
    }

    fn lists_with_aws(&self, bucket: &str) {
        let place = format!("s3://{bucket}/");
        let listed = self.run("aws", &["--profile", "lab", "s3", "ls", &place]);
        assert!(listed.contains("hello.txt"), "aws: {listed}");
    }

    /// Every tool lists the bucket.
    fn lists_with_all(&self, account: &Account, key: &Secrets, bucket: &str) {
        if account.signing != Signing::V2 {
            self.merge(account, key, "aws");
            self.lists_with_aws(bucket);
        }
        self.merge(account, key, "rclone");
        let listed = self.run("rclone", &["lsf", &format!("lab:{bucket}")]);
        assert_eq!(listed, "hello.txt\n", "rclone");
        self.merge(account, key, "s3cmd");
        let listed = self.run("s3cmd", &["ls", &format!("s3://{bucket}/")]);
        let found = format!("s3://{bucket}/hello.txt");
        assert!(listed.contains(&found), "s3cmd: {listed}");

        // The programs list the buckets; one more line lists what is in one.
        let list =
            format!("print([o['Key'] for o in s3.list_objects_v2(Bucket={bucket:?})['Contents']])");
        let listed = self.python(&self.save(account, key, "boto3"), &list);
        assert!(listed.lines().any(|line| line == bucket), "boto3: {listed}");
        assert!(listed.contains("['hello.txt']"), "boto3: {listed}");
        let list = format!("print(fs.ls({bucket:?}), fs.cat({bucket:?} + '/hello.txt'))");
        let listed = self.python(&self.save(account, key, "xarray"), &list);
        assert!(listed.contains(&format!("'{bucket}'")), "s3fs: {listed}");
        assert!(
            listed.contains(&format!("['{bucket}/hello.txt'] b'hello'")),
            "s3fs: {listed}"
        );
        if account.signing == Signing::V2 {
            return;
        }
        // The rest as JASMIN's help and the export's own notes have it.
        let file = self.save(account, key, "s3fs").display().to_string();
        let verify = account.ca_file.as_ref().map_or_else(String::new, |file| {
            format!(", 'verify': {:?}", file.display().to_string())
        });
        let lists = format!(
            "import json, s3fs\nc = json.load(open({file:?}))\n\
             fs = s3fs.S3FileSystem(key=c['token'], secret=c['secret'], token=c.get('session_token'), \
             client_kwargs={{'endpoint_url': c['endpoint_url']{verify}}})\n\
             print(fs.ls({bucket:?}))",
        );
        let listed = self.run("python", &["-c", &lists]);
        let found = format!("{bucket}/hello.txt");
        assert!(listed.contains(&found), "s3fs: {listed}");
    }
}

struct Secrets {
    secret: SecretString,
    token: Option<SecretString>,
}

impl Secrets {
    fn key(&self) -> Key<'_> {
        Key::Given {
            secret: &self.secret,
            session_token: self.token.as_ref(),
        }
    }
}

fn account(endpoint: &str, access_key_id: &str) -> Account {
    Account {
        id: AccountId::random(),
        name: "My lab".to_owned(),
        provider: "ceph".to_owned(),
        endpoint: endpoint.parse().unwrap(),
        region: "us-east-1".to_owned(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        key: KeyFacts {
            access_key_id: Some(access_key_id.to_owned()),
            ..KeyFacts::default()
        },
        ca_file: None,
        proxy: None,
        issuer: None,
        opened_buckets: Vec::new(),
        added: DateTime::<Utc>::UNIX_EPOCH,
    }
}

fn own(rgw: &Rgw) -> (Account, Secrets) {
    let secrets = Secrets {
        secret: rgw.secret_key.as_str().into(),
        token: None,
    };
    (account(&rgw.endpoint, &rgw.access_key), secrets)
}

/// Runs Python with a client for the gateway's own user; returns what it printed.
fn python(rgw: &Rgw, program: &str) -> String {
    let program = format!(
        "import boto3, json\nfrom botocore.config import Config\n\
         kw = dict(endpoint_url={:?}, region_name='us-east-1', aws_access_key_id={:?}, aws_secret_access_key={:?})\n\
         s3 = boto3.client('s3', config=Config(s3={{'addressing_style': 'path'}}), **kw)\n{program}",
        rgw.endpoint, rgw.access_key, rgw.secret_key
    );
    let done = Command::new(Testbed::python())
        .args(["-c", &program])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{err}");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// A bucket with one object.
fn bucket(rgw: &Rgw) -> String {
    let bucket = unique_bucket("tools");
    python(
        rgw,
        &format!(
            "s3.create_bucket(Bucket={bucket:?})\ns3.put_object(Bucket={bucket:?}, Key='hello.txt', Body=b'hello')"
        ),
    );
    bucket
}

#[test]
fn every_tool_lists_a_bucket() {
    let rgw = Testbed::rgw();
    let (account, secrets) = own(&rgw);
    Home::new().lists_with_all(&account, &secrets, &bucket(&rgw));
}

#[test]
fn every_tool_lists_a_bucket_over_tls_with_an_authority_of_its_own() {
    let rgw = Testbed::rgw();
    let (mut account, secrets) = own(&rgw);
    account.endpoint = rgw.tls_endpoint.parse().unwrap();
    account.ca_file = Some(rgw.ca_file.clone());
    Home::new().lists_with_all(&account, &secrets, &bucket(&rgw));
}

#[test]
fn the_tools_that_can_sign_with_version_two() {
    let rgw = Testbed::rgw();
    let (mut account, secrets) = own(&rgw);
    account.signing = Signing::V2;
    Home::new().lists_with_all(&account, &secrets, &bucket(&rgw));
}

/// A proxy for plain HTTP that leads to the gateway, whatever host is asked for. Answers its address and
/// tells the hosts that were asked for.
fn proxy(rgw: &Rgw) -> (String, mpsc::Receiver<String>) {
    let gateway = rgw.endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that hangs up early is no matter.
            let _ = pass_on(client, &gateway, &tell);
        }
    });
    (address, told)
}

fn pass_on(client: TcpStream, gateway: &str, tell: &mpsc::Sender<String>) -> io::Result<()> {
    let mut server = TcpStream::connect(gateway)?;
    let mut client = io::BufReader::new(client);
    let mut first = String::new();
    client.read_line(&mut first)?;
    let Some((method, rest)) = first.split_once(" http://") else {
        return Ok(());
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, " HTTP/1.1\r\n"));
    let _ = tell.send(host.to_owned());
    write!(server, "{method} /{path}")?;
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        if line.to_ascii_lowercase().starts_with("connection:") {
            continue;
        }
        if line == "\r\n" {
            break;
        }
        server.write_all(line.as_bytes())?;
    }
    // One request each, as the next one would have to be changed too. None of these has a body.
    server.write_all(b"Connection: close\r\n\r\n")?;
    io::copy(&mut server, client.get_mut())?;
    Ok(())
}

#[test]
fn buckets_in_the_host_name_and_a_proxy() {
    let rgw = Testbed::rgw();
    let (mut account, secrets) = own(&rgw);
    let (proxy, told) = proxy(&rgw);
    account.endpoint = rgw.localhost_endpoint.parse().unwrap();
    account.addressing = Addressing::VirtualHost;
    account.proxy = Some(proxy.parse().unwrap());
    let (mut home, bucket) = (Home::new(), bucket(&rgw));
    let asked = || told.try_iter().last().unwrap();
    let in_host = account
        .endpoint
        .port()
        .map(|port| format!("{bucket}.localhost:{port}"));
    for tool in ["rclone", "s3cmd", "aws"] {
        home.merge(&account, &secrets, tool);
    }
    let listed = home.run("rclone", &["lsf", &format!("lab:{bucket}")]);
    assert_eq!(listed, "hello.txt\n");
    assert_eq!(Some(asked()), in_host, "rclone");
    let listed = home.run("s3cmd", &["ls", &format!("s3://{bucket}/")]);
    assert!(listed.contains("hello.txt"), "{listed}");
    assert_eq!(Some(asked()), in_host, "s3cmd");
    let program = home.save(&account, &secrets, "boto3");
    let listed = home.run("python", &[program.to_str().unwrap()]);
    assert!(listed.lines().any(|line| line == bucket), "{listed}");
    assert!(asked().starts_with("localhost"), "boto3");
    // Said in the export's notes, as the file cannot.
    home.environment.push(("HTTP_PROXY".to_owned(), proxy));
    home.lists_with_aws(&bucket);
    assert_eq!(Some(asked()), in_host, "aws");
}

const LEND: &str = "
lent = boto3.client('sts', **kw).assume_role(RoleArn='arn:aws:iam:::role/Reader', RoleSessionName='test')['Credentials']
theirs = boto3.client('s3', endpoint_url=kw['endpoint_url'], region_name='us-east-1', aws_access_key_id=lent['AccessKeyId'],
    aws_secret_access_key=lent['SecretAccessKey'], aws_session_token=lent['SessionToken'])
theirs.create_bucket(Bucket='lent')
theirs.put_object(Bucket='lent', Key='hello.txt', Body=b'hello')
print(json.dumps({k: lent[k] for k in ('AccessKeyId', 'SecretAccessKey', 'SessionToken')}))
";

#[test]
fn a_temporary_key_with_its_session_token() {
    let rgw = Rgw::start_private_with_sts();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/test"]},"Action":["sts:AssumeRole"]}]}"#;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}"#;
    let name = "--role-name=Reader";
    let trust = format!("--assume-role-policy-doc={trust}");
    rgw.admin(&["role", "create", name, &trust]);
    let policy = format!("--policy-doc={policy}");
    rgw.admin(&["role-policy", "put", name, "--policy-name=all", &policy]);
    let lent: BTreeMap<String, String> = serde_json::from_str(&python(&rgw, LEND)).unwrap();
    let account = account(&rgw.endpoint, &lent["AccessKeyId"]);
    let secrets = Secrets {
        secret: lent["SecretAccessKey"].as_str().into(),
        token: Some(lent["SessionToken"].as_str().into()),
    };
    Home::new().lists_with_all(&account, &secrets, "lent");
}

#[test]
fn a_tool_that_is_in_use_keeps_its_other_accounts() {
    let rgw = Testbed::rgw();
    let (account, secrets) = own(&rgw);
    let (home, bucket) = (Home::new(), bucket(&rgw));
    let path = |below: &str| home.folder.path().join(below);
    let text = |below: &str| fs::read_to_string(path(below)).unwrap();
    // Written by the tools themselves.
    let (id, secret) = (&*rgw.other.access_key, &*rgw.other.secret_key);
    let remote = [
        "provider=Ceph".to_owned(),
        format!("endpoint={}", rgw.endpoint),
        format!("access_key_id={id}"),
        format!("secret_access_key={secret}"),
    ];
    let mut create = vec!["config", "create", "mine", "s3"];
    create.extend(remote.iter().map(String::as_str));
    home.run("rclone", &create);
    for (name, value) in [
        ("aws_access_key_id", id),
        ("aws_secret_access_key", secret),
        ("endpoint_url", &rgw.endpoint),
        ("s3.addressing_style", "path"),
        ("output", "json"),
    ] {
        home.run(
            "aws",
            &["configure", "set", "--profile", "mine", name, value],
        );
    }
    let files = [
        ".aws/credentials",
        ".aws/config",
        ".config/rclone/rclone.conf",
    ];
    let before = files.map(text);
    for tool in ["aws", "rclone"] {
        home.merge(&account, &secrets, tool);
    }
    for (file, old) in files.iter().zip(before) {
        assert!(text(file).starts_with(&old), "{file}");
        assert!(text(file).len() > old.len(), "{file}");
    }
    assert!(text(files[0]).contains(secrets.secret.expose_secret()));
    assert_eq!(home.run("rclone", &["listremotes"]), "mine:\nlab:\n");
    home.run("rclone", &["lsf", "mine:"]);
    home.run("rclone", &["lsf", &format!("lab:{bucket}")]);
    home.run("aws", &["--profile", "mine", "s3", "ls"]);
    home.lists_with_aws(&bucket);
}
