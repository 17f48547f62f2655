/**
 * The window's page as a person meets it: things are found by their role and their accessible name,
 * never by how they are built. What cannot be found that way cannot be found by a screen reader either.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { until } from './until.mjs'
import { elementOf, reference } from './webdriver.mjs'

/** Roles and names are computed in the page, as the WAI-ARIA rules say, by Testing Library. */
const LIBRARY = readFileSync(
  createRequire(import.meta.url).resolve('@testing-library/dom/dist/@testing-library/dom.umd.min.js'),
  'utf8',
)

/** The keys that have no character, as WebDriver spells them. */
const KEYS = {
  Backspace: '\uE003', Tab: '\uE004', Enter: '\uE007', Shift: '\uE008', Control: '\uE009', Alt: '\uE00A',
  Escape: '\uE00C', PageUp: '\uE00E', PageDown: '\uE00F', End: '\uE010', Home: '\uE011', ArrowLeft: '\uE012',
  ArrowUp: '\uE013', ArrowRight: '\uE014', ArrowDown: '\uE015', Delete: '\uE017', F1: '\uE031', F2: '\uE032', F5: '\uE035',
} // prettier-ignore

export class Page {
  constructor(session) {
    this.session = session
  }

  /** Every visible element of this role and name (a string or a RegExp; any name when it is left out). */
  async findAll(role, name, { within } = {}) {
    const wanted = name instanceof RegExp ? { source: name.source, flags: name.flags } : (name ?? null)
    const look = (root, role, name) => {
      if (!window.TestingLibraryDom) return null
      const match = name && typeof name === 'object' ? new RegExp(name.source, name.flags) : (name ?? undefined)
      return window.TestingLibraryDom.queryAllByRole(root ?? document.body, role, { name: match })
    }
    const args = [within ? reference(within.id) : null, role, wanted]
    let found = await this.session.run(look, ...args)
    if (found === null) {
      await this.session.call('POST', '/execute/sync', { script: LIBRARY, args: [] })
      found = await this.session.run(look, ...args)
    }
    return found.map((one) => new Element(this, elementOf(one), `${role} ${name ?? ''}`))
  }

  /** The one visible element of this role and name, once it is there. */
  async find(role, name, { within, seconds = 20 } = {}) {
    const what = `the ${role} ${name ?? ''}`
    return until(
      what,
      async () => {
        const found = await this.findAll(role, name, { within })
        if (found.length > 1) throw new Error(`there are ${found.length} of ${what}`)
        return found[0]
      },
      { seconds },
    ).catch(async (error) => {
      throw new Error(`${error.message}\n--- the page says:\n${await this.outline()}`, { cause: error })
    })
  }

  /** The one visible field of this label, whatever its kind: password fields have no role. */
  async labelled(label, { seconds = 20 } = {}) {
    const what = `the field ${label}`
    return until(
      what,
      async () => {
        await this.findAll('none')
        const ids = await this.session.run(
          (label) => window.TestingLibraryDom.queryAllByLabelText(document.body, label, { selector: 'input, textarea' }),
          label,
        )
        if (ids.length > 1) throw new Error(`there are ${ids.length} of ${what}`)
        return ids.length === 1 && new Element(this, elementOf(ids[0]), what)
      },
      { seconds },
    ).catch(async (error) => {
      throw new Error(`${error.message}\n--- the page says:\n${await this.outline()}`, { cause: error })
    })
  }

  async has(role, name, options) {
    return (await this.findAll(role, name, options)).length > 0
  }

  gone(role, name, { seconds = 20, within } = {}) {
    return until(`no ${role} ${name ?? ''}`, async () => !(await this.has(role, name, { within })), { seconds })
  }

  /** What stands in the window, as text. */
  text() {
    return this.session.run(() => document.body.innerText)
  }

  /** Waits for words (a string or a RegExp) anywhere in the window. */
  async says(words, { seconds = 20 } = {}) {
    const match = (text) => (words instanceof RegExp ? words.test(text) : text.includes(words))
    return until(`the words ${words}`, async () => match(await this.text()), { seconds }).catch(async (error) => {
      throw new Error(`${error.message}\n--- the page says:\n${await this.outline()}`, { cause: error })
    })
  }

