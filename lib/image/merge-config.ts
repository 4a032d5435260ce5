/** Two configurations in one, as `docker commit` merges what it is told with what the container has: moby's daemon/commit.go, merge. */
import type { ContainerConfig } from './types.js'

const MAPS = ['ExposedPorts', 'Volumes', 'Labels'] as const
const WORDS = ['User', 'WorkingDir', 'StopSignal'] as const
const WHOLE = ['Healthcheck', 'OnBuild', 'Shell', 'StopTimeout'] as const

/** What `asked` says counts; where it says nothing, what is there. Null, '' and empty lists say nothing. */
export function mergeConfig(own: ContainerConfig, asked: ContainerConfig): ContainerConfig {
  const merged: Record<string, unknown> = { ...own }
  for (const name of [...WORDS, ...WHOLE]) if (says(asked[name])) merged[name] = asked[name]
  for (const name of MAPS) if (says(asked[name])) merged[name] = { ...own[name], ...asked[name] }
  if (says(asked.Env)) merged.Env = mergeEnv(own.Env ?? [], asked.Env ?? [])
  // A program of one's own does not get the arguments that were meant for another one.
  if (says(asked.Entrypoint)) {
    merged.Entrypoint = asked.Entrypoint
    delete merged.Cmd
  }
  if (says(asked.Cmd)) merged.Cmd = asked.Cmd
  return merged
}

const says = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0)

const nameOf = (variable: string): string => variable.split('=', 1)[0] as string

/** Those that are asked for, and of the others what they do not name. */
function mergeEnv(own: readonly string[], asked: readonly string[]): string[] {
  const named = new Set(asked.map(nameOf))
  return [...asked, ...own.filter((variable) => !named.has(nameOf(variable)))]
}
