/** Worlds for accounts, keys and settings: a dialog that is open, a key in each of its states. */
import type { AccountTest, AccountView, CloudView, ImportView, KeyRules, KeysView, KeyView, NewKey, ScopePlaces, SignedIn } from '$lib/backend'
import { openDialog, type DialogRequest } from '$lib/frame/dialogs.svelte'
import { navigate } from '$lib/frame/navigation.svelte'
import { account, DAY, issuer, key, NOW } from './fake-data'
import { Fake, problem, type FakeOptions } from './fake'

export const SECRET = 'c0ffee5ec2e7c0ffee5ec2e7c0ffee42'

export const made = (change: Partial<KeyView> = {}): AccountView =>
  account('k1', 'CloudFerro – glaciers', {
    provider: 'cloudferro',
    providerName: 'CloudFerro',
    endpoint: 'https://s3.waw3-1.cloudferro.com',
    region: 'WAW3-1',
    key: key({ source: 'keystone', ...change }),
    issuer: issuer(),
  })

export const typed = () => account('t1', 'Ice cores', { endpoint: 'https://s3.ice.example.org', key: key({ expires: NOW + 5 * DAY, daysLeft: 5, state: 'expiring', words: 'expires in 5 days' }) })

/** As Keystone's are: no description, no end, no reset. */
export const rules: KeyRules = {
  expiry: 'none',
  lifetime: null,
  descriptionMost: null,
  descriptionRequired: false,
  newKeyRevokesOld: false,
  lent: false,
  takesEffectWithin: null,
}

const noReset = problem('keys.cannot', 'This portal cannot change the secret of a key: rotate it instead.', '')

export const portalKeys = (current: KeyView): KeysView => ({
  key: current,
  keys: [
    { accessKeyId: current.accessKeyId ?? '', description: null, created: null, expires: null, usedBy: 'CloudFerro – glaciers', scopeId: 'p1' },
    { accessKeyId: 'b8e21c40d2f94a6f9e1aa55de0c7f312', description: null, created: null, expires: null, usedBy: null, scopeId: 'p1' },
    { accessKeyId: '0d1f7c5be1384b1f8b0b7f2f3f6a9c55', description: null, created: null, expires: null, usedBy: 'Old cluster', scopeId: 'p1' },
  ],
  rules,
  cannotList: null,
  cannotCreate: null,
  cannotDelete: null,
  cannotReset: noReset,
  cannotRotate: null,
  regions: [],
  kept: 'in your keychain (GNOME Keyring)',
})

const signInFirst = problem('portal.signed-out', 'Your sign-in at the portal has ended.', 'Sign in again.', {
  remedies: [{ kind: 'sign-in', account: 'k1' }],
})

export const newKey = (to: AccountView): NewKey => ({
  account: to,
  accessKeyId: '7f3c9a1be0d24b5f8a61c0de11a2b3c4',
  reveal: 'ticket-1',
  kept: 'in your keychain (GNOME Keyring)',
  note: null,
})

export const signedIn: SignedIn = {
  session: 'session-1',
  user: 'ada',
  scopes: [
    { id: 'p1', name: 'glaciers', description: 'Glaciers of the Alps', asksPassword: false },
    { id: 'p2', name: 'sea-ice', description: '', asksPassword: false },
  ],
  scope: 'p1',
}

export const places: ScopePlaces = {
  endpoints: [
    { region: 'WAW3-1', url: 'https://s3.waw3-1.cloudferro.com', unreachable: null },
    { region: 'WAW3-2', url: 'https://s3.waw3-2.cloudferro.com', unreachable: null },
  ],
  keys: [
    { accessKeyId: 'b8e21c40d2f94a6f9e1aa55de0c7f312', description: null, created: null, expires: null, usedBy: null, scopeId: 'p1' },
    { accessKeyId: '0d1f7c5be1384b1f8b0b7f2f3f6a9c55', description: null, created: null, expires: null, usedBy: 'Old cluster', scopeId: 'p1' },
  ],
  rules,
  cannotList: null,
  cannotCreate: null,
}

const cloud = (name: string, change: Partial<CloudView> = {}): CloudView => ({
  name,
  url: 'https://keystone.cloudferro.com:5000/v3',
  user: 'ada',
  domain: 'Default',
  project: 'glaciers',
  region: 'WAW3-1',
  method: 'password',
  hasSecret: true,
  notes: [],
  unusable: null,
  ...change,
})

