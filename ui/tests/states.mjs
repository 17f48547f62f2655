/**
 * Screens worth looking at: a world (scenarios.ts) and what a person does in it. Files named
 * states-*.mjs beside this one add their own.
 */
import { readdir } from 'node:fs/promises'

const row = (page, name) => page.getByRole('row', { name }).first()

const states = {
  first: { world: 'first' },
  browse: { world: 'browse' },
  folder: { world: 'folder' },
  hostile: { world: 'hostile' },
  empty: { world: 'empty' },
  million: { world: 'million' },
  account: { world: 'account' },
  denied: { world: 'denied' },
  transfers: { world: 'transfers' },
}

export async function allStates() {
  const here = new URL('.', import.meta.url)
  for (const file of await readdir(here)) {
    if (/^states-.*\.mjs$/.test(file)) Object.assign(states, (await import(new URL(file, here))).default)
  }
  return states
}

export { row }
