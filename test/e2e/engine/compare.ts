/** Two recordings of one session: where the second is not as the first. */
import type { Difference } from '../../support/differences.js'
import { shortcomings } from '../../support/engines/masks.js'
import type { Act, Command } from './player.js'

/** What an engine tells of itself and of its machine there is its own: only what there is to read is compared. */
const OWN_WORDS = ['version', 'info']

/** `key`: `$ run --rm busybox true: stderr`, `events`, `$ inspect web: GET /containers/web/json 200: [0].Config.Cmd`. */
export function differencesOf(name: string, expected: Act, got: Act): Difference[] {
  const reduce = OWN_WORDS.includes(name) ? labelsOf : (command: Command) => command
  const commands = expected.commands.flatMap((command, index) => {
    const other = got.commands[index]
    return other ? ofCommands(reduce(command), reduce(other)) : [{ key: `$ ${command.words}`, peer: 'is there', drydock: 'is not' }]
  })
  return [...commands, ...ofLists('events', expected.events, got.events)]
}

function ofCommands(expected: Command, got: Command): Difference[] {
  const at = `$ ${expected.words}`
  const documents = Object.entries(expected.documents).flatMap(([request, document]) =>
    request in got.documents
      ? shortcomings(document, got.documents[request]).map(({ path, expected: wanted, got: found }) => ({
          key: `${at}: ${request}: ${path}`,
          peer: JSON.stringify(wanted) ?? 'absent',
          drydock: JSON.stringify(found) ?? 'absent',
        }))
      : [],
  )
  return [
    ...(expected.exit === got.exit ? [] : [{ key: `${at}: exit`, peer: String(expected.exit), drydock: String(got.exit) }]),
    ...ofLists(`${at}: stdout`, inOrder(expected), inOrder(got)),
    ...ofLists(`${at}: stderr`, expected.stderr, got.stderr),
    ...ofLists(`${at}: requests`, expected.requests, got.requests),
    ...documents,
  ]
}

/** The names of one image are in a map of docker's client, which has them in any order. */
const inOrder = ({ words, stdout }: Command): readonly string[] => (/^images( |$)/.test(words) ? [...stdout].sort() : stdout)

/** One difference for all lines that are not the same, without those that are the same at the beginning and at the end. */
function ofLists(key: string, expected: readonly string[], got: readonly string[]): Difference[] {
  let from = 0
  while (from < expected.length && from < got.length && expected[from] === got[from]) from++
  let [end, other] = [expected.length, got.length]
  while (end > from && other > from && expected[end - 1] === got[other - 1]) {
    end--
    other--
  }
  if (end === from && other === from) return []
  return [{ key, peer: expected.slice(from, end).join('⏎'), drydock: got.slice(from, other).join('⏎') }]
}

/** What there is to read, without what it says: `Server Version`. */
function labelsOf(command: Command): Command {
  const labels = (lines: readonly string[]) =>
    lines.filter((line) => /^ ?[A-Z][\w ]*:/.test(line)).map((line) => line.split(':')[0] as string)
  return { ...command, stdout: labels(command.stdout), stderr: [] }
}
