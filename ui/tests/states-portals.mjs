/** What a person does in the worlds of scenarios-portals.ts, up to the screen that is worth a look. */
const field = (page, name) => page.locator('input, select').and(page.getByLabel(name, { exact: true }))
const press = (page, name) => page.getByRole('button', { name, exact: true }).click()
const place = (page, name) => page.getByRole('option', { name }).click()

async function to(page, where, way) {
  await place(page, where)
  if (way) await press(page, way)
}

async function jasminTenancy(page) {
  await to(page, /^J JASMIN|^JASMIN/, 'Sign in to the Object Store Portal')
  await press(page, 'Open the JASMIN sign-in…')
  await field(page, 'Tenancy').selectOption('cedadev-o')
}

async function jasminStore(page) {
  await jasminTenancy(page)
  await field(page, 'Password').fill('pa55word')
  await press(page, 'Open the tenancy')
  await field(page, 'Name of the key').waitFor()
}

async function password(page, where, way) {
  await to(page, where, way)
  await field(page, 'User name').fill('ada')
  await field(page, 'Password').fill('pa55word')
}

async function sts(page, way) {
  await to(page, /Ceph/, 'Temporary keys (STS)…')
  if (way) await press(page, way)
}

export default {
  'jasmin-ways': { world: 'portal-jasmin', steps: (page) => place(page, /JASMIN/) },
  'jasmin-sign-in': { world: 'portal-jasmin', steps: (page) => to(page, /JASMIN/, 'Sign in to the Object Store Portal') },
  'jasmin-connection': {
    world: 'portal-jasmin',
    steps: async (page) => {
      await to(page, /JASMIN/, 'Sign in to the Object Store Portal')
      await page.getByText('Connection').click()
    },
  },
  'jasmin-waits': {
    world: 'portal-jasmin-waits',
    steps: async (page) => {
      await to(page, /JASMIN/, 'Sign in to the Object Store Portal')
      await press(page, 'Open the JASMIN sign-in…')
    },
  },
  'jasmin-closed': {
    world: 'portal-jasmin-closed',
    steps: async (page) => {
      await to(page, /JASMIN/, 'Sign in to the Object Store Portal')
      await press(page, 'Open the JASMIN sign-in…')
      await page.getByText('was closed').waitFor()
    },
  },
  'jasmin-tenancy': { world: 'portal-jasmin', steps: jasminTenancy },
  'jasmin-store': { world: 'portal-jasmin', steps: jasminStore },
  'jasmin-store-keys': {
    world: 'portal-jasmin',
    steps: async (page) => {
      await jasminStore(page)
      await page.getByText('Keys you have in this tenancy').click()
      await page.getByText('They stay as they are').scrollIntoViewIfNeeded()
    },
  },
  'jasmin-store-wrong': {
    world: 'portal-jasmin',
    steps: async (page) => {
      await jasminStore(page)
      await field(page, 'Name of the key').fill('a name that is far too long for the portal')
      await field(page, 'Expires').selectOption('own')
      await field(page, 'Day it expires').fill('2020-01-01')
      await press(page, 'Make a key')
    },
  },
  'swarm-sign-in': {
    world: 'portal-jasmin',
    steps: async (page) => {
      await password(page, /JASMIN/, 'Sign in to the Swarm gateway')
      await field(page, 'Tenancy').fill('cedadev-o')
    },
  },
  'copernicus-sign-in': { world: 'portal-copernicus', steps: (page) => password(page, /Copernicus/, 'Sign in and have a key made') },
  'copernicus-browser': {
    world: 'portal-copernicus',
    steps: async (page) => {
      await to(page, /Copernicus/, 'Sign in and have a key made')
      await page.getByRole('tab', { name: 'In your browser' }).click()
    },
  },
  'copernicus-browser-waits': {
    world: 'portal-copernicus',
    steps: async (page) => {
      await to(page, /Copernicus/, 'Sign in and have a key made')
      await page.getByRole('tab', { name: 'In your browser' }).click()
      await press(page, 'Open the browser…')
      await page.getByText('Finish signing in').waitFor()
    },
  },
  'copernicus-store': {
    world: 'portal-copernicus',
    steps: async (page) => {
      await password(page, /Copernicus/, 'Sign in and have a key made')
      await press(page, 'Sign in')
      await field(page, 'Expires').waitFor()
    },
  },
  'copernicus-reveal': {
    world: 'portal-copernicus',
    steps: async (page) => {
      await password(page, /Copernicus/, 'Sign in and have a key made')
      await press(page, 'Sign in')
      await press(page, 'Make a key')
      await page.getByRole('group', { name: 'Secret' }).waitFor()
    },
  },
  'copernicus-await': {
    world: 'portal-copernicus',
    steps: async (page) => {
      await password(page, /Copernicus/, 'Sign in and have a key made')
      await press(page, 'Sign in')
      await press(page, 'Make a key')
      await press(page, 'Done')
      await page.getByText('Waiting until the store').waitFor()
    },
  },
  'copernicus-await-failed': {
    world: 'portal-await-failed',
    steps: async (page) => {
      await password(page, /Copernicus/, 'Sign in and have a key made')
      await press(page, 'Sign in')
      await press(page, 'Make a key')
      await press(page, 'Done')
      await page.getByText('does not know this access key id').waitFor()
    },
  },
  'cray-sign-in': { world: 'portal-cray', steps: (page) => password(page, /Cray/, 'Sign in and have keys lent') },
  'cray-store': {
    world: 'portal-cray',
    steps: async (page) => {
      await password(page, /Cray/, 'Sign in and have keys lent')
      await field(page, 'Address of the system').fill('api.cmn.system.example.org')
      await press(page, 'Sign in')
      await page.getByRole('button', { name: 'Use this store' }).waitFor()
    },
  },
  'cray-ready': {
    world: 'portal-cray',
    steps: async (page) => {
      await password(page, /Cray/, 'Sign in and have keys lent')
      await field(page, 'Address of the system').fill('api.cmn.system.example.org')
      await press(page, 'Sign in')
      await press(page, 'Use this store')
      await page.getByText('It is ready.').waitFor()
    },
  },
  'ceph-ways': { world: 'portal-sts', steps: (page) => place(page, /Ceph/) },
  'sts-ways': { world: 'portal-sts', steps: (page) => sts(page) },
  'sts-web-identity': { world: 'portal-sts', steps: (page) => sts(page, 'Single sign-on') },
  'sts-more': {
    world: 'portal-sts',
    steps: async (page) => {
      await sts(page, 'Single sign-on')
      await page.getByText('More settings').click()
    },
  },
  'sts-ldap': { world: 'portal-sts', steps: (page) => sts(page, 'User name and password of your institution') },
  'sts-role': { world: 'portal-sts', steps: (page) => sts(page, 'A key that may take on a role') },
  'sts-role-missing': {
    world: 'portal-sts',
    steps: async (page) => {
      await sts(page, 'A key that may take on a role')
      await press(page, 'Sign in')
    },
  },
  'sts-code': {
    world: 'portal-code',
    steps: async (page) => {
      await sts(page, 'Single sign-on')
      await field(page, 'Address of the store').fill('s3.example.org')
      await field(page, 'Sign-in service').fill('https://login.example.org')
      await field(page, 'Client id').fill('wherry')
      await page.getByLabel('With a code, on any device').check()
      await press(page, 'Get a code…')
      await page.getByText('Type this code').waitFor()
    },
  },
  'keystone-sso': {
    world: 'portal-sts',
    steps: async (page) => {
      await to(page, /OpenStack/, 'Sign in and have a key made')
      await page.getByRole('tab', { name: 'Single sign-on' }).click()
      await page.getByLabel('With user name and password').check()
    },
  },
  'keys-jasmin': { world: 'keys-jasmin' },
  'keys-many': { world: 'keys-many' },
  'keys-many-end': { world: 'keys-many', steps: (page) => page.getByText('What cannot be done here').scrollIntoViewIfNeeded() },
  'keys-jasmin-out': { world: 'keys-jasmin-out' },
  'keys-jasmin-sign-in': { world: 'keys-jasmin-out', steps: (page) => press(page, 'Sign in…') },
  'keys-jasmin-create': { world: 'keys-jasmin', steps: (page) => press(page, 'Make a new key') },
  'keys-jasmin-rotate': { world: 'keys-jasmin', steps: (page) => press(page, 'Rotate…') },
  'keys-expired': { world: 'keys-expired' },
  'keys-lent': { world: 'keys-lent' },
  'keys-lent-out': { world: 'keys-lent-out' },
  'keys-lent-sign-in': { world: 'keys-lent-out', steps: (page) => press(page, 'Sign in…') },
  'keys-sso-sign-in': { world: 'keys-sso-out', steps: (page) => press(page, 'Sign in…') },
  'keys-regions': { world: 'keys-regions' },
  'keys-region-create': { world: 'keys-regions', steps: (page) => press(page, 'Create a key for WAW3-2…') },
  'keys-region-reset': { world: 'keys-regions', steps: (page) => press(page, 'Reset the key of FRA1-2…') },
  'keys-region-sign-in': { world: 'keys-regions', steps: (page) => press(page, 'Sign in to R2…') },
  'keys-rotate': { world: 'keys-rotated', steps: (page) => press(page, 'Rotate…') },
  'keys-rotating': {
    world: 'keys-rotate-slow',
    steps: async (page) => {
      await press(page, 'Rotate…')
      await press(page, 'Rotate key')
    },
  },
  'keys-rotated': {
    world: 'keys-rotated',
    steps: async (page) => {
      await press(page, 'Rotate…')
      await press(page, 'Rotate key')
      await page.getByText('is gone from').waitFor()
    },
  },
  'keys-rotated-secret': {
    world: 'keys-rotated',
    steps: async (page) => {
      await press(page, 'Rotate…')
      await press(page, 'Rotate key')
      await press(page, 'Show the new secret…')
      await page.getByRole('group', { name: 'Secret' }).waitFor()
    },
  },
  'keys-old-left': {
    world: 'keys-old-left',
    steps: async (page) => {
      await press(page, 'Rotate…')
      await press(page, 'Rotate key')
      await page.getByText('The old key is still there').waitFor()
    },
  },
  'waits-for-sign-in': { world: 'sign-in-needed', steps: (page) => page.getByText('Waits for you to sign in;').waitFor() },
  'waits-sign-in': {
    world: 'sign-in-needed',
    steps: async (page) => {
      await page.getByText('Waits for you to sign in;').waitFor()
      await page.getByRole('button', { name: 'Sign in…' }).first().click()
    },
  },
}
