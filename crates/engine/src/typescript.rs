//! The contract as TypeScript, for `ui/src/lib/backend/contract.ts`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ts_rs::{Config, TS, TypeVisitor};

use crate::commands::{Signature, desk_signatures, shell_signatures};
use crate::contract as c;

struct Collect<'a> {
    cfg: &'a Config,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Collect<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only our own types have a declaration; the rest are TypeScript's.
        if T::output_path().is_none() {
            T::visit_dependencies(self);
            T::visit_generics(self);
            return;
        }
        let name = T::ident(self.cfg);
        if self.found.contains_key(&name) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        self.found
            .insert(name, format!("{docs}export {}\n", T::decl(self.cfg)));
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// The whole file.
pub fn contract() -> String {
    let cfg = Config::new().with_large_int("number");
    let mut types = Collect {
        cfg: &cfg,
        found: BTreeMap::new(),
    };
    visit_all(&mut types);
    let mut out = String::from(
        "// Generated from crates/engine by `make contract`. Do not edit: change the Rust types instead.\n\n",
    );
    for declaration in types.found.values() {
        out.push_str(declaration);
        out.push('\n');
    }
    commands(
        &mut out,
        "Commands",
        "What the engine does.",
        &desk_signatures(&cfg),
    );
    commands(
        &mut out,
        "ShellCommands",
        "What only a window can do.",
        &shell_signatures(&cfg),
    );
    out
}

fn commands(out: &mut String, name: &str, doc: &str, signatures: &[Signature]) {
    let _ = writeln!(out, "/** {doc} */\nexport interface {name} {{");
    for s in signatures {
        let _ = writeln!(
            out,
            "  /** {} */\n  {}: {{ args: {}; result: {} }}",
            s.doc, s.name, s.args, s.result
        );
    }
    out.push_str("}\n\n");
}

macro_rules! visit {
    ($v:ident: $($t:ty),* $(,)?) => { $( $v.visit::<$t>(); )* };
}

/// The roots; everything they mention follows. A type that is missing here shows as an error in
/// TypeScript's own check, as the commands name it.
fn visit_all(v: &mut Collect<'_>) {
    visit!(v:
        c::AppInfo, c::Settings, c::VaultChange, c::VaultView, c::ProviderView, c::AccountView, c::AccountForm,
        c::AccountTest, c::AccountEdit, c::GivenSecret, c::ImportView, c::PortalRequest, c::SignedIn,
        c::ScopeRequest, c::ScopePlaces, c::PortalAccount, c::NewKey, c::AccountSignIn, c::KeysView, c::KeyRef,
        c::KeyDeleted, c::OrphanRef, c::Revealed, c::OidcRequest, c::OidcPrompt, c::NewKeyRequest, c::Rotated, c::RegionRef,
        c::HostedRequest, c::ExportToolView, c::ExportRequest, c::ExportView, c::MergePlanView, c::MergeRequest,
        c::MergedView, c::SaveExport, c::KeysImportView, c::AddImported, c::PickSave, c::BucketsView, c::BucketRef, c::TypedPath, c::Location, c::ListingView,
        c::RowsRequest, c::Rows, c::RangeRequest, c::FindRequest, c::NewFolder, c::ObjectRef, c::ObjectDetails,
        c::LinkRequest, c::Link, c::PlanRequest, c::PlanView, c::RunRequest, c::JobView, c::FilesRequest, c::Files,
        c::Event, c::Pick, c::CopyText, c::KnownFolder, c::Problem,
        c::ConflictsRequest, c::Conflicts, c::MoveJob, c::HistoryRequest, c::HistoryPage, c::HistoryFilesRequest,
        c::HistoryFiles, c::ReceiptsRequest, c::Receipts, c::SaveReceipts, c::SavedReceipts, c::VerifyWhat,
        c::Unfinished, c::CleanUploads, c::Cleaned, c::SavedSync, c::SaveSync, c::ElsewhereRequest, c::ElsewhereView, c::SaveElsewhere,
        c::SyncRowsRequest, c::SyncRows,
    );
}
