//! A bucket in key order, one page at a time, read from the folder itself.
//!
//! Nothing is remembered between pages: a page walks only the folders that can hold keys behind
//! the last one, so it costs one reading of each folder on the way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::layout::{self, Name};
use crate::shelf::{Object, Shelf};

pub struct Query<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    /// Empty means none.
    pub delimiter: &'a str,
    /// Only what comes after this key or common prefix.
    pub after: &'a str,
    pub limit: usize,
}

pub enum Row {
    Object(String, Box<Object>),
    Prefix(String),
}

impl Row {
    pub fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::Prefix(name) => name,
        }
    }
}

pub struct Page {
    pub rows: Vec<Row>,
    pub truncated: bool,
}

/// An entry of one folder, named as in the key.
struct Node {
    /// A folder's ends in `/`; the marker's is empty.
    name: String,
    path: PathBuf,
    is_dir: bool,
}

impl Shelf {
    pub fn list(&self, query: &Query<'_>) -> io::Result<Page> {
        let mut walk = Walk {
            shelf: self,
            query,
            page: Page {
                rows: Vec::new(),
                truncated: false,
            },
        };
        walk.folder(&self.bucket(query.bucket), "")?;
        Ok(walk.page)
    }
}

struct Walk<'a> {
    shelf: &'a Shelf,
    query: &'a Query<'a>,
    page: Page,
}

impl Walk<'_> {
    /// Lists what is in a folder whose keys all begin with `above`.
    fn folder(&mut self, folder: &Path, above: &str) -> io::Result<()> {
        let mut nodes = Vec::new();
        nodes_of(folder, &mut Vec::new(), &mut nodes)?;
        nodes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for node in nodes {
            if self.page.truncated {
                break;
            }
            let key = format!("{above}{}", node.name);
            if node.is_dir {
                if self.may_hold_more(&key) && !self.group(&key, Some(&node.path))? {
                    self.folder(&node.path, &key)?;
                }
            } else if key.starts_with(self.query.prefix)
                && key.as_str() > self.query.after
                && !self.group(&key, None)?
            {
                // Gone since the folder was read: then it is not listed.
                let Ok(facts) = fs::symlink_metadata(&node.path) else {
                    continue;
                };
                if self.has_room() {
                    let object = self
                        .shelf
                        .describe(self.query.bucket, &key, node.path, &facts)?;
                    self.page.rows.push(Row::Object(key, Box::new(object)));
                }
            }
        }
        Ok(())
    }

    fn may_hold_more(&self, folder: &str) -> bool {
        let Query { prefix, after, .. } = *self.query;
        (folder.starts_with(prefix) || prefix.starts_with(folder))
            && (folder > after || after.starts_with(folder))
    }

    /// Whether the key disappears into a common prefix; adds that when it is new. A folder that
    /// ends exactly there is looked into only to see whether it has an object.
    fn group(&mut self, key: &str, folder: Option<&Path>) -> io::Result<bool> {
        let Query {
            prefix,
            delimiter,
            after,
            ..
        } = *self.query;
        let Some(deeper) = key.strip_prefix(prefix).filter(|_| !delimiter.is_empty()) else {
            return Ok(false);
        };
        let Some(at) = deeper.find(delimiter) else {
            return Ok(false);
        };
        let common = &key[..prefix.len() + at + delimiter.len()];
        if let Some(folder) = folder
            && (common != key || !has_object(folder)?)
        {
            return Ok(common == key);
        }
        let seen = common == after
            || matches!(self.page.rows.last(), Some(Row::Prefix(last)) if last == common);
        if !seen && self.has_room() {
            self.page.rows.push(Row::Prefix(common.to_owned()));
        }
        Ok(true)
    }

    fn has_room(&mut self) -> bool {
        let room = self.page.rows.len() < self.query.limit;
        self.page.truncated |= !room;
        room
    }
}

fn nodes_of(folder: &Path, beginning: &mut Vec<String>, nodes: &mut Vec<Node>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if !kind.is_dir() && !kind.is_file() {
            continue;
        }
        let name = match layout::name_of(&entry.file_name(), kind.is_dir()) {
            Some(Name::Marker) if beginning.is_empty() => String::new(),
            Some(Name::Folder(piece)) if piece.is_empty() && beginning.is_empty() => "/".to_owned(),
            Some(Name::Folder(piece)) => match layout::component_of(beginning, &piece) {
                Some(component) => component + "/",
                None => continue,
            },
            Some(Name::Object(piece)) => match layout::component_of(beginning, &piece) {
                Some(component) => component,
                None => continue,
            },
            Some(Name::More(piece)) => {
                beginning.push(piece);
                nodes_of(&entry.path(), beginning, nodes)?;
                beginning.pop();
                continue;
            }
            Some(Name::Marker) | None => continue,
        };
        nodes.push(Node {
            name,
            path: entry.path(),
            is_dir: kind.is_dir(),
        });
    }
    Ok(())
}

fn has_object(folder: &Path) -> io::Result<bool> {
    let mut nodes = Vec::new();
    nodes_of(folder, &mut Vec::new(), &mut nodes)?;
    if nodes.iter().any(|n| !n.is_dir) {
        return Ok(true);
    }
    for node in nodes {
        if has_object(&node.path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::shelf::Attributes;

    /// What S3 says a listing is, computed the slow way.
    fn expected(keys: &BTreeSet<String>, prefix: &str, delimiter: &str) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for key in keys.iter().filter(|k| k.starts_with(prefix)) {
            let cut = Some(delimiter)
                .filter(|d| !d.is_empty())
                .and_then(|d| key[prefix.len()..].find(d));
            let row = cut.map_or(key.clone(), |at| {
                key[..prefix.len() + at + delimiter.len()].to_owned()
            });
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn pages_hold_each_row_once_in_order(
            keys in prop::collection::btree_set("([ab]|/|-|\\.|%|\n|x{180,230}){1,6}", 1..25),
            prefix in "|a|a/|a-|/|aa|b/a",
            delimiter in "|/|-",
            limit in 1usize..7,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let shelf = Shelf::open(folder.path()).unwrap();
            shelf.create_bucket("b").unwrap();
            for key in &keys {
                let path = shelf.incoming();
                std::fs::write(&path, key).unwrap();
                shelf.put("b", key, &path, "e".into(), Attributes::default(), false).unwrap();
            }
            let mut after = String::new();
            let mut rows = Vec::new();
            loop {
                let query = Query { bucket: "b", prefix: &prefix, delimiter: &delimiter, after: &after, limit };
                let page = shelf.list(&query).unwrap();
                prop_assert!(page.rows.len() <= limit);
                for row in &page.rows {
                    if let Row::Object(key, object) = row {
                        prop_assert_eq!(&std::fs::read_to_string(&object.path).unwrap(), key);
                    }
                }
                rows.extend(page.rows.iter().map(|r| r.name().to_owned()));
                match rows.last() {
                    Some(last) if page.truncated => after.clone_from(last),
                    _ => break,
                }
            }
            prop_assert_eq!(rows, expected(&keys, &prefix, &delimiter));
        }
    }
}
