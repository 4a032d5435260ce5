/** A comparison as bars: a group for each case, in it a bar for each contestant, as long as its median; a line across its end from p10 to p90. */
import { figure } from './judge.js'
import type { Comparison } from './result.js'
import { spreadOf } from './statistics.js'
import { colourOf, line, rect, svg, text, WIDTH } from './svg.js'

const LEFT = 200
/** For the figure after the longest bar. */
const RIGHT = 130
const BAR = 16
const GAP = 6
const HEAD = 50
const CASE = 24

export function bars({ title, unit, better, cases }: Comparison): string {
  const contestants = [...new Set(cases.flatMap(({ values }) => Object.keys(values)))]
  const rows = cases.flatMap(({ values }) => Object.values(values).map((measured) => spreadOf(measured).p90))
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...rows, Number.MIN_VALUE)
  const shapes = [text(16, 24, title, 'title'), text(16, 41, `${unit}, median and p10 to p90; ${better} is better`, 'small')]
  let y = HEAD
  for (const { label, values } of cases) {
    shapes.push(line(16, y + 4, WIDTH - 16, y + 4, 'rule'), text(16, y + 20, label))
    y += CASE
    for (const [name, measured] of Object.entries(values)) {
      const { median, p10, p90 } = spreadOf(measured)
      const middle = y + BAR / 2
      shapes.push(
        text(LEFT - 8, y + 12.5, name, 'end'),
        rect(LEFT, y, Math.max(1.5, median * scale), BAR, colourOf(contestants.indexOf(name))),
        ...(p90 > p10 ? [line(LEFT + p10 * scale, middle, LEFT + p90 * scale, middle, 'spread')] : []),
        text(LEFT + Math.max(median, p90) * scale + 8, y + 12.5, `${figure(median)} ${unit}`),
      )
      y += BAR + GAP
    }
    y += GAP
  }
  return svg({ title, description: describe({ unit, cases }), height: y + 8, shapes })
}

const describe = ({ unit, cases }: Pick<Comparison, 'unit' | 'cases'>): string =>
  cases
    .map(({ label, values }) => {
      const said = Object.entries(values).map(([name, measured]) => `${name} ${figure(spreadOf(measured).median)} ${unit}`)
      return `${label}: ${said.join(', ')}.`
    })
    .join(' ')
