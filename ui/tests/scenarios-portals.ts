/** Worlds for portals other than Keystone, and for what is done to keys there. */
import type { AccountView, KeyRules, KeysView, NewKey, PortalKey, Rotated, ScopePlaces, SignedIn } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { changeSettings } from '$lib/frame/settings.svelte'
import { account, DAY, issuer, jobView, key, NO_OPTIONS, NOW } from './fake-data'
import { Fake, problem, type FakeOptions } from './fake'
import { made, newKey, pageOf, portalKeys, rules, typed, world } from './scenarios-accounts'

/** As the JASMIN portal's and Swarm's are: a name and a day. */
export const dated: KeyRules = { ...rules, expiry: 'required', descriptionMost: 25, descriptionRequired: true }
/** As the S3 Keys Manager's are. */
export const slow: KeyRules = { ...rules, expiry: 'optional', takesEffectWithin: 300 }
/** As those of token services are. */
export const lent: KeyRules = { ...rules, expiry: 'fixed', lifetime: 3600, lent: true }

const no = (what: string) => problem('keys.cannot', what, '')

export const tenancies: SignedIn = {
  session: 'session-1',
  user: 'ada',
  scopes: [
    { id: 'cedadev-o', name: 'cedadev-o', description: 'cedadev-o.s3.jc.rl.ac.uk', asksPassword: true },
    { id: 'ncas-climate-o', name: 'ncas-climate-o', description: '', asksPassword: true },
  ],
  scope: null,
}

export const whole: SignedIn = { session: 'session-1', user: 'ada', scopes: [{ id: '', name: '', description: '', asksPassword: false }], scope: '' }

const LONG = 'a very long description that somebody wrote in another program, and which goes on and on'

export function manyKeys(count: number, first: Partial<PortalKey> = {}): PortalKey[] {
  return Array.from({ length: count }, (_, i) => ({
    accessKeyId: `8b89${String(i).padStart(4, '0')}c0d24b5f8a61c0de11a2b3c4`,
    description: i === 2 ? LONG : i % 7 === 5 ? 'DonaudampfschifffahrtsgesellschaftskapitänsmützenAutomatik' : `laptop ${i + 1}`,
    created: NOW - i * 9 * DAY,
    expires: NOW + (60 - i * 5) * DAY,
    usedBy: i === 0 ? 'JASMIN – cedadev-o' : i === 4 ? 'Old cluster in the basement of the institute' : null,
    scopeId: 'cedadev-o',
    ...(i === 0 ? first : {}),
  }))
}

export const tenancyPlaces: ScopePlaces = {
  endpoints: [
    { region: 'From anywhere', url: 'https://cedadev-o.s3-ext.jc.rl.ac.uk/', unreachable: null },
    { region: 'Inside JASMIN', url: 'http://cedadev-o.s3.jc.rl.ac.uk/', unreachable: 'It does not answer from here.' },
  ],
  keys: manyKeys(5),
  rules: dated,
  cannotList: null,
  cannotCreate: null,
}

export const jasmin = (change: Partial<AccountView['key']> = {}): AccountView =>
  account('j1', 'JASMIN – cedadev-o', {
    provider: 'jasmin',
    providerName: 'JASMIN',
    endpoint: 'https://cedadev-o.s3-ext.jc.rl.ac.uk',
    key: key({ source: 'jasmin-portal', expires: NOW + 60 * DAY, daysLeft: 60, words: 'expires in 60 days', lastUsed: NOW - 3 * 60_000, accessKeyId: manyKeys(1)[0]?.accessKeyId ?? null, ...change }),
    issuer: issuer({ kind: 'jasmin-portal', url: 'https://s3-portal.jasmin.ac.uk', domain: '', scopeId: 'cedadev-o', scopeName: 'cedadev-o', region: 'From anywhere' }),
  })

export const jasminKeys = (one: AccountView, count = 5): KeysView => ({
  ...portalKeys(one.key),
  keys: manyKeys(count),
  rules: dated,
  cannotReset: no('This portal cannot change a key’s secret: make a new key and delete this one.'),
})

export const cray = (change: Partial<AccountView['key']> = {}): AccountView =>
  account('c1', 'Cray', {
    provider: 'cray-csm',
    providerName: 'HPE Cray CSM',
    endpoint: 'https://rgw.nmn.system.example.org',
    key: key({ source: 'cray-sts', lent: true, renewedAlone: true, created: NOW - 20 * 60_000, expires: NOW + 40 * 60_000, daysLeft: 0, state: 'expiring', words: 'expires today', lastUsed: NOW - 60_000, ...change }),
    issuer: issuer({ kind: 'cray-sts', url: 'https://api.cmn.system.example.org', domain: '', scopeId: '', scopeName: '', region: '' }),
  })

