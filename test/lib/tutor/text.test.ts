import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Display, type DisplayOptions } from '../../../lib/tutor/display.js'
import { parseLessonText, sectionOf } from '../../../lib/tutor/text.js'
import { displayWidth, wrap, wrapSpans } from '../../../lib/tutor/wrap.js'

async function rendered(markdown: string, options: DisplayOptions = {}): Promise<string> {
  let written = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk
      done()
    },
  })
  await new Display({ stream, columns: 60, colour: 0, ...options }).markdown(markdown)
  return written
}

describe('parseLessonText', () => {
  it('cuts at second-level headings, and not inside code', () => {
    const text = parseLessonText('# Ships\n\nAbout *ships*.\n\n## Hull\n\n```sh\n## no heading\n```\n\n### Keel\n\nLow.\n\n## Mast\n')
    expect(text.title).toBe('Ships')
    expect(text.intro).toBe('About *ships*.')
    expect(text.sections.map(({ heading }) => heading)).toEqual(['Hull', 'Mast'])
    expect(sectionOf(text, 'Hull').markdown).toContain('## no heading')
    expect(sectionOf(text, 'Hull').markdown).toContain('### Keel')
  })

  it('says which heading is missing', () => {
    expect(() => sectionOf(parseLessonText('# Ships\n'), 'Rudder')).toThrow('README.md of "Ships" has no heading "## Rudder"')
  })
})

describe('wrap', () => {
  it('fills lines up to the width and never passes it', () => {
    const lines = wrap('a process that sees other names than its neighbours do, and no more than that', 20, { first: '- ', rest: '  ' })
    expect(lines[0]).toBe('- a process that')
    expect(lines.every((line) => displayWidth(line) <= 20)).toBe(true)
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('names than its neighbours do')
  })

  it('cuts a word that is longer than a line', () => {
    expect(wrap('x'.repeat(25), 10)).toEqual(['x'.repeat(10), 'x'.repeat(10), 'x'.repeat(5)])
  })

  it('applies styles within lines, never across their ends', () => {
    const lines = wrapSpans([{ text: 'one two three', style: (text) => `<${text}>` }], 10)
    for (const line of lines) expect(line.match(/</g)?.length).toBe(line.match(/>/g)?.length)
  })

  it('counts columns as terminals do', () => {
    expect(displayWidth('\u001b[1mabc\u001b[22m')).toBe(3)
    expect(displayWidth('→…│')).toBe(3)
    expect(displayWidth('船')).toBe(2)
    expect(displayWidth('e\u0301')).toBe(1)
  })
})

describe('markdown', () => {
  it('wraps list items and keeps their indentation', async () => {
    const text = await rendered('- the *first* item says so much that it needs **two** lines of this narrow page\n  1. nested\n')
    expect(text).toBe('- the first item says so much that it needs two lines of\n  this narrow page\n  1. nested\n')
  })

  it('fits tables into the width', async () => {
    const table = `| a | b |\n| --- | --- |\n| x | ${'word '.repeat(30)}|\n| y | z |\n`
    const lines = (await rendered(table)).split('\n')
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(60)
    expect(lines[1]).toMatch(/^─+ {2}─+$/)
  })

  it('reads tables as sentences when plain', async () => {
    const text = await rendered('| kind | sees |\n| --- | --- |\n| uts | its own name |\n', { plain: true })
    expect(text).toBe('- uts; sees: its own name.\n')
  })

  it('leaves code as it is, and marks code in a sentence when there is no colour', async () => {
    const markdown = 'Call `clone3`:\n\n```ts\nconst  x = 1\n```\n'
    expect(await rendered(markdown)).toBe('Call `clone3`:\n\n    const  x = 1\n')
    const coloured = await rendered(markdown, { colour: 1 })
    expect(coloured).not.toBe(stripVTControlCharacters(coloured))
    expect(stripVTControlCharacters(coloured)).toBe('Call clone3:\n\n    const  x = 1\n')
  })

  it('shows where a link goes', async () => {
    expect(await rendered('[man](https://man7.org) and [next](../02-cgroups/)')).toBe('man (https://man7.org) and next\n')
  })

  it('hides comments and tags', async () => {
    expect(await rendered('<!-- for editors -->\n\n<b>ship</b> &lt;x&gt;\n')).toBe('ship <x>\n')
  })
})
