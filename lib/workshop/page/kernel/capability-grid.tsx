/** The five capability sets of a process, and those of another beside it. */
import { useState } from 'preact/hooks'
import { CAPABILITIES } from '../../../picture/capabilities.js'
import type { ProcessView } from '../../../picture/types.js'
import { useMarker } from '../marks.jsx'
import { boxOfPid, type Scene } from '../scene.js'
import { cut } from '../text.jsx'

type SetName = keyof ProcessView['capabilities']

const SETS: readonly (readonly [SetName, string])[] = [
  ['effective', 'E'],
  ['permitted', 'P'],
  ['inheritable', 'I'],
  ['bounding', 'B'],
  ['ambient', 'A'],
]

export function CapabilityGrid({ scene }: { scene: Scene }) {
  const choices = [...scene.pids].flatMap((pid) => scene.picture.tables.processes[pid] ?? []).filter(({ state }) => state !== 'Z')
  const [left, right] = usually(scene, choices)
  const [chosen, setChosen] = useState<readonly (number | undefined)[]>([undefined, undefined])
  const pick = (at: number, usual: ProcessView | undefined) => choices.find(({ pid }) => pid === chosen[at]) ?? usual
  const two = [pick(0, left), pick(1, right)].flatMap((one) => one ?? [])
  const mark = useMarker()
  if (two.length === 0) return <p class="empty">There is no process to look at.</p>
  return (
    <div class="capabilities">
      <div class="choosers">
        {two.map((one, at) => (
          <div key={at === 0 ? 'left' : 'right'} {...mark(`processes/${one.pid}/capabilities`)}>
            <select
              aria-label={at === 0 ? 'Process on the left' : 'Process on the right'}
              value={one.pid}
              onChange={(event) => {
                const pid = Number(event.currentTarget.value)
                setChosen(at === 0 ? [pid, chosen[1]] : [chosen[0], pid])
              }}
            >
              {choices.map((choice) => (
                <option key={choice.pid} value={choice.pid}>
                  {nameOf(scene, choice)}
                </option>
              ))}
            </select>
            <small>
              {countBits(one.capabilities.effective)} effective, {countBits(one.capabilities.bounding)} in the bounding set
              {one.noNewPrivs && ', no new privileges'}
              {one.seccomp !== 'off' && ', seccomp filter'}
            </small>
          </div>
        ))}
      </div>
      <p class="note legend">
        {SETS.map(([name, letter]) => (
          <span key={name}>
            <span class="bit on">{letter}</span> {name}
          </span>
        ))}
        <span>
          <span class="bit" /> not in the set
        </span>
      </p>
      <ul class="capability-list">
        {CAPABILITIES.map((name, bit) => (
          <li key={name}>
            {two.map((one, at) => (
              <Bits key={at === 0 ? 'left' : 'right'} one={one} bit={bit} />
            ))}
            <span class="capability-name">{name}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Bits({ one, bit }: { one: ProcessView; bit: number }) {
  const has = SETS.filter(([set]) => hasBit(one.capabilities[set], bit))
  return (
    <span class="bits">
      <span class="unseen">
        {one.pid}: {has.length > 0 ? has.map(([name]) => name).join(', ') : 'none'};{' '}
      </span>
      {SETS.map(([set, letter]) => (
        <span key={set} class={hasBit(one.capabilities[set], bit) ? 'bit on' : 'bit'} aria-hidden="true">
          {hasBit(one.capabilities[set], bit) ? letter : ''}
        </span>
      ))}
    </span>
  )
}

/** The innermost container's first process, and beside it one of the host's. */
function usually({ boxes }: Scene, choices: readonly ProcessView[]): [ProcessView | undefined, ProcessView | undefined] {
  const inner = [...boxes].sort((one, other) => other.depth - one.depth).find(({ host }) => !host)
  const left = inner?.processes.find((one) => choices.includes(one)) ?? choices[0]
  const right = boxes.find(({ host }) => host)?.processes.find((one) => choices.includes(one) && one !== left)
  return [left, right ?? choices.find((one) => one !== left)]
}

function nameOf(scene: Scene, one: ProcessView): string {
  const box = boxOfPid(scene, one.pid)
  return `${cut(one.name, 20)} ${one.pid}${box && !box.host ? ` in ${box.label}` : ''}`
}

export const hasBit = (hexadecimal: string, bit: number): boolean => ((BigInt(`0x${hexadecimal || 0}`) >> BigInt(bit)) & 1n) === 1n

export const countBits = (hexadecimal: string): number => CAPABILITIES.filter((_, bit) => hasBit(hexadecimal, bit)).length
