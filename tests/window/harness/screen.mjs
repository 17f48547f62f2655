/** The X screen: real mouse and keyboard events, other programs' windows, and drags between them. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { until } from './until.mjs'

const run = promisify(execFile)
const HERE = fileURLToPath(new URL('.', import.meta.url))

export async function xdotool(...args) {
  return (await run('xdotool', args.map(String))).stdout.trim()
}

/** Visible windows by their title. */
export async function windows(title) {
  return (await xdotool('search', '--onlyvisible', '--name', title).catch(() => '')).split('\n').filter(Boolean)
}

/** Where a window's content is on the screen. */
export async function place(window) {
  const { stdout } = await run('xwininfo', ['-id', String(window)])
  const number = (label) => Number(stdout.match(new RegExp(`${label}:\\s+(-?\\d+)`))[1])
  return {
    x: number('Absolute upper-left X'),
    y: number('Absolute upper-left Y'),
    width: number('Width'),
    height: number('Height'),
  }
}

export async function activate(window) {
  await xdotool('windowactivate', '--sync', window)
}

/** Keys as X sends them, to the window that has the keyboard. */
export async function keys(...names) {
  await xdotool('key', '--clearmodifiers', ...names)
}

export async function photograph(file) {
  await run('import', ['-window', 'root', file])
}

/** Moves in small steps, as a hand does: toolkits only believe in a drag that goes somewhere. */
async function glide(from, to, steps = 20) {
  for (let i = 1; i <= steps; i++) {
    const at = (a, b) => Math.round(a + ((b - a) * i) / steps)
    await xdotool('mousemove', '--sync', at(from.x, to.x), at(from.y, to.y))
  }
}

export const mouse = {
  move: (to) => xdotool('mousemove', '--sync', Math.round(to.x), Math.round(to.y)),
  down: () => xdotool('mousedown', 1),
  up: () => xdotool('mouseup', 1),
  glide,
}

/** A window of ours that takes part in a drag; it tells what happens to it, a word a line. */
class Helper {
  #child
  #lines = []

  constructor(script, args) {
    // The system's own Python: it is the one that has GTK.
    this.#child = spawn('/usr/bin/python3', [HERE + script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#lines.push(JSON.parse(line)))
  }

  heard(word) {
    return this.#lines.find((line) => line.event === word) ?? null
  }

  hears(word, seconds = 20) {
    return until(`the drag window to hear “${word}”`, () => this.heard(word), { seconds })
  }

  /** The middle of the window, on the screen. */
  async middle() {
    const { window } = await this.hears('shown')
    const { x, y, width, height } = await place(window)
    return { x: x + Math.round(width / 2), y: y + Math.round(height / 2) }
  }

