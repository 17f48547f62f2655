/**
 * Object names are hostile text: control characters that hide, move or turn what stands around them
 * are shown as symbols. This is for the eye only; what is given to Rust is always the name as it is.
 */

/** Those people meet have names; Unicode's pictures of control characters are in few fonts. */
const NAMES: Record<number, string> = { 0: 'NUL', 8: 'BS', 9: 'TAB', 0xa: 'LF', 0xd: 'CR', 0x1b: 'ESC', 0x7f: 'DEL', 0xfeff: 'BOM' }

function symbol(code: number): string {
  const name = NAMES[code]
  if (name) return `‹${name}›`
  return `‹${code.toString(16).toUpperCase().padStart(4, '0')}›`
}

// C0, DEL, C1; soft hyphen; Arabic letter mark; zero width and directional marks, line and paragraph
// separators, bidi embeddings and isolates; byte order mark; interlinear annotation; tags; lone surrogates.
// Zero-width joiner (200D) and variation selectors stay: emoji are made with them.
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu

/** The name with everything invisible made visible. */
export function printable(name: string): string {
  return name.replace(HIDDEN, (character) => symbol(character.codePointAt(0) ?? 0))
}

/** At most `most` characters, with the middle left out: the end tells files apart as often as the start. */
export function shorten(name: string, most: number): string {
  const characters = Array.from(name)
  if (characters.length <= most) return name
  const tail = Math.floor((most - 1) / 2)
  return [...characters.slice(0, most - 1 - tail), '…', ...characters.slice(characters.length - tail)].join('')
}

/** The last part of a key or a prefix, without its final slash. */
export function lastPart(key: string): string {
  const bare = key.endsWith('/') ? key.slice(0, -1) : key
  return bare.slice(bare.lastIndexOf('/') + 1)
}
