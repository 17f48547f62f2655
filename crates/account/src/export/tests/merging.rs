//! Accounts put into files that were there before.

use std::fs;
use std::path::Path;

use super::*;

const AWS: &str = "# of old\r\n[default]\r\naws_access_key_id=OTHER\r\naws_secret_access_key = other ; secret\r\n";

#[test]
fn an_account_is_added_and_nothing_else_is_touched() {
    let computer = computer();
    computer.write(".aws/credentials", AWS);
    let merged = computer.merge(&account(), "aws", false).expect("merges");
    let words: Vec<_> = merged.changes.iter().map(|c| c.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "adds [Lab-L-on] to ~/.aws/credentials",
            "makes ~/.aws/config with [profile Lab-L-on]"
        ]
    );
    let text = computer.text(".aws/credentials");
    assert!(text.starts_with(AWS), "{text}");
    assert!(text.ends_with("\r\n\r\n[Lab-L-on]\r\naws_access_key_id = AKIDEXAMPLE\r\naws_secret_access_key = wJalr/XUtn+FEMI=K7#MD;ENG\r\n"), "{text}");
    let backup = computer.path(".aws/credentials.wherry-backup-20260131-120000");
    assert_eq!(merged.backups, std::slice::from_ref(&backup));
    assert_eq!(fs::read_to_string(backup).expect("reads"), AWS);
    let again = computer.merge(&account(), "aws", false).expect("merges");
    assert!(
        again.changes.iter().all(|c| c.change == Change::Same),
        "{again:?}"
    );
    assert!(again.backups.is_empty());
}

#[test]
fn an_entry_of_the_same_name_is_replaced_only_when_told_so() {
    for (id, file, old, kept, words) in [
        (
            "aws",
            ".aws/credentials",
            "[Lab-L-on]\naws_access_key_id = OLD\nrole_arn = x\n\n# b\n[b]\ny = 1\n",
            "\n# b\n[b]\ny = 1\n",
            "key OLD",
        ),
        (
            "rclone",
            ".config/rclone/rclone.conf",
            "[Lab-L-on]\ntype = sftp\nhost = h\n\n# b\n[b]\ntype = s3\n",
            "\n# b\n[b]\ntype = s3\n",
            "replaces [Lab-L-on]",
        ),
        (
            "s3cmd",
            ".s3cfg",
            "[default]\nhost_base = old.org\naccess_key = OLD\naccess_token = t\nguess_mime_type = False\n",
            "guess_mime_type = False\n",
            "old.org, key OLD",
        ),
        (
            "mc",
            ".mc/config.json",
            "{\"version\":\"10\",\"aliases\":{\"Lab-L-on\":{\"url\":\"https://old\",\"accessKey\":\"OLD\"}, \"b\" :{}}}",
            ", \"b\" :{}}}",
            "https://old, key OLD",
        ),
    ] {
        let computer = computer();
        let path = computer.write(file, old);
        let refused = computer.merge(&account(), id, false).expect_err(id);
        assert!(matches!(refused, MergeError::Exists { .. }), "{refused}");
        assert_eq!(computer.text(file), old, "{id}");
        assert_eq!(
            fs::read_dir(path.parent().expect("one"))
                .expect("lists")
                .count(),
            1,
            "{id}"
        );
        let merged = computer.merge(&account(), id, true).expect(id);
        let all: String = merged.changes.iter().map(|c| c.words.clone()).collect();
        assert!(all.contains(words), "{id}: {all}");
        let text = computer.text(file);
        assert!(text.ends_with(kept) || text.contains(kept), "{id}: {text}");
        assert!(
            text.contains("AKIDEXAMPLE")
                && !text.contains("OLD")
                && !text.contains("role_arn")
                && !text.contains("sftp")
                && !text.contains("access_token"),
            "{id}: {text}"
        );
        let mut keys = read_keys(&path).expect("reads").keys;
        keys.retain(|k| k.access_key_id.as_deref() == Some("AKIDEXAMPLE"));
        assert_eq!(keys.len(), 1, "{id}: {text}");
    }
}

#[test]
fn without_the_secret_the_one_that_is_there_stays_if_the_key_is_the_same() {
    for (id, file) in [
        ("aws", ".aws/credentials"),
        ("rclone", ".config/rclone/rclone.conf"),
        ("s3cmd", ".s3cfg"),
        ("mc", ".mc/config.json"),
    ] {
        let computer = computer();
        computer.merge(&account(), id, false).expect(id);
        let mut changed = account();
        changed.endpoint = "https://s3.example.com".parse().expect("a URL");
        let bare = |account: &Account| {
            let key = Key::Withheld { temporary: false };
            merge(
                account,
                key,
                tool(id).expect("is one"),
                None,
                true,
                &computer.here,
                now(),
            )
            .expect(id);
            computer.text(file)
        };
        let text = bare(&changed);
        assert!(
            text.contains(secret().expose_secret()) && !text.contains(SECRET_HERE),
            "{id}: {text}"
        );
        changed.key.access_key_id = Some("ANOTHER".to_owned());
        let text = bare(&changed);
        assert!(
            !text.contains(secret().expose_secret()) && text.contains(SECRET_HERE),
            "{id}: {text}"
        );
    }
}

