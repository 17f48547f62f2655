//! INI files of other tools, line by line.
//!
//! Parsers that give a table back lose comments, order and odd spacing, and this is somebody's own
//! file: it is kept as lines, of which only the ones meant are touched. Each tool reads its file a
//! little differently; [`Dialect`] has the differences that matter here.

use std::fmt;

use secrecy::zeroize::Zeroizing;

/// How a tool reads its file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dialect {
    /// A line indented deeper than the setting before it belongs to that setting: the AWS tools.
    pub nested: bool,
    /// Settings may stand before the first section.
    pub headless: bool,
}

/// Why a file cannot be understood. Never quotes the line: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    pub what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Nothing, or a comment.
    Aside,
    Section(String),
    /// Key in lower case.
    Entry {
        key: String,
        value: Zeroizing<String>,
    },
    /// A line of the entry above it.
    Nested {
        key: String,
        value: Zeroizing<String>,
    },
}

#[derive(Debug, Clone)]
struct Line {
    /// With its line ending.
    text: Zeroizing<String>,
    kind: Kind,
}

/// A file, as lines.
#[derive(Clone)]
pub(crate) struct Ini {
    lines: Vec<Line>,
    newline: &'static str,
}

/// What a file says, section by section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// Empty for what stands before the first.
    pub name: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In lower case.
    pub key: String,
    pub value: Zeroizing<String>,
    /// The settings indented below it.
    pub nested: Vec<(String, Zeroizing<String>)>,
}

impl Section {
    /// The last one counts where a key is there twice, as for the tools.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.entries.iter().rev().find(|entry| entry.key == key);
        found
            .map(|entry| entry.value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub fn nested(&self, key: &str, inner: &str) -> Option<&str> {
        let entry = self.entries.iter().rev().find(|entry| entry.key == key)?;
        let found = entry.nested.iter().rev().find(|(k, _)| k == inner);
        found.map(|(_, value)| value.as_str())
    }
}

impl Ini {
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, Malformed> {
        let newline = match text.split_once('\n') {
            Some((first, _)) if first.ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let mut lines: Vec<Line> = Vec::new();
        // Of the setting or section that a deeper line could belong to.
        let mut indent = None;
        let mut headed = dialect.headless;
        for (index, whole) in text.split_inclusive('\n').enumerate() {
            let bare = whole.trim_start_matches('\u{feff}');
            let line = bare.trim();
            let malformed = |what| Malformed {
                line: index + 1,
                what,
            };
            let depth = bare.len() - bare.trim_start().len();
            let kind = if line.is_empty() || line.starts_with(['#', ';']) {
                Kind::Aside
            } else if let (true, Some(above)) = (dialect.nested, indent)
                && depth > above
            {
                let (key, value) = setting(line).unwrap_or((line, ""));
                Kind::Nested {
                    key: key.to_lowercase(),
                    value: Zeroizing::new(value.to_owned()),
                }
            } else if let Some(rest) = line.strip_prefix('[') {
                let (name, _) = rest
                    .rsplit_once(']')
                    .ok_or_else(|| malformed("begins a section and does not end it with “]”"))?;
                headed = true;
                indent = None;
                Kind::Section(name.trim().to_owned())
            } else {
                let (key, value) = setting(line)
                    .ok_or_else(|| malformed("is neither a [section] nor a setting with “=”"))?;
                if !headed {
                    return Err(malformed("is a setting outside of any [section]"));
                }
                indent = Some(depth);
                Kind::Entry {
                    key: key.to_lowercase(),
                    value: Zeroizing::new(value.to_owned()),
                }
            };
            lines.push(Line {
                text: Zeroizing::new(whole.to_owned()),
                kind,
            });
        }
        Ok(Self { lines, newline })
    }

    /// All sections in their order; one that is there twice is there twice.
    pub fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        for line in &self.lines {
            if let Kind::Section(name) = &line.kind {
                sections.push(Section {
                    name: name.clone(),
                    entries: Vec::new(),
                });
                continue;
            }
            if sections.is_empty() && line.kind != Kind::Aside {
                sections.push(Section {
                    name: String::new(),
                    entries: Vec::new(),
                });
            }
            let Some(section) = sections.last_mut() else {
                continue;
            };
            match &line.kind {
                Kind::Entry { key, value } => section.entries.push(Entry {
                    key: key.clone(),
                    value: value.clone(),
                    nested: Vec::new(),
                }),
                Kind::Nested { key, value } => {
                    if let Some(entry) = section.entries.last_mut() {
                        entry.nested.push((key.clone(), value.clone()));
                    }
                }
                Kind::Aside | Kind::Section(_) => {}
            }
        }
        sections
    }

