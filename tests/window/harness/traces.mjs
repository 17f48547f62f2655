/** Looks for a word that must be nowhere: in files, command lines, environments and pages. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { bed } from './bed.mjs'

/** The word as it may have been written down. */
function spellings(word) {
  const plain = Buffer.from(word)
  return [plain, Buffer.from(word, 'utf16le'), Buffer.from(plain.toString('base64').replace(/=+$/, '')), Buffer.from(encodeURIComponent(word))]
}

function* filesBelow(folder, { leaveOut, since, depth, device }) {
  let names
  try {
    names = readdirSync(folder)
  } catch {
    return
  }
  for (const name of names) {
    const path = join(folder, name)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    // Another file system mounted there, such as somebody's /proc, is no place where an app leaves files.
    if (!stat || stat.dev !== device || leaveOut.includes(path)) continue
    if (stat.isDirectory() && depth > 1) yield* filesBelow(path, { leaveOut, since, depth: depth - 1, device })
    else if (stat.isFile() && stat.mtimeMs >= since) yield path
  }
}

function has(path, needles) {
  try {
    const content = readFileSync(path)
    return needles.some((needle) => content.includes(needle))
  } catch {
    // It went away meanwhile, or is not ours to read.
    return false
  }
}

/**
 * The files below these folders that hold the word; `since` leaves out what is older (milliseconds), and
 * `depth` what lies deeper.
 */
export function filesWith(word, folders, { leaveOut = [], since = 0, depth = 100 } = {}) {
  const needles = spellings(word)
  return folders.flatMap((folder) => {
    const found = filesBelow(folder, { leaveOut, since, depth, device: lstatSync(folder).dev })
    return [...found].filter((path) => has(path, needles))
  })
}

/** The processes that show the word to everybody: on their command line or in their environment. */
export function processesWith(word, pids) {
  return pids.flatMap((pid) =>
    ['cmdline', 'environ'].map((part) => `/proc/${pid}/${part}`).filter((path) => has(path, spellings(word))),
  )
}

/** The regular files a process has open, wherever they are. */
export function openFiles(pids) {
  return pids.flatMap((pid) => {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).flatMap((fd) => {
      try {
        const path = readlinkSync(join(folder, fd))
        return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? [path] : []
      } catch {
        return []
      }
    })
  })
}

export function holds(word, path) {
  return has(path, spellings(word))
}

/**
 * The word is in no file of this user, of the app or of the folders for passing things on, and in no
 * command line or environment of the app. A secret is unique, so all that the test run wrote is searched;
 * a password may be in the servers' files.
 */
export function assertNoTrace(user, app, word, { everywhere = true } = {}) {
  const own = [user.root, process.env.XDG_RUNTIME_DIR].filter(Boolean)
  const shared = everywhere ? ['/tmp', '/var/tmp', '/dev/shm'] : []
  const servers = [bed.dir, process.env.HOME]
  assert.ok(word.length > 5, 'a word that can be searched for')
  assert.deepEqual(filesWith(word, own), [])
  assert.deepEqual(filesWith(word, shared, { since: user.since, depth: 2, leaveOut: [...servers, user.root] }), [])
  assert.ok(existsSync(join(user.wherry, 'logs')), 'there is a log, and it was searched')
  if (!app) return
  assert.deepEqual(processesWith(word, app.pids), [])
  assert.deepEqual(openFiles(app.pids).filter((path) => holds(word, path)), [])
}
