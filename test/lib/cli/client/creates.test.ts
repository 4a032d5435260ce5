/** What `create` asks of an engine, flag by flag, beside what docker's own client asks. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addCreateFlags, createBody, type MakingFlags } from '../../../../lib/cli/client/create/index.js'
import { checkPull, imageName } from '../../../../lib/cli/client/create/make.js'
import { GoCommand } from '../../../../lib/cli/flags.js'
import { casesOf, ENVIRONMENT, FILES, wordsOf } from '../../../support/record-creates.js'
import { differences } from '../../../support/recorder.js'

type Expected = { readonly body: Record<string, unknown>; readonly query?: object } | { readonly error: string; readonly exitCode: number }

const table = JSON.parse(readFileSync(new URL('./creates.json', import.meta.url), 'utf8')) as Record<string, Expected> & { '': object }

/** Where docker's own order is that of a map of Go's, which is another one each time. */
const UNORDERED = new Set(['Env', 'HostConfig.Binds'])

/** What is said otherwise here, and why. */
const OTHERWISE: Readonly<Record<string, RegExp>> = {
  // JSON.parse has words of its own for what is wrong.
  '--security-opt seccomp=labels.txt busybox': /^compacting json for seccomp profile \(labels\.txt\) failed: /,
  // Flags of Windows are not known here.
  '--cpu-count 1 busybox': /unknown option '--cpu-count'/,
  '--foo busybox': /unknown option '--foo'/,
}

let place = ''
const home = process.cwd()

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'creates-'))
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(place, name), content)
  process.chdir(place)
})

afterAll(() => {
  process.chdir(home)
  rmSync(place, { recursive: true })
})

function ours(line: string): { body: object } | { error: string } {
  const command = addCreateFlags(new GoCommand('drydock create').argument('<image>').argument('[command...]').passThroughOptions())
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
    .helpOption('--help')
  try {
    const { argv, switches } = command.readFlags(line === '' ? ['busybox', 'true'] : wordsOf(line))
    command.parse([...argv], { from: 'user' })
    for (const [option, on] of switches) command.setOptionValueWithSource(option.attributeName(), on, 'cli')
    const [image = '', ...words] = command.args
    const flags = command.opts<MakingFlags>()
    checkPull(flags)
    imageName(image)
    const body = createBody(flags, image, words, { atLeast: () => true, environment: ENVIRONMENT })
    return { body: JSON.parse(JSON.stringify(body).replaceAll(place, '.')) as object }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

const settled = (found: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(found).map(([key, value]) => [key, UNORDERED.has(key) && Array.isArray(value) ? [...value].sort() : value]),
  )

describe('the body of a request to create', () => {
  it('is docker’s for a plain container, member by member', () => {
    const plain = ours('')
    expect(plain).toEqual({ body: table[''] })
  })

  it.each(casesOf().filter((line) => table[line] !== undefined && 'body' in table[line]))('is docker’s for %s', (line) => {
    const found = ours(line)
    if ('error' in found) throw new Error(found.error)
    expect(settled(differences(table[''], found.body))).toEqual(settled((table[line] as { body: Record<string, unknown> }).body))
  })

  it.each(casesOf().filter((line) => table[line] !== undefined && 'error' in table[line]))(
    'is refused in docker’s words for %s',
    (line) => {
      const { error } = table[line] as { error: string }
      const found = ours(line)
      const otherwise = OTHERWISE[line]
      if (otherwise) expect((found as { error: string }).error).toMatch(otherwise)
      else expect(found).toEqual({ error: error.replace(/^docker: /, '') })
    },
  )
})

it('has a hardware address where older engines look for it', () => {
  const command = addCreateFlags(new GoCommand('x').argument('<image>'))
  command.parse(['--mac-address', '02:42:ac:11:00:02', 'busybox'], { from: 'user' })
  const body = createBody(command.opts(), 'busybox', [], { atLeast: (version) => version < '1.44', environment: {} })
  expect(body.MacAddress).toBe('02:42:ac:11:00:02')
})
