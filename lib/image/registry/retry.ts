/** How often one tries again, and how long one waits before. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TransportError } from './errors.js'
import type { HttpResponse } from './http.js'

export interface Patience {
  /** All tries together. */
  readonly attempts: number
  /** Milliseconds before the second try; twice that before the third, and so on. */
  readonly first: number
  /** Milliseconds that nobody waits longer than. A server that asks for more gets no other try. */
  readonly longest: number
}

export const PATIENCE: Patience = { attempts: 5, first: 500, longest: 60_000 }
/** For a mirror: who comes next is asked at once. */
export const NO_PATIENCE: Patience = { attempts: 1, first: 0, longest: 0 }

/** Somebody waits: milliseconds, and the sentence of why. */
export type OnWait = (wait: { readonly milliseconds: number; readonly why: string }) => void

export interface RetryOptions {
  readonly patience: Patience
  readonly signal?: AbortSignal | undefined
  readonly onWait?: OnWait | undefined
}

/**
 * Try again while the network fails in a way that may pass, or the server says 429 or 5xx; what comes last is given or thrown. A server's
 * Retry-After is honoured, also when it is longer than one's own wait would be.
 */
export async function withRetries(send: () => Promise<HttpResponse>, { patience, signal, onWait }: RetryOptions): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt += 1) {
    let wait = backoff(attempt, patience)
    let why: string
    try {
      const response = await send()
      if ((response.status !== 429 && response.status < 500) || attempt >= patience.attempts) return response
      const asked = retryAfter(response.headers['retry-after'])
      if (asked !== undefined && asked > patience.longest) return response
      wait = Math.max(wait, asked ?? 0)
      why = `${response.url.host} answers ${response.status} ${response.statusText}`.trim()
      await response.discard()
    } catch (error) {
      if (!(error instanceof TransportError) || !error.transient) throw error
      // Whoever asked for this has no reason to ask as often again.
      if (attempt >= patience.attempts) throw new TransportError(error.message, { transient: false, cause: error.cause })
      why = error.message
    }
    onWait?.({ milliseconds: wait, why })
    await pause(wait, signal)
  }
}

/** Between half of and the whole of what doubles each time: many clients that failed together do not come back together. */
export function backoff(attempt: number, { first, longest }: Patience): number {
  const whole = Math.min(first * 2 ** (attempt - 1), longest)
  return whole / 2 + (Math.random() * whole) / 2
}

/** Milliseconds that a Retry-After asks for: seconds, or a date (RFC 9110 section 10.2.3). */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** Sleep, unless told to stop. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted())
}