    pub fn section(&self, name: &str) -> Result<Option<Section>, Malformed> {
        self.span(name)?;
        Ok(self
            .sections()
            .into_iter()
            .find(|section| section.name == name))
    }

    /// The lines of a section, from its head to its last setting: comments and blank lines after
    /// that belong to what follows.
    fn span(&self, name: &str) -> Result<Option<(usize, usize)>, Malformed> {
        let mut heads = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| matches!(&line.kind, Kind::Section(n) if n == name))
            .map(|(index, _)| index);
        let Some(head) = heads.next() else {
            return Ok(None);
        };
        if let Some(again) = heads.next() {
            return Err(Malformed {
                line: again + 1,
                what: "begins a section that is there already",
            });
        }
        let body = &self.lines[head + 1..];
        let next = body
            .iter()
            .position(|line| matches!(line.kind, Kind::Section(_)))
            .unwrap_or(body.len());
        let used = body[..next]
            .iter()
            .rposition(|line| line.kind != Kind::Aside)
            .map_or(0, |last| last + 1);
        Ok(Some((head, head + 1 + used)))
    }

    /// Puts a section in place of the one of this name, or at the end. Settings named in `keep`
    /// are taken over from the old one.
    pub fn put_section(
        &mut self,
        name: &str,
        body: &[(String, Zeroizing<String>)],
        keep: &[&str],
    ) -> Result<(), Malformed> {
        let span = self.span(name)?;
        let mut new = vec![self.head(name)];
        new.extend(body.iter().map(|(key, value)| self.entry(key, value)));
        if let Some((head, end)) = span {
            self.end_line(end.checked_sub(1));
            let mut keeping = false;
            for line in &self.lines[head + 1..end] {
                match &line.kind {
                    Kind::Entry { key, .. } => keeping = keep.contains(&key.as_str()),
                    Kind::Nested { .. } => {}
                    Kind::Aside | Kind::Section(_) => continue,
                }
                if keeping {
                    new.push(line.clone());
                }
            }
            self.lines.splice(head..end, new);
        } else {
            self.end_line(self.lines.len().checked_sub(1));
            if self
                .lines
                .last()
                .is_some_and(|line| !line.text.trim().is_empty())
            {
                self.lines.push(self.line(String::new(), Kind::Aside));
            }
            self.lines.extend(new);
        }
        Ok(())
    }

    /// Sets one setting and leaves the rest of its section; `None` takes it away.
    pub fn put(&mut self, section: &str, key: &str, value: Option<&str>) -> Result<(), Malformed> {
        let Some((head, end)) = self.span(section)? else {
            return match value {
                Some(value) => {
                    let body = [(key.to_owned(), Zeroizing::new(value.to_owned()))];
                    self.put_section(section, &body, &[])
                }
                None => Ok(()),
            };
        };
        let is = |line: &Line| matches!(&line.kind, Kind::Entry { key: k, .. } if k == key);
        let there: Vec<usize> = (head + 1..end).filter(|&i| is(&self.lines[i])).collect();
        match (value, there.last()) {
            (Some(value), Some(&last)) => {
                // Only a changed value is worth touching a line for.
                let same = matches!(&self.lines[last].kind, Kind::Entry { value: v, .. } if v.as_str() == value);
                if !same {
                    self.lines[last] = self.entry(key, value);
                }
            }
            (Some(value), None) => {
                self.end_line(end.checked_sub(1));
                let line = self.entry(key, value);
                self.lines.insert(end, line);
            }
            (None, _) => {
                for index in there.into_iter().rev() {
                    self.lines.remove(index);
                }
            }
        }
        Ok(())
    }

    /// A last line may have no end.
    fn end_line(&mut self, index: Option<usize>) {
        let newline = self.newline;
        if let Some(line) = index.and_then(|index| self.lines.get_mut(index))
            && !line.text.ends_with('\n')
        {
            line.text.push_str(newline);
        }
    }

    fn line(&self, text: String, kind: Kind) -> Line {
        let mut text = Zeroizing::new(text);
        text.push_str(self.newline);
        Line { text, kind }
    }

    fn head(&self, name: &str) -> Line {
        self.line(format!("[{name}]"), Kind::Section(name.to_owned()))
    }

    fn entry(&self, key: &str, value: &str) -> Line {
        let kind = Kind::Entry {
            key: key.to_lowercase(),
            value: Zeroizing::new(value.to_owned()),
        };
        // A value of several lines is a setting with settings below it.
        let spaced = if value.is_empty() || value.starts_with('\n') {
            format!("{key} ={value}")
        } else {
            format!("{key} = {value}")
        };
        self.line(spaced.replace('\n', self.newline), kind)
    }
}

