/** The real app in its real window, each time with folders of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Page } from './page.mjs'
import * as processes from './processes.mjs'
import * as screen from './screen.mjs'
import { until } from './until.mjs'
import { Session } from './webdriver.mjs'

const APP = process.env.WHERRY_APP
const SHOTS = process.env.WHERRY_SHOTS

/** The folders of one user of this computer; they outlive the app, as in real life. */
export class User {
  constructor() {
    this.since = Date.now()
    this.root = mkdtempSync(join(tmpdir(), 'wherry-window-'))
    this.home = this.#folder('home')
    this.wherry = this.#folder('wherry')
    this.tmp = this.#folder('tmp')
    this.downloads = this.#folder('Downloads')
  }

  #folder(name) {
    const path = join(this.root, name)
    mkdirSync(path)
    return path
  }

  /** Makes files below this user's folder, given by their relative path; returns the folder. */
  files(folder, contents) {
    const path = join(this.root, folder)
    for (const [name, content] of Object.entries(contents)) {
      const file = join(path, name)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, content)
    }
    return path
  }

  /** The settings file as the app would have left it. */
  settings(lines) {
    writeFileSync(join(this.wherry, 'settings.toml'), lines)
  }

  environment() {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('XDG_') || name === 'XDG_RUNTIME_DIR')
    return {
      ...Object.fromEntries(own),
      HOME: this.home,
      TMPDIR: this.tmp,
      WHERRY_HOME: this.wherry,
      // The file dialogs and the words of the toolkit, the same on every machine.
      LC_ALL: 'C.UTF-8',
      // There is no settings daemon on this bus, and nothing to remember.
      GSETTINGS_BACKEND: 'memory',
    }
  }

  remove() {
    rmSync(this.root, { recursive: true, force: true })
  }
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

export class App {
  #driver
  #session

