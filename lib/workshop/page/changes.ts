/** What has changed from one picture to the next, in words, each with the marks of what is drawn: counters that always move are not among it. */
import type {
  CgroupView,
  ChangeView,
  Delta,
  LinkView,
  NamespaceView,
  OverlayView,
  Picture,
  ProcessView,
  RuleView,
  TableName,
} from '../../picture/types.js'
import { bytes, counted, cut, endOf } from './text.js'

export interface Change {
  /** What is marked: `processes/4312`, or a part of it, `processes/4312/capabilities`. */
  readonly mark: string
  readonly words: string
}

type Say = (mark: string, words: string) => void
type Teller<T> = (key: string, before: T | undefined, after: T | undefined, say: Say) => void

export function changesOf(before: Picture, delta: Delta): Change[] {
  const changes: Change[] = []
  const tell = <T>(table: TableName, teller: Teller<T>) => {
    const old = before.tables[table] as Readonly<Record<string, T>>
    const now = (delta.set[table] ?? {}) as Readonly<Record<string, T>>
    const say: Say = (mark, words) => changes.push({ mark: `${table}/${mark}`, words })
    for (const [key, after] of Object.entries(now)) teller(key, Object.hasOwn(old, key) ? old[key] : undefined, after, say)
    for (const key of delta.gone[table] ?? []) if (Object.hasOwn(old, key)) teller(key, old[key], undefined, say)
  }
  tell<ProcessView>('processes', process)
  tell<NamespaceView>('namespaces', namespace)
  tell<CgroupView>('cgroups', cgroup)
  tell<LinkView>('links', link)
  tell<RuleView>('rules', rule)
  tell<OverlayView>('overlays', overlay)
  tell<ChangeView>('changes', change)
  return changes
}

const unlike = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other)
const name = (text: string) => cut(text, 60)

const process: Teller<ProcessView> = (key, before, after, say) => {
  const called = after ?? before
  if (!called) return
  const who = `process ${called.pid} (${name(called.name)})`
  if (!before) {
    const own = called.pids.at(-1)
    return say(key, called.pids.length > 1 ? `${who} is there; it calls itself ${own}` : `${who} is there`)
  }
  if (!after) return say(key, `${who} is gone`)
  if (before.name !== after.name) say(`${key}/name`, `process ${after.pid} was ${name(before.name)} and is ${name(after.name)}`)
  else if (before.command !== after.command) say(`${key}/name`, `${who} runs another program`)
  if ((before.state === 'Z') !== (after.state === 'Z')) say(key, `${who} has ended and waits to be collected: a zombie`)
  for (const kind of Object.keys(after.namespaces)) {
    if (before.namespaces[kind] === after.namespaces[kind] || before.namespaces[kind] === undefined) continue
    say(`${key}/${kind}`, `${who} is in another ${kind} namespace: ${after.namespaces[kind]}`)
  }
  if (unlike(before.pids, after.pids)) say(key, `${who} has other pids: ${after.pids.join(', ')}`)
  if (unlike(before.uid, after.uid)) say(`${key}/uid`, `${who} is uid ${after.uid[1]}`)
  if (before.cgroup !== after.cgroup) say(`${key}/cgroup`, `${who} is in cgroup ${endOf(after.cgroup, 60)}`)
  if (unlike(before.capabilities, after.capabilities)) say(`${key}/capabilities`, `${who} has other capabilities`)
  if (!before.noNewPrivs && after.noNewPrivs) say(`${key}/capabilities`, `${who} can gain no more privileges`)
  if (before.seccomp !== after.seccomp) say(`${key}/capabilities`, `${who} has its system calls filtered (seccomp)`)
  if (before.root !== after.root) say(`${key}/root`, `${who} has another root directory`)
}

const namespace: Teller<NamespaceView> = (key, before, after, say) => {
  const called = after ?? before
  if (!called) return
  const what = `${called.kind} namespace ${called.inode}`
  if (!before) return say(key, `a new ${what}`)
  if (!after) return say(key, `${what} is gone`)
  if (before.hostname !== after.hostname && after.hostname !== undefined) {
    say(`${key}/hostname`, `the host name in ${what} is ${name(after.hostname)}`)
  }
  if (unlike(before.uidMap, after.uidMap)) say(`${key}/uidMap`, `${what} maps uids: ${name((after.uidMap ?? []).join(', '))}`)
}

