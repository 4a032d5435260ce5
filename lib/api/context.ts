/** What the routes are given. */
import type { EngineNouns } from '../engine/types.js'

export type Log = (level: 'debug' | 'info' | 'warn' | 'error', sentence: string) => void

export interface ApiContext {
  readonly engine: EngineNouns
  readonly log: Log
}
