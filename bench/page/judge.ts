/** Targets, and whether they are met. */
import type { Case, Comparison, Target } from './result.js'
import { medianOf, type Ratio, ratioOf } from './statistics.js'

export interface Judgement {
  readonly comparison: Comparison
  readonly label: string
  readonly target: Target
  /** Of the medians; of a bound in the comparison's unit there is the median alone. */
  readonly measured: Ratio
  readonly met: boolean
}

/** Of each target of it, where both sides were measured. */
export function judge(comparison: Comparison): Judgement[] {
  return comparison.cases.flatMap((one) =>
    (one.targets ?? []).flatMap((target) => {
      const measured = measuredOf(comparison, one, target)
      if (!measured) return []
      const met = comparison.better === 'less' ? measured.ratio <= target.bound : measured.ratio >= target.bound
      return [{ comparison, label: one.label, target, measured, met }]
    }),
  )
}

function measuredOf({ own, cases }: Comparison, one: Case, { peer, case: label }: Target): Ratio | undefined {
  const mine = one.values[own]
  if (!mine?.length) return undefined
  if (peer === undefined && label === undefined) {
    const median = medianOf(mine)
    return { ratio: median, low: median, high: median }
  }
  const other = cases.find((candidate) => candidate.label === (label ?? one.label))?.values[peer ?? own]
  return other?.length ? ratioOf(mine, other) : undefined
}

/** `1/5` and `×7` are easier to hold than 0.2 and 7.0. */
export function ratioText(ratio: number): string {
  return ratio >= 1 ? `×${short(ratio)}` : `1/${short(1 / ratio)}`
}

const short = (value: number): string => figure(value).replace(/\.0+$/, '')

/** Three figures that count. */
export function figure(value: number): string {
  if (value === 0) return '0'
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return decimals > 3 ? value.toPrecision(2) : value.toFixed(Math.min(decimals, 2))
}

/** What a judgement measured, and its bound, in words. */
export function judgementText({ comparison: { better, unit, own }, target, measured }: Judgement): {
  readonly measured: string
  readonly bound: string
} {
  const absolute = target.peer === undefined && target.case === undefined
  const most = better === 'less' ? 'at most' : 'at least'
  if (absolute) return { measured: `${figure(measured.ratio)} ${unit}`, bound: `${most} ${figure(target.bound)} ${unit}` }
  const of = target.peer ?? `${own} with ${target.case}`
  const range = `${ratioText(measured.low)} to ${ratioText(measured.high)}`
  return { measured: `${ratioText(measured.ratio)} of ${of} (${range})`, bound: `${most} ${ratioText(target.bound)}` }
}
