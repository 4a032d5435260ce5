/**
 * What the packet filters translate. The nft program lists the rules of a network namespace, and is asked again only when the kernel says that they have
 * been changed, or from time to time where one counts packets.
 */
import { open } from '../kernel/calls/files.js'
import { setns } from '../kernel/calls/process.js'
import { sentenceOf } from '../kernel/errors.js'
import { loneShim } from '../kernel/lone.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import { hasNft, runNft } from '../network/run-nft.js'
import type { Instrument } from './instrument.js'
import type { Missing } from './missing.js'
import { translationsIn } from './ruleset.js'
import { mayGoDirectly, type Place, type Surveyed } from './survey.js'
import type { RuleView } from './types.js'

/** Of a packet filter that nobody has ever changed. */
const BORN = 1

/** Milliseconds after which counters are read again. */
const COUNTED = 5000

interface Listed {
  readonly generation: number
  /** Who was asked: another namespace may have the inode number by now. */
  readonly pid: number | undefined
  readonly at: number
  readonly counts: boolean
  readonly rules: Readonly<Record<string, RuleView>>
}

export class RulesSeen {
  #listed = new Map<number, Listed>()

  async view(
    places: readonly Place[],
    networks: ReadonlyMap<number, Surveyed>,
    missing: Missing,
    instrument: Instrument,
  ): Promise<Record<string, RuleView>> {
    const listed = new Map<number, Listed>()
    for (const place of places) {
      const generation = place.kind === 'net' ? networks.get(place.inode)?.generation : undefined
      if (generation === 'forbidden') missing.say('The rules of the packet filter are only told to root.')
      if (typeof generation !== 'number' || generation <= BORN) continue
      const known = this.#listed.get(place.inode)
      const same = known?.generation === generation && known.pid === place.pid && !(known.counts && Date.now() - known.at > COUNTED)
      const list = same ? known : await listRules(place, generation, missing, instrument)
      if (list) listed.set(place.inode, list)
    }
    this.#listed = listed
    return Object.assign({}, ...[...listed.values()].map(({ rules }) => rules))
  }
}

async function listRules(place: Place, generation: number, missing: Missing, instrument: Instrument): Promise<Listed | undefined> {
  if (!hasNft()) {
    missing.say('There are rules of a packet filter, but the program nft, which could list them, is not installed (package nftables).')
    return undefined
  }
  try {
    const { code, stdout, stderr } = await runNft(() => shimIn(place, instrument), ['-a', 'list', 'ruleset'])
    if (code !== 0) {
      missing.say(`The rules of a packet filter cannot be listed: nft: ${stderr.trim().split('\n')[0]}`)
      return undefined
    }
    const { inode: namespace, pid } = place
    const translations = translationsIn(stdout)
    const rules = Object.fromEntries(translations.map(({ key, ...rule }) => [`${namespace}/${key}`, { namespace, ...rule }]))
    return { generation, pid, at: Date.now(), counts: translations.some(({ packets }) => packets !== undefined), rules }
  } catch (error) {
    // Its last process may have ended since it was looked at.
    if (error instanceof StepError && ['ENOENT', 'ESRCH'].includes(error.errno)) return undefined
    missing.say(`The rules of a packet filter cannot be listed: ${sentenceOf(error)}`)
    return undefined
  }
}

/** A shim in this network namespace, where its user is an administrator. */
async function shimIn(place: Place, instrument: Instrument): Promise<Shim> {
  const { pid, owner } = place
  const shim = await loneShim()
  instrument.knows(shim)
  try {
    const user =
      owner === undefined || mayGoDirectly(place)
        ? []
        : [open(`/proc/${owner}/ns/user`, ['rdonly'], { keep: 'user' }), setns(ref('user'), ['user'])]
    const net = pid === undefined ? [] : [open(`/proc/${pid}/ns/net`, ['rdonly'], { keep: 'net' })]
    const enter = pid === undefined ? [] : [setns(ref('net'), ['net'])]
    await shim.run(host([...net, ...user, ...enter]))
    return shim
  } catch (error) {
    await shim.rollback()
    throw error
  }
}
