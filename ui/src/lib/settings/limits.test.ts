/** Limits: what is typed, what counts when, and what is said of rows that overlap. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect, type LimitSlot } from '$lib/backend'
import { loadSettings } from '$lib/frame/settings.svelte'
import { Fake } from '$tests/fake'
import { TRANSFERS } from '$tests/fake-data'
import { hiddenBy, limitsAt, nowWords, parseRate, parseTime, rateText, timeText } from './limits'
import SettingsDialog from './SettingsDialog.svelte'

const slot = (from: number, until: number, uploadLimit: number | null = null): LimitSlot => ({ from: from * 60, until: until * 60, uploadLimit, downloadLimit: null })

describe('a rate', () => {
  test.each([
    ['', null],
    ['  ', null],
    ['2', 2_000_000],
    ['2.5', 2_500_000],
    ['2,5', 2_500_000],
    ['.5', 500_000],
    ['0.01', 10_000],
    ['1000', 1_000_000_000],
  ])('%j', (text, value) => expect(parseRate(text)).toEqual({ value, error: null }))
  test.each(['fast', '-1', '1e9', '1.2.3', '0', '0.0000001', '0.001', '٣'])('%j is none', (text) => expect(parseRate(text).error).not.toBeNull())
  test('is written as it is typed', () => {
    expect([null, 2_500_000, 10_000, 1_000_000_000].map(rateText)).toEqual(['', '2.5', '0.01', '1000'])
  })
})

describe('a time of day', () => {
  test.each([
    ['8', 480],
    ['8:30', 510],
    ['08:30', 510],
    ['0830', 510],
    ['18h05', 1085],
    ['24:00', 0],
    ['00:00', 0],
    ['23:59', 1439],
  ])('%j', (text, minutes) => expect(parseTime(text)).toBe(minutes))
  test.each(['', '25', '24:01', '8:60', 'noon', '8:5', '123'])('%j is none', (text) => expect(parseTime(text)).toBeNull())
  test('is written with two digits', () => expect([0, 510, 1439].map(timeText)).toEqual(['00:00', '08:30', '23:59']))
})

describe('what counts', () => {
  const settings = { uploadLimit: 9, downloadLimit: null, schedule: [slot(8, 18, 1), slot(17, 20, 2), slot(22, 6, 3)] }
  test.each([
    [7, 9],
    [8, 1],
    [17, 1],
    [18, 2],
    [20, 9],
    [22, 3],
    [0, 3],
    [6, 9],
  ])('at %i o’clock', (hour, up) => expect(limitsAt(settings, hour * 60).up).toBe(up))

  test('now, in words', () => {
    const at = (hour: number) => new Date(2026, 2, 14, hour, 30)
    expect(nowWords({ uploadLimit: null, downloadLimit: null, schedule: [] }, at(9))).toBe('Now: as fast as it goes.')
    expect(nowWords({ uploadLimit: 2_000_000, downloadLimit: null, schedule: [] }, at(9))).toBe('Now: uploads at most 2.00 MB/s, downloads as fast as they go.')
    expect(nowWords({ uploadLimit: 2_000_000, downloadLimit: null, schedule: [slot(22, 6)] }, at(23))).toBe('Now: as fast as it goes, until 06:00.')
  })
})

describe('rows that overlap', () => {
  test('say where the upper one counts', () => {
    expect(hiddenBy([slot(8, 18), slot(17, 20)], 1)).toEqual({ all: false, spans: ['17:00–18:00'] })
    expect(hiddenBy([slot(8, 18), slot(17, 20)], 0)).toEqual({ all: false, spans: [] })
    expect(hiddenBy([slot(8, 9), slot(11, 12), slot(7, 13)], 2).spans).toEqual(['08:00–09:00', '11:00–12:00'])
  })
  test('over midnight too', () => {
    expect(hiddenBy([slot(22, 6), slot(5, 7)], 1)).toEqual({ all: false, spans: ['05:00–06:00'] })
    expect(hiddenBy([slot(23, 1), slot(22, 2)], 1)).toEqual({ all: false, spans: ['23:00–01:00'] })
  })
  test('and when nothing is left of one', () => {
    expect(hiddenBy([slot(8, 18), slot(9, 10)], 1).all).toBe(true)
  })
})

describe('in the settings', () => {
  let fake: Fake
  const kept = () => fake.settings.transfers

  beforeEach(async () => {
    fake = new Fake({ settings: { transfers: TRANSFERS } })
    await connect(fake)
    await loadSettings()
    render(SettingsDialog, { tab: 'transfers', onclose: () => undefined })
  })
  afterEach(cleanup)

  test('a limit counts at once; what is no number changes nothing, and is said', async () => {
    const field = screen.getByLabelText('Uploads at most (MB/s)')
    await userEvent.type(field, '2.5')
    await waitFor(() => expect(kept().uploadLimit).toBe(2_500_000))
    await userEvent.type(field, 'x')
    expect(field).toHaveAccessibleDescription(/A number/)
    expect(kept().uploadLimit).toBe(2_500_000)
    await userEvent.clear(field)
    await waitFor(() => expect(kept().uploadLimit).toBeNull())
  })

  test('a time of the day is added, completed, overlapped and removed', async () => {
    expect(screen.queryByRole('group')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'Add a time of the day' }))
    const first = within(screen.getByRole('group', { name: /time 1/ }))
    await userEvent.type(first.getByLabelText('Uploads (MB/s)'), '1')
    await waitFor(() => expect(kept().schedule).toEqual([{ from: 480, until: 1080, uploadLimit: 1_000_000, downloadLimit: null }]))

    await userEvent.click(screen.getByRole('button', { name: 'Add a time of the day' }))
    const second = within(screen.getByRole('group', { name: /time 2/ }))
    await waitFor(() => expect(second.getByLabelText('From')).toHaveFocus())
    expect(second.getByText('Counts when both times are there.')).toBeVisible()
    await userEvent.type(second.getByLabelText('From'), '17:00')
    await userEvent.type(second.getByLabelText('Until'), '17')
    expect(second.getByText(/it never counts/)).toBeVisible()
    await userEvent.clear(second.getByLabelText('Until'))
    await userEvent.type(second.getByLabelText('Until'), '20:00')
    expect(second.getByText('From 17:00–18:00 a row above counts.')).toBeVisible()
    await waitFor(() => expect(kept().schedule.map(({ from }) => from)).toEqual([480, 1020]))

    await userEvent.click(screen.getByRole('button', { name: 'Move time 2 up' }))
    await waitFor(() => expect(kept().schedule.map(({ from }) => from)).toEqual([1020, 480]))
    await userEvent.click(screen.getByRole('button', { name: 'Remove time 1' }))
    await waitFor(() => expect(kept().schedule.map(({ from }) => from)).toEqual([480]))
  })

  test('numbers and wishes are kept', async () => {
    await userEvent.selectOptions(screen.getByLabelText('Files of a transfer'), '16')
    await userEvent.selectOptions(screen.getByLabelText('Transfers', { selector: 'select' }), '4')
    await userEvent.click(screen.getByLabelText('Keep the computer awake while something is transferred'))
    await userEvent.click(screen.getByLabelText('Notify me when a long transfer has ended'))
    await userEvent.click(screen.getByLabelText('Go on with unfinished transfers when Wherry starts'))
    await waitFor(() => expect(kept()).toMatchObject({ parallelFiles: 16, jobsAtOnce: 4, keepAwake: false, notify: false, goOnAtStart: false }))
    await userEvent.selectOptions(screen.getByLabelText('Files of a transfer'), 'As many as the line takes')
    await waitFor(() => expect(kept().parallelFiles).toBeNull())
  })
})
