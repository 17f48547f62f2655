//! `export` and `import`: accounts into the files of other tools, and out of them.

#![allow(clippy::unwrap_used)]

mod harness;

use std::fs;
use std::path::PathBuf;

use harness::{Cli, files_with};
use wherry_testbed::{Rgw, Testbed};

/// Somebody with an account, and a home folder in which the other tools have their files.
struct Person {
    cli: Cli,
    rgw: Rgw,
}

impl Person {
    fn new() -> Self {
        let rgw = Testbed::rgw();
        let mut cli = Cli::new();
        let home = cli.home.path().join("home");
        fs::create_dir_all(&home).unwrap();
        cli.set("HOME", home.to_str().unwrap());
        let add = [
            "account",
            "add",
            "My lab",
            "--endpoint",
            &rgw.endpoint,
            "--access-key-id",
            &rgw.access_key,
            "--secret-stdin",
        ];
        let added = cli.run_with(&rgw.secret_key, add);
        assert_eq!(added.code, 0, "{}", added.err);
        Self { cli, rgw }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.cli.home.path().join("home").join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }
}

#[test]
fn an_account_is_printed_for_each_tool() {
    let person = Person::new();
    for (tool, has) in [
        ("aws", "[My-lab]"),
        ("rclone", "type = s3"),
        ("s3cmd", "host_base = "),
        ("mc", "\"aliases\""),
        ("s3fs", "\"endpoint_url\""),
        ("boto3", "import boto3"),
        ("xarray", "import s3fs"),
        ("cyberduck", "<key>Nickname</key>"),
        ("cyberduck-profile", "<key>Vendor</key>"),
        ("winscp", "[Sessions\\My%20lab]"),
    ] {
        let printed = person.cli.run(["export", "My lab", tool]);
        assert_eq!(printed.code, 0, "{}", printed.err);
        assert!(printed.out.contains(has), "{tool}: {}", printed.out);
        assert!(!printed.out.contains(&person.rgw.secret_key), "{tool}");
        assert!(!printed.err.contains(&person.rgw.secret_key), "{tool}");
        let row = &person.cli.json(["export", "My lab", tool, "--with-secret"])[0];
        let holds = !matches!(tool, "cyberduck" | "cyberduck-profile" | "winscp");
        assert_eq!(row["contains_secret"], holds, "{row}");
        assert_eq!(
            row.to_string().contains(&person.rgw.secret_key),
            holds,
            "{row}"
        );
    }
    person
        .cli
        .run(["export", "My lab", "telepathy"])
        .refused(2, "rclone");
    person
        .cli
        .run(["export", "Nobody", "aws"])
        .refused(3, "Nobody");
}

// Promise: Other entries of a tool's file are left as they are, byte for byte, and the file as it was is
// kept beside it.
// Promise: An entry that is there is replaced only when that was asked for.
#[test]
fn an_account_is_merged_into_files_that_are_in_use() {
    let person = Person::new();
    let old = "# mine\n[other]\naws_access_key_id=A\naws_secret_access_key =s\n";
    person.write(".aws/credentials", old);
    let merge = ["export", "My lab", "aws", "--merge", "--with-secret"];
    let done = person.cli.json(merge);
    let words: Vec<_> = done
        .iter()
        .filter_map(|row| row["words"].as_str())
        .collect();
    assert_eq!(
        words,
        [
            "adds [My-lab] to ~/.aws/credentials",
            "makes ~/.aws/config with [profile My-lab]"
        ]
    );
    let text = person.text(".aws/credentials");
    assert!(
        text.starts_with(old) && text.contains(&person.rgw.secret_key),
        "{text}"
    );
    let backup = done.iter().find(|row| row["event"] == "backup").unwrap()["file"]
        .as_str()
        .unwrap();
    assert_eq!(person.text(backup.strip_prefix("~/").unwrap()), old);

    let again = person.cli.ok(merge);
    assert!(
        again.contains("leaves ~/.aws/credentials as it is"),
        "{again}"
    );
    let changed = text.replace(&person.rgw.access_key, "SOMEBODYS");
    person.write(".aws/credentials", &changed);
    person.cli.run(merge).refused(8, "[My-lab] is in");
    assert_eq!(person.text(".aws/credentials"), changed);
    let replaced = person.cli.ok(merge.into_iter().chain(["--replace"]));
    assert!(replaced.contains("key SOMEBODYS"), "{replaced}");
    assert_eq!(person.text(".aws/credentials"), text);
    // Or beside it.
    person
        .cli
        .ok(merge.into_iter().chain(["--entry", "second"]));
    assert!(person.text(".aws/config").contains("[profile second]"));
    person
        .cli
        .run(["export", "My lab", "boto3", "--merge"])
        .refused(1, "no file of boto3");
}

