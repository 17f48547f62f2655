/** Looks for a word that must be nowhere: in files, command lines, environments and pages. */
import { readFileSync, readdirSync, lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

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
