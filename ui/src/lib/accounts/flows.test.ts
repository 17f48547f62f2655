/** Adding accounts as a person does it, on the backend in memory. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect, type AccountTest } from '$lib/backend'
import { Fake, type FakeOptions } from '$tests/fake'
import { handlers, made, newKey, SECRET, wrongKey } from '$tests/scenarios-accounts'
import AddAccountDialog from './AddAccountDialog.svelte'
import Reveal from './Reveal.svelte'
import SecretPrompt from './SecretPrompt.svelte'

afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

async function world(change: FakeOptions['handlers'] = {}, options: FakeOptions = {}) {
  const fake = new Fake({ ...options, handlers: handlers(() => [], change) })
  await connect(fake)
  return fake
}

const refused: AccountTest = { ok: false, problem: wrongKey, endpoint: 'https://s3.example.org/', buckets: null, clockOffset: null }
const input = (name: string | RegExp) => screen.getByLabelText<HTMLInputElement>(name, { selector: 'input' })
const button = (name: string) => screen.getByRole('button', { name })
const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name)

async function fillKey(user: ReturnType<typeof userEvent.setup>) {
  await user.click(await screen.findByRole('option', { name: /^Other S3/ }))
  await user.clear(input('Name'))
  await user.type(input('Name'), 'Ice cores')
  await user.type(input('Address of the store'), 'https://s3.example.org')
  await user.type(input('Access key id'), 'AKID42')
  await user.type(input('Secret'), 'a secret')
}

function nothingLost() {
  expect(input('Name').value).toBe('Ice cores')
  expect(input('Address of the store').value).toBe('https://s3.example.org')
  expect(input('Access key id').value).toBe('AKID42')
  expect(input('Secret').value).toBe('a secret')
}

describe('a key one has', () => {
  it('loses nothing that was typed when the test fails, and can be saved anyway', async () => {
    const fake = await world({ test_account: () => refused })
    const onclose = vi.fn()
    render(AddAccountDialog, { intent: 'typed', onclose })
    const user = userEvent.setup()
    await fillKey(user)
    await user.click(button('Save'))
    await screen.findByText(wrongKey.what)
    expect(called(fake, 'add_account')).toHaveLength(0)
    nothingLost()
    await user.click(button('Save anyway'))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'add_account')[0]?.args).toMatchObject({ name: 'Ice cores', secret: 'a secret' })
  })

  it('loses nothing when saving fails, nor on the way back to the places and forth', async () => {
    await world({
      add_account: () => {
        throw wrongKey
      },
    })
    const onclose = vi.fn()
    render(AddAccountDialog, { intent: 'typed', onclose })
    const user = userEvent.setup()
    await fillKey(user)
    await user.click(button('Save'))
    await screen.findByText(wrongKey.what)
    nothingLost()
    await user.click(button('Back'))
    await user.click(await screen.findByRole('option', { name: /^MinIO/ }))
    nothingLost()
    expect(onclose).not.toHaveBeenCalled()
  })

  it('is tested and saved by Enter, and the dialog closes', async () => {
    const fake = await world()
    const onclose = vi.fn()
    render(AddAccountDialog, { intent: 'typed', onclose })
    const user = userEvent.setup()
    await fillKey(user)
    await user.type(input('Secret'), '{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(fake.calls.map((call) => call.name)).toEqual(expect.arrayContaining(['test_account', 'add_account']))
  })

  it('says what is missing at the field, and puts the cursor there', async () => {
    const fake = await world()
    render(AddAccountDialog, { intent: 'typed', onclose: vi.fn() })
    const user = userEvent.setup()
    await user.click(await screen.findByRole('option', { name: /^JASMIN/ }))
    await user.click(button('Save'))
    await waitFor(() => expect(input('Tenancy')).toHaveFocus())
    expect(input('Tenancy')).toHaveAccessibleDescription(/Please fill in/)
    expect(input('Secret')).toHaveAccessibleDescription(/missing/)
    expect(called(fake, 'test_account')).toHaveLength(0)
  })

  it('drops what a test says that was given up', async () => {
    let answer: (test: AccountTest) => void = () => undefined
    await world({ test_account: () => new Promise((resolve) => (answer = resolve)) })
    render(AddAccountDialog, { intent: 'typed', onclose: vi.fn() })
    const user = userEvent.setup()
    await fillKey(user)
    await user.click(button('Test'))
    const busy = (await screen.findByText(/Asking s3.example.org/)).parentElement
    await user.click(within(busy as HTMLElement).getByRole('button', { name: 'Cancel' }))
    answer(refused)
    await Promise.resolve()
    expect(screen.queryByText(wrongKey.what)).toBeNull()
    expect(button('Save')).toBeEnabled()
  })

  it('asks before Escape throws words away', async () => {
    await world()
    const onclose = vi.fn()
    render(AddAccountDialog, { intent: 'typed', onclose })
    const user = userEvent.setup()
    await fillKey(user)
    await user.keyboard('{Escape}')
    expect(onclose).not.toHaveBeenCalled()
    await user.click(await screen.findByRole('button', { name: 'Keep typing' }))
    nothingLost()
    await user.keyboard('{Escape}')
    await user.click(await screen.findByRole('button', { name: 'Discard' }))
    expect(onclose).toHaveBeenCalledWith(false)
  })

  it('closes at once when nothing was typed', async () => {
    await world()
    const onclose = vi.fn()
    render(AddAccountDialog, { intent: 'typed', onclose })
    await screen.findByRole('option', { name: /^JASMIN/ })
    await userEvent.keyboard('{Escape}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(false))
  })
})

describe('the list of places', () => {
  it('is searched and walked with the keyboard', async () => {
    await world()
    render(AddAccountDialog, { onclose: vi.fn() })
    const user = userEvent.setup()
    const search = await screen.findByRole('combobox')
    await waitFor(() => expect(search).toHaveFocus())
    await user.keyboard('s3{ArrowDown}{ArrowDown}{ArrowUp}')
    const active = document.getElementById(search.getAttribute('aria-activedescendant') ?? '')
    expect(active).toHaveAttribute('aria-selected', 'true')
    await user.clear(search)
    await user.keyboard('cloudferro{Enter}')
    await screen.findByRole('heading', { name: 'CloudFerro' })
  })

  it('offers what takes any address when nothing matches', async () => {
    await world()
    render(AddAccountDialog, { onclose: vi.fn() })
    const user = userEvent.setup()
    await user.type(await screen.findByRole('combobox'), 'atlantis')
    await user.click(button('Use “Other S3”'))
    await user.click(button('Use a key I have'))
    await screen.findByRole('heading', { name: 'Your key: Other S3' })
  })
})

describe('signing in at a place that is not listed', () => {
  it('leads to any cloud, rather than to a store that lends keys', async () => {
    await world()
    render(AddAccountDialog, { intent: 'sign-in', onclose: vi.fn() })
    const user = userEvent.setup()
    await user.type(await screen.findByRole('combobox'), 'atlantis')
    await user.click(button('Use “OpenStack cloud”'))
    await screen.findByLabelText('Address of Keystone', { selector: 'input' })
  })
})

describe('having a key made', () => {
  async function toStore(user: ReturnType<typeof userEvent.setup>) {
    await user.click(await screen.findByRole('option', { name: /^CloudFerro/ }))
    await user.type(input('User name'), 'ada')
    await user.type(input('Password'), 'pa55word')
    await user.click(button('Sign in'))
    await screen.findByRole('heading', { name: 'Make a key' })
  }

  it('goes from the sign-in to the secret, which is shown once', async () => {
    const fake = await world()
    const onclose = vi.fn()
    const { container } = render(AddAccountDialog, { intent: 'sign-in', onclose })
    const user = userEvent.setup()
    await toStore(user)
    await waitFor(() => expect(input('Address of the store').value).toBe('https://s3.waw3-1.cloudferro.com'))
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'reveal')).toHaveLength(1)
    await user.keyboard('{Escape}')
    expect(onclose).not.toHaveBeenCalled()
    await user.click(button('Done'))
    expect(onclose).toHaveBeenCalledWith(true)
    cleanup()
    expect(document.documentElement.innerHTML + container.innerHTML).not.toContain(SECRET)
    expect(called(fake, 'portal_sign_out'), 'the account keeps the sign-in').toHaveLength(0)
  })

  it('keeps no password once signed in, and signs out when it is given up', async () => {
    const fake = await world()
    const { unmount } = render(AddAccountDialog, { intent: 'sign-in', onclose: vi.fn() })
    const user = userEvent.setup()
    await toStore(user)
    await user.click(button('Back'))
    expect(input('User name').value).toBe('ada')
    expect(input('Password').value).toBe('')
    unmount()
    await waitFor(() => expect(called(fake, 'portal_sign_out')[0]?.args).toBe('session-1'))
  })

  it('keeps a corrected address when the project changes', async () => {
    const fake = await world()
    render(AddAccountDialog, { intent: 'sign-in', onclose: vi.fn() })
    const user = userEvent.setup()
    await toStore(user)
    const address = await screen.findByLabelText<HTMLInputElement>('Address of the store')
    await user.clear(address)
    await user.type(address, 'https://tunnel.local:8443')
    await user.selectOptions(screen.getByLabelText('Project'), 'p2')
    await waitFor(() => expect(input('Address of the store').value).toBe('https://tunnel.local:8443'))
    await user.click(button('Make a key'))
    await screen.findByText(SECRET)
    expect(called(fake, 'portal_add_account')[0]?.args).toMatchObject({ scope: 'p2', endpoint: 'https://tunnel.local:8443' })
  })

  it('does not make a second key while the first is being made', async () => {
    const fake = await world({ portal_add_account: () => new Promise<never>(() => undefined) })
    render(AddAccountDialog, { intent: 'sign-in', onclose: vi.fn() })
    const user = userEvent.setup()
    await toStore(user)
    await waitFor(() => expect(button('Make a key')).toBeEnabled())
    await user.click(button('Make a key'))
    await user.click(button('Make a key'))
    await user.type(input('Name'), '{Enter}')
    expect(called(fake, 'portal_add_account')).toHaveLength(1)
  })
})

describe('the secret', () => {
  it('is copied as a secret, and the seconds until it is cleared are counted', async () => {
    const fake = await world()
    render(Reveal, { newKey: newKey(made()) })
    await screen.findByText(SECRET)
    vi.useFakeTimers({ shouldAdvanceTime: false })
    const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTimeAsync })
    await user.click(button('Copy secret'))
    await vi.advanceTimersByTimeAsync(0)
    expect(called(fake, 'copy_text')[0]?.args).toEqual({ text: SECRET, secret: true })
    await vi.advanceTimersByTimeAsync(18_000)
    expect(screen.getByText(/^42\s+s$/)).toBeVisible()
    await vi.advanceTimersByTimeAsync(42_000)
    expect(screen.getAllByText('The clipboard is cleared.')[0]).toBeVisible()
  })

  it('can be hidden', async () => {
    await world()
    render(Reveal, { newKey: newKey(made()) })
    await screen.findByText(SECRET)
    await userEvent.click(button('Hide'))
    expect(document.body.innerHTML).not.toContain(SECRET)
  })

  it('is asked for once; a second look is refused in words', async () => {
    await world()
    render(Reveal, { newKey: newKey(made()) })
    await screen.findByText(SECRET)
    cleanup()
    render(Reveal, { newKey: newKey(made()) })
    await screen.findByText('This secret was shown already.')
    expect(document.body.innerHTML).not.toContain(SECRET)
  })

  it('is to be copied when it is only in memory', async () => {
    await world({}, { vault: { choice: 'session', state: 'ready' } })
    render(Reveal, { newKey: newKey(made()) })
    await screen.findByText('Keep a copy in a safe place.')
  })

  it('stays typed when the store refuses it', async () => {
    await world({
      give_secret: () => {
        throw wrongKey
      },
    })
    const onclose = vi.fn()
    render(SecretPrompt, { account: made(), onclose })
    const user = userEvent.setup()
    await user.click(button('Use it'))
    expect(input('Secret')).toHaveAccessibleDescription('The secret is missing.')
    await user.type(input('Secret'), 'nearly right{Enter}')
    await screen.findByText(wrongKey.what)
    expect(input('Secret').value).toBe('nearly right')
    expect(onclose).not.toHaveBeenCalled()
  })
})
