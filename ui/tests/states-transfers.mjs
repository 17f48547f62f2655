/** Screens of the queue, the history, receipts and limits. */
const openHistory = async (page) => {
  await page.keyboard.press('Control+Shift+j')
  await page.getByRole('heading', { name: 'History' }).waitFor()
}
const openLimits = async (page) => {
  await page.keyboard.press('Control+,')
  await page.getByRole('tab', { name: 'Transfers' }).click()
  await page.getByRole('heading', { name: 'Speed' }).waitFor()
}
/** What runs is told a few times, each time at another rate: the graphs have a line. */
const runs = async (page) => {
  for (const part of [0.4, 1, 0.7]) {
    await page.evaluate((part) => window.fake.tell({ kind: 'jobs', jobs: window.fake.jobs.filter((job) => job.state === 'running').map((job) => ({ ...job, rate: job.rate * part })) }), part)
    await page.waitForTimeout(1000)
  }
}

export default {
  queue: { world: 'queue', steps: runs },
  'queue-closed': { world: 'queue-closed' },
  'drop-undo': {
    world: 'queue-closed',
    steps: async (page) => {
      await page.evaluate(() => window.fake.drag.drop(['/home/ada/new-results-of-today.txt'], { x: 500, y: 300 }))
      await page.getByText(/Upload 1 object|Done: 1 file/).first().waitFor()
      await page.evaluate(() => window.fake.tell({ kind: 'jobs', jobs: window.fake.jobs.slice(0, 1).map((job) => ({ ...job, undo: true })) }))
      await page.getByRole('button', { name: 'Undo', exact: true }).waitFor()
    },
  },
  'no-transfers': { world: 'no-transfers' },
  'long-queue': { world: 'long-queue' },
  'queue-menu': {
    world: 'queue',
    steps: async (page) => {
      await page.getByRole('button', { name: 'More for “Sync /home/ada/era5 with era5-land/”' }).click()
      await page.getByRole('menu').waitFor()
    },
  },
  'queue-files': {
    world: 'queue',
    steps: async (page) => {
      await page.getByRole('button', { name: 'Files of “Upload 240' }).click()
      await page.getByText('station_062.csv').last().waitFor()
    },
  },
  history: { world: 'history', steps: openHistory },
  'history-files': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('tab', { name: 'Files' }).click()
      await page.getByRole('grid', { name: 'Files of all transfers' }).waitFor()
    },
  },
  'history-none': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.evaluate(() => (window.fake.handlers.history = () => ({ jobs: [], next: null })))
      await page.getByRole('textbox', { name: 'Search transfers by their titles' }).fill('zebra')
      await page.getByRole('button', { name: 'Clear search' }).last().waitFor()
    },
  },
  'history-empty': { world: 'history-empty', steps: openHistory },
  'history-broken': { world: 'history-broken', steps: openHistory },
  'history-menu': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('grid', { name: 'Transfers that have ended' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Shift+F10')
      await page.getByRole('menu').waitFor()
    },
  },
  receipts: {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('grid').focus()
      await page.keyboard.press('Enter')
      await page.getByRole('dialog').waitFor()
      await page.getByRole('grid', { name: 'Receipts' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Copy receipt' }).waitFor()
    },
  },
  'history-job-files': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByText('2 files failed, 238 copied').dblclick()
      await page.getByRole('dialog').getByText('failed: why?').first().click()
      await page.getByRole('alert').waitFor()
    },
  },
  'receipts-menu': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('grid').focus()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Save as…' }).click()
      await page.getByRole('menu').waitFor()
    },
  },
  proven: {
    world: 'queue',
    steps: async (page) => {
      await page.getByText('every byte was read again').scrollIntoViewIfNeeded()
    },
  },
  'settings-receipts': {
    world: 'limits',
    steps: async (page) => {
      await openLimits(page)
      await page.getByLabel('Also compute SHA-256 for receipts').scrollIntoViewIfNeeded()
    },
  },
  'verify-file': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('button', { name: 'Verify a receipt file…' }).click()
      await page.getByRole('button', { name: 'Choose…' }).click()
      await page.getByText('/home/ada/clouds.yaml').waitFor()
    },
  },
  'forget-history': {
    world: 'history',
    steps: async (page) => {
      await openHistory(page)
      await page.getByRole('button', { name: 'Clear history…' }).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  limits: { world: 'limits', steps: openLimits },
  'limits-wrong': {
    world: 'limits',
    steps: async (page) => {
      await openLimits(page)
      await page.getByLabel('Uploads at most (MB/s)').fill('fast')
      await page.getByRole('button', { name: 'Add a time of the day' }).click()
    },
  },
}
