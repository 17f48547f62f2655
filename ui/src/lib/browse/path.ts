/** A place as its parts, and as text. */
import { isPlace, type Spot } from '$lib/frame/navigation.svelte'

export interface Crumb {
  name: string
  spot: Spot
}

/** Account, bucket, and each folder. Splits at every slash: `a//b` has a folder without a name. */
export function crumbs(spot: Spot | null, accountName: string): Crumb[] {
  if (!spot) return []
  if ('history' in spot) return [{ name: 'History of transfers', spot }]
  if ('keysOf' in spot)
    return [
      { name: accountName, spot: { account: spot.keysOf, bucket: null, prefix: '' } },
      { name: 'Keys', spot },
    ]
  const { account, bucket, prefix } = spot
  const parts: Crumb[] = [{ name: accountName, spot: { account, bucket: null, prefix: '' } }]
  if (bucket === null) return parts
  parts.push({ name: bucket, spot: { account, bucket, prefix: '' } })
  let from = 0
  while (from < prefix.length) {
    const slash = prefix.indexOf('/', from)
    const to = slash < 0 ? prefix.length : slash + 1
    const name = prefix.slice(from, slash < 0 ? to : slash)
    parts.push({ name: slash < 0 ? `${name}…` : name || '(no name)', spot: { account, bucket, prefix: prefix.slice(0, to) } })
    from = to
  }
  return parts
}

/** As it is typed and shown: `bucket/folder/`. */
export function pathText(spot: Spot | null): string {
  if (!isPlace(spot) || spot.bucket === null) return ''
  return `${spot.bucket}/${spot.prefix}`
}
