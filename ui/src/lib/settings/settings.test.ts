/** The settings and the places for secrets, on the backend in memory. */
import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect, type VaultView } from '$lib/backend'
import { notice } from '$lib/frame/notice.svelte'
import { current, loadSettings } from '$lib/frame/settings.svelte'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { handlers } from '$tests/scenarios-accounts'
import SettingsDialog from './SettingsDialog.svelte'
import VaultDialog from './VaultDialog.svelte'

afterEach(cleanup)

const missing = problem('vault.no-service', 'There is no keychain here.', 'Start one, or choose another place.', {
  remedies: [{ kind: 'choose-vault' }],
})

async function vaultDialog(vault: Partial<VaultView>, change: FakeOptions['handlers'] = {}) {
  const fake = new Fake({ vault, handlers: handlers(() => [], change) })
  await connect(fake)
  const onclose = vi.fn()
  render(VaultDialog, { onclose })
  return { fake, onclose, user: userEvent.setup() }
}

const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name)
const input = (name: string) => screen.getByLabelText<HTMLInputElement>(name, { selector: 'input' })

describe('no usable keychain', () => {
  const unavailable: Partial<VaultView> = { choice: 'keychain', state: 'unavailable', problem: missing }

  it('says why, and closes by itself when trying again helps', async () => {
    const { fake, onclose, user } = await vaultDialog(unavailable)
    await screen.findByText(missing.what)
    expect(screen.getByRole('button', { name: 'Use this' })).toHaveAttribute('aria-disabled', 'true')
    await user.click(screen.getByRole('button', { name: 'Try the keychain again' }))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'retry_vault')).toHaveLength(1)
  })

  it('stays while the keychain does', async () => {
    const still = { choice: 'keychain' as const, state: 'unavailable' as const, name: '', problem: missing }
    const { onclose, user } = await vaultDialog(unavailable, { retry_vault: () => still })
    await user.click(await screen.findByRole('button', { name: 'Try the keychain again' }))
    await waitFor(() => expect(screen.getByRole('button', { name: 'Try the keychain again' })).toBeVisible())
    expect(onclose).not.toHaveBeenCalled()
  })

  it('can be asking each time', async () => {
    const { fake, onclose, user } = await vaultDialog(unavailable)
    await user.click(await screen.findByLabelText(/ask me each time/))
    await user.click(screen.getByRole('button', { name: 'Use this' }))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'choose_vault')[0]?.args).toEqual({ choice: 'session', passphrase: null })
  })

  it('can be a file, whose passphrase is typed twice and long enough', async () => {
    const { fake, onclose, user } = await vaultDialog(unavailable)
    await user.click(await screen.findByLabelText('An encrypted file'))
    await user.type(input('Passphrase'), 'short{Enter}')
    expect(input('Passphrase')).toHaveAccessibleDescription(/At least 10/)
    await user.clear(input('Passphrase'))
    await user.type(input('Passphrase'), 'correct horse battery')
    await user.type(input('The same again'), 'correct horse batterie{Enter}')
    expect(input('The same again')).toHaveAccessibleDescription('The two are not the same.')
    expect(called(fake, 'choose_vault')).toHaveLength(0)
    await user.clear(input('The same again'))
    await user.type(input('The same again'), 'correct horse battery{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'choose_vault')[0]?.args).toEqual({ choice: 'file', passphrase: 'correct horse battery' })
  })
})

describe('a locked file', () => {
  it('needs its passphrase once, and a wrong one is said there', async () => {
    const wrong = problem('vault.passphrase', 'This is not the passphrase of the file.', 'Try again.')
    let tries = 0
    const { onclose, user } = await vaultDialog(
      { choice: 'file', state: 'locked', name: '' },
      {
        choose_vault: ({ choice }) => {
          tries += 1
          if (tries === 1) throw wrong
          return { choice, state: 'ready', name: '', problem: null }
        },
      },
    )
    await screen.findByRole('heading', { name: 'Unlock your secrets' })
    expect(screen.queryByLabelText('The same again')).toBeNull()
    await user.type(input('Passphrase'), 'old{Enter}')
    await screen.findByText(wrong.what)
    await user.type(input('Passphrase'), 'er{Enter}')
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
  })
})

