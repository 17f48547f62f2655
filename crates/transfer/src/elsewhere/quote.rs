//! Words for a POSIX shell. Every word that is not made here goes through here, as names of files and
//! objects are hostile text.

use std::fmt::Write;

/// One word, whatever is in it. What no shell can pass on, a NUL, is refused by
/// [`super::Errand`] before.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A command, one option a line, so that a person can read it.
#[derive(Default)]
pub struct ShellLine {
    text: String,
}

impl ShellLine {
    pub fn new(program: &str) -> Self {
        Self {
            text: word(program),
        }
    }

    /// Beside what is there.
    pub fn and(mut self, text: &str) -> Self {
        let _ = write!(self.text, " {}", word(text));
        self
    }

    /// On a line of its own.
    pub fn line(mut self, words: &[&str]) -> Self {
        self.text.push_str(" \\\n ");
        for text in words {
            let _ = write!(self.text, " {}", word(text));
        }
        self
    }

    pub fn done(self) -> String {
        self.text
    }
}

/// A line that sets a variable for what comes after it.
pub fn export(name: &str, value: &str) -> String {
    format!("export {name}={}\n", word(value))
}

#[cfg(test)]
mod tests {
    use std::process::{Command as Process, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn shell(script: &str) -> Vec<u8> {
        let output = Process::new("sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        assert!(output.status.success(), "{script:?}: {output:?}");
        output.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        // Promise: What is written for another computer keeps every name as it is: no name ends a word,
        // starts a command or expands.
        #[test]
        fn a_shell_reads_back_what_was_meant(
            words in prop::collection::vec("([^\0]|['\"$`\\\\ \n!*?~#&;|<>(){}\\[\\]-]){0,12}", 1..6),
        ) {
            let mut command = ShellLine::new("printf").and("%s\\0");
            for text in &words {
                command = command.line(&[text]);
            }
            let out = shell(&command.done());
            let read: Vec<&[u8]> = out.split(|b| *b == 0).collect();
            let expected: Vec<&[u8]> = words.iter().map(String::as_bytes).chain([&b""[..]]).collect();
            prop_assert_eq!(read, expected);
            let value = words.concat();
            let out = shell(&format!("{}printf %s \"$WHERRY_X\"", export("WHERRY_X", &value)));
            prop_assert_eq!(out, value.as_bytes());
        }
    }

    #[test]
    fn a_word_that_begins_with_a_hyphen_is_still_one_word() {
        assert_eq!(word("-rf *"), "'-rf *'");
        assert_eq!(word(""), "''");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word("~/x"), "'~/x'");
    }
}