impl fmt::Display for Ini {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|line| f.write_str(&line.text))
    }
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let at = line.find(['=', ':']).filter(|&at| at > 0)?;
    Some((line[..at].trim(), line[at + 1..].trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AWS: Dialect = Dialect {
        nested: true,
        headless: false,
    };

    fn body(pairs: &[(&str, &str)]) -> Vec<(String, Zeroizing<String>)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), Zeroizing::new((*v).to_owned())))
            .collect()
    }

    #[test]
    fn only_the_section_that_is_meant_changes() {
        let text =
            "# mine\n[a]\nx=1 ; y\n\n# about b\n[b]\nold : 2\ngone=3\n\n# about c\n[c]\nz = 4";
        let mut ini = Ini::parse(text, AWS).expect("parses");
        ini.put_section("b", &body(&[("new", "5")]), &["old"])
            .expect("puts");
        assert_eq!(
            ini.to_string(),
            "# mine\n[a]\nx=1 ; y\n\n# about b\n[b]\nnew = 5\nold : 2\n\n# about c\n[c]\nz = 4"
        );
        ini.put_section("d", &body(&[("w", "6")]), &[])
            .expect("puts");
        assert!(
            ini.to_string().ends_with("[c]\nz = 4\n\n[d]\nw = 6\n"),
            "{ini}"
        );
    }

    #[test]
    fn a_replaced_last_section_without_a_line_end_stays_apart() {
        let mut ini = Ini::parse("[a]\r\nkeep=1", AWS).expect("parses");
        ini.put_section("a", &body(&[("n", "\n  deep = 2")]), &["keep"])
            .expect("puts");
        assert_eq!(ini.to_string(), "[a]\r\nn =\r\n  deep = 2\r\nkeep=1\r\n");
    }

    #[test]
    fn one_setting_is_set_where_it_stands() {
        let mut ini =
            Ini::parse("[default]\n a = 1\n#b = 2\nc = 3\n\n", Dialect::default()).expect("parses");
        ini.put("default", "a", Some("9")).expect("puts");
        ini.put("default", "b", Some("8")).expect("puts");
        ini.put("default", "c", None).expect("puts");
        assert_eq!(ini.to_string(), "[default]\na = 9\n#b = 2\nb = 8\n\n");
    }

    #[test]
    fn indented_lines_belong_to_the_setting_above_where_the_tool_says_so() {
        let text = "[p]\n  region = r\n  s3 =\n    endpoint_url = https://h\n  output = json\n";
        let section = Ini::parse(text, AWS).expect("parses").sections().remove(0);
        assert_eq!(section.nested("s3", "endpoint_url"), Some("https://h"));
        assert_eq!(section.get("output"), Some("json"));
        let flat = Ini::parse(text, Dialect::default())
            .expect("parses")
            .sections()
            .remove(0);
        assert_eq!(flat.get("endpoint_url"), Some("https://h"));
    }

    #[test]
    fn mistakes_are_told_by_line() {
        for (text, line) in [
            ("[a]\nx = 1\n[b\n", 3),
            ("[a]\nhunter2\n", 2),
            ("x = 1\n", 1),
        ] {
            let error = Ini::parse(text, AWS).map(|_| ()).expect_err(text);
            assert_eq!(error.line, line);
            assert!(!error.to_string().contains("hunter2"));
        }
        let mut twice = Ini::parse("[a]\nx=1\n[a]\ny=2\n", AWS).expect("parses");
        assert_eq!(
            twice.put_section("a", &[], &[]).expect_err("refuses").line,
            3
        );
    }

    proptest! {
        #[test]
        fn what_is_not_touched_is_as_it_was(
            text in "(\\[[a-c]\\]|[a-d] ?[=:] ?[a-z]{0,3}|  [a-d] = x|#[a-z]{0,3}|;|\t|\r|\n|\u{feff}){0,30}"
        ) {
            for nested in [true, false] {
                if let Ok(mut ini) = Ini::parse(&text, Dialect { nested, headless: true }) {
                    prop_assert_eq!(ini.to_string(), text.clone());
                    if ini.put_section("wherry", &body(&[("k", "v")]), &[]).is_ok() {
                        let out = ini.to_string();
                        prop_assert!(out.starts_with(&text));
                        let again = Ini::parse(&out, Dialect { nested, headless: true }).expect("still parses");
                        let section = again.section("wherry").expect("once").expect("is there");
                        prop_assert_eq!(section.get("k"), Some("v"));
                    }
                }
            }
        }
    }
}