describe('settings', () => {
  it('count at once and are kept', async () => {
    const fake = new Fake({ handlers: handlers(() => []) })
    await connect(fake)
    await loadSettings()
    const onclose = vi.fn()
    render(SettingsDialog, { onclose })
    const user = userEvent.setup()
    await screen.findByText('/home/ada/.local/state/wherry')
    await user.click(screen.getByLabelText('Dark'))
    expect(current.settings.theme).toBe('dark')
    await user.click(screen.getByRole('button', { name: 'Larger' }))
    await user.click(screen.getByRole('button', { name: 'Larger' }))
    expect(current.settings.textScale).toBe(1.2)
    await waitFor(() => expect(fake.settings).toMatchObject({ theme: 'dark', textScale: 1.2 }))
    for (let i = 0; i < 12; i++) await user.click(screen.getByRole('button', { name: 'Larger' }))
    expect(current.settings.textScale).toBe(2)
    await user.click(screen.getByRole('button', { name: 'Show log' }))
    expect(called(fake, 'show_folder')[0]?.args).toBe('logs')
  })

  it('that somebody else changed meanwhile are shown, and are not written over', async () => {
    const fake = new Fake({ handlers: handlers(() => []) })
    await connect(fake)
    await loadSettings()
    const theirs = { from: 60, until: 120, uploadLimit: 1_000_000, downloadLimit: null }
    fake.settings = { ...fake.settings, downloadFolder: '/data', transfers: { ...fake.settings.transfers, jobsAtOnce: 4, schedule: [theirs] } }
    render(SettingsDialog, { tab: 'transfers', onclose: vi.fn() })
    const user = userEvent.setup()
    // What was changed before the page was opened.
    await waitFor(() => expect(screen.getByRole('combobox', { name: 'Transfers' })).toHaveValue('4'))
    expect(screen.getByLabelText('From')).toHaveValue('01:00')
    // And after.
    fake.settings = { ...fake.settings, transfers: { ...fake.settings.transfers, notify: false, jobsAtOnce: 8 } }
    await user.click(screen.getByLabelText(/Keep the computer awake/))
    await waitFor(() => expect(fake.settings.transfers.keepAwake).toBe(false))
    expect(fake.settings).toMatchObject({ downloadFolder: '/data', transfers: { notify: false, jobsAtOnce: 8, schedule: [theirs] } })
    await waitFor(() => expect(screen.getByRole('combobox', { name: 'Transfers' })).toHaveValue('8'))
  })

  it('a failure to write loses nothing: it goes with the next change', async () => {
    let broken = true
    const fake: Fake = new Fake({
      handlers: handlers(() => [], {
        save_settings: (settings) => {
          if (broken) throw problem('settings.write', 'The settings cannot be written.', 'Make room.')
          fake.settings = settings
          return null
        },
      }),
    })
    await connect(fake)
    await loadSettings()
    render(SettingsDialog, { tab: 'transfers', onclose: vi.fn() })
    const user = userEvent.setup()
    await user.click(screen.getByLabelText(/Notify me/))
    await waitFor(() => expect(notice.problem?.what).toBe('The settings cannot be written.'))
    broken = false
    await user.click(screen.getByLabelText(/Also compute SHA-256/))
    await waitFor(() => expect(fake.settings.transfers).toMatchObject({ notify: false, receiptSha256: true }))
  })

  it('a new time of the day begins with the usual limits', async () => {
    const fake = new Fake({ handlers: handlers(() => []) })
    fake.settings = { ...fake.settings, transfers: { ...fake.settings.transfers, uploadLimit: 12_000_000 } }
    await connect(fake)
    await loadSettings()
    render(SettingsDialog, { tab: 'transfers', onclose: vi.fn() })
    await userEvent.setup().click(screen.getByRole('button', { name: 'Add a time of the day' }))
    await waitFor(() => expect(fake.settings.transfers.schedule).toMatchObject([{ from: 480, until: 1080, uploadLimit: 12_000_000, downloadLimit: null }]))
  })
})
