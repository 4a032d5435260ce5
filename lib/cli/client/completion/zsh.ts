/** The script for zsh. zshcompsys(1). */
import type { Entry, Flag, Kind, Tables } from './tables.js'

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** `word:text` of _describe, in which a colon ends the word. */
const described = (word: string, text: string): string => quoted(`${word.replaceAll(':', '\\:')}:${text.replaceAll(':', '\\:')}`)

/** With a blank in front it is called as it stands here, without options of _arguments' own. */
const ACTIONS: Readonly<Record<Kind, string>> = {
  container: ' __drydock_names container',
  running: ' __drydock_names running',
  image: ' __drydock_names image',
  network: ' __drydock_names network',
  volume: ' __drydock_names volume',
  file: '_files',
  directory: '_files -/',
  shell: '(bash zsh fish)',
  any: ' ',
}

/** A flag for _arguments: `'(-a --all)'{-a,--all}'[text]'`, and what its value is. */
function spec({ long, short, text, value }: Flag): string {
  const note = `[${text.replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:')}]`
  const action = value === undefined ? '' : `:value:${ACTIONS[value]}`
  const words = short
    ? `{${short}${value === undefined ? '' : '+'},${long}${value === undefined ? '' : '='}}`
    : `${long}${value === undefined ? '' : '='}`
  return `${quoted('*')}${short ? words : quoted(words)}${quoted(note + action)}`
}

function operands({ operands: kinds, more }: Entry): string[] {
  const fixed = more ? kinds.slice(0, -1) : kinds
  const last = kinds.at(-1)
  return [
    ...fixed.map((kind, at) => quoted(`${at + 1}:operand:${ACTIONS[kind]}`)),
    ...(more && last ? [quoted(`*:operand:${ACTIONS[last]}`)] : []),
  ]
}

const body = (entry: Entry): string => `_arguments -s -S ${[...entry.flags.map(spec), ...operands(entry)].join(' ')}`

export function script({ entries, words }: Tables): string {
  const lists = [...words].map(
    ([group, list]) => `    ${quoted(group)}) list=(${list.map(([word, text]) => described(word, text)).join(' ')}) ;;\n`,
  )
  const [first, ...rest] = entries as [Entry, ...Entry[]]
  const cases = rest.map((entry) => `    ${quoted(entry.path)}) ${body(entry)} ;;\n`)
  return `#compdef drydock
# zsh completion for drydock. Made by 'drydock completion zsh'; load it by: source <(drydock completion zsh), after compinit, or put it
# into a file _drydock in a directory of $fpath.

__drydock_names() {
  local -a names
  names=("\${(@f)$("\${__drydock_command[@]}" __complete $1 2>/dev/null)}")
  compadd -a names
}

__drydock_words() {
  local -a list
  case "$1" in
${lists.join('')}  esac
  _describe command list
}

__drydock_verb() {
  case "$1" in
${cases.join('')}  esac
}

_drydock() {
  local curcontext="$curcontext" state line
  local -a __drydock_command
  __drydock_command=(drydock)
  _arguments -C -s -S ${first.flags.map(spec).join(' ')} '1:command:->command' '*::operand:->rest' && return
  case $state in
    command) __drydock_words '' ;;
    rest)
      case $line[1] in
        ${[...words.keys()].filter((word) => word !== '').join('|')})
          if (( CURRENT == 2 )); then
            __drydock_words $line[1]
          else
            local group=$line[1] verb=$words[2]
            shift words
            (( CURRENT-- ))
            __drydock_verb "$group $verb"
          fi
          ;;
        *) __drydock_verb $line[1] ;;
      esac
      ;;
  esac
}

# From $fpath this file is the function at its first call; sourced, it only says whose function it is.
if [[ $funcstack[1] == _drydock ]]; then
  _drydock "$@"
else
  compdef _drydock drydock
fi
`
}
