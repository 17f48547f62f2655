/** Signing in to portals of every kind, as a person does it, on the backend in memory. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, type AccountTest } from '$lib/backend'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { NO_OPTIONS } from '$tests/fake-data'
import { handlers, made, newKey, SECRET } from '$tests/scenarios-accounts'
import { answers, tenancyPlaces } from '$tests/scenarios-portals'
import AddAccountDialog from './AddAccountDialog.svelte'

const TODAY = new Date(2026, 2, 14, 12)

beforeEach(() => {
  // Only the date: timers run as they do.
  vi.useFakeTimers({ toFake: ['Date'], now: TODAY })
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

async function add(of: string, change: FakeOptions['handlers'] = {}, shell: FakeOptions['shell'] = {}) {
  const fake = new Fake({
    shell: { hosted_sign_in: () => 'window-1', open_sign_in: () => null, ...shell },
    handlers: handlers(() => [], { oidc_cancel: () => null, ...answers[of], ...change }),
  })
  await connect(fake)
  const onclose = vi.fn()
  const { unmount } = render(AddAccountDialog, { onclose })
  return { fake, onclose, unmount, user: userEvent.setup() }
}

const input = (name: string | RegExp) => screen.getByLabelText<HTMLInputElement>(name, { selector: 'input' })
const button = (name: string) => screen.getByRole('button', { name })
const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name).map((call) => call.args)
type User = ReturnType<typeof userEvent.setup>

async function to(user: User, place: RegExp, ...ways: string[]) {
  await user.click(await screen.findByRole('option', { name: place }))
  for (const way of ways) await user.click(await screen.findByRole('button', { name: way }))
}

describe('JASMIN', () => {
  async function toTenancy(user: User) {
    await to(user, /^JASMIN/, 'Sign in to the Object Store Portal')
    await user.click(button('Open the JASMIN sign-in…'))
    await user.selectOptions(await screen.findByLabelText('Tenancy'), 'cedadev-o')
  }
  async function toStore(user: User) {
    await toTenancy(user)
    await user.type(input('Password'), 'pa55word')
    await user.click(button('Open the tenancy'))
    await screen.findByLabelText('Name of the key', { selector: 'input' })
  }

  it('goes from the portal’s own window to the key, by the tenancy and its password', async () => {
    const { fake, user } = await add('jasmin')
    await toTenancy(user)
    expect(called(fake, 'hosted_sign_in')).toEqual([{ issuer: 'jasmin-portal', url: 'https://s3-portal.jasmin.ac.uk' }])
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({ issuer: 'jasmin-portal', url: 'https://s3-portal.jasmin.ac.uk', signIn: { kind: 'hosted', ticket: 'window-1' }, options: NO_OPTIONS })
    await user.click(button('Open the tenancy'))
    expect(input('Password')).toHaveAccessibleDescription(/missing/)
    expect(called(fake, 'portal_scope')).toEqual([])
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByLabelText('Name of the key', { selector: 'input' })
    expect(called(fake, 'portal_scope')).toEqual([{ session: 'session-1', scope: 'cedadev-o', password: 'pa55word' }])
    expect(document.body.innerHTML).not.toContain('pa55word')
    await user.clear(input('Name of the key'))
    await user.type(input('Name of the key'), 'laptop')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'portal_add_account')[0]).toMatchObject({
      scope: 'cedadev-o',
      endpoint: 'https://cedadev-o.s3-ext.jc.rl.ac.uk/',
      region: 'From anywhere',
      provider: 'jasmin',
      wish: { description: 'laptop', expires: Date.UTC(2027, 2, 14) },
    })
  })

  it('stays where it is when the window is closed, and says so', async () => {
    const { fake, user } = await add('jasmin', {}, { hosted_sign_in: () => null })
    await to(user, /^JASMIN/, 'Sign in to the Object Store Portal')
    await user.click(button('Open the JASMIN sign-in…'))
    await screen.findByText(/window was closed/)
    expect(called(fake, 'portal_sign_in')).toEqual([])
  })

  it('drops what a window brings that was given up', async () => {
    let answer: (ticket: string) => void = () => undefined
    const { fake, user } = await add('jasmin', {}, { hosted_sign_in: () => new Promise((resolve) => (answer = resolve)) })
    await to(user, /^JASMIN/, 'Sign in to the Object Store Portal')
    await user.click(button('Open the JASMIN sign-in…'))
    const busy = (await screen.findByText(/Waiting for you in the sign-in window/)).parentElement as HTMLElement
    await user.click(within(busy).getByRole('button', { name: 'Cancel' }))
    expect(called(fake, 'hosted_close'), 'the window goes with the waiting').toHaveLength(1)
    expect(called(fake, 'hosted_close'), 'the window goes with it').toHaveLength(1)
    answer('window-1')
    await Promise.resolve()
    expect(called(fake, 'portal_sign_in')).toEqual([])
    expect(button('Open the JASMIN sign-in…')).toBeEnabled()
  })

  it('shows a wrong password at the tenancy, and asks again', async () => {
    const { user } = await add('jasmin', {
      portal_scope: () => {
        throw problem('portal.password', 'The portal did not open this tenancy.', 'Check the password.')
      },
    })
    await toTenancy(user)
    await user.type(input('Password'), 'nearly{Enter}')
    await screen.findByText('The portal did not open this tenancy.')
    expect(input('Password').value).toBe('nearly')
    expect(button('Open the tenancy')).toBeEnabled()
  })

  it('greys the address that does not answer, with the reason, and takes the other', async () => {
    const { user } = await add('jasmin')
    await toStore(user)
    const inside = screen.getByRole('radio', { name: 'Inside JASMIN' })
    expect(inside).toBeDisabled()
    expect(inside).toHaveAccessibleDescription(/does not answer from here/)
    expect(screen.getByRole('radio', { name: 'From anywhere' })).toBeChecked()
  })

  it('lets one switch where both answer', async () => {
    const both = { ...tenancyPlaces, endpoints: tenancyPlaces.endpoints.map((one) => ({ ...one, unreachable: null })) }
    const { fake, user } = await add('jasmin', { portal_scope: () => both })
    await toStore(user)
    await user.selectOptions(screen.getByLabelText('Store'), 'Inside JASMIN')
    expect(input('Address of the store').value).toBe('http://cedadev-o.s3.jc.rl.ac.uk/')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'portal_add_account')[0]).toMatchObject({ endpoint: 'http://cedadev-o.s3.jc.rl.ac.uk/', region: 'Inside JASMIN' })
  })

  it('counts the name’s characters and refuses days that are over', async () => {
    const { fake, user } = await add('jasmin')
    await toStore(user)
    const name = input('Name of the key')
    expect(name).toHaveAccessibleDescription(/6 of 25 characters/)
    await user.clear(name)
    await user.type(name, 'x'.repeat(26))
    expect(name).toHaveAccessibleDescription(/26 of 25 characters/)
    await user.selectOptions(screen.getByLabelText('Expires'), 'On another day…')
    const day = input('Day it expires')
    expect(day.value).toBe('2027-03-14')
    for (const [typed, words] of [
      ['2026-03-14', /choose a day after today/],
      ['2020-01-01', /choose a day after today/],
      ['2027-02-31', /year, month, day/],
    ] as const) {
      await user.clear(day)
      await user.type(day, typed)
      await user.click(button('Make a key'))
      expect(day).toHaveAccessibleDescription(words)
    }
    expect(name).toHaveAccessibleDescription(/26 characters; 25 are as many/)
    expect(called(fake, 'portal_add_account')).toEqual([])
    await user.clear(name)
    await user.type(name, 'fine')
    await user.clear(day)
    await user.type(day, '2026-03-15')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'portal_add_account')[0]).toMatchObject({ wish: { description: 'fine', expires: Date.UTC(2026, 2, 15) } })
  })
})

describe('Swarm', () => {
  it('makes the gateway’s address from the tenancy', async () => {
    const { fake, user } = await add('jasmin')
    await to(user, /^JASMIN/, 'Sign in to the Swarm gateway')
    expect(screen.getByText(/from inside JASMIN only/)).toBeVisible()
    await user.click(button('Sign in'))
    expect(input('Tenancy')).toHaveAccessibleDescription(/Please fill in/)
    await user.type(input('Tenancy'), 'cedadev-o')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByRole('heading', { name: 'Make a key' })
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({
      issuer: 'swarm',
      url: 'http://cedadev-o.s3.jc.rl.ac.uk:81',
      signIn: { kind: 'password', user: 'ada', domain: '', password: 'pa55word', totp: null },
    })
  })

  it('takes another address all the same', async () => {
    const { fake, user } = await add('jasmin')
    await to(user, /^JASMIN/, 'Sign in to the Swarm gateway')
    await user.type(input(/Address of the gateway/), 'http://127.0.0.1:8081')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByRole('heading', { name: 'Make a key' })
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({ url: 'http://127.0.0.1:8081' })
  })
})

describe('S3 Keys Manager', () => {
  const place = /^Copernicus/

  it('signs in with a password and a code; the key need not expire', async () => {
    const { fake, user } = await add('copernicus')
    await to(user, place, 'Sign in and have a key made')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word')
    await user.type(input(/One-time code/), '12 34 56')
    await user.click(button('Sign in'))
    await screen.findByLabelText('Expires')
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({
      issuer: 's3-keys-manager',
      url: 'https://s3-keys-manager.cloudferro.com',
      signIn: { kind: 'password', totp: '123456' },
      options: { oidcIssuer: 'https://identity.dataspace.copernicus.eu/auth/realms/CDSE', clientId: 'cdse-public' },
    })
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'portal_add_account')[0]).toMatchObject({ wish: { description: null, expires: null } })
  })

  it('waits until the store knows the key, and goes on by itself', async () => {
    let known: (test: AccountTest) => void = () => undefined
    const { fake, user, onclose } = await add('copernicus', { await_key: () => new Promise((resolve) => (known = resolve)) })
    await to(user, place, 'Sign in and have a key made')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByLabelText('Expires')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    await user.click(button('Done'))
    await screen.findByText('Waiting until the store knows the new key…')
    expect(onclose).not.toHaveBeenCalled()
    known({ ok: true, problem: null, endpoint: '', buckets: [], clockOffset: null })
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'await_key')).toEqual([made().id])
  })

  it('lets one skip the waiting', async () => {
    const { user, onclose } = await add('copernicus')
    await to(user, place, 'Sign in and have a key made')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByLabelText('Expires')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    await user.click(button('Done'))
    await user.click(await screen.findByRole('button', { name: 'Skip' }))
    expect(onclose).toHaveBeenCalledWith(true)
  })

  it('does not wait for a key that works at once', async () => {
    const { fake, user, onclose } = await add('copernicus', { portal_add_account: () => newKey(made()) })
    await to(user, place, 'Sign in and have a key made')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByLabelText('Expires')
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    await user.click(button('Done'))
    expect(onclose).toHaveBeenCalledWith(true)
    expect(called(fake, 'await_key')).toEqual([])
  })
})

describe('in the browser', () => {
  const prompt = { ticket: 'oidc-1', address: 'https://login.example.org/auth?state=1', code: null, expires: null }

  async function toBrowser(user: User) {
    await to(user, /^Copernicus/, 'Sign in and have a key made')
    await user.click(screen.getByRole('tab', { name: 'In your browser' }))
  }

  it('opens the page, and goes on when it is finished there', async () => {
    let finish: (done: null) => void = () => undefined
    const { fake, user } = await add('copernicus', { oidc_begin: () => prompt, oidc_wait: () => new Promise((resolve) => (finish = resolve)) })
    await toBrowser(user)
    await user.click(button('Open the browser…'))
    await screen.findByRole('heading', { name: 'Finish signing in in your browser' })
    expect(called(fake, 'oidc_begin')[0]).toMatchObject({ way: 'browser', options: { oidcIssuer: 'https://identity.dataspace.copernicus.eu/auth/realms/CDSE', clientId: 'cdse-public' }, clientSecret: null })
    await waitFor(() => expect(called(fake, 'open_sign_in')).toEqual([prompt.address]))
    await user.click(button('Open it again'))
    expect(called(fake, 'open_sign_in')).toEqual([prompt.address, prompt.address])
    await user.click(button('Copy address'))
    expect(fake.clipboard).toBe(prompt.address)
    finish(null)
    await screen.findByRole('heading', { name: 'Make a key' })
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({ signIn: { kind: 'oidc', ticket: 'oidc-1' } })
    expect(called(fake, 'oidc_cancel')).toEqual([])
  })

  it('is given up with Cancel, and the form is there again', async () => {
    const { fake, user } = await add('copernicus', { oidc_begin: () => prompt, oidc_wait: () => new Promise<never>(() => undefined) })
    await toBrowser(user)
    await user.click(button('Open the browser…'))
    const busy = (await screen.findByText('Waiting for you to sign in…')).parentElement as HTMLElement
    await user.click(within(busy).getByRole('button', { name: 'Cancel' }))
    expect(button('Open the browser…')).toBeEnabled()
    expect(called(fake, 'oidc_cancel')).toEqual(['oidc-1'])
    expect(called(fake, 'portal_sign_in')).toEqual([])
  })

  it('is given up when the dialog goes', async () => {
    const { fake, user, unmount } = await add('copernicus', { oidc_begin: () => prompt, oidc_wait: () => new Promise<never>(() => undefined) })
    await toBrowser(user)
    await user.click(button('Open the browser…'))
    await screen.findByText('Waiting for you to sign in…')
    unmount()
    await waitFor(() => expect(called(fake, 'oidc_cancel')).toEqual(['oidc-1']))
  })

  it('says why it failed, and can be tried again', async () => {
    const { fake, user } = await add('copernicus', {
      oidc_begin: () => prompt,
      oidc_wait: () => {
        throw problem('portal.oidc-denied', 'The sign-in was refused.', 'Try again.', { retry: true })
      },
    })
    await toBrowser(user)
    await user.click(button('Open the browser…'))
    await screen.findByText('The sign-in was refused.')
    await user.click(button('Try again'))
    await waitFor(() => expect(called(fake, 'oidc_begin')).toHaveLength(2))
  })

  it('shows a code for any device, large and to copy, with the time that is left', async () => {
    const { fake, user } = await add('sts', {
      oidc_begin: () => ({ ticket: 'oidc-1', address: 'https://login.example.org/device', code: 'WDJB-MJHT', expires: Date.now() + 9 * 60_000 }),
      oidc_wait: () => new Promise<never>(() => undefined),
    })
    await to(user, /^Ceph/, 'Temporary keys (STS)…', 'Single sign-on')
    await user.type(input('Address of the store'), 's3.example.org')
    await user.type(input('Sign-in service'), 'https://login.example.org')
    await user.type(input('Client id'), 'wherry')
    await user.click(screen.getByLabelText('With a code, on any device'))
    await user.click(button('Get a code…'))
    await screen.findByText('WDJB-MJHT')
    expect(screen.getByText('9 min left')).toBeVisible()
    await user.click(button('Copy code'))
    expect(fake.clipboard).toBe('WDJB-MJHT')
    expect(called(fake, 'open_sign_in'), 'it may be another device').toEqual([])
  })
})

describe('keys that are lent', () => {
  it('are explained, need no address, and have no secret to be shown', async () => {
    const { fake, user, onclose } = await add('cray')
    await to(user, /^HPE Cray/, 'Sign in and have keys lent')
    expect(screen.getByText(/new one every hour by itself/)).toBeVisible()
    await user.type(input('Address of the system'), 'api.cmn.system.example.org')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await user.click(await screen.findByRole('button', { name: 'Use this store' }))
    await screen.findByText('It is ready.')
    expect(called(fake, 'portal_add_account')[0]).toMatchObject({ endpoint: '', scope: '', wish: { description: null, expires: null } })
    expect(called(fake, 'reveal')).toEqual([])
    await user.click(button('Done'))
    expect(onclose).toHaveBeenCalledWith(true)
  })

  it('are lent after a sign-in in the browser, whose address the system knows', async () => {
    const { fake, user } = await add('cray', { oidc_begin: () => ({ ticket: 'oidc-1', address: 'https://auth.example.org', code: null, expires: null }), oidc_wait: () => null })
    await to(user, /^HPE Cray/, 'Sign in and have keys lent')
    await user.click(screen.getByRole('tab', { name: 'In your browser' }))
    await user.type(input('Address of the system'), 'api.cmn.system.example.org')
    await user.click(button('Open the browser…'))
    await screen.findByRole('button', { name: 'Use this store' })
    expect(called(fake, 'oidc_begin')[0]).toMatchObject({ issuer: 'cray-sts', url: 'api.cmn.system.example.org', options: NO_OPTIONS })
  })

  it('stand behind a way of their own where a key is usually typed in', async () => {
    const { user } = await add('sts')
    await to(user, /^Ceph/)
    expect(screen.queryByRole('button', { name: 'Single sign-on' })).toBeNull()
    await user.click(button('Temporary keys (STS)…'))
    for (const way of ['Single sign-on', 'User name and password of your institution', 'A key that may take on a role'])
      expect(button(way)).toBeVisible()
    await user.click(button('Back'))
    expect(button('Use a key I have')).toBeVisible()
  })

  it('are lent for a role', async () => {
    const { fake, user } = await add('sts')
    await to(user, /^MinIO/, 'Temporary keys (STS)…', 'A key that may take on a role')
    await user.click(button('Sign in'))
    expect(input('Role')).toHaveAccessibleDescription(/role is missing/)
    await user.type(input('Address of the store'), 's3.example.org')
    await user.type(input('Access key id'), 'AKID')
    await user.type(input('Secret'), 'a secret')
    await user.type(input('Role'), 'arn:aws:iam:::role/r')
    await user.type(input(/Seconds a key is lent for/), '900')
    await user.click(button('Sign in'))
    await screen.findByRole('button', { name: 'Use this store' })
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({
      issuer: 'sts-assume-role',
      url: 's3.example.org',
      signIn: { kind: 'access-key', accessKeyId: 'AKID', secret: 'a secret', sessionToken: null },
      options: { ...NO_OPTIONS, roleArn: 'arn:aws:iam:::role/r', duration: 900 },
    })
    expect(document.body.innerHTML).not.toContain('a secret')
  })

  it('are lent for a directory’s password', async () => {
    const { fake, user } = await add('sts')
    await to(user, /^MinIO/, 'Temporary keys (STS)…', 'User name and password of your institution')
    await user.type(input('Address of the store'), 'https://minio.example.org:9000')
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word{Enter}')
    await screen.findByRole('button', { name: 'Use this store' })
    expect(called(fake, 'portal_sign_in')[0]).toMatchObject({ issuer: 'sts-ldap', signIn: { kind: 'password', user: 'ada', domain: '' } })
  })
})

describe('Keystone', () => {
  it('tells the portal of its single sign-on only what belongs to that way', async () => {
    const { fake, user } = await add('none')
    await to(user, /^OpenStack/, 'Sign in and have a key made')
    await user.click(screen.getByRole('tab', { name: 'Single sign-on' }))
    await user.type(input('Address of Keystone'), 'keystone.example.org')
    await user.type(input('Sign-in service'), 'https://login.example.org/realms/science')
    await user.type(input('Client id'), 'wherry')
    await user.type(input('Identity provider'), 'science')
    await user.click(screen.getByLabelText('With user name and password'))
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'wrong')
    const sso = { oidcIssuer: 'https://login.example.org/realms/science', clientId: 'wherry', identityProvider: 'science' }
    await user.click(button('Sign in'))
    await waitFor(() => expect(called(fake, 'portal_sign_in')[0]).toMatchObject({ signIn: { kind: 'password', domain: '' }, options: sso }))
    await user.click(button('Back'))
    await user.click(screen.getByRole('tab', { name: 'Password' }))
    await user.type(input('Password'), 'pa55word{Enter}')
    await waitFor(() => expect(called(fake, 'portal_sign_in')[1]).toMatchObject({ signIn: { kind: 'password', domain: 'Default' }, options: NO_OPTIONS }))
  })

  it('goes to the site it is opened for', async () => {
    const fake = new Fake({ handlers: handlers(() => []) })
    await connect(fake)
    render(AddAccountDialog, { intent: 'sign-in', providerId: 'eumetsat', site: 'R2', onclose: vi.fn() })
    await screen.findByRole('heading', { name: /^Sign in: EUMETSAT/ })
    expect(input('Address of Keystone').value).toBe('https://keystone.api.r2.cloud.eumetsat.int/v3')
  })
})
