/** What the shim does with a container after its execve: the MONITOR frame of native/PROTOCOL.md. */
import type { Slots } from './encode.js'
import type { Ref } from './step.js'
import { Writer } from './writer.js'

export interface MonitorSettings {
  /** Go on when the client has gone. */
  readonly detach?: boolean
  /** The container's stdio is one terminal; `stdout` is its master. */
  readonly tty?: boolean
  /** A client's end of input does not close the container's stdin. */
  readonly keepStdin?: boolean
  /** The shim's ends of the container's stdio, kept by steps before the execve. */
  readonly stdin?: Ref
  readonly stdout?: Ref
  readonly stderr?: Ref
  /** Docker's json-file form; rotated at `logMaxSize` bytes, `logMaxFiles` files (0: without limit). */
  readonly logPath?: string
  readonly logMaxSize?: number
  readonly logMaxFiles?: number
  /** One line of JSON that stands in each entry, at most 16 KiB. */
  readonly logAttrs?: string
  /** Where the exit is written, atomically. */
  readonly exitPath?: string
  /** Where clients attach and control. */
  readonly socketPath?: string
  /** A cgroup file with a line `oom_kill N`. */
  readonly oomPath?: string
}

const DETACH = 1
const TTY = 2
const KEEP_STDIN = 4
const NO_SLOT = 0xff

export function encodeMonitor(settings: MonitorSettings, slots: Slots): Uint8Array {
  const writer = new Writer()
  writer.u8((settings.detach ? DETACH : 0) | (settings.tty ? TTY : 0) | (settings.keepStdin ? KEEP_STDIN : 0))
  // The plan may open them later: the shim looks into the slots when the program runs.
  for (const end of [settings.stdin, settings.stdout, settings.stderr]) writer.u8(end ? slots.define(end.ref) : NO_SLOT)
  writer.u32(settings.logMaxSize ?? 0)
  writer.u16(settings.logMaxFiles ?? 0)
  for (const text of [settings.logPath, settings.exitPath, settings.socketPath, settings.oomPath, settings.logAttrs]) {
    const encoded = Buffer.from(text ?? '')
    writer.u16(encoded.length)
    writer.raw(encoded)
  }
  return writer.bytes()
}
