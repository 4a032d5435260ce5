import { describe, expect, it } from 'vitest'
import { bars } from '../../bench/page/bars.js'
import type { Comparison } from '../../bench/page/result.js'
import { timeline } from '../../bench/page/timeline.js'

const COMPARISON: Comparison = {
  key: 'race',
  title: 'one <b> & two',
  unit: 'ms',
  better: 'less',
  own: 'drydock',
  cases: [{ label: 'short', values: { drydock: [9, 10, 11], peer: [40, 40, 40] } }],
}

/** Of the elements of this kind, one attribute each. */
const attributes = (svg: string, element: string, name: string): string[] =>
  [...svg.matchAll(new RegExp(`<${element} [^>]*?\\b${name}="([^"]*)"`, 'g'))].map(([, value]) => value as string)

describe('bars', () => {
  const svg = bars(COMPARISON)

  it('are as long as the medians', () => {
    const [, drydock, peer] = attributes(svg, 'rect', 'width').map(Number) as [number, number, number]
    expect(peer / drydock).toBeCloseTo(4, 1)
  })

  it('have their names and figures beside them, and a line where values spread', () => {
    for (const words of ['short', 'drydock', 'peer', '10.0 ms', '40.0 ms']) expect(svg).toContain(`>${words}</text>`)
    expect(svg.match(/class="spread"/g)).toHaveLength(1)
  })

  it('say in words what they show', () => {
    expect(svg).toContain('<title id="title">one &lt;b&gt; &amp; two</title>')
    expect(svg).toContain('<desc id="description">short: drydock 10.0 ms, peer 40.0 ms.</desc>')
    expect(svg).toContain('role="img" aria-labelledby="title description"')
  })

  it('have a colour for light and one for dark', () => {
    expect(svg.match(/\.k0\{/g)).toHaveLength(2)
    expect(svg).toContain('prefers-color-scheme:dark')
  })

  it('fetch nothing', () => {
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href/)
  })

  it('stay in the picture', () => {
    const [width] = attributes(svg, 'svg', 'width').map(Number) as [number]
    const ends = attributes(svg, 'rect', 'x').map((x, index) => Number(x) + Number(attributes(svg, 'rect', 'width')[index]))
    expect(Math.max(...ends)).toBeLessThanOrEqual(width)
  })
})

describe('timeline', () => {
  const svg = timeline({
    key: 'laps',
    title: 'Laps',
    stretches: [
      { name: 'first', calls: 1, median: 100 },
      { name: 'second', calls: 0, median: 300 },
    ],
  })

  it('begins each stretch where the one before has ended', () => {
    const [, first, second] = attributes(svg, 'rect', 'x').map(Number) as [number, number, number]
    const [, width] = attributes(svg, 'rect', 'width').map(Number) as [number, number]
    expect(second).toBeCloseTo(first + width, 0)
  })

  it('says times, shares and calls', () => {
    expect(svg).toContain('>100 µs, 25 %, 1 call</text>')
    expect(svg).toContain('>300 µs, 75 %</text>')
    expect(svg).toContain('In order: first 100 µs (25 %), second 300 µs (75 %).')
  })
})
