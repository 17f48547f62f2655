/** A key's whole life on its page: rotated, reset, made with a wish, one per region, lent, run out. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, type AccountView, type KeysView } from '$lib/backend'
import { dialog } from '$lib/frame/dialogs.svelte'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { account, DAY, issuer, key, NO_OPTIONS, NOW } from '$tests/fake-data'
import { handlers, made, newKey, portalKeys, SECRET } from '$tests/scenarios-accounts'
import { cray, jasmin, jasminKeys, lentKeys, regional, regionKeys, rotated, slow } from '$tests/scenarios-portals'
import KeysPage from './KeysPage.svelte'
import SignInDialog from './SignInDialog.svelte'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

async function page(one: AccountView, view: KeysView, change: FakeOptions['handlers'] = {}) {
  const fake = new Fake({ accounts: [one], handlers: handlers(() => [one], { account_keys: () => view, account_sign_in: () => view, oidc_cancel: () => null, ...change }) })
  await connect(fake)
  render(KeysPage, { account: one, now: () => NOW })
  return { fake, user: userEvent.setup() }
}

const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name).map((call) => call.args)
const button = (name: string) => screen.getByRole('button', { name })
const input = (name: string | RegExp) => screen.getByLabelText<HTMLInputElement>(name, { selector: 'input' })
const signInFirst = (id: string) => problem('portal.sign-in', 'You are not signed in.', 'Sign in.', { remedies: [{ kind: 'sign-in', account: id }] })

describe('rotating', () => {
  it('says the order first, then how it went, and shows the secret only to who asks', async () => {
    const { fake, user } = await page(made(), portalKeys(made().key), { rotate_key: () => rotated(made()) })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    const steps = within(screen.getByRole('dialog')).getAllByRole('listitem').map((item) => item.textContent)
    expect(steps).toHaveLength(4)
    expect(steps[3]).toMatch(/Only then is the old key deleted/)
    expect(called(fake, 'rotate_key')).toEqual([])
    await user.click(button('Rotate key'))
    await screen.findByText(/is gone from keystone/)
    expect(called(fake, 'rotate_key')).toEqual([{ account: 'k1', wish: { description: null, expires: null } }])
    expect(called(fake, 'reveal')).toEqual([])
    await user.click(button('Show the new secret…'))
    await screen.findByText(SECRET)
    await user.click(button('Done'))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(document.documentElement.innerHTML).not.toContain(SECRET)
    expect(called(fake, 'account_keys').length).toBeGreaterThan(1)
  })

  it('says that a copy is to be kept where secrets are only in memory', async () => {
    const { fake, user } = await page(made(), portalKeys(made().key), { rotate_key: () => rotated(made()) })
    fake.vault = { ...fake.vault, choice: 'session' }
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    await user.click(button('Rotate key'))
    await screen.findByText('Keep a copy in a safe place.')
  })

  it('tells when the old key is left, and what to do about it', async () => {
    const left = problem('portal.down', 'The old key could not be deleted.', 'Delete it in the list of keys.')
    const { user } = await page(made(), portalKeys(made().key), { rotate_key: () => rotated(made(), { oldKeyLeft: left }) })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    await user.click(button('Rotate key'))
    expect(await screen.findByText(/could not be deleted/)).toBeVisible()
    expect(screen.getByText(left.todo)).toBeVisible()
  })

  it('warns where the new key ends the old one', async () => {
    const view = portalKeys(made().key)
    const { user } = await page(made(), { ...view, rules: { ...slow, newKeyRevokesOld: true } })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    expect(screen.getByText('The old pair stops working at once.')).toBeVisible()
    expect(within(screen.getByRole('dialog')).queryAllByRole('listitem')).toEqual([])
  })

  it('keeps the dialog and says why when it fails; once only, however often it is pressed', async () => {
    let fail: (reason: unknown) => void = () => undefined
    const { fake, user } = await page(made(), portalKeys(made().key), { rotate_key: () => new Promise((_, reject) => (fail = reject)) })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    await user.click(button('Rotate key'))
    await user.click(button('Rotate key'))
    await user.keyboard('{Escape}')
    await screen.findByText(/Making the new key, trying it/)
    expect(called(fake, 'rotate_key')).toHaveLength(1)
    fail(problem('store.down', 'The store does not answer.', 'The account goes on with the key it has.'))
    await screen.findByText('The store does not answer.')
    expect(screen.getByText(/goes on with the key it has/)).toBeVisible()
    await user.click(button('Cancel'))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  })

  it('gives the new key the name of the old one, and a day to end', async () => {
    const { fake, user } = await page(jasmin(), jasminKeys(jasmin()), { rotate_key: () => rotated(jasmin()) })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    expect(input('Name of the key').value).toBe('laptop 1')
    await user.selectOptions(screen.getByLabelText('Expires'), screen.getByRole('option', { name: /three months/ }))
    await user.click(button('Rotate key'))
    await screen.findByText(/is gone from/)
    expect(called(fake, 'rotate_key')).toEqual([{ account: 'j1', wish: { description: 'laptop 1', expires: Date.UTC(2026, 5, 14) } }])
  })

  it('is greyed with the reason to read where it cannot be done', async () => {
    const why = problem('keys.cannot', 'Your role may not make keys.', 'Ask for the role “member”.')
    const { fake, user } = await page(made(), { ...portalKeys(made().key), cannotRotate: why, cannotCreate: why })
    const rotate = await screen.findByRole('button', { name: 'Rotate…' })
    expect(rotate).toHaveAttribute('aria-disabled', 'true')
    expect(rotate).toHaveAccessibleDescription(/may not make keys.*Ask for the role/)
    expect(button('Make a new key')).toHaveAccessibleDescription(/may not make keys/)
    await user.click(rotate)
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(called(fake, 'rotate_key')).toEqual([])
  })

  it('signs in first when the sign-in ran out meanwhile, and then does what was asked', async () => {
    let out = true
    const { fake, user } = await page(made(), portalKeys(made().key), {
      rotate_key: () => {
        if (out) throw signInFirst('k1')
        return rotated(made())
      },
      account_sign_in: () => {
        out = false
        return portalKeys(made().key)
      },
    })
    await user.click(await screen.findByRole('button', { name: 'Rotate…' }))
    await user.click(button('Rotate key'))
    await user.type(await screen.findByLabelText('Password', { selector: 'input' }), 'pa55word{Enter}')
    await screen.findByText(/is gone from keystone/)
    expect(called(fake, 'rotate_key')).toHaveLength(2)
  })
})

describe('a new key with a name and a day', () => {
  it('is asked for before it is made', async () => {
    const { fake, user } = await page(jasmin(), jasminKeys(jasmin()), { create_key: () => newKey(jasmin()) })
    await user.click(await screen.findByRole('button', { name: 'Make a new key' }))
    const name = input('Name of the key')
    await user.clear(name)
    await user.click(button('Make a key'))
    expect(name).toHaveAccessibleDescription(/Give the key a name/)
    expect(called(fake, 'create_key')).toEqual([])
    await user.type(name, 'laptop{Enter}')
    await screen.findByText(SECRET)
    expect(called(fake, 'create_key')).toEqual([{ account: 'j1', wish: { description: 'laptop', expires: Date.UTC(2027, 2, 14) } }])
    expect(screen.getByText(/The old one keeps working/)).toBeVisible()
  })
})

describe('a new secret', () => {
  it('is warned of, and shown once', async () => {
    const view = { ...portalKeys(made().key), cannotReset: null }
    const { fake, user } = await page(made(), view)
    await user.click(await screen.findByRole('button', { name: 'Reset secret…' }))
    expect(screen.getByText('The old secret stops working at once.')).toBeVisible()
    await user.click(button('Reset secret'))
    await screen.findByText(SECRET)
    expect(called(fake, 'reset_key')).toEqual([{ account: 'k1', accessKeyId: made().key.accessKeyId }])
    expect(screen.queryByText(/The old one keeps working/)).toBeNull()
  })

  it('is greyed with the reason where the portal has none', async () => {
    await page(jasmin(), jasminKeys(jasmin()))
    const reset = await screen.findByRole('button', { name: 'Reset secret…' })
    expect(reset).toHaveAttribute('aria-disabled', 'true')
    expect(reset).toHaveAccessibleDescription(/cannot change a key’s secret/)
  })
})

describe('one key per region', () => {
  const row = (name: RegExp) => screen.getByRole('row', { name })

  it('shows every region, and makes the key of one that has none', async () => {
    const { fake, user } = await page(regional(), regionKeys(regional()), { create_region_key: () => newKey(regional('e3', 'WAW3-2')) })
    await screen.findByRole('row', { name: /^WAW3-1/ })
    expect(within(row(/^WAW3-2/)).getByText('not configured')).toBeVisible()
    await user.click(button('Create a key for WAW3-2…'))
    expect(called(fake, 'create_region_key')).toEqual([])
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'create_region_key')).toEqual([{ account: 'e1', region: 'WAW3-2' }])
    await user.click(button('Copy secret'))
    expect(fake.clipboard).toBe(SECRET)
    await user.click(button('Hide'))
    expect(document.documentElement.innerHTML).not.toContain(SECRET)
  })

  it('resets the key of another region by its own account, with a warning first', async () => {
    const { fake, user } = await page(regional(), regionKeys(regional()), { rotate_key: () => rotated(regional()) })
    await user.click(await screen.findByRole('button', { name: 'Reset the key of FRA1-2…' }))
    expect(screen.getByText('The old pair stops working at once.')).toBeVisible()
    await user.click(button('Reset key'))
    await screen.findByText(/is gone from/)
    expect(called(fake, 'rotate_key')).toEqual([{ account: 'e2', wish: { description: null, expires: null } }])
  })

  it('deletes none, and says why', async () => {
    await page(regional(), regionKeys(regional()))
    await screen.findByText(/a key is not deleted but reset/)
    expect(screen.queryByRole('button', { name: /^Delete/ })).toBeNull()
    expect(screen.queryByRole('button', { name: 'Make a new key' })).toBeNull()
  })

  it('leads to the sign-in of a region that has its own', async () => {
    const { user } = await page(regional(), regionKeys(regional()))
    await user.click(await screen.findByRole('button', { name: 'Sign in to R2…' }))
    expect(dialog.open).toEqual({ kind: 'add-account', intent: 'sign-in', providerId: 'cloudferro', site: 'R2' })
  })
})

describe('a lent key', () => {
  it('says until when, and that Wherry renews it', async () => {
    await page(cray(), lentKeys(cray()))
    await screen.findByText(/Wherry renews it by itself/)
    expect(screen.getByText('lent, and renewed by itself')).toBeVisible()
    expect(button('Rotate…')).toHaveAccessibleDescription(/renewed by itself/)
    expect(screen.queryByRole('alert')).toBeNull()
  })

  it('can be lent anew now, without a secret to be seen', async () => {
    const { fake, user } = await page(cray(), lentKeys(cray()), { create_key: () => newKey(cray()) })
    await user.click(await screen.findByRole('button', { name: 'Have a new one lent now' }))
    await screen.findByText('It is ready.')
    expect(called(fake, 'reveal')).toEqual([])
    expect(called(fake, 'create_key')).toEqual([{ account: 'c1', wish: { description: null, expires: null } }])
  })

  it('that ran out is no alarm: the next one is lent when it is needed', async () => {
    const over = cray({ state: 'expired', expires: NOW - DAY, words: 'expired yesterday' })
    await page(over, lentKeys(over))
    await screen.findByText(/a new one is lent when it is needed/)
    expect(screen.queryByRole('alert')).toBeNull()
  })
})

describe('a key that expired', () => {
  const over = () => jasmin({ state: 'expired', words: 'expired on 3 March 2026', expires: NOW - 11 * DAY, daysLeft: -11 })

  it('is explained, and rotated or replaced', async () => {
    const { user } = await page(over(), jasminKeys(over()), { rotate_key: () => rotated(over()) })
    const alert = await screen.findByRole('alert')
    expect(alert).toHaveTextContent('This account\'s key expired on 3 March 2026.')
    expect(alert).toHaveTextContent(/the store refuses it from then on/)
    expect(within(alert).getByRole('button', { name: 'Make a new key' })).toBeEnabled()
    await user.click(within(alert).getByRole('button', { name: 'Rotate…' }))
    await user.click(button('Rotate key'))
    await screen.findByText(/is gone from/)
  })

  it('that was typed in is replaced where accounts are edited', async () => {
    const one = account('t1', 'Ice cores', { key: key({ state: 'expired', words: 'expired on 3 March 2026', expires: NOW - 11 * DAY }) })
    const { user } = await page(one, { ...portalKeys(one.key), keys: [], rules: null })
    await user.click(await screen.findByRole('button', { name: 'Replace the key…' }))
    expect(dialog.open).toEqual({ kind: 'edit-account', account: 't1' })
    expect(await screen.findByText('The access key id and secret your provider gave you.')).toBeVisible()
  })
})

describe('a new key that is slow', () => {
  it('is waited for after its secret was seen', async () => {
    const view = { ...portalKeys(made().key), rules: { ...slow, expiry: 'none' as const } }
    const { fake, user } = await page(made(), view, {
      create_key: () => ({ ...newKey(made()), note: 'It can take some minutes.' }),
      await_key: () => new Promise<never>(() => undefined),
    })
    await user.click(await screen.findByRole('button', { name: 'Make a new key' }))
    await screen.findByText(SECRET)
    await user.click(button('Done'))
    await screen.findByText('Waiting until the store knows the new key…')
    expect(called(fake, 'await_key')).toEqual(['k1'])
    await user.click(button('Skip'))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  })
})

describe('30 keys', () => {
  it('each say what they are, and who uses them here', async () => {
    await page(jasmin(), jasminKeys(jasmin(), 30))
    await screen.findByRole('columnheader', { name: 'Name' })
    expect(screen.getAllByRole('row')).toHaveLength(31)
    expect(screen.getAllByRole('button', { name: /^Delete key/ })).toHaveLength(30)
    expect(screen.getAllByText('expired').length).toBeGreaterThan(10)
  })
})

describe('signing in again', () => {
  async function open(one: AccountView, change: FakeOptions['handlers'] = {}, shell: FakeOptions['shell'] = {}) {
    const fake = new Fake({
      accounts: [one],
      shell: { open_sign_in: () => null, hosted_sign_in: () => 'window-1', ...shell },
      handlers: handlers(() => [one], { oidc_cancel: () => null, ...change }),
    })
    await connect(fake)
    const onclose = vi.fn()
    render(SignInDialog, { account: one, purpose: 'To see your keys', onclose })
    return { fake, onclose, user: userEvent.setup() }
  }

  it('at JASMIN asks for the password, then opens the portal’s window', async () => {
    const { fake, user, onclose } = await open(jasmin())
    await user.click(await screen.findByRole('button', { name: 'Open the JASMIN sign-in…' }))
    expect(input('JASMIN password')).toHaveAccessibleDescription(/missing/)
    expect(called(fake, 'hosted_sign_in')).toEqual([])
    await user.type(input('JASMIN password'), 'pa55word{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'account_sign_in')).toEqual([{ account: 'j1', signIn: { kind: 'hosted', ticket: 'window-1' }, password: 'pa55word', clientSecret: null }])
  })

  it('at Swarm knows everything but the password', async () => {
    const swarm = account('w1', 'Swarm', { key: key({ source: 'swarm' }), issuer: issuer({ kind: 'swarm', url: 'http://cedadev-o.s3.jc.rl.ac.uk:81', domain: '' }) })
    const { fake, user, onclose } = await open(swarm)
    expect(screen.queryByLabelText(/Address|Tenancy/)).toBeNull()
    await waitFor(() => expect(input('Password')).toHaveFocus())
    await user.type(input('Password'), 'pa55word{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'account_sign_in')[0]).toMatchObject({ signIn: { kind: 'password', user: 'ada', domain: '', password: 'pa55word' } })
  })

  it('by single sign-on goes straight to the browser, with what the account knows', async () => {
    const options = { ...NO_OPTIONS, oidcIssuer: 'https://login.example.org', clientId: 'wherry', identityProvider: 'science', protocol: 'openid' }
    const sso = account('o1', 'SSO', { key: key({ source: 'keystone' }), issuer: issuer({ options }) })
    const { fake, user, onclose } = await open(sso, { oidc_begin: () => ({ ticket: 'oidc-1', address: 'https://login.example.org/auth', code: null, expires: null }), oidc_wait: () => null })
    expect(screen.queryByLabelText('Sign-in service')).toBeNull()
    expect(screen.queryByRole('tab', { name: 'Password' })).toBeNull()
    await user.click(button('Open the browser…'))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'oidc_begin')[0]).toMatchObject({ way: 'browser', options })
    expect(called(fake, 'account_sign_in')[0]).toMatchObject({ account: 'o1', signIn: { kind: 'oidc', ticket: 'oidc-1' } })
  })

  it('for a role asks for the lasting key, and for no role', async () => {
    const role = account('r1', 'Role', { key: key({ source: 'sts-assume-role', lent: true, renewedAlone: true }), issuer: issuer({ kind: 'sts-assume-role', user: 'AKID', domain: '', options: { ...NO_OPTIONS, roleArn: 'arn:aws:iam:::role/r' } }) })
    const { fake, user, onclose } = await open(role)
    expect(screen.queryByLabelText('Role')).toBeNull()
    await user.type(input('Access key id'), 'AKID')
    await user.type(input('Secret'), 'a secret{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'account_sign_in')[0]).toMatchObject({ signIn: { kind: 'access-key', accessKeyId: 'AKID', secret: 'a secret' } })
  })

  it('by password does not offer a single sign-on the portal knows nothing of', async () => {
    await open(made())
    expect(screen.queryByRole('tab', { name: 'Single sign-on' })).toBeNull()
    expect(screen.getByRole('tab', { name: 'Password' })).toBeVisible()
  })
})

