/** The frame of every picture: a title and a description for those who do not see it, and colours that follow the reader's choice of light or dark. */

export const WIDTH = 760

/** Colours of contestants, in their order, on white and on nearly black; each has its name beside it as well. */
const COLOURS = [
  ['#1f6feb', '#58a6ff'],
  ['#9a6700', '#d29922'],
  ['#6e7781', '#8b949e'],
  ['#8250df', '#bc8cff'],
  ['#1a7f37', '#3fb950'],
] as const

const fills = (theme: 0 | 1) => COLOURS.map((pair, index) => `.k${index}{fill:${pair[theme]}}`).join('')

const STYLE = [
  'text{font:13px system-ui,sans-serif;fill:#1f2328}',
  '.title{font-weight:600;font-size:15px}.small{font-size:11px;fill:#59636e}.end{text-anchor:end}',
  '.page{fill:#fff;stroke:#d1d9e0}.rule{stroke:#d1d9e0}.spread{stroke:#1f2328;stroke-width:1.5;fill:none}',
  fills(0),
  '@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.page{fill:#0d1117;stroke:#3d444d}.rule{stroke:#3d444d}.spread{stroke:#f0f6fc}',
  fills(1),
  '}',
].join('')

export const colourOf = (index: number): string => `k${index % COLOURS.length}`

export interface Drawing {
  readonly title: string
  /** All that the picture says, in words. */
  readonly description: string
  readonly height: number
  readonly shapes: readonly string[]
}

export function svg({ title, description, height, shapes }: Drawing): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    ...shapes,
    '</svg>',
  ].join('\n')}\n`
}

export const text = (x: number, y: number, words: string, kind = ''): string =>
  `<text x="${round(x)}" y="${round(y)}"${kind && ` class="${kind}"`}>${escaped(words)}</text>`

export const rect = (x: number, y: number, width: number, height: number, kind: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" class="${kind}"/>`

export const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" class="${kind}"/>`

const round = (value: number): number => Math.round(value * 10) / 10

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
