/** Wherry's pages on the engine, and how a picture of them is taken. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startBridge } from '../../ui/tests/bridge.mjs'
import { launch } from '../../ui/tests/chromium.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const run = promisify(execFile)
/** Around what is cut out of the window. */
const MARGIN = 8

/** Everything behind the pictures has an address of this computer; a picture has the name it would have at a place. */
export class Names {
  #pairs = []

  /** An address or any other word. */
  call(real, told) {
    this.#pairs.push([real, told])
    const [from, to] = [real, told].map((one) => (URL.canParse(one) ? new URL(one) : null))
    if (from?.host && to?.host) this.#pairs.push([from.origin, to.origin], [from.host, to.host])
    return this
  }

  /** Longest first, so that no address is cut by a shorter one. */
  get pairs() {
    return this.#pairs.toSorted(([a], [b]) => b.length - a.length)
  }
}

/** Puts names on the page, in text and in what is typed; called again, it takes them off. */
function putNames(pairs) {
  const named = (text) => pairs.reduce((text, [from, to]) => text.replaceAll(from, to), text)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const back = []
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const was = node.data
    if (named(was) === was) continue
    node.data = named(was)
    back.push(() => (node.data = was))
  }
  for (const input of document.querySelectorAll('input')) {
    const was = input.value
    if (named(was) === was) continue
    input.value = named(was)
    back.push(() => (input.value = was))
  }
  window.takeNamesOff = () => back.forEach((undo) => undo())
}

export class Camera {
  names = new Names()
  #browser

  /** A new Wherry, with a keychain as on most computers. */
  static async start() {
    const camera = new Camera()
    camera.home = await mkdtemp(join(tmpdir(), 'wherry-pictures-'))
    camera.bridge = await startBridge({ vault: 'keychain', home: join(camera.home, 'wherry') })
    camera.#browser = await launch()
    camera.page = await camera.#browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' })
    camera.names.call(join(camera.home, 'wherry/practice'), '~/.local/share/wherry/practice')
    await camera.page.goto(camera.bridge.url)
    camera.page.setDefaultTimeout(15_000)
    await camera.heading('Welcome to Wherry')
    return camera
  }

  /** A command as the window gives it. */
  async call(command, args = null) {
    const answer = await fetch(`${this.bridge.url}/call`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ command, args }) })
    const { ok, problem } = await answer.json()
    if (problem) throw new Error(`${command}: ${problem.what}`)
    return ok
  }

  press = (name) => this.page.getByRole('button', { name, exact: true }).click()
  /** By its label, which may say that it is optional. */
  field = (name) => this.page.locator('input, select').and(this.page.getByLabel(new RegExp(`^${name}( \\(optional\\))?$`)))
  /** In a list, the entry that begins like this. */
  async choose(name, beginning) {
    const entry = this.field(name).locator('option').filter({ hasText: new RegExp(`^${beginning}`) })
    await entry.waitFor({ state: 'attached' })
    await this.field(name).selectOption(await entry.getAttribute('value'))
  }
  fill = (name, text) => this.field(name).fill(text)
  heading = (name) => this.page.getByRole('heading', { name }).first().waitFor()
  unfold = (words) => this.page.getByRole('dialog').locator('summary', { hasText: words }).click()
  dialogGone = () => this.page.getByRole('dialog').waitFor({ state: 'detached' })
  dialog = () => this.page.getByRole('dialog')

  /** From the first start to the sign-in of a place, by the ways of these titles. */
  async choosePlace(place, ...ways) {
    await this.press('Sign in and have a key made')
    await this.page.getByRole('option', { name: place }).click()
    for (const way of ways) await this.press(way)
  }

  async menu(account, item) {
    await this.page.locator('.account').filter({ hasText: account }).first().hover()
    await this.press(`Actions for ${account}`)
    await this.page.getByRole('menuitem', { name: item }).click()
  }

  async openKeys(account) {
    await this.menu(account, 'Keys')
    await this.heading(`Keys of ${account}`)
  }

  /** The whole window, its upper part down to the end of `downTo`, or no more than `of`. */
  async shoot(name, { schemes = ['light'], of, downTo } = {}) {
    const { page } = this
    await page.getByText('Listing buckets…').waitFor({ state: 'detached' })
    for (const scheme of schemes) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity))
      const file = join(here, schemes.length > 1 ? `${name}-${scheme}.png` : `${name}.png`)
      await page.evaluate(putNames, this.names.pairs)
      const box = await of?.boundingBox()
      const clip = box && { x: box.x - MARGIN, y: box.y - MARGIN, width: box.width + 2 * MARGIN, height: box.height + 2 * MARGIN }
      const end = await downTo?.boundingBox()
      await page.screenshot({ path: file, clip: end ? { x: 0, y: 0, width: 1280, height: Math.min(800, end.y + end.height + 3 * MARGIN) } : clip })
      await page.evaluate(() => window.takeNamesOff())
      await run('convert', [file, '-strip', '-dither', 'None', '-colors', '96', `PNG8:${file}`])
    }
    await page.emulateMedia({ colorScheme: 'light' })
  }

  async close() {
    await this.#browser.close()
    await this.bridge.stop()
    await rm(this.home, { recursive: true, force: true })
  }
}
