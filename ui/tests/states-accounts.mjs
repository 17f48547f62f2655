/** What a person does in the worlds of scenarios-accounts.ts, up to the screen that is worth a look. */
const field = (page, name) => page.locator('input').and(page.getByLabel(name, { exact: true }))
const press = (page, name) => page.getByRole('button', { name, exact: true }).click()

async function place(page, name) {
  await page.getByRole('option', { name }).click()
}

async function fillKey(page) {
  await place(page, /Other S3/)
  await field(page, 'Address of the store').fill('https://s3.example.org')
  await field(page, 'Access key id').fill('AKIDEXAMPLE42')
  await field(page, 'Secret').fill('wJalrXUtnFEMIK7MDENG')
}

async function fillSignIn(page) {
  await place(page, /CloudFerro/)
  await field(page, 'User name').fill('ada')
  await field(page, 'Password').fill('pa55word')
}

async function signIn(page) {
  await fillSignIn(page)
  await press(page, 'Sign in')
}

export default {
  welcome: { world: 'welcome' },
  'add-places': { world: 'add-any' },
  'add-places-keystone': { world: 'add-keystone' },
  'add-places-none': {
    world: 'add-any',
    steps: (page) => page.getByRole('combobox').fill('atlantis'),
  },
  'add-way': { world: 'add-any', steps: (page) => place(page, /CloudFerro/) },
  'add-key': { world: 'add-typed', steps: (page) => place(page, /JASMIN/) },
  'add-key-missing': {
    world: 'add-typed',
    steps: async (page) => {
      await place(page, /JASMIN/)
      await press(page, 'Save')
    },
  },
  'add-key-more': {
    world: 'add-typed',
    steps: async (page) => {
      await fillKey(page)
      await page.getByText('More settings').click()
      await page.getByLabel('Proxy').scrollIntoViewIfNeeded()
    },
  },
  'add-key-good': {
    world: 'add-typed',
    steps: async (page) => {
      await fillKey(page)
      await press(page, 'Test')
    },
  },
  'add-key-no-list': {
    world: 'add-no-list',
    steps: async (page) => {
      await fillKey(page)
      await press(page, 'Test')
    },
  },
  'add-key-refused': {
    world: 'add-refused',
    steps: async (page) => {
      await fillKey(page)
      await press(page, 'Save')
      await page.getByText('does not know this access key').scrollIntoViewIfNeeded()
    },
  },
  'add-key-slow': {
    world: 'add-slow',
    steps: async (page) => {
      await fillKey(page)
      await press(page, 'Save')
      await page.getByText('Asking s3.example.org').scrollIntoViewIfNeeded()
    },
  },
  'add-discard': {
    world: 'add-typed',
    steps: async (page) => {
      await fillKey(page)
      await page.keyboard.press('Escape')
    },
  },
  'sign-in': { world: 'add-keystone', steps: fillSignIn },
  'sign-in-credential': {
    world: 'add-keystone',
    steps: async (page) => {
      await place(page, /OpenStack/)
      await page.getByRole('tab', { name: 'Application credential' }).click()
    },
  },
  'sign-in-file': {
    world: 'add-keystone',
    steps: async (page) => {
      await place(page, /OpenStack/)
      await page.getByRole('tab', { name: /clouds.yaml/ }).click()
    },
  },
  'sign-in-clouds': {
    world: 'add-keystone',
    steps: async (page) => {
      await place(page, /OpenStack/)
      await page.getByRole('tab', { name: /clouds.yaml/ }).click()
      await press(page, 'Choose a file…')
    },
  },
  'sign-in-wrong': { world: 'sign-in-wrong', steps: signIn },
  'sign-in-slow': { world: 'sign-in-slow', steps: signIn },
  'store-step': { world: 'add-keystone', steps: signIn },
  'store-step-cannot': { world: 'cannot-create', steps: signIn },
  reveal: {
    world: 'add-keystone',
    steps: async (page) => {
      await signIn(page)
      await press(page, 'Make a key')
    },
  },
  'reveal-copied': {
    world: 'add-keystone',
    steps: async (page) => {
      await signIn(page)
      await press(page, 'Make a key')
      await press(page, 'Copy secret')
      await page.getByText(/taken off the clipboard in\s+5\d/).waitFor()
    },
  },
  edit: { world: 'edit' },
  'edit-made': { world: 'edit-made' },
  remove: { world: 'remove' },
  'remove-typed': { world: 'remove-typed' },
  secret: { world: 'secret' },
  'keys-fine': { world: 'keys-fine' },
  'keys-expiring': { world: 'keys-expiring' },
  'keys-refused': { world: 'keys-refused' },
  'keys-signed-out': { world: 'keys-signed-out' },
  'keys-sign-in': { world: 'keys-signed-out', steps: (page) => press(page, 'Sign in…') },
  'keys-typed': { world: 'keys-typed' },
  'keys-secret-missing': { world: 'keys-secret-missing' },
  'keys-problem': { world: 'keys-problem' },
  'keys-delete': {
    world: 'keys-fine',
    steps: (page) => page.getByRole('button', { name: /Delete key 7f3c/ }).click(),
  },
  'keys-deleted': {
    world: 'keys-fine',
    steps: async (page) => {
      await page.getByRole('button', { name: /Delete key b8e2/ }).click()
      await press(page, 'Delete key')
    },
  },
  'keys-new': { world: 'keys-fine', steps: (page) => press(page, 'Make a new key') },
  settings: { world: 'settings' },
  vault: { world: 'vault' },
  'vault-unavailable': { world: 'vault-unavailable' },
  'vault-file': {
    world: 'vault-unavailable',
    steps: (page) => page.getByLabel('An encrypted file').check(),
  },
  'vault-locked': { world: 'vault-locked' },
  'vault-new': {
    world: 'vault-new',
    steps: async (page) => {
      await field(page, 'Passphrase').fill('short')
      await press(page, 'Use this')
    },
  },
}
