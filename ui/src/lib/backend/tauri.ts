/** The backend of the real window: one `call` command, one channel for events, native drops. */
import { Channel, invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import { asProblem, type Backend, type DropListener, type Event, type Point } from './index'

interface DragPayload {
  paths?: string[]
  position: Point
}

async function send(command: string, args: unknown): Promise<never> {
  try {
    return await invoke<never>('call', { command, args: args ?? null })
  } catch (error) {
    throw asProblem(error)
  }
}

/** Tauri speaks of physical pixels. */
function css(position: Point): Point {
  return { x: position.x / window.devicePixelRatio, y: position.y / window.devicePixelRatio }
}

/** Subscribing is asynchronous in Tauri; unsubscribing before it has happened must still work. */
function until(subscriptions: Promise<() => void>[]): () => void {
  return () => {
    for (const one of subscriptions) void one.then((stop) => stop())
  }
}

function onDrop(listener: DropListener) {
  return until([
    listen<DragPayload>('tauri://drag-enter', (e) => listener.enter(e.payload.paths ?? [], css(e.payload.position))),
    listen<DragPayload>('tauri://drag-over', (e) => listener.over(css(e.payload.position))),
    listen<DragPayload>('tauri://drag-drop', (e) => listener.drop(e.payload.paths ?? [], css(e.payload.position))),
    listen('tauri://drag-leave', () => listener.leave()),
  ])
}

export function tauriBackend(): Backend {
  // One channel for the life of the window: Rust replaces an older one, so listeners share it.
  const listeners = new Set<(event: Event) => void>()
  const channel = new Channel<Event>()
  channel.onmessage = (event) => listeners.forEach((tell) => tell(event))
  void invoke('events', { channel })
  return {
    call: (name, ...args) => send(name, args[0]),
    shell: (name, ...args) => send(name, args[0]),
    events(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onDrop,
  }
}