  /** For messages: the text of the page and the names of what can be pressed. */
  async outline() {
    const names = await this.session.run(() =>
      [...document.querySelectorAll('button, input, select, [role]')]
        .filter((e) => e.checkVisibility?.() ?? true)
        .slice(0, 80)
        .map((e) => `${e.getAttribute('role') ?? e.localName}: ${e.getAttribute('aria-label') ?? e.innerText?.slice(0, 60) ?? ''}`)
        .join(' | '),
    )
    const text = (await this.text()).replace(/\s*\n\s*/g, '\n').slice(0, 3000)
    return `${text}\n--- with: ${names}\n--- focus: ${JSON.stringify(await this.focused())}`
  }

  html() {
    return this.session.run(() => document.documentElement.outerHTML)
  }

  press(name) {
    return this.find('button', name).then((button) => button.click())
  }

  /** Types into the field of this label, in place of what stands there. */
  async fill(label, text) {
    const field = await this.labelled(label)
    await field.fill(text)
  }

  /** Types keys into whatever has the focus: a name of one, a chord such as `Control+l`, or text. */
  async keys(...strokes) {
    for (const stroke of strokes) {
      const chord = /^(Control|Alt|Shift)\+/.test(stroke) ? stroke.split('+') : [stroke]
      const values = chord.every((key) => KEYS[key] || key.length === 1) ? chord.map((key) => KEYS[key] ?? key) : null
      const actions = values
        ? [
            ...values.map((value) => ({ type: 'keyDown', value })),
            ...values.toReversed().map((value) => ({ type: 'keyUp', value })),
          ]
        : Array.from(stroke).flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }])
      await this.session.call('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
    }
  }

  /** The element that has the focus: its role or tag, and its name. */
  focused() {
    return this.session.run(() => {
      const element = document.activeElement
      const name = element?.getAttribute('aria-label') ?? element?.labels?.[0]?.innerText ?? element?.innerText ?? ''
      return { role: element?.getAttribute('role') ?? element?.localName ?? null, name: name.slice(0, 80) }
    })
  }
}

let clicks = 0

export class Element {
  #page

  constructor(page, id, name) {
    this.#page = page
    this.id = id
    this.name = name
  }

  #call(method, path, body) {
    return this.#page.session.call(method, `/element/${this.id}${path}`, body)
  }

  #run(script, ...args) {
    return this.#page.session.run(script, reference(this.id), ...args)
  }

  async click() {
    // As far as a person would scroll: what is only just inside may lie under something that stays.
    await this.#run((element) => element.scrollIntoView({ block: 'center', behavior: 'instant' }))
    await this.#call('POST', '/click')
  }

  async #pointer(button, times) {
    const { x, y, width, height } = await this.rect()
    const press = [{ type: 'pointerDown', button }, { type: 'pointerUp', button }]
    // Near its top: an item of a tree has its whole branch below. And not where the last click was: three
    // clicks in one place are no click and a double click.
    const to = { x: Math.round(x + width / 2 + 10 * (clicks++ % 4)), y: Math.round(y + Math.min(height / 2, 12)) }
    const actions = [{ type: 'pointerMove', ...to }, ...Array(times).fill(press).flat()]
    await this.#page.session.call('POST', '/actions', {
      actions: [{ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions }],
    })
  }

  doubleClick() {
    return this.#pointer(0, 2)
  }

  rightClick() {
    return this.#pointer(2, 1)
  }

  type(text) {
    return this.#call('POST', '/value', { text })
  }

  async fill(text) {
    await this.#call('POST', '/clear')
    if (text) await this.type(text)
  }

  /** The option of this label, for a <select>. */
  async choose(label) {
    await this.#run((element) => element.scrollIntoView({ block: 'center', behavior: 'instant' }))
    const option = await this.#page.find('option', label, { within: this })
    await option.click()
  }

  text() {
    return this.#run((element) => element.innerText)
  }

  value() {
    return this.#run((element) => element.value)
  }

  /** The label of the chosen option, for a <select>. */
  chosen() {
    return this.#run((element) => element.selectedOptions[0]?.label ?? null)
  }

  attribute(name) {
    return this.#run((element, name) => element.getAttribute(name), name)
  }

  focus() {
    return this.#run((element) => element.focus())
  }

  /** Where it is in the page, in CSS pixels. */
  rect() {
    return this.#run((element) => {
      const { x, y, width, height } = element.getBoundingClientRect()
      return { x, y, width, height }
    })
  }
}
