//! Files that systems and editors leave behind and nobody means to upload.

/// Whether a file name is one of those.
pub fn is_litter(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        ".ds_store"
            | "thumbs.db"
            | "ehthumbs.db"
            | "desktop.ini"
            | ".localized"
            | ".apdisk"
            | "icon\r"
    ) || name.starts_with("._")
        || name.starts_with("~$")
        || name.starts_with(".~lock.")
        || name.starts_with(".nfs0")
        || is_our_own(&lower)
        || is_swap_file(&lower)
}

/// The same and the folders of [`is_litter_folder`], as an expression over a file's relative name that
/// other tools understand too.
pub const EXPRESSION: &str = concat!(
    r"(?s)(?:.*/)?(?:(?i:\.ds_store|thumbs\.db|ehthumbs\.db|desktop\.ini|\.localized|\.apdisk|icon\r",
    r"|\.wherry-[^/]*\.part|\.[^/]+\.sw[ponx])|\._[^/]*|~\$[^/]*|\.~lock\.[^/]*|\.nfs0[^/]*",
    r"|(?:\.Spotlight-V100|\.Trashes|\.fseventsd|\.TemporaryItems|\$RECYCLE\.BIN",
    r"|System Volume Information)/.*)",
);

/// Folders of the same sort, left out with all that is in them.
pub fn is_litter_folder(name: &str) -> bool {
    matches!(
        name,
        ".Spotlight-V100"
            | ".Trashes"
            | ".fseventsd"
            | ".TemporaryItems"
            | "$RECYCLE.BIN"
            | "System Volume Information"
    )
}

/// A download of Wherry's that was killed.
fn is_our_own(lower: &str) -> bool {
    lower
        .strip_prefix(".wherry-")
        .and_then(|rest| rest.strip_suffix(".part"))
        .is_some()
}

/// Vim's: `.name.swp`, then `.swo`, `.swn` …
fn is_swap_file(lower: &str) -> bool {
    let Some((stem, ending)) = lower.rsplit_once('.') else {
        return false;
    };
    stem.starts_with('.') && stem.len() > 1 && matches!(ending, "swp" | "swo" | "swn" | "swx")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_expression_says_the_same(
            name in "(\\.|~\\$|\\._|\\.~lock\\.|\\.nfs0|\\.wherry-)?(DS_Store|Thumbs|thumbs|desktop|a|\\.)?(\\.db|\\.ini|\\.swp|\\.swo|\\.sw|\\.part|b)?",
            above in "(a/|\\.Trashes/|\\._x/|\\$RECYCLE\\.BIN/){0,2}",
        ) {
            prop_assume!(!name.is_empty());
            let regex = regex::Regex::new(&format!("^{EXPRESSION}$")).unwrap();
            let folder = above.split('/').any(is_litter_folder);
            let full = format!("{above}{name}");
            prop_assert_eq!(regex.is_match(&full), folder || is_litter(&name), "{}", full);
        }
    }

    #[test]
    fn litter_is_known_and_data_is_not() {
        for name in [
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "~$thesis.docx",
            ".~lock.a.ods#",
            ".notes.txt.swp",
            "._x",
        ] {
            assert!(is_litter(name), "{name}");
        }
        for name in [
            "data.swp",
            "ds_store",
            "~home",
            ".hidden",
            "thumbs.db.nc",
            ".swp",
            "part",
        ] {
            assert!(!is_litter(name), "{name}");
        }
    }
}
