/** Whether the accounts are shown. In a narrow window, or with large text, they cover the folder instead of sharing its place. */
import { current } from './settings.svelte'

let wanted = $state(true)
let drawer = $state(false)
let width = $state(window.innerWidth)
window.addEventListener('resize', () => (width = window.innerWidth))

/** Widths in units of the root font, which the text scale changes and a media query would not see. */
const NARROW = 56

export const sidebar = {
  get narrow() {
    return width / (13 * current.settings.textScale) < NARROW
  },
  get hidden() {
    return this.narrow ? !drawer : !wanted
  },
  toggle() {
    if (this.narrow) drawer = !drawer
    else wanted = !wanted
  },
  /** Something was chosen in the drawer: it has done its work. */
  chosen() {
    drawer = false
  },
  show() {
    if (this.narrow) drawer = true
    else wanted = true
  },
}
