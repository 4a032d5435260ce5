/** An engine that does what a test says, and remembers what it was asked. What it was told nothing about is a bug, and answers so. */
import { createServer } from 'node:net'
import { Duplex } from 'node:stream'
import type { EngineNouns } from '../../lib/engine/types.js'

export type FakeNouns = { readonly [Noun in keyof EngineNouns]?: Partial<EngineNouns[Noun]> }

export interface Call {
  readonly method: string
  readonly args: readonly unknown[]
}

export interface FakeEngine extends EngineNouns {
  /** In their order, `containers.start` say. */
  readonly calls: readonly Call[]
}

const NOUNS = ['containers', 'execs', 'images', 'builds', 'networks', 'volumes', 'events', 'system'] as const

export function fakeEngine(nouns: FakeNouns): FakeEngine {
  const calls: Call[] = []
  const made = NOUNS.map((noun) => {
    const methods = (nouns[noun] ?? {}) as Readonly<Record<string, (...args: unknown[]) => unknown>>
    const handler = {
      get:
        (_target: object, name: string) =>
        (...args: unknown[]) => {
          const method = `${noun}.${name}`
          calls.push({ method, args })
          if (!methods[name]) throw new Error(`${method} is not part of this test`)
          return methods[name](...args)
        },
    }
    return [noun, new Proxy({}, handler)]
  })
  return { ...(Object.fromEntries(made) as unknown as EngineNouns), calls }
}

/** A program's streams: what the API holds, and the program's own end. */
export function fakeStreams(): { readonly stream: Duplex; readonly program: Duplex } {
  const [stream, program] = pair()
  return { stream, program }
}

class End extends Duplex {
  other!: End
  #resume: (() => void) | undefined

  override _read(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.other.destroyed || this.other.push(chunk)) done()
    else this.other.#resume = done
  }

  override _final(done: () => void): void {
    if (!this.other.destroyed) this.other.push(null)
    done()
  }
}

function pair(): [End, End] {
  const [one, two] = [new End({ allowHalfOpen: true, emitClose: true }), new End({ allowHalfOpen: true, emitClose: true })]
  one.other = two
  two.other = one
  return [one, two]
}

/** A port of the loopback that is free at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