export const lentKeys = (one: AccountView): KeysView => ({
  ...portalKeys(one.key),
  keys: [],
  rules: lent,
  cannotList: no('The system keeps no list of the keys it lends.'),
  cannotDelete: no('A lent key cannot be deleted: it stops working by itself when its time is over.'),
  cannotReset: no('A lent key keeps its secret for its short life.'),
  cannotRotate: no('This key is lent for a while, and Wherry has it renewed by itself.'),
})

export const regional = (id = 'e1', region = 'WAW3-1', change: Partial<AccountView> = {}): AccountView =>
  account(id, `CloudFerro ${region}`, { provider: 'cloudferro', providerName: 'CloudFerro', endpoint: `https://s3.${region.toLowerCase()}.cloudferro.com`, key: key({ source: 'keystone' }), issuer: issuer({ region }), ...change })

export const regionKeys = (one: AccountView): KeysView => ({
  ...portalKeys(one.key),
  keys: [{ accessKeyId: one.key.accessKeyId ?? '', description: null, created: null, expires: null, usedBy: one.name, scopeId: 'p1' }],
  cannotDelete: no('Here a key is not deleted but reset: the old one then stops working at once.'),
  rules: { ...rules, newKeyRevokesOld: true },
  regions: [
    { region: 'WAW3-1', endpoint: one.endpoint, account: one.id, accountName: one.name, accessKeyId: one.key.accessKeyId, created: one.key.created, otherSignIn: false },
    { region: 'WAW3-2', endpoint: 'https://s3.waw3-2.cloudferro.com', account: null, accountName: null, accessKeyId: null, created: null, otherSignIn: false },
    { region: 'FRA1-2', endpoint: 'https://s3.fra1-2.cloudferro.com', account: 'e2', accountName: 'CloudFerro FRA1-2', accessKeyId: '0d1f7c5be1384b1f8b0b7f2f3f6a9c55', created: NOW - 90 * DAY, otherSignIn: false },
    { region: 'R2', endpoint: 'https://s3.r2.cloud.eumetsat.int', account: null, accountName: null, accessKeyId: null, created: null, otherSignIn: true },
  ],
})

export const rotated = (to: AccountView, change: Partial<Rotated> = {}): Rotated => ({
  newKey: newKey(to),
  oldAccessKeyId: 'b8e21c40d2f94a6f9e1aa55de0c7f312',
  oldKeyLeft: null,
  words: `“${to.name}” works with the key 7f3c9a1be0d24b5f8a61c0de11a2b3c4 now. The old key b8e21c40d2f94a6f9e1aa55de0c7f312 is gone from keystone.cloudferro.com.`,
  ...change,
})

const prompt = { ticket: 'oidc-1', address: 'https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/auth?response_type=code&client_id=cdse-public&redirect_uri=http%3A%2F%2F127.0.0.1%3A43117%2F&scope=openid&state=3f1d0c6e4b7a4f1e9a&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256', code: null, expires: null }

const never = () => new Promise<never>(() => undefined)
const add = () => void openDialog({ kind: 'add-account', intent: 'any' })
const slowKey = (to: AccountView): NewKey => ({ ...newKey(to), note: 'It can take some minutes until the store knows the new key.' })

/** What portals of each kind answer when all goes well. */
export const answers: Record<string, NonNullable<FakeOptions['handlers']>> = {
  jasmin: { portal_sign_in: () => tenancies, portal_scope: () => tenancyPlaces, portal_add_account: () => newKey(jasmin()) },
  copernicus: {
    portal_sign_in: () => whole,
    portal_scope: () => ({ endpoints: [], keys: [], rules: slow, cannotList: null, cannotCreate: null }),
    portal_add_account: () => slowKey(made()),
    await_key: never,
  },
  cray: {
    portal_sign_in: () => whole,
    portal_scope: () => ({ endpoints: [], keys: [], rules: lent, cannotList: no('The system keeps no list of the keys it lends.'), cannotCreate: null }),
    portal_add_account: () => newKey(cray()),
  },
  sts: {
    portal_sign_in: () => whole,
    portal_scope: ({ session }) => ({ endpoints: [{ region: '', url: 'https://s3.example.org/', unreachable: session === '' ? '' : null }], keys: [], rules: lent, cannotList: no('The store keeps no list of the keys it lends.'), cannotCreate: null }),
    portal_add_account: () => newKey(cray()),
  },
}

const browserWaits: FakeOptions['handlers'] = { oidc_begin: () => prompt, oidc_wait: never, oidc_cancel: () => null }
const codeWaits: FakeOptions['handlers'] = {
  oidc_begin: () => ({ ticket: 'oidc-1', address: 'https://login.example.org/device', code: 'WDJB-MJHT', expires: Date.now() + 9 * 60_000 }),
  oidc_wait: never,
  oidc_cancel: () => null,
}

