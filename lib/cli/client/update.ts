/** `drydock update`: other limits for containers. */
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { addLimitFlags, type LimitFlags, limitsOf } from './create/index.js'
import { readRestart } from './create/words.js'
import { toEach, verb } from './verb.js'

interface Flags extends LimitFlags {
  readonly restart?: string
}

export const update = verb<Flags>(
  (path) =>
    addLimitFlags(
      new GoCommand(path)
        .description('Change the limits of containers.')
        .usage('[OPTIONS] CONTAINER [CONTAINER...]')
        .argument('<container...>', 'names or ids')
        .option('--restart <policy>', 'no, always, unless-stopped, on-failure[:times]'),
    ),
  async ({ options, args, engine: open }) => {
    if (Object.keys(options).length === 0)
      throw new DrydockError('you must provide one or more flags when using this command', { status: 400 })
    const engine = await open()
    const body = updateBody(options)
    const warnings: string[] = []
    const status = await toEach(args, async (word) => {
      const answer = (await engine.ask(engine.container(word).update(body))) as { Warnings?: string[] | null }
      warnings.push(...(answer.Warnings ?? []))
    })
    if (warnings.length > 0) process.stderr.write(`${warnings.join('\n')}\n`)
    return status
  },
)

/** UpdateConfig with the members that docker's client sends, empty ones too. */
export function updateBody(flags: Flags): object {
  return {
    ...limitsOf(flags),
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    Devices: null,
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemorySwappiness: null,
    OomKillDisable: null,
    PidsLimit: flags.pidsLimit ?? null,
    Ulimits: null,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    RestartPolicy: flags.restart === undefined ? { Name: '', MaximumRetryCount: 0 } : readRestart(flags.restart),
  }
}