export const imported: ImportView = {
  import: 'import-1',
  file: '/home/ada/clouds.yaml',
  clouds: [
    cloud('glaciers', { hasSecret: false, notes: ['“verify: false” was left out: Wherry always checks certificates.'] }),
    cloud('sea-ice', { project: 'sea-ice', method: 'application credential' }),
    cloud('federated', { unusable: 'It signs in through a web page (v3websso), which Wherry cannot do yet.', method: 'v3websso' }),
  ],
}

export const wrongKey = problem('store.key-unknown', 'The store at s3.example.org does not know this access key id.', 'Check that it is complete and that it belongs to this store. A key made a moment ago can take some minutes to work.', {
  retry: true,
  context: [
    ['HTTP status', '403'],
    ['S3 code', 'InvalidAccessKeyId'],
    ['request id', 'tx00000a1b2c3'],
  ],
})

const noList: AccountTest = {
  ok: true,
  problem: problem('store.no-list', 'This key may not list buckets.', 'Open a bucket by its name after saving.'),
  endpoint: 'https://s3.example.org/',
  buckets: null,
  clockOffset: null,
}

/** What the engine answers when all goes well; a scenario replaces what it is about. */
export function handlers(accounts: () => AccountView[], change: FakeOptions['handlers'] = {}): FakeOptions['handlers'] {
  let looks = 0
  const first = () => accounts()[0] ?? made()
  return {
    test_account: (form) => ({ ok: true, problem: null, endpoint: form.endpoint ?? 'https://s3.example.org/', buckets: ['ice', 'snow', 'thesis', 'x'], clockOffset: null }),
    add_account: (form) => account('n1', form.name, { endpoint: form.endpoint ?? '' }),
    edit_account: ({ form }) => account('t1', form.name),
    give_secret: () => first(),
    start_practice: () => account('pr', 'Practice store', { key: key({ source: 'practice' }) }),
    import_clouds: () => imported,
    portal_sign_in: () => signedIn,
    portal_scope: () => places,
    portal_sign_out: () => null,
    portal_add_account: (made_) => newKey(made().name === made_.name ? made() : { ...made(), name: made_.name }),
    account_keys: () => portalKeys(first().key),
    account_sign_in: () => portalKeys(first().key),
    create_key: () => newKey(made()),
    rotate_key: () => ({ newKey: newKey(made()), oldAccessKeyId: 'b8e21c40d2f94a6f9e1aa55de0c7f312', oldKeyLeft: null, words: 'Rotated.' }),
    reset_key: () => newKey(made()),
    await_key: () => ({ ok: true, problem: null, endpoint: '', buckets: [], clockOffset: null }),
    delete_key: () => ({ words: 'The key is gone from the portal. The store may honour it for some minutes yet.', wasAlreadyGone: false }),
    reveal: () => {
      looks += 1
      if (looks > 1) throw problem('keys.revealed', 'This secret was shown already.', 'Make a new key if it is lost.')
      return { accessKeyId: '7f3c9a1be0d24b5f8a61c0de11a2b3c4', secret: SECRET }
    },
    choose_vault: ({ choice }) => ({ choice, state: 'ready', name: '', problem: null }),
    retry_vault: () => ({ choice: 'keychain', state: 'ready', name: 'GNOME Keyring', problem: null }),
    ...change,
  }
}

const noKeychain = problem('vault.no-service', 'There is no keychain on this computer that Wherry can use.', 'Start GNOME Keyring or KWallet and try again, or choose another place for your secrets.', {
  remedies: [{ kind: 'choose-vault' }],
  retry: true,
  context: [['reason', 'org.freedesktop.secrets: ServiceUnknown']],
})

export function world(accounts: AccountView[], then: () => void, options: FakeOptions = {}): () => Fake {
  return () => {
    // After the window has gone to where it was last time.
    setTimeout(then, 120)
    const stores = Object.fromEntries(accounts.map((one) => [one.id, { thesis: new Map(), scratch: new Map() }]))
    return new Fake({ accounts, stores, ...options, handlers: handlers(() => accounts, options.handlers) })
  }
}

const dialog = (request: DialogRequest) => () => void openDialog(request)
export const pageOf = (one: AccountView) => () => navigate({ keysOf: one.id })

function keysIn(state: KeyView['state'], words: string, change: Partial<KeyView> = {}) {
  const one = made({ state, words, ...change })
  return world([one], pageOf(one))
}