  async stop() {
    this.#child.kill()
    await until('the drag window to close', () => this.#child.exitCode !== null || this.#child.signalCode !== null)
  }
}

/** Drags files from a window like a file manager's to a point of the screen. */
export async function dragFilesTo(to, files, { over = async () => {} } = {}) {
  const source = new Helper('drag_source.py', files)
  try {
    const from = await source.middle()
    await mouse.move(from)
    await mouse.down()
    await glide(from, { x: from.x - 30, y: from.y + 10 }, 6)
    await source.hears('begin')
    await glide({ x: from.x - 30, y: from.y + 10 }, to)
    await over()
    await mouse.up()
    await source.hears('taken')
    await source.hears('end')
  } finally {
    await mouse.up()
    await source.stop()
  }
}

/** Drags from a point of the screen to a window like the desktop's; returns the URIs it was given. */
export async function dragOutFrom(from, { ready, grip = { x: 25, y: 12 } } = {}) {
  const target = new Helper('drag_target.py', [])
  try {
    const to = await target.middle()
    const near = { x: from.x + grip.x, y: from.y + grip.y }
    await mouse.move(from)
    await mouse.down()
    await glide(from, near, 6)
    await ready?.()
    await glide(near, to, 30)
    // A hand is never quite still; the target is told of the drag when the mouse moves over it.
    let step = 0
    await until('the drag to be over the target', async () => {
      if (target.heard('motion')) return true
      await mouse.move({ x: to.x + (++step % 2), y: to.y })
      return false
    }, { seconds: 10 })
    await mouse.up()
    return (await target.hears('received')).uris
  } finally {
    await mouse.up()
    await target.stop()
  }
}

/**
 * The same in one quick movement that waits for nothing: pressed, a quarter of a second across the screen, an
 * instant to see that it is the right place, let go. Returns the URIs that the desktop was given, which may be
 * none, and null where it heard of no drop: then the hand was too quick. `over`: once it is let go.
 */
export async function flingOut(from, { over } = {}) {
  const target = new Helper('drag_target.py', [])
  try {
    const to = await target.middle()
    await mouse.move(from)
    // One command, so that nothing but the hand decides how long it takes.
    await xdotool('mousedown', 1, ...stroke(from, to, 25), ...stroke(to, { x: to.x + 5, y: to.y + 5 }, 15), 'mouseup', 1)
    over?.()
    const dropped = await target.hears('dropped', 2).catch(() => null)
    return dropped && (await target.hears('received')).uris
  } finally {
    await mouse.up()
    await target.stop()
  }
}

/** A step in ten milliseconds. */
function stroke(from, to, steps) {
  const at = (a, b, i) => Math.round(a + ((b - a) * i) / steps)
  return Array.from({ length: steps }, (_, i) => i + 1).flatMap((i) => ['mousemove', at(from.x, to.x, i), at(from.y, to.y, i), 'sleep', 0.01])
}

async function copy(text) {
  const clip = spawn('xclip', ['-selection', 'clipboard', '-in'], { stdio: ['pipe', 'ignore', 'ignore'] })
  clip.stdin.end(text)
  // It goes on in the background, to hand the text out.
  await once(clip, 'exit')
}

async function clipboard() {
  return (await run('xclip', ['-selection', 'clipboard', '-out']).catch(() => ({ stdout: '' }))).stdout
}

/** Answers a native file dialog with a path, as one may in any of GTK's: Ctrl+L, the path, Enter. */
export async function answerFileDialog(title, path) {
  const wanted = `^${title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
  const [window] = await until(`the dialog “${title}”`, async () => {
    const found = await windows(wanted)
    return found.length === 1 && found
  })
  await activate(window)
  await keys('ctrl+l')
  // The field comes a moment after Ctrl+L: what is pasted into it can be copied back.
  await until('the field for a path', async () => {
    await copy(path)
    await keys('ctrl+a', 'ctrl+v')
    await copy('')
    await keys('ctrl+a', 'ctrl+c')
    return (await clipboard()).startsWith(path)
  })
  // It completes what one types, so the path is pasted once more and taken at once.
  await until(`the dialog “${title}” to close`, async () => {
    await copy(path)
    await keys('ctrl+a', 'ctrl+v', 'Return')
    await until('it to close', async () => !(await windows(wanted)).includes(window), { seconds: 1 })
    return true
  })
}

/** As a person closes a window: by its window manager. */
export async function closeByHand(window) {
  await until('the window to close', async () => {
    await activate(window)
    await keys('alt+F4')
    return until('it to be gone', async () => !(await windows('.')).includes(window), { seconds: 2 })
  })
}

/** The window of a portal's own pages, once it shows one of this address; its title says so. */
export async function pageIsAt(address) {
  const { host, protocol } = new URL(address)
  const title = protocol === 'https:' ? `https://${host} – sign in` : `http://${host} – not encrypted – sign in`
  return until(`the window “${title}”`, async () => (await windows(`^${title}$`))[0])
}

/** Types into the fields of the page in a window, from the first on, and sends them. `seen`: once it is drawn. */
export async function fillInPage(window, [first, ...rest], { seen = async () => {} } = {}) {
  await activate(window)
  // The page comes a moment after its title: what was typed into the first field can be copied back.
  await until('the first field of the page', async () => {
    const { x, y } = await place(window)
    await mouse.move({ x: x + 3, y: y + 3 })
    await xdotool('click', 1)
    await keys('Tab', 'ctrl+a')
    await xdotool('type', '--delay', 15, first)
    await copy('')
    await keys('ctrl+a', 'ctrl+c')
    return (await clipboard()) === first
  })
  await seen()
  for (const text of rest) {
    await keys('Tab')
    await xdotool('type', '--delay', 15, text)
  }
  await keys('Return')
}
