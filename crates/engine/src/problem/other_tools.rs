//! Files of other tools, for people.

use wherry_account::export::MergeError;
use wherry_account::import::ImportError;

use crate::contract::Problem;
use crate::problem::sentence;

impl From<MergeError> for Problem {
    fn from(error: MergeError) -> Self {
        let what = sentence(&error);
        let own = "Save it as a file of its own instead.";
        match error {
            MergeError::Export(_) => Self::new("export.odd", what, "Choose another name, or hand the key over by hand."),
            MergeError::NoFile(_) => Self::new("export.no-file", what, own),
            MergeError::Read { path, .. } => Self::new(
                "export.read",
                what,
                "It was not changed. Make sure that it is yours and can be read, and try again.",
            )
            .retryable()
            .context("file", path.display()),
            MergeError::Malformed { path, .. } => Self::new(
                "export.malformed",
                what,
                "It was not changed. Put that line right and try again, or copy the text and add it by hand.",
            )
            .retryable()
            .context("file", path.display()),
            MergeError::Encrypted { path } => Self::new(
                "export.encrypted",
                what,
                "It was not changed. Add the remote with `rclone config`, or save it as a file of its own and use `rclone --config FILE`.",
            )
            .context("file", path.display()),
            MergeError::Exists { path, .. } => Self::new(
                "export.exists",
                what,
                "Nothing was changed. Replace it, or choose another name.",
            )
            .context("file", path.display()),
            MergeError::Write { path, done, .. } => Self::new(
                "export.write",
                what,
                if done == 0 {
                    "Nothing was changed. Make sure the disk has room and the folder is yours, and try again."
                } else {
                    "The tool's other file was changed already, and is kept as it was beside it. Make sure the disk has room and the folder is yours, and try again."
                },
            )
            .retryable()
            .context("file", path.display()),
        }
    }
}

/// Why a file gives no keys. `cloud` says that it describes an OpenStack cloud instead.
pub fn from_import(error: &ImportError, cloud: bool) -> Problem {
    let (code, todo) = match error {
        ImportError::Encrypted { .. } => (
            "import.encrypted",
            "Wherry does not ask for rclone's password. Run `rclone config show NAME` and add the account by hand.",
        ),
        ImportError::Malformed { .. } => (
            "import.malformed",
            "Put that line right, or choose another file.",
        ),
        ImportError::NoKeys { .. } if cloud => (
            "import.cloud",
            "It describes an OpenStack cloud: add an account at OpenStack, sign in with this file, and Wherry makes the key.",
        ),
        _ => (
            "import.keys",
            "Choose .s3cfg, ~/.aws/credentials or config, rclone.conf, mc's config.json, a JSON file for s3fs, passwd-s3fs, a Cyberduck bookmark or WinSCP.ini.",
        ),
    };
    Problem::new(code, sentence(error), todo)
}