const shell: FakeOptions['shell'] = { hosted_sign_in: () => 'window-1', open_sign_in: () => null }
const portal = (name: keyof typeof answers, change: FakeOptions['handlers'] = {}, shellChange: FakeOptions['shell'] = {}) =>
  world([typed()], add, { handlers: { ...answers[name], ...change }, shell: { ...shell, ...shellChange } })

const page = (one: AccountView, view: KeysView, change: FakeOptions['handlers'] = {}, others: AccountView[] = []) =>
  world([one, ...others], pageOf(one), { handlers: { account_keys: () => view, account_sign_in: () => view, ...change }, shell })

const signInFirst = (id: string) => problem('portal.sign-in', 'You are not signed in to the portal.', 'Sign in to see and change your keys there.', { remedies: [{ kind: 'sign-in', account: id }] })

function signedOut(one: AccountView, view: KeysView): KeysView {
  const first = signInFirst(one.id)
  return { ...view, keys: [], cannotList: first, cannotCreate: first, cannotDelete: first, cannotReset: first, cannotRotate: first }
}

const sso = () => account('o1', 'Cloud with single sign-on', { provider: 'openstack', providerName: 'OpenStack cloud', key: key({ source: 'keystone' }), issuer: issuer({ signedIn: false, options: { ...NO_OPTIONS, oidcIssuer: 'https://login.example.org/realms/science', clientId: 'wherry', identityProvider: 'science', protocol: 'openid' } }) })

const expired = () => jasmin({ state: 'expired', words: 'expired on 3 March 2026', expires: NOW - 11 * DAY, daysLeft: -11 })

export const scenarios: Record<string, () => Fake> = {
  'portal-jasmin': portal('jasmin'),
  'portal-jasmin-waits': portal('jasmin', {}, { hosted_sign_in: never }),
  'portal-jasmin-closed': portal('jasmin', {}, { hosted_sign_in: () => null }),
  'portal-copernicus': portal('copernicus', browserWaits),
  'portal-await-failed': portal('copernicus', { await_key: () => ({ ok: false, problem: problem('store.key-unknown', 'The store does not know this access key id.', 'A key made a moment ago can take some minutes to work.', { retry: true }), endpoint: '', buckets: null, clockOffset: null }) }),
  'portal-cray': portal('cray'),
  'portal-code': portal('sts', codeWaits),
  'portal-sts': portal('sts', browserWaits),
  'keys-jasmin': page(jasmin(), jasminKeys(jasmin())),
  'keys-many': page(jasmin(), jasminKeys(jasmin(), 30)),
  'keys-jasmin-out': page(jasmin(), signedOut(jasmin(), jasminKeys(jasmin()))),
  'keys-expired': page(expired(), { ...jasminKeys(expired()) }),
  'keys-lent': page(cray(), lentKeys(cray())),
  'keys-lent-out': page(cray(), signedOut(cray(), lentKeys(cray()))),
  'keys-regions': page(regional(), regionKeys(regional()), { create_region_key: () => newKey(regional('e3', 'WAW3-2')), rotate_key: () => rotated(regional()) }, [regional('e2', 'FRA1-2')]),
  'keys-sso-out': page(sso(), signedOut(sso(), portalKeys(sso().key)), browserWaits),
  'keys-rotated': page(made(), portalKeys(made().key), { rotate_key: () => rotated(made()) }),
  'keys-rotate-slow': page(made(), portalKeys(made().key), { rotate_key: never }),
  'keys-old-left': page(made(), portalKeys(made().key), {
    rotate_key: () =>
      rotated(made(), {
        oldKeyLeft: problem('portal.unreachable', 'The old key b8e21c40d2f94a6f9e1aa55de0c7f312 could not be deleted. keystone.cloudferro.com does not answer.', 'The account works with the new key. Delete the old one in the list of keys.'),
        words: '“CloudFerro – glaciers” works with the key 7f3c9a1be0d24b5f8a61c0de11a2b3c4 now. The old key b8e21c40d2f94a6f9e1aa55de0c7f312 is still at keystone.cloudferro.com.',
      }),
  }),
  'sign-in-needed': () => {
    const one = cray()
    const fake = world([one, jasmin({ state: 'expiring', daysLeft: 12, expires: NOW + 12 * DAY, words: 'expires in 12 days' }), expired()].map((a, i) => ({ ...a, id: `s${i}` })), () => {
      changeSettings({ showTransfers: true })
      fake.tell({ kind: 'sign-in-needed', account: 's0' })
    }, {
      shell,
      jobs: [
        jobView('w1', { title: 'Upload 240 files to thesis/data/', account: 's0', location: { account: 's0', bucket: 'thesis', prefix: 'data/' }, filesTotal: 240, filesDone: 61, bytesTotal: 8_400_000_000, bytesDone: 2_310_000_000, current: 'station_062.csv' }),
      ],
    })()
    return fake
  },
}
