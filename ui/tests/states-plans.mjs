/** What a person does in the worlds of scenarios-plans.ts, up to the screen that is worth a look. */
const row = (page, name) => page.getByRole('row', { name }).first()

const press = (page, name) => page.getByRole('button', { name, exact: true }).click()
const drop = async (page) => {
  await page.evaluate(() => window.fake.drag.drop(['/home/ada/results'], { x: 500, y: 450 }))
  await page.getByRole('dialog').waitFor()
}
const item = (page, name) => page.getByRole('menuitem', { name }).click()
const syncMenu = async (page, name) => {
  await press(page, 'Sync')
  await item(page, name)
  await page.getByRole('dialog').waitFor()
}
const bucketMenu = async (page, name) => {
  await page.keyboard.press('F6')
  await page.getByRole('treeitem', { name: 'thesis' }).first().click({ button: 'right' })
  await item(page, name)
  await page.getByRole('dialog').waitFor()
}
/** Takes hold of a row; the caller lets go. */
const grip = async (page, name) => {
  const box = await row(page, name).boundingBox()
  await page.mouse.move(box.x + 60, box.y + 10)
  await page.mouse.down()
  await page.mouse.move(box.x + 70, box.y + 20, { steps: 2 })
}
const over = async (page, locator) => {
  const box = await locator.boundingBox()
  await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 6 })
}

export { bucketMenu, drop, grip, over, press, syncMenu }

export default {
  'plan-many-conflicts': {
    world: 'plan-many-conflicts',
    steps: async (page) => {
      await drop(page)
      await page.getByText('Choose for each').click()
      await page.getByRole('grid', { name: 'Already there' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowRight')
    },
  },
  'plan-conflicts-end': {
    world: 'plan-many-conflicts',
    steps: async (page) => {
      await drop(page)
      await page.getByText('Choose for each').click()
      await page.getByRole('grid', { name: 'Already there' }).focus()
      await page.keyboard.press('End')
      await page.getByText('station_04999.csv').waitFor()
    },
  },
  'plan-sync': {
    world: 'plan-sync',
    steps: async (page) => {
      await syncMenu(page, 'Sync this bucket…')
      await press(page, 'Choose a folder…')
      await page.getByLabel('Delete what is only at the destination').check()
      await press(page, 'Look what would change…')
      await page.getByRole('heading', { name: /^Sync \/home/ }).waitFor()
    },
  },
  'plan-sync-same': {
    world: 'plan-sync-same',
    steps: async (page) => {
      await syncMenu(page, 'Saved syncs…')
      await press(page, 'Run Nightly results…')
      await page.getByRole('heading', { name: /^Sync \/home/ }).waitFor()
    },
  },
  elsewhere: {
    world: 'plan-sync',
    steps: async (page) => {
      await drop(page)
      await press(page, 'Run elsewhere…')
      await page.getByText('#SBATCH --job-name').waitFor()
    },
  },
  sync: { world: 'plan-sync', steps: (page) => syncMenu(page, 'Sync this bucket…') },
  'sync-filters': {
    world: 'plan-sync',
    steps: async (page) => {
      await syncMenu(page, 'Sync this bucket…')
      await page.getByLabel('Direction').selectOption('copy')
      await page.getByText('Leave files out').click()
      await page.getByLabel('Keep it under a name').check()
      await page.getByLabel('Name', { exact: true }).scrollIntoViewIfNeeded()
    },
  },
  'saved-syncs': { world: 'plan-sync', steps: (page) => syncMenu(page, 'Saved syncs…') },
  'saved-syncs-delete': {
    world: 'plan-sync',
    steps: async (page) => {
      await syncMenu(page, 'Saved syncs…')
      await press(page, 'Delete Nightly results…')
    },
  },
  'saved-syncs-empty': { world: 'saved-syncs-empty', steps: (page) => syncMenu(page, 'Saved syncs…') },
  'copy-to': {
    world: 'browse',
    steps: async (page) => {
      await row(page, 'README.md').click({ button: 'right' })
      await item(page, 'Copy to…')
      await page.getByRole('option', { name: 'figures' }).waitFor()
    },
  },
  'copy-to-buckets': {
    world: 'browse',
    steps: async (page) => {
      await row(page, 'figures').click({ button: 'right' })
      await item(page, 'Move to…')
      await page.getByLabel('Account', { exact: true }).selectOption('a2')
      await page.getByRole('option', { name: 'sentinel-2-tiles' }).waitFor()
    },
  },
  cut: {
    world: 'browse',
    steps: async (page) => {
      await row(page, 'README.md').click()
      await page.keyboard.press('Control+x')
      await row(page, 'chapter 2.docx').click()
    },
  },
  'drag-within': {
    world: 'browse',
    steps: async (page) => {
      await grip(page, 'README.md')
      await over(page, row(page, 'figures'))
    },
  },
  'drag-across': {
    world: 'browse',
    steps: async (page) => {
      await grip(page, 'README.md')
      await over(page, page.getByRole('treeitem', { name: 'scratch' }))
    },
  },
  unfinished: { world: 'unfinished', steps: (page) => bucketMenu(page, 'Unfinished uploads…') },
  'unfinished-asking': {
    world: 'unfinished',
    steps: async (page) => {
      await bucketMenu(page, 'Unfinished uploads…')
      await page.getByLabel('All that nobody here uses').check()
      await press(page, 'Clean up…')
    },
  },
  'unfinished-cleaned': {
    world: 'unfinished',
    steps: async (page) => {
      await bucketMenu(page, 'Unfinished uploads…')
      await page.getByLabel('All that nobody here uses').check()
      await press(page, 'Clean up…')
      await press(page, 'Clean up 4 uploads')
      await page.getByText('3 unfinished uploads cleaned up').waitFor()
    },
  },
  'unfinished-none': { world: 'unfinished-none', steps: (page) => bucketMenu(page, 'Unfinished uploads…') },
  'unfinished-denied': { world: 'unfinished-denied', steps: (page) => bucketMenu(page, 'Unfinished uploads…') },
}
