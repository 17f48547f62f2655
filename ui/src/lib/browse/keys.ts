/** The keyboard in the table: moving, selecting, opening, and typing the beginning of a name. */
import { command } from '$lib/frame/platform.svelte'
import { up } from '$lib/frame/navigation.svelte'
import { copyPath, openRow, remove, rename, showDetails } from './actions.svelte'
import { clipboard, paste, take } from './copying.svelte'
import { folder } from './folder.svelte'

/** Letters typed within this time belong to one word. */
const WORD = 900

export function tableKeys(page: () => number): (event: KeyboardEvent) => void {
  let typed = ''
  let last = 0

  function typeAhead(letter: string, now: number) {
    const again = now - last > WORD
    last = now
    // The same letter over and over goes from one such name to the next.
    typed = again ? letter : typed === letter ? letter : typed + letter
    const from = typed.length === 1 && folder.total > 0 ? (folder.cursor + 1) % folder.total : folder.cursor
    void folder.find(typed, from).then((index) => {
      if (index !== null) choose(index)
    })
  }

  /** A row that is selected by the keyboard may not have been fetched yet. */
  function choose(index: number) {
    folder.moveTo(index)
    const wanted = folder.cursor
    if (folder.row(wanted)) return folder.choose(wanted)
    folder.chooseNone()
    folder.chooseWhenHere(wanted)
  }

  return (event) => {
    if (event.defaultPrevented || (event.target as Element).closest('.head')) return
    const cmd = command(event)
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page(), PageUp: -page(), Home: -Infinity, End: Infinity }[event.key]
    if (step !== undefined && !event.altKey) {
      const to = Math.max(0, Math.min(folder.total - 1, folder.cursor + step))
      if (event.shiftKey) void folder.extend(to)
      else if (cmd) folder.moveTo(to)
      else choose(to)
    } else if (event.key === ' ' && typed && event.timeStamp - last < WORD) typeAhead(' ', event.timeStamp)
    else if (event.key === ' ') void folder.toggle(folder.cursor)
    else if (event.key === 'Enter' && event.altKey) showDetails()
    else if (event.key === 'Enter') {
      const row = folder.current
      if (!row) return
      folder.aim(folder.cursor)
      openRow(row)
    } else if (event.key === 'Backspace') up()
    else if (event.key === 'F2') rename()
    else if (event.key === 'Delete') void remove()
    else if (cmd && event.key.toLowerCase() === 'a') folder.chooseAll()
    else if (cmd && event.shiftKey && event.key.toLowerCase() === 'c') copyPath()
    else if (cmd && event.key.toLowerCase() === 'c') take(false)
    else if (cmd && event.key.toLowerCase() === 'x') take(true)
    else if (cmd && event.key.toLowerCase() === 'v') paste()
    else if (event.key === 'Escape' && clipboard.taken?.cut) clipboard.clear()
    else if (event.key === 'Escape') folder.chooseNone()
    else if (event.key.length === 1 && !cmd && !event.altKey && !event.ctrlKey && !event.metaKey) typeAhead(event.key, event.timeStamp)
    else return
    event.preventDefault()
  }
}
