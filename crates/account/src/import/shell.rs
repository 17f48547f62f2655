//! Just enough of the shell's grammar to see plain assignments, and to see what is not one.
//!
//! It splits a script into simple commands made of words, and words into pieces. It expands nothing
//! and runs nothing: a command substitution is a piece that says "here is a command".

use std::iter::Peekable;
use std::str::Chars;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// `$NAME` or `${NAME}`.
    Variable(String),
    /// `$(…)`, backticks, `$((…))`, `${NAME:-…}` and the like: what only a shell could tell.
    Code,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    pub pieces: Vec<Piece>,
    /// Some part of it stood in quotation marks, so that it is no keyword.
    pub quoted: bool,
}

impl Word {
    /// The word, if it is plain text.
    pub fn text(&self) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| {
                if let Piece::Text(text) = piece {
                    Some(text.as_str())
                } else {
                    None
                }
            })
            .collect()
    }

    /// Splits `NAME=value`.
    pub fn assignment(&self) -> Option<(String, Self)> {
        let (first, rest) = self.pieces.split_first()?;
        let Piece::Text(text) = first else {
            return None;
        };
        let (name, value) = text.split_once('=')?;
        let mut letters = name.chars();
        let good = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            return None;
        }
        let mut pieces = vec![Piece::Text(value.to_owned())];
        pieces.extend_from_slice(rest);
        Some((
            name.to_owned(),
            Self {
                pieces,
                quoted: self.quoted,
            },
        ))
    }
}

/// A simple command, or one line of a compound one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Where it begins, from 1.
    pub line: usize,
    pub words: Vec<Word>,
    /// It runs only if another one did well or ill (`&&`, `||`), or beside others (`|`, `&`).
    pub depends: bool,
    /// It has a redirection.
    pub redirected: bool,
}

pub fn commands(script: &str) -> Vec<Command> {
    Reader {
        rest: script.chars().peekable(),
        line: 1,
        done: Vec::new(),
        here: Vec::new(),
    }
    .read()
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    done: Vec<Command>,
    /// Ends of here-documents that begin after this line.
    here: Vec<String>,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Command> {
        let mut command = self.fresh();
        let mut word: Option<Word> = None;
        while let Some(c) = self.next() {
            match c {
                ' ' | '\t' | '\r' => finish(&mut command, &mut word),
                '\n' => {
                    finish(&mut command, &mut word);
                    self.push(&mut command);
                    self.skip_here_documents();
                    command = self.fresh();
                }
                '#' if word.is_none() => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                ';' | '(' | ')' => {
                    finish(&mut command, &mut word);
                    self.push(&mut command);
                    if c != ';' {
                        // A subshell or a function: a block of its own, which its lines stand in.
                        let bracket = Word {
                            pieces: vec![Piece::Text(c.into())],
                            quoted: false,
                        };
                        self.done.push(Command {
                            words: vec![bracket],
                            ..self.fresh()
                        });
                    }
                    command = self.fresh();
                }
                '&' | '|' => {
                    finish(&mut command, &mut word);
                    let twice = self.rest.next_if_eq(&c).is_some();
                    // What is left of && and || does run; what is part of a pipeline runs elsewhere.
                    command.depends |= !twice;
                    self.push(&mut command);
                    command = Command {
                        depends: true,
                        ..self.fresh()
                    };
                }
                '<' | '>' => {
                    finish(&mut command, &mut word);
                    command.redirected = true;
                    if c == '<'
                        && self.rest.next_if_eq(&'<').is_some()
                        && self.rest.peek() != Some(&'<')
                    {
                        self.rest.next_if_eq(&'-');
                        let end = self.here_word();
                        self.here.push(end);
                    }
                }
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => text(word.get_or_insert_default(), c, true),
                },
                '\'' => {
                    let word = word.get_or_insert_default();
                    open_quote(word);
                    while let Some(c) = self.next().filter(|c| *c != '\'') {
                        text(word, c, true);
                    }
                }
                '"' => {
                    let mut word_now = word.take().unwrap_or_default();
                    open_quote(&mut word_now);
                    self.double_quoted(&mut word_now);
                    word = Some(word_now);
                }
                '$' | '`' => {
                    let piece = self.dollar(c);
                    add(word.get_or_insert_default(), piece);
                }
                c => text(word.get_or_insert_default(), c, false),
            }
        }
        finish(&mut command, &mut word);
        self.push(&mut command);
        self.done
    }

    fn fresh(&self) -> Command {
        Command {
            line: self.line,
            ..Command::default()
        }
    }

    fn push(&mut self, command: &mut Command) {
        if !command.words.is_empty() {
            self.done.push(std::mem::take(command));
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn double_quoted(&mut self, word: &mut Word) {
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => text(word, c, true),
                    Some(c) => {
                        text(word, '\\', true);
                        text(word, c, true);
                    }
                },
                '$' | '`' => {
                    let piece = self.dollar(c);
                    add(word, piece);
                }
                c => text(word, c, true),
            }
        }
    }

    /// What follows a `$` or a backtick.
    fn dollar(&mut self, opened_by: char) -> Piece {
        if opened_by == '`' {
            self.skip_to('`');
            return Piece::Code;
        }
        match self.rest.peek() {
            Some('(') => {
                self.next();
                self.skip_brackets('(', ')');
                Piece::Code
            }
            Some('{') => {
                self.next();
                let name = self.name();
                if !name.is_empty() && self.rest.next_if_eq(&'}').is_some() {
                    return Piece::Variable(name);
                }
                self.skip_brackets('{', '}');
                Piece::Code
            }
            Some(c) if c.is_ascii_alphabetic() || *c == '_' => Piece::Variable(self.name()),
            Some('\'') => {
                self.next();
                self.skip_to('\'');
                Piece::Code
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(*c) => {
                self.next();
                Piece::Code
            }
            _ => Piece::Text("$".into()),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            name.push(c);
        }
        name
    }

    fn skip_to(&mut self, end: char) {
        while let Some(c) = self.next() {
            if c == end {
                return;
            }
            if c == '\\' {
                self.next();
            }
        }
    }

    /// To the bracket that closes the one just read, past quoted ones.
    fn skip_brackets(&mut self, open: char, close: char) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                None => return,
                Some(c @ ('\'' | '"' | '`')) => self.skip_to(c),
                Some('\\') => drop(self.next()),
                Some(c) if c == open => depth += 1,
                Some(c) if c == close => depth -= 1,
                Some(_) => {}
            }
        }
    }

    /// The word that ends a here-document.
    fn here_word(&mut self) -> String {
        while self.rest.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let mut word = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| !c.is_whitespace() && !";&|<>()".contains(*c))
        {
            if !"'\"\\".contains(c) {
                word.push(c);
            }
        }
        word
    }

    fn skip_here_documents(&mut self) {
        for end in std::mem::take(&mut self.here) {
            while self.rest.peek().is_some() {
                let mut line = String::new();
                while let Some(c) = self.next().filter(|c| *c != '\n') {
                    line.push(c);
                }
                if line.trim() == end {
                    break;
                }
            }
        }
    }
}

