/**
 * Writes lib/kernel/words.ts: the words of native/constants.def as types, so that a wrong flag is a type error in the editor.
 * `npm run words`; a test fails when the file is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const definitions = new URL('../native/constants.def', import.meta.url)
const target = new URL('../lib/kernel/words.ts', import.meta.url)

/** The text of lib/kernel/words.ts that the definitions ask for. */
export function generateWords(definitionText: string): string {
  const groups = new Map<string, string[]>()
  for (const [, group, word] of definitionText.matchAll(/^CONSTANT\((\w+), (\w+), \w+\)$/gm)) {
    const words = groups.get(group as string)
    if (words) words.push(word as string)
    else groups.set(group as string, [word as string])
  }
  const lines = [...groups].map(([group, words]) => `  ${group}: [${words.map((word) => `'${word}'`).join(', ')}],`)
  return [
    '// Made by `npm run words` from native/constants.def; edit that file, not this one.',
    '',
    '/** Every number that the project knows by name, grouped by the argument it is for. */',
    '// biome-ignore format: one line a group',
    'export const WORDS = {',
    ...lines,
    '} as const',
    '',
    'export type Group = keyof typeof WORDS',
    'export type Word<G extends Group> = (typeof WORDS)[G][number]',
    '',
  ].join('\n')
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(target, generateWords(readFileSync(definitions, 'utf8')))
}
