/** Handing an account over and taking accounts from a file, as a person does it, on the backend in memory. */
import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect } from '$lib/backend'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { SECRET, typed } from '$tests/scenarios-accounts'
import { damaged, found, handOverHandlers, replaces } from '$tests/scenarios-handover'
import HandOverDialog from './HandOverDialog.svelte'
import { HandOver } from './handover.svelte'
import ImportDialog from './ImportDialog.svelte'

afterEach(cleanup)

async function world(change: FakeOptions['handlers'] = {}, shell: FakeOptions['shell'] = {}) {
  const fake = new Fake({ accounts: [typed()], handlers: handOverHandlers(change), shell })
  await connect(fake)
  return fake
}

const button = (name: string | RegExp) => screen.getByRole<HTMLButtonElement>('button', { name })
const called = (fake: Fake, name: string) => fake.calls.filter((call) => call.name === name)
const includeSecret = () => screen.getByLabelText<HTMLInputElement>('Include the secret')

async function opened(change: FakeOptions['handlers'] = {}, shell: FakeOptions['shell'] = {}) {
  const fake = await world(change, shell)
  render(HandOverDialog, { account: typed(), onclose: vi.fn() })
  await screen.findByText(/PUT-THE-SECRET/)
  return { fake, user: userEvent.setup() }
}

describe('with other tools', () => {
  it('shows the first tool without the secret, and with it only after the switch', async () => {
    const { fake, user } = await opened()
    expect(called(fake, 'export_account')).toHaveLength(1)
    expect(called(fake, 'export_account')[0]?.args).toMatchObject({ account: 't1', tool: 'aws', withSecret: false })
    expect(document.body.textContent).not.toContain(SECRET)
    await user.click(includeSecret())
    await screen.findByText(new RegExp(SECRET))
    expect(document.body.textContent).toContain('Whoever can read the text can then use your key')
    await user.click(includeSecret())
    await screen.findByText(/PUT-THE-SECRET/)
    expect(document.body.textContent).not.toContain(SECRET)
  })

  it('takes a text with the secret off the clipboard, and no other', async () => {
    const { fake, user } = await opened()
    await user.click(button('Copy credentials'))
    await user.click(includeSecret())
    await screen.findByText(new RegExp(SECRET))
    await user.click(button('Copy credentials'))
    await waitFor(() => expect(called(fake, 'copy_text')).toHaveLength(2))
    const [without, withIt] = called(fake, 'copy_text').map((call) => call.args as { text: string; secret: boolean })
    expect(without).toMatchObject({ secret: false })
    expect(withIt).toMatchObject({ secret: true })
    expect(withIt?.text).toContain(SECRET)
    await screen.findByText(/taken off the clipboard in 60 seconds/)
  })

  it('goes through the tools by arrow keys, and greys the switch out where a tool keeps secrets itself', async () => {
    const { user } = await opened()
    screen.getByRole('option', { selected: true }).focus()
    await user.keyboard('{ArrowDown}')
    await waitFor(() => expect(screen.getByRole('option', { selected: true }).textContent).toContain('rclone'))
    await user.click(screen.getByRole('option', { name: /Cyberduck bookmark/ }))
    await screen.findByText(/Ice-cores.duck/)
    expect(includeSecret().disabled).toBe(true)
    expect(screen.queryByRole('button', { name: /^Add to/ })).toBeNull()
  })

  it('says what it would change before it changes anything', async () => {
    const { fake, user } = await opened()
    await user.click(button('Add to ~/.aws/credentials…'))
    await screen.findByText('Adds [Ice-cores] to ~/.aws/credentials.')
    expect(document.body.textContent).toContain('The secret is not written')
    expect(called(fake, 'merge_into_tool')).toHaveLength(0)
    await user.click(button('Add'))
    await screen.findByText(/wherry-backup-20260131/)
    expect(called(fake, 'merge_into_tool')[0]?.args).toMatchObject({ replace: false, export: { withSecret: false } })
  })

  it('replaces only after having said so', async () => {
    const { fake, user } = await opened({ merge_plan: () => replaces })
    await user.click(button('Add to ~/.aws/credentials…'))
    await screen.findByText(/key AKIDOLDER/)
    await user.click(button('Replace'))
    await waitFor(() => expect(called(fake, 'merge_into_tool')).toHaveLength(1))
    expect(called(fake, 'merge_into_tool')[0]?.args).toMatchObject({ replace: true })
  })

  it('forgets what it said it would change when something else is chosen', async () => {
    const { user } = await opened()
    await user.click(button('Add to ~/.aws/credentials…'))
    await screen.findByText('Adds [Ice-cores] to ~/.aws/credentials.')
    await user.click(includeSecret())
    await screen.findByText(new RegExp(SECRET))
    expect(screen.queryByText('Adds [Ice-cores] to ~/.aws/credentials.')).toBeNull()
  })

  it('tells a damaged file', async () => {
    const { user } = await opened({
      merge_plan: () => {
        throw damaged
      },
    })
    await user.click(button('Add to ~/.aws/credentials…'))
    await screen.findByText(/line 7 is neither/)
  })

  it('saves where the user says, and nothing when they do not', async () => {
    const picks = [null, '/home/ada/credentials']
    const { fake, user } = await opened({}, { pick_save: () => picks.shift() ?? null })
    await user.click(button('Save as… credentials'))
    await waitFor(() => expect(called(fake, 'pick_save')).toHaveLength(1))
    await user.click(button('Save as… credentials'))
    await screen.findByText('Saved as /home/ada/credentials.')
    expect(called(fake, 'save_export')).toHaveLength(1)
    expect(called(fake, 'save_export')[0]?.args).toMatchObject({ file: 0, path: '/home/ada/credentials' })
  })

  it('has no text with a secret left when it ends', async () => {
    await world()
    const handOver = new HandOver(typed())
    await handOver.load()
    await handOver.includeSecret(true)
    expect(JSON.stringify(handOver.view)).toContain(SECRET)
    handOver.end()
    expect(handOver.view).toBeNull()
  })
})

