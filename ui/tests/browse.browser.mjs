/**
 * The window in a browser, on worlds in memory: what axe finds on every screen in light and dark, the
 * whole way by keyboard, a million rows, and large text in a small window.
 *   node --test tests/browse.browser.mjs
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fetched, row, states } from './states.mjs'
import { visiting } from './visit.mjs'

const { visit, accessible, roomy } = visiting()

accessible(states)
roomy(Object.fromEntries(['browse', 'transfers', 'conflicts', 'inspector', 'account', 'delete', 'denied', 'listing'].map((name) => [name, states[name]])))

describe('keyboard', () => {
  const current = (page) =>
    page.evaluate(() => {
      const grid = document.querySelector('[role=grid]')
      return document.getElementById(grid?.getAttribute('aria-activedescendant') ?? '')?.querySelector('.text')?.textContent ?? null
    })
  const selected = (page) => page.locator('[role=row][aria-selected=true]').count()
  const crumbs = async (page) => (await page.locator('nav[aria-label=Path] button').allTextContents()).map((t) => t.trim())
  const at = (page, name) => page.waitForFunction((name) => document.querySelector(`#${CSS.escape(document.querySelector('[role=grid]')?.getAttribute('aria-activedescendant') ?? 'x')} .text`)?.textContent === name, name)

  test('moves, opens, goes up to where one was, back and forward', async () => {
    const { page } = await visit('browse')
    await page.getByRole('grid').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await at(page, 'data')
    await page.keyboard.press('Enter')
    await row(page, 'station_001.csv').waitFor()
    assert.equal((await crumbs(page)).at(-1), 'data')
    await page.keyboard.press('Backspace')
    await at(page, 'data')
    assert.equal(await selected(page), 1)
    await page.keyboard.press('Alt+ArrowLeft')
    await row(page, 'station_001.csv').waitFor()
    await page.keyboard.press('Alt+ArrowRight')
    await at(page, 'data')
    await page.keyboard.press('Alt+ArrowUp')
    await page.getByRole('listbox', { name: /Buckets of/ }).waitFor()
    await page.close()
  })

  test('selects ranges, single rows and everything', async () => {
    const { page } = await visit('folder')
    await page.getByRole('grid').focus()
    await page.keyboard.press('Home')
    for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowDown')
    await page.waitForFunction(() => document.querySelectorAll('[role=row][aria-selected=true]').length === 5)
    await page.keyboard.press('Control+ArrowDown')
    await page.keyboard.press('Control+ArrowDown')
    await page.keyboard.press(' ')
    await page.waitForFunction(() => document.querySelectorAll('[role=row][aria-selected=true]').length === 6)
    await page.keyboard.press('Control+a')
    await page.getByText(/^243 selected/).first().waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await selected(page), 0)
    await page.keyboard.press('End')
    await at(page, 'station_240.csv')
    await page.keyboard.press('Shift+Home')
    await page.getByText(/^243 selected/).first().waitFor()
    await page.close()
  })

  test('finds a name as it is typed, and the same letter goes on', async () => {
    const { page } = await visit('browse')
    await page.getByRole('grid').focus()
    await page.keyboard.type('chapter 2')
    await at(page, 'chapter 2.docx')
    await page.waitForTimeout(1000)
    await page.keyboard.press('a')
    await at(page, 'a')
    await page.close()
  })

  test('filter, path, menu, dialogs: opened and left by keys, and the focus comes back', async () => {
    const { page } = await visit('folder')
    const inGrid = () => page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid')
    await page.getByRole('grid').focus()
    await page.keyboard.press('Control+f')
    await page.keyboard.type('station_00')
    await page.getByText('9 of 243 match').first().waitFor()
    await page.keyboard.press('Escape')
    await page.getByText(/241 objects/).first().waitFor()
    await inGrid()
    await page.keyboard.press('Control+l')
    const field = page.getByRole('textbox', { name: 'Path' })
    assert.equal(await field.inputValue(), 'thesis/data/')
    await field.fill('s3://thesis/figures/')
    await page.keyboard.press('Enter')
    await row(page, 'figure-1.png').waitFor()
    await inGrid()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    await inGrid()
    await page.keyboard.press('Delete')
    await page.getByRole('dialog').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Cancel', 'what deletes is not what Enter presses')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await inGrid()
    assert.equal(await page.evaluate(() => window.fake.calls.some((c) => c.name === 'run_plan')), false)
    await page.close()
  })

  test('a menu has the keys from the moment it is there', async () => {
    const { page } = await visit('folder')
    await page.getByRole('grid').focus()
    await page.keyboard.press('ArrowDown')
    await page.getByText(/^1 selected/).first().waitFor()
    const before = await current(page)
    // A hand may be faster than the next frame.
    await page.evaluate(() => (window.requestAnimationFrame = () => 0))
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'grid')
    assert.equal(await current(page), before, 'the arrow was for the menu')
    assert.equal(await selected(page), 1, 'Escape was for the menu')
    await page.close()
  })

  test('a menu gives the keys back to who had them', async () => {
    const { page } = await visit('empty')
    const button = page.locator('.contents').getByRole('button', { name: 'New folder…' })
    await button.focus()
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    assert.equal(await button.evaluate((button) => button === document.activeElement), true)
    await page.close()
  })

  test('the accounts are a tree', async () => {
    const { page } = await visit('browse')
    await page.getByRole('grid').focus()
    await page.keyboard.press('F6')
    const on = () => page.evaluate(() => document.activeElement?.dataset.name)
    assert.equal(await on(), 'thesis')
    await page.keyboard.press('ArrowLeft')
    assert.match(await on(), /^JASMIN/)
    await page.keyboard.press('ArrowLeft')
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-expanded')), 'false')
    await page.keyboard.press('ArrowDown')
    assert.match(await on(), /^CloudFerro/)
    await page.keyboard.press('ArrowRight')
    await page.getByRole('treeitem', { name: 'sentinel-2-tiles' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await row(page, 'tile_0000000.tif').waitFor()
    await page.close()
  })

  test('a single click selects and does not open', async () => {
    const { page } = await visit('browse')
    await row(page, 'figures').click()
    await page.waitForTimeout(300)
    assert.equal((await crumbs(page)).at(-1), 'thesis')
    assert.equal(await selected(page), 1)
    await page.close()
  })
})

describe('a million rows', () => {
  test('the ends, the middle, and a wheel that moves by rows', async () => {
    const { page } = await visit('million')
    const grid = page.getByRole('grid')
    await grid.focus()
    await page.keyboard.press('End')
    await row(page, 'tile_0999999.tif').waitFor()
    assert.ok((await page.locator('[role=row]').count()) < 100, 'only what is seen exists')
    assert.equal(await grid.getAttribute('aria-rowcount'), '1000001')
    await page.keyboard.press('PageUp')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Home')
    await row(page, 'tile_0000000.tif').waitFor()
    await page.mouse.move(700, 400)
    await page.mouse.wheel(0, 280)
    await page.waitForFunction(() => document.querySelector('[data-index="10"]')?.getBoundingClientRect().top < 120)
    assert.equal(await page.locator('[data-index="200"]').count(), 0, 'ten rows, not thousands')
    await page.close()
  })

  test('wherever the scrollbar is dragged, only what is seen exists', async () => {
    const { page } = await visit('million')
    const most = await page.evaluate(async () => {
      const grid = document.querySelector('[role=grid]')
      let most = 0
      for (let i = 0; i <= 30; i++) {
        grid.scrollTop = (grid.scrollHeight * i) / 30
        await new Promise(requestAnimationFrame)
        most = Math.max(most, document.querySelectorAll('[role=row]').length)
      }
      return most
    })
    assert.ok(most < 100, `${most} rows`)
    await row(page, 'tile_0999999.tif').waitFor()
    await page.close()
  })

  test('scrolling away from the cursor is not undone when the listing grows', async () => {
    const { page } = await visit('listing')
    await page.evaluate(() => (document.querySelector('[role=grid]').scrollTop = 5000))
    await page.waitForTimeout(200)
    await page.evaluate(() => window.fake.tell({ kind: 'listing', listing: { id: 'l1', location: { account: 'a1', bucket: 'thesis', prefix: '' }, folders: 12, objects: 20_000, bytes: 1, complete: false, generation: 4, problem: null } }))
    await page.getByText('Listing… 20,012 so far').first().waitFor()
    assert.equal(await page.evaluate(() => document.querySelector('[role=grid]').scrollTop), 5000)
    await page.close()
  })
})

describe('drops', () => {
  const center = async (locator) => {
    const box = await locator.boundingBox()
    return { x: box.x + 60, y: box.y + box.height / 2 }
  }
  const where = (page) => page.locator('.overlay').textContent()
  const planned = (page) => page.evaluate(() => window.fake.calls.filter((c) => c.name === 'plan').map((c) => c.args.what.to))

  test('on a folder, on the rest of the table, on a bucket, on nothing', async () => {
    const { page } = await visit('browse')
    const over = (at) => page.evaluate((at) => window.fake.drag.over(at), at)
    await page.evaluate(() => window.fake.drag.enter(['/a', '/b', '/c'], { x: 700, y: 600 }))
    assert.match(await where(page), /Upload 3 items to\s+thesis\//)
    await over(await center(row(page, 'figures')))
    await page.waitForFunction(() => /thesis\/figures\//.test(document.querySelector('.overlay').textContent))
    await over(await center(page.getByRole('treeitem', { name: 'scratch' })))
    await page.waitForFunction(() => /scratch\//.test(document.querySelector('.overlay').textContent))
    await over({ x: 100, y: 700 })
    await page.waitForFunction(() => /Drop on a bucket or a folder/.test(document.querySelector('.overlay').textContent))
    await page.evaluate((at) => window.fake.drag.drop(['/a'], at), await center(row(page, 'figures')))
    await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'run_plan'))
    assert.deepEqual(await planned(page), [{ account: 'a1', bucket: 'thesis', prefix: 'figures/' }])
    assert.equal(await page.locator('.overlay').count(), 0)
    await page.close()
  })

  test('what is dropped while a plan is made waits its turn', async () => {
    const { page } = await visit('browse')
    await page.evaluate(() => {
      window.fake.drag.drop(['/new 1'], { x: 700, y: 600 })
      window.fake.drag.drop(['/new 2'], { x: 700, y: 600 })
    })
    await page.waitForFunction(() => window.fake.calls.filter((c) => c.name === 'run_plan').length === 2)
    await page.close()
  })

  test('nothing lands behind a dialog', async () => {
    const { page } = await visit('browse')
    await page.keyboard.press('F1')
    await page.getByRole('dialog').waitFor()
    await page.evaluate(() => window.fake.drag.drop(['/a'], { x: 700, y: 600 }))
    await page.waitForTimeout(200)
    assert.deepEqual(await planned(page), [])
    await page.close()
  })
})

describe('dragging out', () => {
  const pull = async (page) => {
    const box = await row(page, 'README.md').boundingBox()
    await page.mouse.move(box.x + 80, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + 84, box.y + 12)
    assert.equal(await page.evaluate(() => window.fake.calls.some((c) => c.name === 'plan')), false, 'a hand that shakes does not drag')
    await page.mouse.move(box.x + 200, box.y + 120, { steps: 5 })
  }
  const handed = (page) => page.evaluate(() => window.fake.calls.filter((c) => c.name === 'drag_out').map((c) => c.args))

  test('held until it is there: handed to the desktop', async () => {
    const { page } = await visit('staging')
    await pull(page)
    await page.getByText('keep the button pressed').first().waitFor()
    assert.deepEqual(await handed(page), [])
    await fetched(page)
    await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'drag_out'))
    assert.deepEqual(await handed(page), ['stage-1'])
    await page.mouse.up()
    await page.close()
  })

  test('let go before: ready as a chip, and dragged from there at once', async () => {
    const { page } = await visit('staging')
    await pull(page)
    await page.getByText('keep the button pressed').first().waitFor()
    await page.mouse.up()
    await fetched(page)
    const chip = page.getByText('1 item is here now: drag from here')
    await chip.waitFor()
    assert.deepEqual(await handed(page), [])
    const box = await chip.boundingBox()
    await page.mouse.move(box.x + 30, box.y + 8)
    await page.mouse.down()
    await page.mouse.move(box.x + 30, box.y - 60, { steps: 4 })
    await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'drag_out'))
    await page.mouse.up()
    await page.close()
  })
})

test('names are text, whatever they say', async () => {
  const { page, errors } = await visit('hostile')
  await row(page, '<img src=x onerror=alert(1)>.txt').waitFor()
  assert.equal(await page.locator('[role=grid] img').count(), 0)
  await page.getByText('evil‹202E›gnp.exe').waitFor()
  await page.getByText('line‹LF›break.txt').waitFor()
  assert.deepEqual(errors, [])
  await page.close()
})

test('in a narrow window the accounts are a drawer, left by Escape', async () => {
  const { page } = await visit('browse', { size: '800x600', scale: 2 })
  assert.equal(await page.getByRole('tree').count(), 0)
  await page.keyboard.press('F6')
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'treeitem')
  await page.keyboard.press('Escape')
  await page.getByRole('tree').waitFor({ state: 'detached' })
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid')
  await page.close()
})
