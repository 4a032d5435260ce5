/** One line of a Dockerfile, cut into name, flags and words by the rules of its instruction. Whether they make sense is commands' affair (parse.ts). */
import type { Line } from './lines.js'
import { BLANKS, trim, trimStart } from './spaces.js'
import { jsonWords, leadingFlags, pairs, plainWords, quotedWords } from './words.js'

export interface Node {
  /** In small letters. */
  readonly name: string
  readonly number: number
  /** The line as it is. */
  readonly original: string
  readonly flags: readonly string[]
  readonly words: readonly string[]
  /** The words came as a list in JSON. */
  readonly json: boolean
}

type Words = Pick<Node, 'words' | 'json'>
type Cut = (rest: string, token: string) => Words

const plain = (words: readonly string[]): Words => ({ words, json: false })

const list = (rest: string): Words | undefined => {
  const words = jsonWords(trimStart(rest))
  return words && { words, json: true }
}

const whole: Cut = (rest) => plain(rest === '' ? [] : [rest])
const listOrWhole: Cut = (rest, token) => list(rest) ?? whole(rest, token)
const listOrWords: Cut = (rest) => list(rest) ?? plain(plainWords(rest))
const byBlanks: Cut = (rest) => plain(plainWords(rest))

const namesAndValues =
  (name: string): Cut =>
  (rest, token) =>
    plain(pairs(name, rest, token).flatMap((pair) => [pair.name, pair.value]))

const healthcheck: Cut = (rest, token) => {
  const [, type = '', command = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? []
  if (type === '') return plain([])
  const { words, json } = listOrWhole(command, token)
  return { words: [type, ...words], json }
}

/** What it keeps must be cut as it will be. An ONBUILD in it is refused by its name. */
const onbuild: Cut = (rest, token) => {
  const [word = ''] = rest.split(BLANKS, 1)
  if (word === '' || word.toLowerCase() === 'onbuild') return plain(word === '' ? [] : [word])
  return plain([nodeOf({ number: 0, text: rest }, token).name])
}

const CUTS: Readonly<Record<string, Cut>> = {
  add: listOrWords,
  arg: (rest, token) => plain(quotedWords(rest, token)),
  cmd: listOrWhole,
  copy: listOrWords,
  entrypoint: listOrWhole,
  env: namesAndValues('ENV'),
  expose: byBlanks,
  from: byBlanks,
  healthcheck,
  label: namesAndValues('LABEL'),
  maintainer: whole,
  onbuild,
  run: listOrWhole,
  shell: listOrWhole,
  stopsignal: whole,
  user: whole,
  volume: listOrWords,
  workdir: whole,
}

/** Throws in docker's words when the line cannot be cut; what is no instruction has no words. */
export function nodeOf({ number, text }: Line, token: string): Node {
  const [, word = '', behind = ''] = /^([^\t\v\f\r ]*)[\t\v\f\r ]*(.*)$/s.exec(trim(text)) ?? []
  const name = word.toLowerCase()
  const { flags, rest } = leadingFlags(behind)
  const cut = Object.hasOwn(CUTS, name) ? (CUTS[name] as Cut) : undefined
  const words = cut ? cut(trim(rest), token) : plain([])
  return { name, number, original: text, flags, ...words }
}