describe('from another tool', () => {
  async function chosen(change: FakeOptions['handlers'] = {}) {
    const fake = await world(change, { pick_file: () => found.file })
    const onclose = vi.fn()
    render(ImportDialog, { onclose })
    const user = userEvent.setup()
    await user.click(button('Choose the file'))
    await screen.findByText(/3 entries/)
    return { fake, user, onclose }
  }

  it('takes what can be taken, asks for what is missing, and adds nothing before', async () => {
    const { fake, user, onclose } = await chosen()
    await screen.findByText(/not s3/)
    await user.click(button('Add 2 accounts'))
    await screen.findByText('The address of the store is missing.')
    await screen.findByText('The secret is missing.')
    expect(called(fake, 'add_imported')).toHaveLength(0)
    await user.type(screen.getByLabelText('Address of the store', { selector: 'input' }), 'https://s3.other.example.org')
    await user.type(screen.getByLabelText('Secret', { selector: 'input' }), 'hush')
    await user.click(button('Add 2 accounts'))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'add_imported').map((call) => call.args)).toEqual([
      { import: 'import-9', key: 0, name: 'jasmin' },
      { import: 'import-9', key: 1, name: 'somewhere', endpoint: 'https://s3.other.example.org', secret: 'hush' },
    ])
  })

  it('keeps what failed open, with the reason, and does not add the others twice', async () => {
    let first = true
    const { fake, user, onclose } = await chosen({
      add_imported: ({ name }) => {
        if (name === 'jasmin' || !first) return { ...typed(), name }
        first = false
        throw problem('accounts.endpoint', '“x y” is not an address.', 'An endpoint looks like https://s3.example.org.')
      },
    })
    await user.type(screen.getByLabelText('Address of the store', { selector: 'input' }), 'x y')
    await user.type(screen.getByLabelText('Secret', { selector: 'input' }), 'hush')
    await user.click(button('Add 2 accounts'))
    await screen.findByText('“x y” is not an address.')
    expect(onclose).not.toHaveBeenCalled()
    await user.click(button('Add account'))
    await waitFor(() => expect(onclose).toHaveBeenCalledWith(true))
    expect(called(fake, 'add_imported').map((call) => (call.args as { key: number }).key)).toEqual([0, 1, 1])
  })

  it('gives a name that is free, and forgets the file when it closes', async () => {
    const fake = await world({ import_keys: () => ({ ...found, keys: [{ ...found.keys[0]!, name: 'Ice cores' }] }) }, { pick_file: () => found.file })
    const { refreshAccounts } = await import('$lib/frame/accounts.svelte')
    await refreshAccounts()
    const shown = render(ImportDialog, { onclose: vi.fn() })
    await userEvent.setup().click(button('Choose the file'))
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Name here').value).toBe('Ice cores 2'))
    shown.unmount()
    await waitFor(() => expect(called(fake, 'forget_import')).toHaveLength(1))
  })
})
