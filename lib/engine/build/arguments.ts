/** Build arguments: what ARG allows, what `--build-arg` gives, and who is worth what where. moby's builder/dockerfile/buildargs.go. */

/** Allowed without ARG, and in no history. */
const PREDEFINED = ['ALL_PROXY', 'FTP_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()])

/** A name without a value was given by the command line, and is set nowhere. */
export type GivenArguments = Readonly<Record<string, string | null>>

export class BuildArguments {
  readonly #given: ReadonlyMap<string, string | null>
  /** Of ARGs before the first FROM. */
  readonly #meta: Map<string, string | undefined>
  /** Of this stage. */
  readonly #allowed = new Map<string, string | undefined>()
  /** Named by an ARG of any stage. */
  readonly #named: Set<string>

  constructor(given: GivenArguments, before?: BuildArguments) {
    this.#given = before ? before.#given : new Map(Object.entries(given))
    this.#meta = before ? before.#meta : new Map()
    this.#named = before ? before.#named : new Set()
  }

  /** For the next stage: nothing is allowed yet but what always is. */
  nextStage(): BuildArguments {
    return new BuildArguments({}, this)
  }

  /** ARG before the first FROM. */
  allowMeta(name: string, value: string | undefined): void {
    this.#meta.set(name, value)
    this.allow(name, value)
  }

  allow(name: string, value: string | undefined): void {
    this.#allowed.set(name, value)
    this.#named.add(name)
  }

  /** `NAME=VALUE`, sorted, for FROM. */
  meta(): string[] {
    return this.#lines(this.#meta)
  }

  /** `NAME=VALUE`, sorted; not those that the environment sets. */
  allowed(environment: readonly string[]): string[] {
    const set = new Set(environment.map(nameOf))
    return this.#lines(this.#allowed).filter((line) => !set.has(nameOf(line)))
  }

  /** Is it told in the history of a RUN? */
  isTold(name: string): boolean {
    return this.#allowed.has(name) || !PREDEFINED.includes(name)
  }

  /** Names that were given and that no ARG has named. */
  unused(): string[] {
    return [...this.#given.keys()].filter((name) => !this.#named.has(name) && !PREDEFINED.includes(name)).sort()
  }

  #lines(defaults: ReadonlyMap<string, string | undefined>): string[] {
    const names = [...new Set([...defaults.keys(), ...PREDEFINED])].sort()
    return names.flatMap((name) => {
      const value = this.#given.get(name) ?? defaults.get(name) ?? this.#meta.get(name)
      return value === undefined ? [] : [`${name}=${value}`]
    })
  }
}

export const nameOf = (line: string): string => line.split('=', 1)[0] as string
