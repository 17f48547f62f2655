/**
 * Addresses as people type them. Rust has the last word on what an address means; this only catches
 * at the field what can be seen to be wrong without asking anybody.
 */
/** A preset's address with the `{slots}` that are filled in so far. */
export function fillTemplate(url: string, fields: Record<string, string>): string {
  return url.replace(/\{([^}]+)\}/g, (slot: string, name: string) => {
    const text = (fields[name] ?? '').trim()
    return text === '' ? slot : text
  })
}

/** What the `{slots}` of a preset's address hold in this one; null when it is not made from it. */
export function matchTemplate(url: string, address: string): Record<string, string> | null {
  const bare = (text: string) => text.trim().replace(/\/+$/, '')
  const names: string[] = []
  const pattern = bare(url).replace(/\{([^}]+)\}|[.*+?^${}()|[\]\\]/g, (found: string, name?: string) => {
    if (name === undefined) return `\\${found}`
    names.push(name)
    return '([A-Za-z0-9.-]+?)'
  })
  const match = new RegExp(`^${pattern}$`, 'i').exec(bare(address))
  return match && Object.fromEntries(names.map((name, i) => [name, match[i + 1] ?? '']))
}

/** Why this cannot be the address of a server; null when it may be one. */
export function addressProblem(typed: string): string | null {
  const text = typed.trim()
  if (text === '') return 'The address is missing.'
  if (/\s/.test(text)) return 'An address has no spaces in it.'
  if (/^s3:\/\//i.test(text))
    return 'This is the path of a bucket. The address of the store begins with https:// or http://.'
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)
  if (scheme && !/^https?$/i.test(scheme[1] ?? ''))
    return 'The address begins with https:// or http://.'
  let url: URL
  try {
    url = new URL(scheme ? text : `https://${text}`)
  } catch {
    return 'This does not read like an address: https://s3.example.org'
  }
  if (url.username !== '' || url.password !== '')
    return 'Leave the user name and password out of the address.'
  return null
}

/** The host, for telling people who is being asked. */
export function hostOf(address: string): string {
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `https://${address}`).host
  } catch {
    return address
  }
}
