/**
 * The backend of a plain browser under test: the same commands over HTTP to the test harness, which
 * is never part of the shipped app. Drops come as `wherry:drop` events that a test dispatches, because
 * a browser does not say where dropped files are.
 */
import { asProblem, type Backend, type DropListener, type Event, type Point, type Problem } from './index'

type Answer = { ok: unknown } | { problem: Problem }

async function send(command: string, args: unknown): Promise<never> {
  let answer: Answer
  try {
    const response = await fetch('/call', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command, args: args ?? null }),
    })
    answer = (await response.json()) as Answer
  } catch (error) {
    throw asProblem(error)
  }
  if ('problem' in answer) throw asProblem(answer.problem)
  return answer.ok as never
}

interface TestDrop {
  kind: 'enter' | 'over' | 'leave' | 'drop'
  paths?: string[]
  at?: Point
}

function onDrop(listener: DropListener) {
  const hear = (event: globalThis.Event) => {
    const { kind, paths = [], at = { x: 0, y: 0 } } = (event as CustomEvent<TestDrop>).detail
    if (kind === 'enter') listener.enter(paths, at)
    else if (kind === 'over') listener.over(at)
    else if (kind === 'leave') listener.leave()
    else listener.drop(paths, at)
  }
  window.addEventListener('wherry:drop', hear)
  return () => window.removeEventListener('wherry:drop', hear)
}

export function bridgeBackend(): Backend {
  return {
    call: (name, ...args) => send(name, args[0]),
    shell: (name, ...args) => send(name, args[0]),
    events(listener) {
      const source = new EventSource('/events')
      source.onmessage = (message) => listener(JSON.parse(message.data as string) as Event)
      return () => source.close()
    },
    onDrop,
  }
}
