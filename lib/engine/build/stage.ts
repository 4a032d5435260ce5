/** One stage of a build while its instructions are gone through: the image so far, and the configuration that the next one has. */
import type { ContainerConfig, Digest } from '../../image/types.js'
import { DEFAULT_PATH } from '../../primitives/process.js'
import { type BuildArguments, nameOf } from './arguments.js'
import type { Found } from './base.js'

const SHELL: readonly string[] = ['/bin/sh', '-c']

export class StageState {
  /** Undefined: there is none yet, the stage began with nothing. */
  image: Digest | undefined
  config: ContainerConfig
  author = ''
  /** There was a CMD: an ENTRYPOINT after it leaves it. */
  cmdSet = false
  /** Instructions of the base that are to be gone through first. */
  readonly triggers: readonly string[]

  constructor(
    base: Found | undefined,
    readonly args: BuildArguments,
  ) {
    const { OnBuild, OpenStdin: _, StdinOnce: __, ...config } = base?.config ?? {}
    this.image = base?.id
    this.triggers = (OnBuild as readonly string[] | null | undefined) ?? []
    const env = config.Env ?? []
    this.config = { ...config, Env: env.some((line) => nameOf(line) === 'PATH') ? env : [...env, `PATH=${DEFAULT_PATH}`] }
  }

  /** What a text for a shell begins with. */
  get shell(): readonly string[] {
    const own = this.config.Shell as readonly string[] | null | undefined
    return own && own.length > 0 ? own : SHELL
  }

  change(members: ContainerConfig): void {
    this.config = { ...this.config, ...members }
  }

  /** The configuration, with an instruction that runs nothing in place of the command; some have it as two words, and some as one. */
  noting(comment: string, { joined = false }: { readonly joined?: boolean } = {}): ContainerConfig {
    return { ...this.config, Cmd: [...this.shell, ...(joined ? [`#(nop) ${comment}`] : ['#(nop) ', comment])] }
  }

  /** Variables of the environment, and the arguments that it does not set. */
  variables(): string[] {
    const env = this.config.Env ?? []
    return [...env, ...this.args.allowed(env)]
  }
}
