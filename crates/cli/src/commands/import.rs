//! `import`: accounts from the file of another tool.

use serde::Serialize;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{AddImported, ImportedKeyView, Problem, SigningView};
use wherry_engine::names::visible;

use crate::args::Import;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::secrets;
use crate::session::Session;

#[derive(Serialize)]
struct Row<'a> {
    event: &'static str,
    name: &'a str,
    endpoint: Option<&'a str>,
    provider: &'a str,
    access_key_id: Option<&'a str>,
    has_secret: bool,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    unusable: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(event: &'static str, name: &'a str, key: &'a ImportedKeyView) -> Self {
        Self {
            event,
            name,
            endpoint: key.endpoint.as_deref(),
            provider: &key.provider,
            access_key_id: key.access_key_id.as_deref(),
            has_secret: key.has_secret,
            notes: &key.notes,
            unusable: key.unusable.as_deref(),
        }
    }
}

pub async fn run(args: Import, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let file = args.file.display().to_string();
    let found = session.engine.import_keys(file.clone()).await?;
    let wanted = |key: &ImportedKeyView| args.entry.as_ref().is_none_or(|name| *name == key.name);
    let all: Vec<(usize, &ImportedKeyView)> = found
        .keys
        .iter()
        .enumerate()
        .filter(|(_, key)| wanted(key))
        .collect();
    if let (true, Some(entry)) = (all.is_empty(), &args.entry) {
        let names: Vec<String> = found.keys.iter().map(|k| visible(&k.name)).collect();
        let problem = Problem::new(
            "import.entry",
            format!("{} has no entry “{}”.", visible(&file), visible(entry)),
            format!("It has {}.", names.join(", ")),
        );
        return Err(Failure {
            problem,
            exit: Exit::NotThere,
        });
    }
    if args.dry_run {
        for (_, key) in all {
            let row = Row::of("found", &key.name, key);
            output.result(&row, || line(key));
        }
        return Ok(Exit::Done);
    }
    let usable: Vec<_> = all
        .iter()
        .filter(|(_, key)| key.unusable.is_none())
        .collect();
    if args.rename.is_some() && usable.len() > 1 {
        return Err(Failure::usage(
            format!("{} has {} keys.", visible(&file), usable.len()),
            "Choose one with --entry NAME.",
        ));
    }
    session.unlock().await?;
    let mut exit = Exit::Done;
    let alone = all.len() == 1;
    for (index, key) in all {
        let name = args.rename.as_deref().unwrap_or(&key.name);
        match add(&found.import, index, name, key, session).await {
            Ok(()) => {
                output.result(&Row::of("imported", name, key), || {
                    format!("added {} ({})", visible(name), place(key, session))
                });
                for note in &key.notes {
                    output.remark(note);
                }
            }
            Err(failure) if alone => return Err(failure),
            // What is of no use here, such as a remote of another kind, is no failure of the others.
            Err(failure) if key.unusable.is_some() => {
                output.warning(&key.name, &format!("left out: {}", failure.problem.what));
            }
            Err(failure) => {
                output.failed_file(name, &failure.problem);
                exit = failure.exit;
            }
        }
    }
    session.engine.forget_import(found.import).await?;
    Ok(exit)
}

async fn add(
    import: &str,
    index: usize,
    name: &str,
    key: &ImportedKeyView,
    session: &Session,
) -> Result<(), Failure> {
    let needs_secret =
        !key.has_secret && key.unusable.is_none() && key.signing != Some(SigningView::Anonymous);
    let secret = if needs_secret {
        let what = format!(
            "The secret of {}",
            key.access_key_id.as_deref().unwrap_or(name)
        );
        Some(secrets::given(&what, session.secret_stdin)?.into())
    } else {
        None
    };
    let add = AddImported {
        import: import.to_owned(),
        key: index,
        name: name.to_owned(),
        endpoint: session.endpoint.clone(),
        secret,
        provider: None,
    };
    session.engine.add_imported(add).await?;
    Ok(())
}

fn place<'a>(key: &'a ImportedKeyView, session: &'a Session) -> String {
    let endpoint = session.endpoint.as_deref().or(key.endpoint.as_deref());
    visible(endpoint.unwrap_or_default())
}

fn line(key: &ImportedKeyView) -> String {
    let what = match (&key.unusable, &key.access_key_id) {
        (Some(why), _) => why.clone(),
        (None, Some(id)) if key.has_secret => format!("key {id} with its secret"),
        (None, Some(id)) => format!("key {id} without its secret"),
        (None, None) => "no key".to_owned(),
    };
    let endpoint = key.endpoint.as_deref().unwrap_or("address not in the file");
    visible(&format!("{}  {endpoint}  {what}", key.name))
}
