/**
 * The queue, the history, receipts and limits in a browser, on worlds in memory: what axe finds in
 * light and dark, large text in a small window, the keyboard, and a million entries.
 *   node --test tests/transfers.browser.mjs
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { open, start } from './chromium.mjs'
import states from './states-transfers.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let desk
before(async () => (desk = await start()))
after(() => desk.close())

async function visit(world, options = {}) {
  const { page, errors } = await open(desk, { world, ...options })
  page.setDefaultTimeout(10_000)
  await page.waitForFunction(() => !document.body.textContent.includes('Opening Wherry'))
  return { page, errors }
}
async function arrive(name, options) {
  const { world, steps } = states[name]
  const visited = await visit(world, options)
  await steps?.(visited.page)
  await settled(visited.page)
  return visited
}
/** Colours fade from one to the other; half-way ones have no contrast to speak of. */
const settled = (page) => page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))

async function findings(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  return page.evaluate(async () => {
    // A modal dialog hides the rest; axe does not know that what lies under its shade is not read.
    const front = document.querySelector('[role=menu]') ?? document.querySelector('[role=dialog]') ?? document
    const { violations } = await window.axe.run(front, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { region: { enabled: false }, 'page-has-heading-one': { enabled: false } } })
    return violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => `${n.target} ${n.failureSummary.split('\n').slice(1, 3).join(' ')}`).join('\n    ')}`)
  })
}

describe('axe', () => {
  for (const name of Object.keys(states))
    test(name, async () => {
      const { page, errors } = await arrive(name)
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        await settled(page)
        assert.deepEqual(await findings(page), [], colorScheme)
      }
      assert.deepEqual(errors, [])
      await page.close()
    })
})

describe('large text in a small window', () => {
  for (const name of Object.keys(states).filter((one) => !/menu|history-none/.test(one)))
    test(name, async () => {
      const { page } = await visit(states[name].world, { size: '800x600', scale: 2 })
      // What stands in a menu where there is no room is tested there.
      if (!['verify-file', 'forget-history'].includes(name)) await states[name].steps?.(page)
      await settled(page)
      const beyond = await page.evaluate(() => ({ width: document.documentElement.scrollWidth - innerWidth, height: document.documentElement.scrollHeight - innerHeight }))
      assert.deepEqual(beyond, { width: 0, height: 0 })
      const outside = await page.evaluate(() =>
        [...(document.querySelector('[role=dialog]') ?? document).querySelectorAll('button')]
          .filter((b) => b.checkVisibility() && !b.closest('[role=grid], .scroll, .body'))
          .map((b) => [b.textContent.trim() || b.ariaLabel, b.getBoundingClientRect()])
          .filter(([, r]) => r.width > 1 && (r.left < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1))
          .map(([words]) => words),
      )
      assert.deepEqual(outside, [])
      await page.close()
    })
  test('what has no room stands in a menu', async () => {
    const { page } = await visit('history', { size: '800x600', scale: 2 })
    await page.keyboard.press('Control+Shift+j')
    await page.getByRole('button', { name: 'More for the history' }).click()
    await page.getByRole('menuitem', { name: 'Verify a receipt file…' }).click()
    await page.getByRole('dialog', { name: 'Verify a receipt' }).waitFor()
    await page.close()
  })
})

describe('keyboard', () => {
  test('a job is moved, and the menu of a job is where the keyboard is', async () => {
    const { page } = await visit('queue')
    await page.getByRole('button', { name: 'Pause “Sync' }).focus()
    const titles = () => page.getByRole('list', { name: 'Queue' }).locator('li .title').allTextContents()
    await page.keyboard.press('Alt+ArrowUp')
    await page.waitForFunction(() => [...document.querySelectorAll('ul[aria-label=Queue] .title')][1]?.textContent.startsWith('Sync'))
    assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /^Pause “Sync/)
    // The folder above is not what Alt+Up means here.
    assert.equal(await page.getByRole('grid', { name: 'Contents of thesis/' }).count(), 1)
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menuitem', { name: 'Move to the end' }).click()
    await page.waitForFunction(() => [...document.querySelectorAll('ul[aria-label=Queue] .title')].at(-1)?.textContent.startsWith('Sync'))
    assert.equal((await titles()).length, 5)
    await page.close()
  })

  test('to the history, through it, and back to where one was', async () => {
    const { page } = await visit('history')
    await page.keyboard.press('Control+Shift+j')
    const grid = page.getByRole('grid', { name: 'Transfers that have ended' })
    await grid.focus()
    const current = () => page.evaluate(() => document.getElementById(document.querySelector('.history [role=grid]').getAttribute('aria-activedescendant'))?.textContent)
    for (const key of ['ArrowDown', 'ArrowDown', 'PageDown']) await page.keyboard.press(key)
    assert.match(await current(), /run-09999\d\d/)
    await page.keyboard.press('End')
    await page.waitForFunction(() => /run-0999901/.test(document.querySelector('.history [role=grid]').textContent))
    assert.match(await current(), /run-0999901/)
    await page.keyboard.press('Alt+ArrowLeft')
    await page.getByRole('grid', { name: 'Contents of thesis/' }).waitFor()
    await page.close()
  })
})

test('a million entries scroll without a pause, and only what is seen exists', async () => {
  const { page } = await visit('history')
  await page.keyboard.press('Control+Shift+j')
  await page.getByRole('grid', { name: 'Transfers that have ended' }).waitFor()
  const result = await page.evaluate(async () => {
    const grid = document.querySelector('.history [role=grid]')
    let rows = 0
    const frames = []
    let last = performance.now()
    for (let i = 0; i < 120; i++) {
      grid.scrollTop = grid.scrollHeight
      await new Promise(requestAnimationFrame)
      const now = performance.now()
      frames.push(now - last)
      last = now
      rows = Math.max(rows, grid.querySelectorAll('[role=row]').length)
    }
    // The middle one: the machine may be busy with other tests.
    return { rows, frame: frames.sort((a, b) => a - b)[60], asked: window.fake.calls.filter((call) => call.name === 'history').length, height: grid.scrollHeight }
  })
  assert.ok(result.rows < 60, `${result.rows} rows`)
  assert.ok(result.frame < 100, `a frame took ${result.frame} ms`)
  assert.ok(result.asked > 10 && result.asked < 200, `${result.asked} pages`)
  assert.ok(result.height > 50_000)
  await page.close()
})

test('receipts are saved from a menu over their dialog', async () => {
  const { page } = await arrive('receipts')
  await page.getByRole('button', { name: 'Save as…' }).click()
  await page.getByRole('menuitem', { name: /BagIt/ }).click()
  await page.getByText('238 receipts saved. 2 files are not in it').waitFor()
  assert.equal(await page.getByRole('dialog', { name: 'Receipts' }).count(), 1)
  await page.close()
})
