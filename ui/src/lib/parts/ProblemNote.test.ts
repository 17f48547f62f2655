import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, test, vi } from 'vitest'
import { connect } from '$lib/backend'
import { dialog } from '$lib/frame/dialogs.svelte'
import { Fake, problem } from '$tests/fake'
import ProblemNote from './ProblemNote.svelte'

let fake: Fake
beforeEach(async () => {
  fake = new Fake()
  await connect(fake)
})

const refused = problem('store.key-unknown', 'The store does not know this key.', 'Make a new one.', {
  remedies: [{ kind: 'edit-account', account: 'a' }],
  context: [['HTTP status', '403'], ['key', 'a\nb']],
})

test('says what, what to do, and offers the remedy', async () => {
  render(ProblemNote, { problem: refused })
  expect(screen.getByRole('alert')).toHaveTextContent('The store does not know this key.')
  await userEvent.click(screen.getByRole('button', { name: 'Edit account…' }))
  expect(dialog.open).toEqual({ kind: 'edit-account', account: 'a' })
})

test('trying again is offered only where it can help and somebody can do it', async () => {
  const { rerender } = render(ProblemNote, { problem: { ...refused, retry: true } })
  expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull()
  const onretry = vi.fn()
  await rerender({ problem: { ...refused, retry: false }, onretry })
  expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull()
})

test('a retry is run', async () => {
  const onretry = vi.fn()
  render(ProblemNote, { problem: { ...refused, retry: true }, onretry })
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(onretry).toHaveBeenCalledOnce()
})

test('what a support desk asks for can be copied, and is shown visibly', async () => {
  render(ProblemNote, { problem: refused })
  expect(screen.getByText('a‹LF›b')).toBeInTheDocument()
  await userEvent.click(screen.getByText('Details'))
  await userEvent.click(screen.getByRole('button', { name: 'Copy details' }))
  expect(fake.clipboard).toContain('code: store.key-unknown')
  expect(fake.clipboard).toContain('HTTP status: 403')
})
