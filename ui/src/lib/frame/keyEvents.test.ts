/** What Rust tells of keys: where the window goes, what it says, and who waits. */
import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '$lib/backend'
import { jobs } from '$lib/transfers/jobs.svelte'
import JobRow from '$lib/transfers/JobRow.svelte'
import { JobBox } from '$lib/transfers/jobs.svelte'
import { Fake } from '$tests/fake'
import { account, issuer, jobView, key, NOW } from '$tests/fake-data'
import { cray } from '$tests/scenarios-portals'
import AccountBranch from './AccountBranch.svelte'
import { accounts, refreshAccounts } from './accounts.svelte'
import { closeDialog, dialog } from './dialogs.svelte'
import { health } from './health'
import { heard } from './heard'
import { navigation, restore } from './navigation.svelte'
import { hush, notice } from './notice.svelte'
import { remedy } from './remedies'
import { waiting } from './waiting.svelte'

let fake: Fake
beforeEach(async () => {
  fake = new Fake({ accounts: [cray()] })
  await connect(fake)
  await refreshAccounts()
  restore(null)
})
afterEach(() => {
  cleanup()
  closeDialog()
  hush()
  waiting.signedIn('c1')
})

const job = jobView('w1', { title: 'Upload 240 files', account: 'c1', filesTotal: 240, filesDone: 61, bytesTotal: 100, bytesDone: 10, current: 'a.csv' })

describe('show-keys', () => {
  it('opens the keys of that account', async () => {
    heard({ kind: 'show-keys', account: 'c1' })
    await waitFor(() => expect(navigation.spot).toEqual({ keysOf: 'c1' }))
  })

  it('knows an account that is newer than the list', async () => {
    fake.accounts = [cray(), account('new', 'New')]
    heard({ kind: 'show-keys', account: 'new' })
    await waitFor(() => expect(navigation.spot).toEqual({ keysOf: 'new' }))
  })

  it('goes nowhere for an account that is gone', async () => {
    heard({ kind: 'show-keys', account: 'gone' })
    await waitFor(() => expect(fake.calls.filter(({ name }) => name === 'accounts').length).toBeGreaterThan(1))
    expect(navigation.spot).toBeNull()
  })
})

describe('sign-in-needed', () => {
  it('says so quietly, and leads to the sign-in', () => {
    heard({ kind: 'sign-in-needed', account: 'c1' })
    expect(notice.line?.words).toMatch(/“Cray” waits for you/)
    notice.line?.actions[0]?.run()
    expect(dialog.open).toMatchObject({ kind: 'sign-in', account: 'c1' })
  })

  it('makes the waiting jobs say what they wait for, until somebody has signed in', async () => {
    render(JobRow, { box: new JobBox(job) })
    expect(screen.queryByText(/Waits for you to sign in/)).toBeNull()
    heard({ kind: 'sign-in-needed', account: 'c1' })
    expect(await screen.findByText(/Waits for you to sign in/)).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Sign in…' }))
    expect(dialog.open).toMatchObject({ kind: 'sign-in', account: 'c1' })
    // Signed out, then in again: seen in the account itself.
    fake.accounts = [{ ...cray(), issuer: issuer({ kind: 'cray-sts', signedIn: false }) }]
    await refreshAccounts()
    expect(screen.getByText(/Waits for you to sign in/)).toBeVisible()
    fake.accounts = [cray()]
    await refreshAccounts()
    await waitFor(() => expect(screen.queryByText(/Waits for you to sign in/)).toBeNull())
  })

  it('does not touch a job that is over', () => {
    waiting.needed('c1')
    render(JobRow, { box: new JobBox({ ...job, state: 'done', ended: NOW }) })
    expect(screen.queryByText(/Waits for you to sign in/)).toBeNull()
    expect(jobs.running).toBe(0)
  })
})

describe('the remedy “sign in”', () => {
  it('asks for the sign-in, and tries again once it is done', async () => {
    let again = 0
    remedy({ kind: 'sign-in', account: 'c1' }, () => (again += 1))
    expect(dialog.open).toMatchObject({ kind: 'sign-in', account: 'c1' })
    closeDialog(true)
    await waitFor(() => expect(again).toBe(1))
    remedy({ kind: 'sign-in', account: 'c1' }, () => (again += 1))
    closeDialog(false)
    await Promise.resolve()
    expect(again).toBe(1)
  })
})

describe('the badge', () => {
  const of = (change: Parameters<typeof key>[0], waits = false) => health(key(change), waits)

  it('is there from 14 days, and for what does not work', () => {
    expect(of({ state: 'fine', daysLeft: 15 }).badge).toBeNull()
    expect(of({ state: 'expiring', daysLeft: 12 })).toEqual({ tone: 'warn', badge: '12 d', words: 'Its key expires in 12 days' })
    expect(of({ state: 'expiring', daysLeft: 1 }).words).toBe('Its key expires tomorrow')
    expect(of({ state: 'expiring', daysLeft: 0 })).toMatchObject({ badge: 'today', words: 'Its key expires today' })
    expect(of({ state: 'expired', daysLeft: -3 })).toMatchObject({ tone: 'danger', badge: 'expired' })
  })

  it('leaves keys alone that are lent, unless somebody must sign in', () => {
    expect(of({ state: 'expiring', daysLeft: 0, lent: true }).badge).toBeNull()
    expect(of({ state: 'expired', lent: true }).badge).toBeNull()
    expect(of({ state: 'refused', lent: true }).badge).toBe('refused')
    expect(of({ state: 'expiring', lent: true }, true)).toMatchObject({ tone: 'warn', badge: 'sign in' })
  })

  it('is said in words beside the account’s name', () => {
    const one = account('a1', 'Ice', { key: key({ state: 'expiring', daysLeft: 12, words: 'expires in 12 days' }) })
    render(AccountBranch, { account: one, tabbable: 'a1', onmenu: () => undefined })
    expect(screen.getByText('12 d')).toBeVisible()
    const item = screen.getByRole('treeitem', { name: 'Ice 12 d' })
    expect(item).toHaveAccessibleDescription('Its key expires in 12 days')
    expect(accounts.loaded).toBe(true)
  })
})
