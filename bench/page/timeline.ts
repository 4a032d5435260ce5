/** One run from left to right: each stretch begins where the one before it has ended. */
import { figure } from './judge.js'
import type { Timeline } from './result.js'
import { colourOf, line, rect, svg, text, WIDTH } from './svg.js'

const LEFT = 110
const RIGHT = 190
const BAR = 16
const ROW = 22
const HEAD = 60

export function timeline({ title, stretches }: Timeline): string {
  const total = stretches.reduce((sum, { median }) => sum + median, 0)
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(total, Number.MIN_VALUE)
  const shapes = [
    text(16, 24, title, 'title'),
    text(16, 41, `microseconds from left to right, ${figure(total / 1000)} ms in all; medians`, 'small'),
  ]
  let x = LEFT
  for (const [index, { name, calls, median }] of stretches.entries()) {
    const y = HEAD + index * ROW
    const said = `${Math.round(median)} µs, ${share(median, total)}${calls > 0 ? `, ${calls} ${calls === 1 ? 'call' : 'calls'}` : ''}`
    shapes.push(
      text(LEFT - 8, y + 12.5, name, 'end'),
      line(LEFT, y + BAR / 2, x, y + BAR / 2, 'rule'),
      // What calls take in the kernel, and what is between them.
      rect(x, y, Math.max(1.5, median * scale), BAR, colourOf(calls > 0 ? 0 : 2)),
      text(x + median * scale + 8, y + 12.5, said, 'small'),
    )
    x += median * scale
  }
  return svg({ title, description: describe(stretches, total), height: HEAD + stretches.length * ROW + 10, shapes })
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`

const describe = (stretches: Timeline['stretches'], total: number): string =>
  `In order: ${stretches.map(({ name, median }) => `${name} ${Math.round(median)} µs (${share(median, total)})`).join(', ')}.`