// Promise: A file of another tool that Wherry does not understand is never changed.
#[test]
fn a_damaged_file_stays_as_it_is() {
    let person = Person::new();
    for (tool, file, text) in [
        ("aws", ".aws/config", "[default]\nregion = x\nhunter2\n"),
        (
            "rclone",
            ".config/rclone/rclone.conf",
            "[a]\ntype = s3\n[b\n",
        ),
        ("mc", ".mc/config.json", "{\"aliases\":\n{]}"),
    ] {
        person.write(file, text);
        let refused = person
            .cli
            .run(["export", "My lab", tool, "--merge", "--replace"]);
        refused.refused(1, "line ");
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
        assert_eq!(person.text(file), text);
    }
    // Both of its files are looked at before one is written.
    assert!(!person.path(".aws/credentials").exists());
}

// Promise: A tool's file that Wherry writes may be read by its owner only.
#[cfg(unix)]
#[test]
fn what_is_written_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let person = Person::new();
    person.write(".s3cfg", "[default]\naccess_key = OLD\n");
    fs::set_permissions(person.path(".s3cfg"), fs::Permissions::from_mode(0o644)).unwrap();
    for tool in ["aws", "rclone", "s3cmd", "mc"] {
        person.cli.ok([
            "export",
            "My lab",
            tool,
            "--merge",
            "--with-secret",
            "--replace",
        ]);
    }
    let home = person.path("");
    let with_secret = files_with(&home, &person.rgw.secret_key);
    assert_eq!(with_secret.len(), 4, "{with_secret:?}");
    let backup = fs::read_dir(&home)
        .unwrap()
        .map(|e| e.unwrap().path().display().to_string())
        .find(|p| p.contains("wherry-backup"))
        .unwrap();
    for file in with_secret.iter().chain([&backup]) {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
}

#[test]
fn accounts_come_back_from_the_files_they_went_into() {
    let person = Person::new();
    for (tool, file) in [
        ("aws", ".aws/credentials"),
        ("rclone", ".config/rclone/rclone.conf"),
        ("s3cmd", ".s3cfg"),
        ("mc", ".mc/config.json"),
    ] {
        person
            .cli
            .ok(["export", "My lab", tool, "--merge", "--with-secret"]);
        let other = Cli::new();
        let file = person.path(file);
        let file = file.to_str().unwrap();
        let found = other.json(["import", file, "--dry-run"]);
        assert_eq!(
            (found.len(), &found[0]["has_secret"]),
            (1, &true.into()),
            "{found:?}"
        );
        assert_eq!(other.ok(["account", "list"]), "", "nothing was added");
        let imported = other.json(["import", file, "--as", "Lab"]);
        assert_eq!(imported[0]["event"], "imported");
        assert!(!format!("{imported:?}").contains(&person.rgw.secret_key));
        other.ok(["ls", "Lab:"]);
        assert!(
            files_with(other.home.path(), &person.rgw.secret_key).is_empty(),
            "{tool}"
        );
        other.run(["import", file, "--as", "Lab"]).refused(8, "Lab");
    }
}

#[test]
fn what_a_file_does_not_say_is_asked_for_and_the_rest_is_told() {
    let person = Person::new();
    let cli = &person.cli;
    let path = |name: &str| person.path(name).display().to_string();
    person.write(
        "passwd-s3fs",
        &format!("{}:{}\n", person.rgw.access_key, person.rgw.secret_key),
    );
    cli.run(["import", &path("passwd-s3fs")])
        .refused(2, "address is missing");
    cli.ok([
        "import",
        &path("passwd-s3fs"),
        "--as",
        "fuse",
        "--endpoint",
        &person.rgw.endpoint,
    ]);
    cli.ok(["ls", "fuse:"]);

    let duck = cli.ok(["export", "My lab", "cyberduck"]);
    person.write("lab.duck", &duck);
    let import = [
        "import".to_owned(),
        path("lab.duck"),
        "--as".into(),
        "duck".into(),
        "--secret-stdin".into(),
        "--endpoint".into(),
        person.rgw.endpoint.clone(),
    ];
    let added = cli.run_with(&person.rgw.secret_key, &import);
    assert_eq!(added.code, 0, "{}", added.err);
    cli.ok(["ls", "duck:"]);

    person.write(
        "rclone.conf",
        &format!(
            "[one]\ntype = s3\nendpoint = {e}\nprovider = Other\naccess_key_id = A\nsecret_access_key = s\n[gone]\ntype = drive\n[My lab]\ntype = s3\nendpoint = {e}\nprovider = Other\naccess_key_id = B\nsecret_access_key = t\n",
            e = person.rgw.endpoint
        ),
    );
    cli.run(["import", &path("rclone.conf"), "--entry", "nobody"])
        .refused(3, "It has one, gone, My lab.");
    cli.run(["import", &path("rclone.conf"), "--as", "x"])
        .refused(2, "--entry");
    cli.run(["import", &path("rclone.conf"), "--entry", "gone"])
        .refused(1, "“drive”");
    let ran = cli.run(["import", &path("rclone.conf")]);
    assert_eq!(ran.code, 8, "one of them is there already: {}", ran.err);
    assert!(
        ran.out.contains("added one") && ran.err.contains("gone: left out"),
        "{}{}",
        ran.out,
        ran.err
    );
    let names: Vec<_> = cli
        .json(["account", "list"])
        .iter()
        .map(|a| a["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["My lab", "fuse", "duck", "one"]);
    cli.run(["import", &path("none")])
        .refused(1, "none cannot be read");
}
