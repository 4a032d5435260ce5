/** The script for bash; it needs nothing of bash-completion. bash(1), "Programmable Completion". */
import type { Entry, Kind, Tables } from './tables.js'

/** In single quotes for the shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const cases = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([when, then]) => `    ${quoted(when)}) ${then} ;;\n`).join('')

const flagWords = ({ flags }: Entry): string => flags.flatMap(({ long, short }) => (short ? [long, short] : [long])).join(' ')

/** By flag: of which kind its value is. */
function valueRows(entries: readonly Entry[]): (readonly [string, string])[] {
  return entries.flatMap(({ path, flags }) =>
    flags.flatMap(({ long, short, value }) =>
      value === undefined ? [] : [long, ...(short ? [short] : [])].map((word) => [`${path}:${word}`, `echo ${value}`] as const),
    ),
  )
}

const operandRow = ({ path, operands, more }: Entry): readonly [string, string] => [
  path,
  `echo ${[...operands, ...(more ? ['more'] : [])].join(' ') || 'none'}`,
]

const ASKED: readonly Kind[] = ['container', 'running', 'image', 'network', 'volume']

export function script({ entries, words }: Tables): string {
  const wordRows = [...words].map(([group, list]) => [group, `echo ${quoted(list.map(([word]) => word).join(' '))}`] as const)
  return `# bash completion for drydock. Made by 'drydock completion bash'; load it by: source <(drydock completion bash)

# The words below a group, or of all verbs.
__drydock_words() {
  case "$1" in
${cases(wordRows)}  esac
}

# The flags of a verb.
__drydock_flags() {
  case "$1" in
${cases(entries.map((entry) => [entry.path, `echo ${quoted(flagWords(entry))}`]))}  esac
}

# What the value of a flag is; nothing for one that takes none.
__drydock_value() {
  case "$1:$2" in
${cases(valueRows(entries))}  esac
}

# What the operands of a verb are, in their order; "more" when the last may come again.
__drydock_operands() {
  case "$1" in
${cases(entries.map(operandRow))}  esac
}

__drydock_offer() {
  local kind=$1 word=$2
  case "$kind" in
    ${ASKED.join(' | ')})
      # Names of images have colons, and for readline a word ends at one: only what comes after the last is its affair then.
      local names prefix=
      names=$("\${__drydock_command[@]}" __complete "$kind" 2>/dev/null)
      mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
      if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix=\${word%"\${word##*:}"}
        COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
      fi
      ;;
    shell) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$word") ;;
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames 2>/dev/null ;;
    file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null ;;
  esac
}

_drydock() {
  COMPREPLY=()
  # Words as they were typed: readline has taken them apart at colons and equals signs.
  local -a words=() __drydock_command=("\${COMP_WORDS[0]}")
  local part joined= at
  for ((at = 0; at <= COMP_CWORD; at++)); do
    part=\${COMP_WORDS[at]}
    if ((at > 0)) && [[ $part == [:=]* || $joined == yes ]] && ((\${#words[@]} > 0)) && [[ \${COMP_LINE} == *"\${words[-1]}$part"* ]]; then
      words[-1]+=$part
    else
      words+=("$part")
    fi
    [[ $part == [:=] ]] && joined=yes || joined=
  done
  local current=\${words[-1]} path= word flag= kind operand=0
  for ((at = 1; at < \${#words[@]} - 1; at++)); do
    word=\${words[at]}
    if [[ $word == -* && $word != - && $operand -eq 0 || $word == -* && $(__drydock_operands "$path") != *any*more* ]]; then
      [[ -z $path ]] && __drydock_command+=("$word")
      if [[ $word != *=* && -n $(__drydock_value "$path" "$word") ]]; then
        ((at++))
        ((at >= \${#words[@]} - 1)) && flag=$word
        [[ -z $path ]] && __drydock_command+=("\${words[at]}")
      fi
    elif [[ -z $path ]]; then
      path=$word
    elif [[ $path != *' '* && -n $(__drydock_words "$path") ]]; then
      path="$path $word"
    else
      ((operand++))
    fi
  done
  if [[ -n $flag ]]; then
    __drydock_offer "$(__drydock_value "$path" "$flag")" "$current"
  elif [[ $current == --*=* ]]; then
    __drydock_offer "$(__drydock_value "$path" "\${current%%=*}")" "\${current#*=}"
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(__drydock_flags "$path")" -- "$current")
  elif [[ $path != *' '* && -n $(__drydock_words "$path") ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(__drydock_words "$path")" -- "$current")
  else
    local -a kinds
    read -r -a kinds <<<"$(__drydock_operands "$path")"
    if [[ \${kinds[-1]} == more ]]; then
      unset 'kinds[-1]'
      ((operand >= \${#kinds[@]})) && operand=$((\${#kinds[@]} - 1))
    fi
    __drydock_offer "\${kinds[operand]:-none}" "$current"
  fi
}

complete -F _drydock drydock
`
}
