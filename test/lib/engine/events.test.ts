import { expect, test } from 'vitest'
import { nanosOf, timestamp } from '../../../lib/engine/clock.js'
import { Events } from '../../../lib/engine/events.js'

const publish = (events: Events, Action: string, ID = 'c1', Type: 'container' | 'network' = 'container') =>
  events.publish({ Type, Action, ID, Attributes: { image: 'box:1', name: 'boat', l: '1' } })

async function past(events: Events, filters: Record<string, string[]> = {}): Promise<string[]> {
  const found: string[] = []
  const options = { since: 0n, until: 2n ** 62n, filters: new Map(Object.entries(filters)), signal: AbortSignal.abort() }
  for await (const { Action } of events.stream(options)) found.push(Action)
  return found
}

test('the past is bounded, and filters are docker’s', async () => {
  const events = new Events()
  for (let at = 0; at < 300; at++) publish(events, `exec_create: ${at}`)
  expect(await past(events)).toHaveLength(256)
  publish(events, 'start')
  publish(events, 'connect', 'n1', 'network')
  expect(await past(events, { event: ['start'] })).toEqual(['start'])
  expect(await past(events, { event: ['exec_create'] })).toHaveLength(254)
  expect(await past(events, { type: ['network'] })).toEqual(['connect'])
  expect(await past(events, { event: ['start'], image: ['box'], container: ['boat'], label: ['l=1'] })).toEqual(['start'])
  expect(await past(events, { label: ['l=2'] })).toEqual([])
  await expect(past(events, { nope: ['1'] })).rejects.toThrow("Invalid filter 'nope'")
})

test('who listens hears what comes from the call on, and no more after the signal', async () => {
  const events = new Events()
  publish(events, 'before')
  const over = new AbortController()
  const stream = events.stream({ filters: new Map(), signal: over.signal })
  publish(events, 'first')
  publish(events, 'second')
  over.abort()
  publish(events, 'after')
  const heard: string[] = []
  for await (const { Action, status, from, id } of stream) heard.push(`${Action} ${status} ${from} ${id}`)
  expect(heard).toEqual(['first first box:1 c1', 'second second box:1 c1'])
})

test('moments there and back', () => {
  for (const text of ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00.5Z', '2026-01-31T10:00:00.000000001Z'])
    expect(timestamp(nanosOf(text))).toBe(text)
})

test('who leaves too many waiting is cut off, and never told half of them as if it were all', async () => {
  const events = new Events()
  const over = new AbortController()
  const stream = events.stream({ filters: new Map(), signal: over.signal })
  for (let at = 0; at < 1024; at++) publish(events, 'start')
  expect(events.listeners).toBe(1)
  publish(events, 'die')
  expect(events.listeners).toBe(0)
  const heard = async () => {
    for await (const _ of stream) throw new Error('nothing is told any more')
  }
  await expect(heard()).rejects.toThrow('the client has left more than 1024 events waiting')
})
