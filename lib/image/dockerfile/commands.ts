/** What the instructions of a Dockerfile say, each in its own form. Variables are not replaced yet. */
import type { Pair } from './words.js'

/** A program and its arguments; `shell`: one text, for a shell. */
export interface CommandLine {
  readonly words: readonly string[]
  readonly shell: boolean
}

export interface Healthcheck {
  readonly Test: readonly string[]
  /** Nanoseconds; 0: not said. */
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly Retries?: number
}

export interface Copying {
  readonly sources: readonly string[]
  readonly destination: string
  readonly chown: string
  readonly chmod: string
}

/** `literally`: of `--label`, and no variables are replaced in it. */
export type Command = { readonly code: string } & (
  | { readonly kind: 'add'; readonly copying: Copying }
  | { readonly kind: 'arg'; readonly args: readonly Arg[] }
  | { readonly kind: 'cmd' | 'entrypoint'; readonly line: CommandLine }
  | { readonly kind: 'copy'; readonly copying: Copying; readonly from: string }
  | { readonly kind: 'env'; readonly pairs: readonly Pair[] }
  | { readonly kind: 'expose'; readonly ports: readonly string[] }
  | { readonly kind: 'healthcheck'; readonly health: Healthcheck }
  | { readonly kind: 'label'; readonly pairs: readonly Pair[]; readonly literally?: boolean }
  | { readonly kind: 'maintainer'; readonly text: string }
  | { readonly kind: 'stopsignal' | 'user' | 'workdir'; readonly text: string }
  | { readonly kind: 'onbuild'; readonly expression: string }
  | { readonly kind: 'run'; readonly line: CommandLine; readonly flags: readonly string[] }
  | { readonly kind: 'shell'; readonly words: readonly string[] }
  | { readonly kind: 'volume'; readonly paths: readonly string[] }
)

/** The one that an instruction has. */
export type CommandOf<K extends Command['kind']> = Member<Command, K>
type Member<C, K> = C extends { readonly kind: infer Kind } ? (K extends Kind ? C : never) : never

/** Those that commit and import take (`--change`): they need no container. */
export const CHANGES = [
  'cmd',
  'entrypoint',
  'env',
  'expose',
  'healthcheck',
  'label',
  'onbuild',
  'stopsignal',
  'user',
  'volume',
  'workdir',
] as const
export type ChangeCommand = CommandOf<(typeof CHANGES)[number]>

/** Without a value: whatever is given when the image is built. */
export interface Arg {
  readonly name: string
  readonly value?: string
}

/** FROM, and all up to the next. */
export interface Stage {
  readonly code: string
  readonly base: string
  /** In small letters; '' when it has none. */
  readonly name: string
  readonly platform: string
  readonly commands: Command[]
}

export interface Dockerfile {
  /** ARGs that come before the first FROM. */
  readonly meta: readonly CommandOf<'arg'>[]
  readonly stages: readonly Stage[]
  readonly token: string
  readonly warnings: readonly string[]
}
