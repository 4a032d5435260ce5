/** The page as HTML: as it is served, and as one file with a recorded session in it. */
import { createHash } from 'node:crypto'
import type { PageFiles } from './page-files.js'
import type { Exported } from './protocol.js'

const HEAD = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<link rel="icon" href="data:,">`

/** `rest` stands in the head, `last` at the end of the body: a script finds all of the page above it. */
const documentOf = (title: string, rest: string, last: string): string => `<!doctype html>
<html lang="en">
<head>
${HEAD}
${rest}
<title>${escapeText(title)}</title>
</head>
<body>
<div id="app"></div>
<noscript>This page is drawn by a script.</noscript>
${last}
</body>
</html>
`

export const servedDocument = (): string =>
  documentOf('Drydock: the workshop', '<link rel="stylesheet" href="/page.css">', '<script src="/page.js"></script>')

/** Works from a disk without a network: nothing in it is fetched, and nothing that is not named by its hash runs (CSP level 3, 2.3.1). */
export function exportedDocument({ script: source, style }: PageFiles, exported: Exported): string {
  const script = scriptInDocument(source)
  if (/<\/style/i.test(style)) throw new Error('the style sheet would end its own element')
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ]
  return documentOf(
    `Drydock: ${exported.summary.title}`,
    `<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">\n<style>${style}</style>`,
    `<script type="application/json" id="export">${jsonInScript(exported)}</script>\n<script>${script}</script>`,
  )
}

/**
 * A script that neither ends its own element nor hides that end (HTML, 13.2.5.17): what would stands in its strings and regular expressions, where a
 * character may be written by its number.
 */
const scriptInDocument = (script: string): string => script.replace(/<(?=!--|\/?script)/gi, '\\x3C')

/** JSON that ends no script and begins no comment: `<` stands only in its strings, where it may be written by its number (HTML, 13.1.1, RFC 8259, 7). */
export const jsonInScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

/** `drydock-lesson-5-3f2a9c1b.html`: letters, digits and `-`, whatever the trace says. */
export function exportName({ summary }: Pick<Exported, 'summary'>): string {
  const { session, lesson, id } = summary
  const words = ['drydock', session, ...(lesson ? [String(lesson.number)] : []), id].join('-')
  return `${words.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 100)}.html`
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`

/** The text of an element that holds nothing but text. */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
