//! `elsewhere`: a copy or a sync written down for another computer.

use std::ffi::OsStr;

use chrono::Utc;
use serde::Serialize;
use wherry_account::{Addressing, Cluster, Provider, Quirks, Signing};
use wherry_engine::contract::Problem;
use wherry_transfer::elsewhere::{Errand, KeyThere, Spot, StoreThere, Tool, Work, write};

use super::sync::compare;
use crate::args::{AddressingArg, Elsewhere, SigningArg, ToolArg};
use crate::failure::{Exit, Failure};
use crate::filtering::filter;
use crate::output::Output;
use crate::place::{Place, Remote, StoreRef};
use crate::session::Session;

#[derive(Serialize)]
struct Line<'a> {
    tool: &'a str,
    command: &'a str,
    script: &'a str,
    notes: &'a [String],
}

pub fn run(args: &Elsewhere, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let (from, cluster) = spot(&args.from, session)?;
    let (to, cluster_to) = spot(&args.to, session)?;
    let tool = match args.tool {
        ToolArg::Rclone => Tool::Rclone,
        ToolArg::S5cmd => Tool::S5cmd,
    };
    let no_clobber = args.no_clobber;
    let (from, to, work) = if args.sync {
        let work = Work::Sync {
            compare: compare(args.compare),
            delete: args.delete,
        };
        (from.into_folder(), to.into_folder(), work)
    } else {
        settle(from, to, no_clobber)
    };
    let errand = Errand {
        from,
        to,
        work,
        filter: filter(&args.filter, Utc::now())?,
        with_litter: args.with_litter,
    };
    let cluster = cluster.or(cluster_to);
    let written = write(&errand, tool, cluster.as_ref()).map_err(|cannot| {
        let what = format!("{} cannot do this as Wherry does: {cannot}.", tool.name());
        Failure::from(Problem::new(
            "elsewhere.cannot",
            what,
            "Choose the other tool with --tool, or change what it is about.",
        ))
    })?;
    let line = Line {
        tool: tool.name(),
        command: &written.command,
        script: &written.script,
        notes: &written.notes,
    };
    let text = if args.slurm {
        &written.script
    } else {
        &written.command
    };
    output.result(&line, || text.trim_end().to_owned());
    for note in &written.notes {
        output.remark(note);
    }
    Ok(Exit::Done)
}

/// A place that has not been decided to be a folder.
struct Typed {
    spot: Spot,
    slash: bool,
}

impl Typed {
    fn into_folder(self) -> Spot {
        match self.spot {
            Spot::Store { store, bucket, key } if !key.is_empty() && !key.ends_with('/') => {
                let key = format!("{key}/");
                Spot::Store { store, bucket, key }
            }
            spot => spot,
        }
    }

    fn last_name(&self) -> String {
        let text = match &self.spot {
            Spot::Path(path) => path,
            Spot::Store { key, bucket, .. } if key.is_empty() => bucket,
            Spot::Store { key, .. } => key,
        };
        let text = text.trim_end_matches('/');
        text.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// As `cp -r` has it: a slash at the end of a source means what is in it. On another computer nobody
/// can look whether something is a folder, so that is what a name without an ending is taken for.
fn settle(from: Typed, to: Typed, no_clobber: bool) -> (Spot, Spot, Work) {
    let name = from.last_name();
    let one = !from.slash && name.contains('.') && !matches!(name.as_str(), "." | "..");
    if one {
        let to = if to.slash {
            below(to.spot, &name)
        } else {
            to.spot
        };
        return (from.spot, to, Work::One { no_clobber });
    }
    let contents = from.slash || matches!(name.as_str(), "." | ".." | "");
    let to = if contents {
        to.into_folder()
    } else {
        below(to.into_folder(), &format!("{name}/"))
    };
    (from.into_folder(), to, Work::Copy { no_clobber })
}

fn below(spot: Spot, name: &str) -> Spot {
    match spot {
        Spot::Path(path) => {
            let slash = if path.ends_with('/') { "" } else { "/" };
            Spot::Path(format!("{path}{slash}{}", name.trim_end_matches('/')))
        }
        Spot::Store { store, bucket, key } => Spot::Store {
            key: format!("{key}{name}"),
            store,
            bucket,
        },
    }
}

fn spot(text: &OsStr, session: &Session) -> Result<(Typed, Option<Cluster>), Failure> {
    match Place::parse(text) {
        Place::Local { path, slash } => {
            let Some(path) = path.to_str() else {
                return Err(Failure::usage(
                    "The path is no valid Unicode.",
                    "Give a path that can be written into a text file.",
                ));
            };
            let spot = Spot::Path(path.to_owned());
            Ok((Typed { spot, slash }, None))
        }
        Place::Remote(remote) => {
            remote.need_bucket()?;
            let (store, cluster) = store(&remote, session)?;
            let slash = remote.key.ends_with('/') || remote.key.is_empty();
            let contents = slash && (remote.bucket_slash || !remote.key.is_empty());
            let spot = Spot::Store {
                store: Box::new(store),
                bucket: remote.bucket,
                key: remote.key,
            };
            Ok((
                Typed {
                    spot,
                    slash: contents,
                },
                cluster,
            ))
        }
    }
}

/// Nothing is asked of the store or the vault: what is written down has no secret.
fn store(remote: &Remote, session: &Session) -> Result<(StoreThere, Option<Cluster>), Failure> {
    match &remote.store {
        StoreRef::Account(name) => {
            let account = session
                .engine
                .accounts_file()
                .by_name(name)
                .map_err(Problem::from)?;
            let preset: Option<&Provider> = wherry_account::provider(&account.provider);
            let cluster = preset.and_then(|p| p.cluster.clone());
            let store = StoreThere::of_account(&account, preset, true);
            Ok((store, cluster))
        }
        StoreRef::Environment => {
            let signing = match session.signing {
                Some(SigningArg::V2) => Signing::V2,
                Some(SigningArg::Anonymous) => Signing::Anonymous,
                Some(SigningArg::V4) | None => Signing::V4,
            };
            let (endpoint, region) = session.environment_address()?;
            let store = StoreThere {
                name: "s3".into(),
                account: String::new(),
                endpoint,
                region,
                addressing: match session.addressing {
                    Some(AddressingArg::VirtualHost) => Addressing::VirtualHost,
                    Some(AddressingArg::Path) | None => Addressing::Path,
                },
                signing,
                quirks: Quirks::default(),
                key: if signing == Signing::Anonymous {
                    KeyThere::None
                } else {
                    KeyThere::Environment
                },
                own_ca: session.ca_file.is_some(),
                lent: false,
            };
            Ok((store, None))
        }
    }
}
