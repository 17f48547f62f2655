/**
 * The queue, the history, receipts and limits in a browser, on worlds in memory: what axe finds in
 * light and dark, large text in a small window, the keyboard, and a million entries.
 *   node --test tests/transfers.browser.mjs
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import states from './states-transfers.mjs'
import { visiting } from './visit.mjs'

const { visit, arrive, accessible, roomy } = visiting()

accessible(states)
// What stands in a menu where there is no room is tested below.
roomy(Object.fromEntries(Object.entries(states).filter(([name]) => !/menu|history-none|verify-file|forget-history/.test(name))))

test('what has no room stands in a menu', async () => {
  const { page } = await visit('history', { size: '800x600', scale: 2 })
  await page.keyboard.press('Control+Shift+j')
  await page.getByRole('button', { name: 'More for the history' }).click()
  await page.getByRole('menuitem', { name: 'Verify a receipt file…' }).click()
  await page.getByRole('dialog', { name: 'Verify a receipt' }).waitFor()
  await page.close()
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

  test('F6 goes through the accounts, the folder and the transfers', async () => {
    const { page } = await visit('queue')
    await page.getByRole('treeitem', { name: /^thesis/ }).focus()
    const label = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.innerText.trim())
    const seen = []
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('F6')
      seen.push(await label())
    }
    assert.deepEqual(seen, ['Contents of thesis/', 'All transfers', 'thesis', 'Contents of thesis/'])
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

test('in a small window a receipt and the row it is of are seen together', async () => {
  const { page } = await arrive(states.receipts, { size: '800x500' })
  const seen = (element) => element.evaluate((one) => {
    const [box, around] = [one.getBoundingClientRect(), one.closest('.body').getBoundingClientRect()]
    return box.top >= around.top - 1 && box.bottom <= around.bottom + 1
  })
  assert.ok(await seen(page.getByRole('region', { name: 'Receipt', exact: true })), 'the receipt')
  assert.ok(await seen(page.getByRole('row', { name: /station_002/ })), 'its row')
  await page.close()
})

test('of a million entries only what is seen exists, however far one scrolls', async () => {
  const { page } = await visit('history')
  await page.keyboard.press('Control+Shift+j')
  await page.getByRole('grid', { name: 'Transfers that have ended' }).waitFor()
  const result = await page.evaluate(async () => {
    const grid = document.querySelector('.history [role=grid]')
    let rows = 0
    for (let i = 0; i < 120; i++) {
      grid.scrollTop = grid.scrollHeight
      await new Promise(requestAnimationFrame)
      rows = Math.max(rows, grid.querySelectorAll('[role=row]').length)
    }
    return { rows, asked: window.fake.calls.filter((call) => call.name === 'history').length, height: grid.scrollHeight }
  })
  assert.ok(result.rows < 60, `${result.rows} rows`)
  assert.ok(result.asked > 10 && result.asked < 200, `${result.asked} pages`)
  assert.ok(result.height > 50_000)
  await page.close()
})

test('receipts are saved from a menu over their dialog', async () => {
  const { page } = await arrive(states.receipts)
  await page.getByRole('button', { name: 'Save as…' }).click()
  await page.getByRole('menuitem', { name: /^BagIt manifest, MD5/ }).click()
  await page.getByText('238 receipts saved. 2 files are not in it').waitFor()
  assert.equal(await page.getByRole('dialog', { name: 'Receipts' }).count(), 1)
  await page.close()
})
