/** `drydock version`: which versions the two sides are. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { VERSION } from '../../kernel/version.js'
import { NEWEST } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { goJson } from '../format/index.js'
import { align } from '../table.js'
import { templateOf } from './template.js'
import { verb } from './verb.js'

interface Component {
  readonly Name: string
  readonly Version: string
  readonly Details?: Readonly<Record<string, string>> | null
}

/** Engine API, SystemVersion. */
interface ServerVersion {
  readonly Platform?: { readonly Name: string }
  readonly Components?: readonly Component[] | null
  readonly Version: string
  readonly ApiVersion: string
  readonly MinAPIVersion?: string
  readonly [member: string]: unknown
}

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

export const version = verb<{ readonly format?: string }>(
  (path) =>
    new GoCommand(path)
      .description('Show which versions the two sides are.')
      .usage('[OPTIONS]')
      .option('-f, --format <format>', 'json, or a Go template: {{.Server.Version}}'),
  async ({ options: { format }, engine: open }) => {
    const engine = await open().catch((error: unknown) => {
      if (!(error instanceof DrydockError)) throw error
      return error
    })
    const reached = engine instanceof DrydockError ? undefined : engine
    const server = reached && ((await reached.ask(reached.docker.version())) as unknown as ServerVersion)
    const client = {
      Version: VERSION,
      ApiVersion: reached?.server.apiVersion ?? NEWEST,
      DefaultAPIVersion: NEWEST,
      NodeVersion: process.version,
      Os: process.platform,
      Arch: GO_ARCHITECTURES[process.arch] ?? process.arch,
    }
    if (format === undefined) process.stdout.write(shown(client, server))
    else if (format === 'json') process.stdout.write(`${goJson({ Client: client, Server: server ?? null })}\n`)
    else process.stdout.write(`${templateOf(format)({ Client: client, Server: server ?? null })}\n`)
    if (engine instanceof DrydockError) process.stderr.write(`${sentenceOf(engine)}\n`)
    return reached ? 0 : 1
  },
)

type Client = Readonly<Record<'Version' | 'ApiVersion' | 'DefaultAPIVersion' | 'NodeVersion' | 'Os' | 'Arch', string>>

/** Docker's words for members of details. */
const WORDS: readonly (readonly [member: string, word: string])[] = [
  ['ApiVersion', 'API version'],
  ['GoVersion', 'Go version'],
  ['NodeVersion', 'Node version'],
  ['GitCommit', 'Git commit'],
  ['BuildTime', 'Built'],
]

function shown(client: Client, server: ServerVersion | undefined): string {
  const { ApiVersion, DefaultAPIVersion } = client
  const api = ApiVersion === DefaultAPIVersion ? ApiVersion : `${ApiVersion} (downgraded from ${DefaultAPIVersion})`
  const lines = [
    'Client:',
    ` Version:\t${client.Version}`,
    ` API version:\t${api}`,
    ` Node version:\t${client.NodeVersion}`,
    ` OS/Arch:\t${client.Os}/${client.Arch}`,
  ]
  if (server) {
    lines.push('', `Server:${server.Platform?.Name ? ` ${server.Platform.Name}` : ''}`)
    for (const component of componentsOf(server)) lines.push(...linesOf(component))
  }
  return align(`${lines.join('\n')}\n`)
}

/** Older engines tell of none. */
function componentsOf(server: ServerVersion): readonly Component[] {
  if (server.Components && server.Components.length > 0) return server.Components
  return [{ Name: 'Engine', Version: server.Version, Details: server as unknown as Record<string, string> }]
}

function linesOf({ Name, Version, Details }: Component): string[] {
  const details = Details ?? {}
  const least = details.MinAPIVersion ? ` (minimum version ${details.MinAPIVersion})` : ''
  const told = WORDS.flatMap(([member, word]) => {
    const value = details[member]
    if (value === undefined) return []
    return [`  ${word}:\t${member === 'ApiVersion' ? value + least : member === 'BuildTime' ? goDate(value) : value}`]
  })
  const platform = details.Os && details.Arch ? [`  OS/Arch:\t${details.Os}/${details.Arch}`] : []
  const experimental = details.Experimental === undefined ? [] : [`  Experimental:\t${details.Experimental}`]
  return [` ${Name}:`, `  Version:\t${Version}`, ...told, ...platform, ...experimental]
}

/** `Thu May  7 21:09:36 2026`, of a time in a standard form; other words as they are. */
function goDate(text: string): string {
  if (!/^\d{4}-\d\d-\d\dT/.test(text)) return text
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(text).toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`
}
