/** A lesson's words: README.md, cut at its `##` headings. The same file reads well on a code host. */
import { readFile } from 'node:fs/promises'
import { marked } from 'marked'
import { DrydockError } from '../kernel/errors.js'

export interface LessonText {
  /** The `#` heading. */
  readonly title: string
  /** Markdown before the first `##`. */
  readonly intro: string
  readonly sections: readonly Section[]
}

export interface Section {
  readonly heading: string
  readonly markdown: string
}

export function parseLessonText(markdown: string): LessonText {
  let title = ''
  let intro = ''
  const sections: { heading: string; markdown: string }[] = []
  // The lexer knows what is a heading and what is a line of code that begins with `##`.
  for (const token of marked.lexer(markdown)) {
    const last = sections.at(-1)
    if (token.type === 'heading' && token.depth === 1 && title === '') title = token.text
    else if (token.type === 'heading' && token.depth === 2) sections.push({ heading: token.text, markdown: '' })
    else if (last) last.markdown += token.raw
    else intro += token.raw
  }
  return { title, intro: intro.trim(), sections: sections.map((one) => ({ ...one, markdown: one.markdown.trim() })) }
}

/** README.md of a lesson's folder. */
export async function readLessonText(directory: URL): Promise<LessonText> {
  const path = new URL('README.md', directory)
  try {
    return parseLessonText(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new DrydockError(`the lesson's text ${path.pathname} cannot be read`, { cause })
  }
}

/** The words that belong to a scene. */
export function sectionOf(text: LessonText, heading: string): Section {
  const found = text.sections.find((section) => section.heading === heading)
  if (found) return found
  throw new DrydockError(`README.md of "${text.title}" has no heading "## ${heading}", which a scene of the lesson stands under`)
}
