/** The keys page as a person uses it, on the backend in memory. */
import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, type KeysView } from '$lib/backend'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { DAY, NOW } from '$tests/fake-data'
import { handlers, made, portalKeys, SECRET, typed } from '$tests/scenarios-accounts'
import KeysPage from './KeysPage.svelte'
import { ageOf, asSentence, badgeOf, lately } from './words'

afterEach(cleanup)

async function page(change: FakeOptions['handlers'] = {}, account = made()) {
  const fake = new Fake({ accounts: [account], handlers: handlers(() => [account], change) })
  await connect(fake)
  const { rerender } = render(KeysPage, { account, now: () => NOW })
  return { fake, rerender, user: userEvent.setup() }
}

const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name)
const signInFirst = problem('portal.signed-out', 'Your sign-in has ended.', 'Sign in again.', { remedies: [{ kind: 'sign-in', account: 'k1' }] })
const signedOut: KeysView = { ...portalKeys(made().key), keys: [], cannotList: signInFirst, cannotCreate: signInFirst, cannotDelete: signInFirst }

describe('signed out', () => {
  it('asks for the password first, then makes the key without being asked again', async () => {
    let out = true
    const { fake, user } = await page({
      account_keys: () => (out ? signedOut : portalKeys(made().key)),
      account_sign_in: () => {
        out = false
        return portalKeys(made().key)
      },
    })
    await user.click(await screen.findByRole('button', { name: 'Make a new key' }))
    expect(called(fake, 'create_key')).toHaveLength(0)
    const password = await screen.findByLabelText('Password', { selector: 'input' })
    expect(screen.getByLabelText<HTMLInputElement>('User name').value).toBe('ada')
    await user.type(password, 'pa55word{Enter}')
    await screen.findByText(SECRET)
    expect(called(fake, 'account_sign_in')[0]?.args).toMatchObject({ account: 'k1', signIn: { kind: 'password', user: 'ada', password: 'pa55word' } })
    expect(called(fake, 'create_key')).toHaveLength(1)
  })

  it('shows a wrong password where it was typed, and keeps it there', async () => {
    const { user } = await page({
      account_keys: () => signedOut,
      account_sign_in: () => {
        throw problem('portal.password', 'Keystone did not accept this.', 'Check it.')
      },
    })
    await user.click(await screen.findByRole('button', { name: 'Sign in…' }))
    const password = await screen.findByLabelText<HTMLInputElement>('Password', { selector: 'input' })
    await user.type(password, 'nearly{Enter}')
    await screen.findByText('Keystone did not accept this.')
    expect(password.value).toBe('nearly')
  })
})

describe('deleting', () => {
  const unused = 'b8e21c40d2f94a6f9e1aa55de0c7f312'

  it('is confirmed, and what Rust says about it stays to be read', async () => {
    const { fake, user } = await page()
    await user.click(await screen.findByRole('button', { name: `Delete key ${unused}…` }))
    expect(called(fake, 'delete_key')).toHaveLength(0)
    await user.click(await screen.findByRole('button', { name: 'Delete key' }))
    await screen.findByText(/gone from the portal/)
    expect(called(fake, 'delete_key')[0]?.args).toEqual({ account: 'k1', accessKeyId: unused })
  })

  it('deletes nothing when one thinks again', async () => {
    const { fake, user } = await page()
    await user.click(await screen.findByRole('button', { name: `Delete key ${unused}…` }))
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(called(fake, 'delete_key')).toHaveLength(0)
  })

  it('warns before the key in use goes', async () => {
    const { user } = await page()
    await user.click(await screen.findByRole('button', { name: `Delete key ${made().key.accessKeyId}…` }))
    await screen.findByText(/This account uses it/)
  })

  it('is greyed out with the reason where it cannot be done', async () => {
    const reason = problem('portal.no-delete', 'Your role may not delete keys.', 'Ask your project leader.')
    const { fake, user } = await page({ account_keys: () => ({ ...portalKeys(made().key), cannotDelete: reason }) })
    const button = await screen.findByRole('button', { name: `Delete key ${unused}…` })
    expect(button).toHaveAttribute('aria-disabled', 'true')
    expect(button.title).toContain(reason.what)
    await user.click(button)
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(called(fake, 'delete_key')).toHaveLength(0)
  })
})

describe('a key that is refused', () => {
  it('says so in words and offers a new one', async () => {
    const dead = made({ state: 'refused', words: 'The store refuses this key.' })
    const { fake, user } = await page({ account_keys: () => portalKeys(dead.key) }, dead)
    expect(await screen.findByRole('alert')).toHaveTextContent('The store refuses this key.')
    await user.click(screen.getByRole('button', { name: 'Make a new key' }))
    await screen.findByText(SECRET)
    expect(called(fake, 'create_key')).toHaveLength(1)
  })
})

describe('another account', () => {
  it('never shows under the name of the one before', async () => {
    let late: (view: KeysView) => void = () => undefined
    const other = typed()
    const { rerender } = await page({
      account_keys: (id) => (id === 'k1' ? new Promise((resolve) => (late = resolve)) : { ...portalKeys(other.key), keys: [] }),
    })
    await rerender({ account: other })
    await screen.findByText(/This key was typed in/)
    late({ ...portalKeys(made().key), kept: 'in a place of the other account' })
    await Promise.resolve()
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Ice cores')
    expect(screen.queryByText('in a place of the other account')).toBeNull()
  })
})

describe('words', () => {
  it('make sentences of phrases and leave sentences alone', () => {
    expect(asSentence('expired on 3 May 2026')).toBe("This account's key expired on 3 May 2026.")
    expect(asSentence('The store refuses this key.')).toBe('The store refuses this key.')
    expect(badgeOf({ state: 'refused', words: 'The store refuses this key.' })).toBe('refused by the store')
    expect(badgeOf({ state: 'expiring', words: 'expires in 3 days' })).toBe('expires in 3 days')
  })

  it('tell a key’s age', () => {
    expect(ageOf(NOW, NOW)).toBe('today')
    expect(ageOf(NOW - DAY, NOW)).toBe('yesterday')
    expect(ageOf(NOW - 30 * DAY, NOW)).toBe('30 days ago')
    expect(ageOf(NOW - 100 * DAY, NOW)).toBe('3 months ago')
    expect(ageOf(NOW - 800 * DAY, NOW)).toBe('2 years ago')
  })

  it('tell of a use no closer than it is noted', () => {
    expect(lately(NOW - 41 * 60_000, NOW)).toBe('within the last hour')
    expect(lately(NOW - 3 * DAY, NOW)).toBe('3 days ago')
  })
})