// Promise: A file of another tool that Wherry does not understand is never changed.
#[test]
fn a_damaged_file_is_never_touched() {
    for (id, file, damaged, words) in [
        (
            "aws",
            ".aws/config",
            "[default]\nregion = x\nhunter2\n",
            "line 3 is neither a [section] nor a setting with “=”",
        ),
        (
            "aws",
            ".aws/credentials",
            "aws_access_key_id = hunter2\n",
            "line 1 is a setting outside of any [section]",
        ),
        (
            "aws",
            ".aws/credentials",
            "[Lab-L-on]\n[Lab-L-on]\n",
            "line 2 begins a section that is there already",
        ),
        (
            "rclone",
            ".config/rclone/rclone.conf",
            "[a\nx = hunter2\n",
            "line 1 begins a section",
        ),
        (
            "mc",
            ".mc/config.json",
            "{\"aliases\": {\n\"hunter2\n",
            "line 2 is not valid JSON",
        ),
        (
            "mc",
            ".mc/config.json",
            "{\"aliases\": \"hunter2\"}",
            "line 1 is no configuration of mc",
        ),
        (
            "rclone",
            ".config/rclone/rclone.conf",
            "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n",
            "encrypted with a password",
        ),
    ] {
        let computer = computer();
        computer.write(file, damaged);
        let refused = computer.merge(&account(), id, true).expect_err(damaged);
        let said = refused.to_string();
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        assert_eq!(computer.text(file), damaged);
        let folder = computer.path(file);
        assert_eq!(
            fs::read_dir(folder.parent().expect("one"))
                .expect("lists")
                .count(),
            1,
            "{id}"
        );
    }
    let computer = computer();
    fs::create_dir_all(computer.path(".s3cfg")).expect("makes");
    assert!(matches!(
        computer.merge(&account(), "s3cmd", true),
        Err(MergeError::Read { .. })
    ));
    let computer = self::computer();
    fs::write(computer.path(".s3cfg"), b"[default]\n\xff\xfe").expect("writes");
    assert!(matches!(
        computer.merge(&account(), "s3cmd", true),
        Err(MergeError::Read { .. })
    ));
    assert!(matches!(
        computer.merge(&account(), "boto3", true),
        Err(MergeError::NoFile(_))
    ));
}

#[cfg(unix)]
#[test]
fn links_are_written_through_and_files_are_for_their_owner_only() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let computer = computer();
    fs::create_dir_all(computer.path("dotfiles")).expect("makes");
    symlink("dotfiles/s3cfg", computer.path(".s3cfg")).expect("links");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    // First where the link leads nowhere yet, then to a file everybody may read.
    for _ in 0..2 {
        computer.merge(&account(), "s3cmd", true).expect("merges");
        assert!(computer.path(".s3cfg").is_symlink());
        assert_eq!(mode(&computer.path("dotfiles/s3cfg")), 0o600);
        computer.write("dotfiles/s3cfg", "[default]\naccess_key = x\n");
        fs::set_permissions(
            computer.path("dotfiles/s3cfg"),
            fs::Permissions::from_mode(0o644),
        )
        .expect("sets");
    }
    let backups: Vec<_> = fs::read_dir(computer.path("dotfiles"))
        .expect("lists")
        .map(|e| e.expect("reads").path())
        .filter(|p| p.to_string_lossy().contains("wherry-backup"))
        .collect();
    assert_eq!(backups.len(), 1, "beside the file itself");
    assert_eq!(mode(&backups[0]), 0o600);
    symlink("b", computer.path("a")).expect("links");
    symlink("a", computer.path("b")).expect("links");
    assert!(crate::export::write::behind_links(&computer.path("a")).is_err());
}

#[test]
fn a_file_that_changes_meanwhile_is_not_overwritten() {
    let computer = computer();
    let path = computer.write("f", "new");
    let refused =
        crate::export::write::replace(&path, Some("old"), "mine", now()).expect_err("refuses");
    assert!(
        refused.to_string().contains("has just changed"),
        "{refused}"
    );
    assert_eq!(computer.text("f"), "new");
    let refused = crate::export::write::replace(&path, None, "mine", now());
    assert!(refused.is_err());
}
