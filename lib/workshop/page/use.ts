/** What components use of the browser: the store, the width there is, the time, what is kept from one visit to the next. */
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { State, Store } from './store.js'

export function useStore(store: Store): State {
  const [state, setState] = useState(store.state)
  useEffect(() => {
    setState(store.state)
    return store.subscribe(() => setState(store.state))
  }, [store])
  return state
}

/** Width of an element in pixels, as it is now. */
export function useWidth<E extends HTMLElement>(first = 900): [RefObject<E | null>, number] {
  const ref = useRef<E>(null)
  const [width, setWidth] = useState(first)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}

/** Milliseconds since 1970, every so many milliseconds. */
export function useNow(every: number): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

/** Keys are then letters. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input:not([type=range]), textarea, select')

/** A choice that outlives a reload, where the browser keeps things at all (a file opened from disk may not). */
export function useKept<T extends string>(name: string, first: T, choices: readonly T[]): [T, (choice: T) => void] {
  const [choice, setChoice] = useState(() => {
    const kept = reading(() => localStorage.getItem(`drydock-${name}`))
    return choices.find((one) => one === kept) ?? first
  })
  const choose = (next: T) => {
    setChoice(next)
    reading(() => localStorage.setItem(`drydock-${name}`, next))
  }
  return [choice, choose]
}

function reading<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
