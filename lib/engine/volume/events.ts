/** What volume events tell. */
import type { ContainerHandle, EventLog } from '../context.js'
import { volumesIn } from './usage.js'

export function publishVolume(events: EventLog, Action: 'create' | 'destroy', name: string): void {
  events.publish({ Type: 'volume', Action, ID: name, Attributes: { driver: 'local' } })
}

/** A container has its volumes now; in Docker's words, also of what a mount is. */
export function publishMounts(events: EventLog, { id, record }: ContainerHandle): void {
  for (const { name, destination, readOnly, propagation } of volumesIn(record)) {
    const told = { container: id, destination, driver: 'local', propagation, 'read/write': String(!readOnly) }
    events.publish({ Type: 'volume', Action: 'mount', ID: name, Attributes: told })
  }
}

export function publishUnmounts(events: EventLog, { id, record }: ContainerHandle): void {
  for (const { name } of volumesIn(record))
    events.publish({ Type: 'volume', Action: 'unmount', ID: name, Attributes: { container: id, driver: 'local' } })
}
