/**
 * Screens worth looking at: a world (scenarios.ts) and what a person does in it. Files named
 * states-*.mjs beside this one add their own.
 */
import { readdir } from 'node:fs/promises'

/** What is dragged out has arrived in the staging folder. */
export async function fetched(page) {
  await page.getByText('Fetching 1 item').first().waitFor()
  await page.evaluate(async () => {
    const job = await window.fake.handlers.run_plan({ plan: 'staged' })
    window.fake.tell({ kind: 'jobs', jobs: [{ ...job, state: 'done', filesDone: 1, ended: job.started }] })
  })
}

const row = (page, name) => page.getByRole('row', { name }).first()

export const states = {
  first: { world: 'first' },
  browse: { world: 'browse' },
  folder: { world: 'folder' },
  hostile: { world: 'hostile' },
  empty: { world: 'empty' },
  million: { world: 'million' },
  account: { world: 'account' },
  denied: { world: 'denied' },
  transfers: { world: 'transfers' },
  drawer: { world: 'browse', steps: (page) => page.keyboard.press('F6') },
  'transfer-files': {
    world: 'transfers',
    steps: async (page) => {
      await page.getByRole('button', { name: /Files of “Upload 12/ }).click()
      await page.getByRole('button', { name: 'failed: why?' }).first().click()
    },
  },
  selection: {
    world: 'folder',
    steps: async (page) => {
      await row(page, 'station_002.csv').click()
      await row(page, 'station_009.csv').click({ modifiers: ['Shift'] })
    },
  },
  inspector: {
    world: 'folder',
    steps: async (page) => {
      await row(page, 'station_002.csv').click()
      await page.keyboard.press('Alt+Enter')
      await page.getByRole('button', { name: 'Make a link' }).click()
      await page.getByRole('button', { name: 'Copy link' }).waitFor()
    },
  },
  menu: {
    world: 'folder',
    steps: async (page) => {
      await row(page, 'station_002.csv').click({ button: 'right' })
      await page.getByRole('menu').waitFor()
    },
  },
  'account-menu': {
    world: 'browse',
    steps: async (page) => {
      await page.getByRole('treeitem', { name: /Practice store/ }).click({ button: 'right' })
      await page.getByRole('menu').waitFor()
    },
  },
  path: {
    world: 'folder',
    steps: async (page) => {
      await page.keyboard.press('Control+l')
      await page.getByRole('textbox', { name: 'Path' }).fill('/')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
    },
  },
  filter: {
    world: 'folder',
    steps: async (page) => {
      await page.keyboard.press('Control+f')
      await page.keyboard.type('nothing like it')
      await page.getByRole('button', { name: 'Clear filter' }).last().waitFor()
    },
  },
  delete: {
    world: 'folder',
    steps: async (page) => {
      await row(page, 'station_002.csv').click()
      await page.keyboard.press('Shift+PageDown')
      await page.keyboard.press('Delete')
      await page.getByRole('dialog').waitFor()
    },
  },
  rename: {
    world: 'folder',
    steps: async (page) => {
      await row(page, 'station_002.csv').click()
      await page.keyboard.press('F2')
      await page.getByRole('dialog').waitFor()
    },
  },
  'new-folder': {
    world: 'folder',
    steps: async (page) => {
      await page.keyboard.press('Control+Shift+n')
      await page.getByRole('dialog').getByRole('textbox').fill('a/b')
    },
  },
  'new-bucket': {
    world: 'account',
    steps: async (page) => {
      await page.getByRole('button', { name: 'New bucket…' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('My Bucket')
    },
  },
  conflicts: {
    world: 'conflicts',
    steps: async (page) => {
      await page.evaluate(() => window.fake.drag.drop(['/home/ada/README.md', '/home/ada/chapter 2.docx', '/home/ada/x.txt'], { x: 500, y: 400 }))
      await page.getByRole('dialog').waitFor()
      await page.getByRole('grid', { name: 'Already there' }).waitFor()
    },
  },
  blocked: {
    world: 'blocked',
    steps: async (page) => {
      await page.evaluate(() => window.fake.drag.drop(['/home/ada/README.md'], { x: 500, y: 400 }))
      await page.getByRole('dialog').waitFor()
    },
  },
  planning: {
    world: 'planning',
    steps: async (page) => {
      await page.evaluate(() => window.fake.drag.drop(['/home/ada/big'], { x: 500, y: 400 }))
      await page.getByRole('dialog').waitFor()
    },
  },
  drop: {
    world: 'browse',
    steps: (page) =>
      page.evaluate(() => {
        const row = [...document.querySelectorAll('[role=row]')].find((r) => r.textContent?.includes('figures'))
        const { x, y } = row.getBoundingClientRect()
        window.fake.drag.enter(['/a', '/b', '/c'], { x: x + 60, y: y + 10 })
      }),
  },
  'drag-out': {
    world: 'staging',
    steps: async (page) => {
      const box = await row(page, 'README.md').boundingBox()
      await page.mouse.move(box.x + 80, box.y + 10)
      await page.mouse.down()
      await page.mouse.move(box.x + 200, box.y + 120, { steps: 5 })
      await page.getByText('Fetching 1 item').first().waitFor()
    },
  },
  ready: {
    world: 'staging',
    steps: async (page) => {
      const box = await row(page, 'README.md').boundingBox()
      await page.mouse.move(box.x + 80, box.y + 10)
      await page.mouse.down()
      await page.mouse.move(box.x + 200, box.y + 120, { steps: 2 })
      await page.getByText('Fetching 1 item').first().waitFor()
      await page.mouse.up()
      await fetched(page)
      await page.getByText('here now: drag from here').waitFor()
    },
  },
  listing: { world: 'listing' },
  shortcuts: { world: 'browse', steps: (page) => page.keyboard.press('F1') },
  report: { world: 'broken', steps: async (page) => { await row(page, 'README.md').click(); await page.keyboard.press('Delete'); await page.getByRole('alert').waitFor() } },
}

export async function allStates() {
  const here = new URL('.', import.meta.url)
  for (const file of await readdir(here)) {
    if (/^states-.*\.mjs$/.test(file)) Object.assign(states, (await import(new URL(file, here))).default)
  }
  return states
}

export { row }