const never = () => new Promise<never>(() => undefined)

export const scenarios: Record<string, () => Fake> = {
  welcome: world([], () => undefined),
  'add-any': world([typed()], dialog({ kind: 'add-account' })),
  'add-keystone': world([], dialog({ kind: 'add-account', intent: 'sign-in' })),
  'add-typed': world([], dialog({ kind: 'add-account', intent: 'typed' })),
  'add-refused': world([], dialog({ kind: 'add-account', intent: 'typed' }), {
    handlers: { test_account: () => ({ ok: false, problem: wrongKey, endpoint: 'https://s3.example.org/', buckets: null, clockOffset: null }) },
  }),
  'add-no-list': world([], dialog({ kind: 'add-account', intent: 'typed' }), { handlers: { test_account: () => noList } }),
  'add-slow': world([], dialog({ kind: 'add-account', intent: 'typed' }), { handlers: { test_account: never } }),
  'sign-in-slow': world([], dialog({ kind: 'add-account', intent: 'sign-in' }), { handlers: { portal_sign_in: never } }),
  'sign-in-wrong': world([], dialog({ kind: 'add-account', intent: 'sign-in' }), {
    handlers: {
      portal_sign_in: () => {
        throw problem('portal.password', 'Keystone did not accept this user name and password.', 'Check both, and the domain. After several failures some clouds lock the user for a while.', { context: [['HTTP status', '401']] })
      },
    },
  }),
  'cannot-create': world([], dialog({ kind: 'add-account', intent: 'sign-in' }), {
    handlers: {
      portal_scope: () => ({ ...places, endpoints: [], cannotCreate: problem('portal.delegated', 'This cloud does not let an application credential make S3 keys.', 'Sign in with your user name and password instead.') }),
    },
  }),
  edit: world([typed()], dialog({ kind: 'edit-account', account: 't1' })),
  'edit-made': world([made()], dialog({ kind: 'edit-account', account: 'k1' })),
  remove: world([made()], dialog({ kind: 'remove-account', account: 'k1' })),
  'remove-typed': world([typed()], dialog({ kind: 'remove-account', account: 't1' })),
  secret: world([typed()], dialog({ kind: 'secret', account: 't1' })),
  'keys-fine': keysIn('fine', 'does not expire, as far as Wherry knows'),
  'keys-expiring': keysIn('expiring', 'expires in 3 days', { expires: NOW + 3 * DAY, daysLeft: 3 }),
  'keys-refused': keysIn('refused', 'The store refuses this key.'),
  'keys-signed-out': (() => {
    const one = made()
    return world([one], pageOf(one), {
      handlers: { account_keys: () => ({ ...portalKeys(one.key), keys: [], cannotList: signInFirst, cannotCreate: signInFirst, cannotDelete: signInFirst }) },
    })
  })(),
  'keys-typed': (() => {
    const one = typed()
    return world([one], pageOf(one), { handlers: { account_keys: () => ({ ...portalKeys(one.key), keys: [], cannotList: problem('keys.typed', 'This key was typed in.', ''), cannotCreate: problem('keys.typed', 'This key was typed in.', ''), cannotDelete: null }) } })
  })(),
  'keys-secret-missing': keysIn('secret-missing', 'Its secret is to be entered.'),
  'keys-problem': (() => {
    const one = made()
    return world([one], pageOf(one), {
      handlers: {
        account_keys: () => ({
          ...portalKeys(one.key),
          keys: [],
          cannotList: problem('portal.unreachable', 'keystone.cloudferro.com does not answer.', 'Check the network, then try again.', { retry: true, context: [['address', issuer().url]] }),
          cannotCreate: problem('portal.quota', 'You have as many keys as this cloud allows.', 'Delete one first.'),
        }),
      },
    })
  })(),
  settings: world([typed()], dialog({ kind: 'settings' })),
  vault: world([typed()], dialog({ kind: 'vault' })),
  'vault-unavailable': world([typed()], dialog({ kind: 'vault' }), { vault: { choice: 'keychain', state: 'unavailable', problem: noKeychain } }),
  'vault-locked': world([typed()], dialog({ kind: 'vault' }), { vault: { choice: 'file', state: 'locked', name: '' } }),
  'vault-new': world([typed()], dialog({ kind: 'vault' }), { vault: { choice: 'file', state: 'new', name: '' } }),
}