  /**
   * Opens the window. `through` is put in front of the command, for another keychain; `env` is added to
   * the user's own.
   */
  static async start(user, { through = [], env = {} } = {}) {
    const app = new App()
    const [port, native] = await freePorts(2)
    const command = [...through, 'tauri-driver', '--port', port, '--native-port', native, '--native-driver', '/usr/bin/WebKitWebDriver']
    app.#driver = spawn(command[0], command.slice(1).map(String), {
      env: { ...user.environment(), ...env },
      // The toolkit is talkative; it is kept for after a failure, and searched for secrets like any file.
      stdio: ['ignore', 'ignore', openSync(join(user.root, 'stderr'), 'a')],
      // A group of its own, so that nothing of it is left over.
      detached: true,
    })
    try {
      // The one hands everything to the other, and does not wait for it.
      await until('the drivers to listen', async () => (await listens(port)) && (await listens(native)))
      app.began = performance.now()
      app.#session = await Session.open(`http://127.0.0.1:${port}`, APP)
      app.pid = await until('the app to run', () =>
        processes.descendants(app.#driver.pid).find((pid) => processes.programOf(pid) === APP),
      )
      app.page = new Page(app.#session)
      app.window = await until('the window', async () => {
        const mine = await screen.xdotool('search', '--onlyvisible', '--pid', app.pid, '--name', '.').catch(() => '')
        return mine.split('\n').filter(Boolean)[0]
      })
    } catch (error) {
      await app.end()
      throw error
    }
    return app
  }

  /** The app's own processes: itself and the web view's. */
  get pids() {
    return [this.pid, ...processes.descendants(this.pid)]
  }

  /** The content of the window on the screen. */
  place() {
    return screen.place(this.window)
  }

  /** The middle of an element, on the screen. */
  async middle(element, { x = 0.5, y = 0.5 } = {}) {
    const [window, rect] = await Promise.all([this.place(), element.rect()])
    return { x: Math.round(window.x + rect.x + rect.width * x), y: Math.round(window.y + rect.y + rect.height * y) }
  }

  async resize(width, height) {
    await screen.xdotool('windowsize', '--sync', this.window, width, height)
  }

  /** To the corner of the screen, so that there is room beside it. */
  async moveAside() {
    await screen.xdotool('windowmove', '--sync', this.window, 0, 0)
  }

  /** Real key events to the window. */
  async keys(...names) {
    await screen.activate(this.window)
    await screen.keys(...names)
  }

  /** Pictures for people to look at, in light and dark, when WHERRY_SHOTS names a folder. */
  async shot(name) {
    if (!SHOTS) return
    mkdirSync(SHOTS, { recursive: true })
    const before = await this.#session.run(() => document.documentElement.dataset.theme ?? null)
    const dress = (theme) =>
      this.#session.run((theme) => {
        if (theme) document.documentElement.dataset.theme = theme
        else delete document.documentElement.dataset.theme
        // Colours change over a moment.
        document.getAnimations().forEach((one) => one.effect.getComputedTiming().iterations !== Infinity && one.finish())
        return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
      }, theme)
    for (const theme of ['light', 'dark']) {
      await dress(theme)
      writeFileSync(join(SHOTS, `${name}-${theme}.png`), await this.#session.screenshot())
    }
    await dress(before)
  }

  /** The same of the whole screen, where there is more than the one window. */
  async photograph(name) {
    if (!SHOTS) return
    mkdirSync(SHOTS, { recursive: true })
    await screen.photograph(join(SHOTS, `${name}.png`))
  }

  /** As a person closes it: by its window manager. */
  async close() {
    // Pressed again when nothing happened: a window manager that is busy with a resize drops the key.
    await until(
      'the app to close',
      async () => {
        await this.keys('alt+F4').catch(() => undefined)
        await processes.ended(this.pid, 3)
        return true
      },
      { seconds: 10 },
    )
    await this.end()
  }

  /** As a power cut ends it. */
  async kill() {
    process.kill(this.pid, 'SIGKILL')
    await processes.ended(this.pid)
    await this.end()
  }

  /** Ends everything that `start` began, however far it came. */
  async end() {
    const all = [this.#driver.pid, ...processes.descendants(this.#driver.pid)]
    for (const pid of all) {
      try {
        process.kill(pid, 'SIGTERM')
      } catch {
        // It has ended already.
      }
    }
    for (const pid of all) {
      await processes.ended(pid, 5).catch(() => process.kill(pid, 'SIGKILL'))
    }
  }
}

/**
 * A test in a window. The body gets `start`, which opens the app for the test's own user; what is open
 * at the end is closed, and after a failure there are pictures of it.
 */
export function windowTest(name, body, { seconds = 120 } = {}) {
  test(name, { timeout: seconds * 1000 }, async (t) => {
    const user = new User()
    const apps = []
    const start = async (options) => {
      const app = await App.start(user, options)
      apps.push(app)
      return app
    }
    // Says where it went wrong, and how long each part took.
    const step = async (what, act) => {
      const began = performance.now()
      try {
        await act()
      } catch (error) {
        error.message = `${what}: ${error.message}`
        throw error
      }
      if (process.env.WHERRY_TALK) console.error(`  … ${what}`)
      t.diagnostic(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
    }
    try {
      await body({ t, user, start, step })
    } catch (error) {
      await pictures(name, apps.at(-1), t)
      const logs = join(user.wherry, 'logs')
      const written = existsSync(logs) ? readdirSync(logs).map((day) => join(logs, day)) : []
      for (const file of [join(user.root, 'stderr'), ...written]) t.diagnostic(readFileSync(file, 'utf8').split('\n').slice(-30).join('\n'))
      throw error
    } finally {
      for (const app of apps) await app.end()
      user.remove()
    }
  })
}

async function pictures(name, app, t) {
  const folder = SHOTS ?? join(tmpdir(), 'wherry-window-failures')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `failed-${name.replace(/\W+/g, '-')}`)
  try {
    await screen.photograph(`${file}.screen.png`)
    if (app?.page) writeFileSync(`${file}.page.txt`, await app.page.outline())
  } catch (error) {
    t.diagnostic(`no picture: ${error.message}`)
  }
  t.diagnostic(`see ${file}.*`)
}
