//! A batch script for a cluster that runs Slurm. What differs from site to site is data of the
//! provider, or a line to be filled in.

use std::fmt::Write;

use wherry_account::Cluster;

use super::{Errand, KeyThere, Tool, Work};

pub fn script(command: &str, tool: Tool, errand: &Errand, cluster: Option<&Cluster>) -> String {
    let mut text = String::from("#!/bin/bash\n");
    let name = match errand.work {
        Work::One { .. } | Work::Copy { .. } => "wherry-copy",
        Work::Sync { .. } => "wherry-sync",
    };
    let _ = writeln!(text, "#SBATCH --job-name={name}");
    text.push_str("#SBATCH --output=%x-%j.log\n#SBATCH --ntasks=1\n");
    let cpus = cluster.and_then(|c| c.cpus).unwrap_or(4);
    let _ = writeln!(text, "#SBATCH --cpus-per-task={cpus}");
    text.push_str("#SBATCH --mem=4G\n");
    text.push_str("# The longest it may take; the site ends it then. Run it again to go on: what is there stays.\n");
    let time = cluster.and_then(|c| c.time.as_deref());
    let _ = writeln!(text, "#SBATCH --time={}", time.unwrap_or("24:00:00"));
    option(
        &mut text,
        "partition",
        cluster.and_then(|c| c.partition.as_deref()),
        "The queue: one for transfers if the site has it (`sinfo -s` lists them)",
    );
    option(
        &mut text,
        "qos",
        cluster.and_then(|c| c.qos.as_deref()),
        "The quality of service, if the site asks for one",
    );
    let hint = cluster.and_then(|c| c.account_hint.as_deref());
    option(
        &mut text,
        "account",
        None,
        hint.unwrap_or("The project that the time is booked on, if the site asks for one"),
    );
    text.push_str("\nset -euo pipefail\n");
    let tool = tool.name();
    let _ = writeln!(
        text,
        "command -v {tool} >/dev/null || {{ echo '{tool} is not here: load its module, or put it into your PATH' >&2; exit 127; }}"
    );
    for store in errand.stores() {
        match &store.key {
            // A name of small letters, digits and _: no pattern to grep.
            KeyThere::Profile(profile) => {
                let _ = writeln!(
                    text,
                    "grep -qx '\\[{profile}\\]' \"${{AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}}\" || {{ echo 'there is no key: ~/.aws/credentials needs a section [{profile}]' >&2; exit 78; }}"
                );
            }
            KeyThere::Environment => {
                text.push_str(
                    ": \"${AWS_ACCESS_KEY_ID:?must be set, with AWS_SECRET_ACCESS_KEY}\"\n",
                );
            }
            KeyThere::None => {}
        }
    }
    text.push('\n');
    text.push_str(command);
    text
}

/// Set where it is known; else a line that does nothing until it is filled in.
fn option(text: &mut String, name: &str, value: Option<&str>, hint: &str) {
    match value {
        Some(value) => {
            let _ = writeln!(text, "#SBATCH --{name}={value}");
        }
        None => {
            let _ = writeln!(text, "# {hint}: fill it in, and take one # away.");
            let _ = writeln!(text, "##SBATCH --{name}={}", name.to_uppercase());
        }
    }
}
