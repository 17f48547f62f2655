/** What runs: the app's own processes, found through /proc, and how they end. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { until } from './until.mjs'

function parentOf(pid) {
  // The name in brackets may hold anything, so what counts comes after the last one.
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).split(' ')[2])
}

/** Every process below this one. */
export function descendants(root) {
  const children = new Map()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = parentOf(pid)
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)])
    } catch {
      // It ended while we looked.
    }
  }
  const found = []
  const walk = (pid) => {
    for (const child of children.get(pid) ?? []) {
      found.push(child)
      walk(child)
    }
  }
  walk(root)
  return found
}

export function isAlive(pid) {
  try {
    // One that has ended and was not yet fetched by its parent is gone too.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim()[0] !== 'Z'
  } catch {
    return false
  }
}

export function ended(pid, seconds = 20) {
  return until(`process ${pid} to end`, () => !isAlive(pid), { seconds })
}

export function programOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return null
  }
}

/** Proportional set size of a process, in bytes. */
export function memoryOf(pid) {
  const line = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+) kB$/m)
  return Number(line[1]) * 1024
}