const cgroup: Teller<CgroupView> = (key, before, after, say) => {
  const what = `cgroup ${endOf(key, 60)}`
  if (!before) return say(key, `a new ${what}`)
  if (!after) return say(key, `${what} is gone`)
  const [memory, cpu, pids] = [after.memory, after.cpu, after.pids]
  if (memory && before.memory?.max !== memory.max) say(`${key}/memory`, `${what}: ${limitWords('memory', memory.max, bytes)}`)
  if (memory && memory.oomKills > (before.memory?.oomKills ?? 0)) {
    say(
      `${key}/memory`,
      `${what}: out of memory, ${counted(memory.oomKills - (before.memory?.oomKills ?? 0), 'process', 'processes')} killed`,
    )
  }
  if (cpu && before.cpu?.max !== cpu.max) say(`${key}/cpu`, `${what}: ${limitWords('CPU', cpu.max, processors)}`)
  if (cpu && cpu.throttled > (before.cpu?.throttled ?? 0)) say(`${key}/cpu`, `${what} is throttled`)
  if (pids && before.pids?.max !== pids.max) say(`${key}/pids`, `${what}: ${limitWords('processes', pids.max, String)}`)
  if (pids && pids.refused > (before.pids?.refused ?? 0)) say(`${key}/pids`, `${what}: a fork was refused`)
  if (before.frozen !== after.frozen && after.frozen !== undefined) say(key, `${what} is ${after.frozen ? 'frozen' : 'thawed'}`)
}

const limitWords = (of: string, limit: number | null, words: (limit: number) => string) =>
  limit === null ? `no limit of ${of}` : `${of} limited to ${words(limit)}`

export const processors = (share: number): string => (share === 1 ? '1 processor' : `${Number(share.toFixed(2))} processors`)

const link: Teller<LinkView> = (key, before, after, say) => {
  const called = after ?? before
  if (!called) return
  const what = `${called.kind === 'bridge' ? 'bridge' : 'interface'} ${name(called.name)}`
  const where = `in net namespace ${called.namespace}`
  if (!before) return say(key, `a new ${what} ${where}`)
  if (!after) return say(key, `${what} is gone from net namespace ${called.namespace}`)
  if (before.name !== after.name) say(key, `interface ${name(before.name)} is called ${name(after.name)} now`)
  if (before.up !== after.up) say(key, `${what} ${where} is ${after.up ? 'up' : 'down'}`)
  else if (before.running !== after.running) say(key, `${what} ${where} ${after.running ? 'has' : 'has lost'} its carrier`)
  if (unlike(before.addresses, after.addresses)) {
    say(`${key}/addresses`, after.addresses.length > 0 ? `${what} has ${after.addresses.join(', ')}` : `${what} has no address any more`)
  }
  if (before.bridge !== after.bridge) say(key, `${what} is ${after.bridge ? 'plugged into a bridge' : 'not plugged in any more'}`)
  if (before.peer !== after.peer && after.peer) say(key, `the cable of ${what} ends in net namespace ${after.peer.split('/')[0]}`)
  if (unlike(before.gateways, after.gateways)) {
    say(
      `${key}/gateways`,
      after.gateways.length > 0 ? `the default route goes by ${after.gateways.join(', ')}` : 'the default route is gone',
    )
  }
  if (unlike(before.listening, after.listening)) {
    say(`${key}/listening`, `TCP ports listened on ${where}: ${(after.listening ?? []).join(', ') || 'none'}`)
  }
}

const rule: Teller<RuleView> = (key, before, after, say) => {
  if (!after) return say(key, `a rule is gone: ${name(before?.text ?? '')}`)
  if (!before) return say(key, `a new rule: ${name(after.text)}`)
  if (before.text !== after.text) say(key, `a rule reads now: ${name(after.text)}`)
  else if ((after.packets ?? 0) > (before.packets ?? 0))
    say(`${key}/packets`, `${counted(after.packets ?? 0, 'packet')}: ${name(after.text)}`)
}

const overlay: Teller<OverlayView> = (key, before, after, say) => {
  const called = after ?? before
  if (!called || (before && after)) return
  const what = `an overlay of ${counted(called.lower.length, 'layer')} at ${endOf(called.mountPoint, 60)}`
  say(key, after ? what : `${what} is gone`)
}

const KIND_OF_CHANGE: Readonly<Record<ChangeView['kind'], string>> = {
  new: 'is new in the upper layer',
  'copied up': 'was copied up',
  whiteout: 'is hidden by a whiteout',
  opaque: 'hides what is below it (opaque)',
}

const change: Teller<ChangeView> = (key, before, after, say) => {
  if (!after) return say(key, `${endOf(before?.path ?? '', 60)} is gone from the upper layer`)
  if (!before || before.kind !== after.kind) return say(key, `${endOf(after.path, 60)} ${KIND_OF_CHANGE[after.kind]}`)
  if (before.size !== after.size) say(key, `${endOf(after.path, 60)} has ${bytes(after.size)} in the upper layer`)
}
