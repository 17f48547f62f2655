//! Showing hostile text in words and logs.

/// Object keys and file names with what cannot be seen, or would turn the text around, made
/// visible: control characters become their Unicode pictures, bidirectional controls their code.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + c as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => out.push_str(&format!("⟨{:04X}⟩", c as u32)),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::visible;

    // Promise: Whatever a folder holds, its names are shown as text: control characters and marks
    // that turn the direction of writing are made visible.
    #[test]
    fn what_hides_is_shown() {
        assert_eq!(visible("a\nb\0"), "a␊b␀");
        assert_eq!(visible("gpj.\u{202e}exe"), "gpj.⟨202E⟩exe");
        assert_eq!(visible("日本 😀 ö"), "日本 😀 ö");
    }
}