fn finish(command: &mut Command, word: &mut Option<Word>) {
    command.words.extend(word.take());
}

fn open_quote(word: &mut Word) {
    word.quoted = true;
    if word.pieces.is_empty() {
        word.pieces.push(Piece::Text(String::new()));
    }
}

fn text(word: &mut Word, c: char, quoted: bool) {
    word.quoted |= quoted;
    if let Some(Piece::Text(text)) = word.pieces.last_mut() {
        text.push(c);
    } else {
        word.pieces.push(Piece::Text(c.into()));
    }
}

fn add(word: &mut Word, piece: Piece) {
    match piece {
        Piece::Text(more) => more.chars().for_each(|c| text(word, c, false)),
        other => word.pieces.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<Vec<Option<String>>> {
        commands(script)
            .iter()
            .map(|command| command.words.iter().map(Word::text).collect())
            .collect()
    }

    fn one(script: &str) -> Option<String> {
        let mut all = words(script);
        assert_eq!(all.len(), 1, "{script}");
        all.remove(0).pop().flatten()
    }

    #[test]
    fn quoting_is_the_shells() {
        for (script, word) in [
            ("a'b c'\"d e\"f", "ab cd ef"),
            (r#""a\"b\\c\d\$e""#, r#"a"b\c\d$e"#),
            (r"a\ b\'c", "a b'c"),
            ("'$x `y` \\'", "$x `y` \\"),
            ("a#b # comment 'open", "a#b"),
            ("one\\\ntwo", "onetwo"),
            ("\"two\nlines\"", "two\nlines"),
            ("''", ""),
            ("a$", "a$"),
            ("\"100$ \"", "100$ "),
        ] {
            assert_eq!(one(script).as_deref(), Some(word), "{script}");
        }
    }

    #[test]
    fn code_is_seen_and_not_looked_into() {
        for script in [
            "$(a 'b)' \")\" \\) c)",
            "`a \\` b`",
            "${a:-$(b)}",
            "$((1+2))",
            "\"x$(y)z\"",
            "$'\\x41'",
            "$1",
        ] {
            let all = commands(script);
            assert_eq!(all.len(), 1, "{script}");
            assert_eq!(all[0].words.len(), 1, "{script}: {all:?}");
            assert!(
                all[0].words[0].pieces.contains(&Piece::Code),
                "{script}: {all:?}"
            );
        }
    }

    #[test]
    fn commands_end_where_the_shell_ends_them() {
        let ends = |script: &str| {
            let all = commands(script);
            all.iter()
                .map(|c| (c.line, c.words.len(), c.depends))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ends("a b; c\nd"),
            [(1, 2, false), (1, 1, false), (2, 1, false)]
        );
        assert_eq!(
            ends("a && b || c"),
            [(1, 1, false), (1, 1, true), (1, 1, true)]
        );
        assert_eq!(ends("a | b &"), [(1, 1, true), (1, 1, true)]);
        assert_eq!(
            ends("cat <<'E' && x\nA=1\nE\nb"),
            [(1, 1, false), (1, 1, true), (4, 1, false)]
        );
    }

    #[test]
    fn assignments_have_a_name_a_shell_would_take() {
        let value = |script: &str| {
            commands(script)[0].words[0]
                .assignment()
                .map(|(name, value)| (name, value.text()))
        };
        assert_eq!(value("A_1='x y'"), Some(("A_1".into(), Some("x y".into()))));
        assert_eq!(value("A="), Some(("A".into(), Some(String::new()))));
        assert_eq!(value("A=a=b"), Some(("A".into(), Some("a=b".into()))));
        for other in ["1A=x", "A-B=x", "=x", "A+=x", "A", "$A=x"] {
            assert_eq!(value(other), None, "{other}");
        }
    }
}
