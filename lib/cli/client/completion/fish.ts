/** The script for fish: `complete` with conditions. fish's complete(1). */
import type { Entry, Flag, Kind, Tables } from './tables.js'

/** In single quotes, in which only the backslash and the quote are special. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const ASKED: readonly Kind[] = ['container', 'running', 'image', 'network', 'volume']

const at = (path: string): string => quoted(`__drydock_at ${path}`)

function flagLine(path: string, { long, short, text, value }: Flag): string {
  const words = `${short ? `-s ${short.slice(1)} ` : ''}-l ${long.slice(2)}`
  return `complete -c drydock -n ${at(path)} ${words}${value === undefined ? '' : ` -r${source(value)}`} -d ${quoted(text)}`
}

function source(kind: Kind): string {
  if (ASKED.includes(kind)) return ` -f -a ${quoted(`(__drydock_names ${kind})`)}`
  if (kind === 'shell') return " -f -a 'bash zsh fish'"
  return kind === 'file' || kind === 'directory' ? ' -F' : ' -f'
}

/** An operand of several kinds offers what any of them is: fish has no count of operands. */
const operandLines = ({ path, operands }: Entry): string[] =>
  [...new Set(operands)].filter((kind) => kind !== 'any').map((kind) => `complete -c drydock -n ${at(path)}${source(kind)}`)

export function script({ entries, words }: Tables): string {
  const groups = [...words.keys()].filter((word) => word !== '')
  const verbs = [...words].flatMap(([group, list]) =>
    list.map(
      ([word, text]) =>
        `complete -c drydock -n ${quoted(group === '' ? '__drydock_at' : `__drydock_at ${group}`)} -f -a ${word} -d ${quoted(text)}`,
    ),
  )
  return `# fish completion for drydock. Made by 'drydock completion fish'; load it by: drydock completion fish | source

# The verb that is being typed, with its group; nothing before there is one.
function __drydock_path
    set -l found
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $word
            case ${(entries[0] as Entry).flags.flatMap(({ long, short, value }) => (value === undefined ? [] : [long, ...(short ? [short] : [])])).join(' ')}
                test (count $found) -eq 0; and set skip 1
            case '-*'
            case '*'
                set -a found $word
                if not contains -- $found[1] ${groups.join(' ')}; or test (count $found) -eq 2
                    break
                end
        end
    end
    echo (string join ' ' -- $found)
end

function __drydock_at
    test (__drydock_path) = "$argv"
end

function __drydock_names
    command drydock __complete $argv 2>/dev/null
end

complete -c drydock -f
${[...verbs, ...entries.flatMap((entry) => [...entry.flags.map((flag) => flagLine(entry.path, flag)), ...operandLines(entry)])].join('\n')}
`
}
