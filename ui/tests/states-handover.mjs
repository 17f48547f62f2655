/** What a person does in the worlds of scenarios-handover.ts, up to the screen that is worth a look. */
const press = (page, name) => page.getByRole('button', { name, exact: true }).click()
const tool = (page, name) => page.getByRole('option', { name }).click()

export default {
  'hand-over': { world: 'hand-over' },
  'hand-over-secret': { world: 'hand-over', steps: (page) => page.getByLabel('Include the secret').check() },
  'hand-over-cyberduck': { world: 'hand-over', steps: (page) => tool(page, /Cyberduck bookmark/) },
  'hand-over-plan': {
    world: 'hand-over',
    steps: async (page) => {
      await press(page, 'Add to ~/.aws/credentials…')
      await page.getByRole('button', { name: 'Add', exact: true }).scrollIntoViewIfNeeded()
    },
  },
  'hand-over-replaces': {
    world: 'hand-over-replaces',
    steps: async (page) => {
      await press(page, 'Add to ~/.aws/credentials…')
      await page.getByRole('button', { name: 'Replace', exact: true }).scrollIntoViewIfNeeded()
    },
  },
  'hand-over-done': {
    world: 'hand-over',
    steps: async (page) => {
      await press(page, 'Add to ~/.aws/credentials…')
      await press(page, 'Add')
      await page.getByText('The file as it was before').scrollIntoViewIfNeeded()
    },
  },
  'hand-over-damaged': {
    world: 'hand-over-damaged',
    steps: async (page) => {
      await press(page, 'Add to ~/.aws/credentials…')
      await page.getByText('It was not changed').scrollIntoViewIfNeeded()
    },
  },
  'import-keys-file': { world: 'import-keys' },
  'import-keys': { world: 'import-keys', steps: (page) => press(page, 'Choose the file') },
  'import-keys-missing': {
    world: 'import-keys',
    steps: async (page) => {
      await press(page, 'Choose the file')
      await press(page, 'Add 2 accounts')
    },
  },
}
