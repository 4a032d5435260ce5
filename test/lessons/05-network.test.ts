/** Lesson 5: its exercises in both directions, the mistakes that people make, and the commands in its text. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { marked } from 'marked'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import lesson from '../../lessons/05-network/lesson.js'
import { HOPS, hops } from '../../lessons/05-network/scenes/hops.js'
import { Bottle } from '../../lib/bottle.js'
import { clone, execve } from '../../lib/index.js'
import { checkExercise, type Verdict } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { Player } from '../../lib/tutor/player.js'
import { Progress } from '../../lib/tutor/progress.js'
import { AutoGuide } from '../../lib/tutor/stage-auto.js'
import { BoxStdio } from '../../lib/tutor/stdio.js'
import { parseLessonText } from '../../lib/tutor/text.js'
import { verifyLesson } from '../../lib/tutor/verify.js'
import { requires } from '../support/requires.js'
import { writtenDisplay } from '../support/written-display.js'

const needsBottle = requires('user-namespaces')
const needsNft = requires('user-namespaces', 'command:nft')

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-lesson5-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

needsBottle(
  'what is handed out fails, the solutions pass, and lies change nothing',
  async () => {
    const verifications = await verifyLesson(lesson)
    expect(verifications.length).toBe(lesson.exercises.length * 4)
    for (const verification of verifications)
      expect(verification, `${verification.exercise} ${verification.program}`).toMatchObject({ ok: true })
  },
  240_000,
)

const NAMES = Object.keys(await import('../../lib/index.js'))
let files = 0

/** The verdict on a function of these steps; everything of lib/index.ts is at hand. */
async function attempt(id: string, parameters: string, steps: string): Promise<Verdict> {
  const path = join(directory, `${id}-${files++}.mts`)
  const used = NAMES.filter((name) => new RegExp(`\\b${name}\\b`).test(steps))
  const index = new URL('../../lib/index.ts', import.meta.url).href
  writeFileSync(path, `import { ${used.join(', ')} } from ${JSON.stringify(index)}\nexport const ${id} = (${parameters}) => [${steps}]\n`)
  return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, path)
}

type Try = readonly [title: string, steps: string, saw: RegExp, hint: number | undefined]

function failing(id: string, parameters: string, needs: typeof needsBottle, tries: readonly Try[]): void {
  for (const [title, steps, saw, hint] of tries) {
    needs(
      `fails: ${title}`,
      async () => {
        const verdict = await attempt(id, parameters, steps)
        expect(verdict.saw.join('\n')).toMatch(saw)
        expect(verdict).toMatchObject({ passed: false, hint })
      },
      240_000,
    )
  }
}

/** A parameter within a string of the learner's. */
const of = (expression: string) => `\${${expression}}`

describe('cable', () => {
  const parameters = '{ outside, inside, gateway, address }'
  const line = `rtnetlink_socket({ keep: 'near' })`
  const veth = `host(veth_add(ref('near'), { name: outside, index: 10, peer: { name: inside, index: 20, netns: { pid: child } } }))`
  const near = `\`${of('gateway')}/24\``
  const far = `\`${of('address')}/24\``
  const atHost = `host(address_add(ref('near'), 10, ${near})), host(link_up(ref('near'), outside))`
  const own = `rtnetlink_socket({ keep: 'own' })`
  const address = `address_add(ref('own'), 20, ${far})`
  failing('cable', parameters, needsBottle, [
    ['nothing', '', /there is no process/, 1],
    ['no room', 'clone()', /in the host’s network/, 1],
    ['a room without a cable', `clone('net')`, /the host has no device .*; it has lo/, 2],
    [
      'both ends on the host',
      `${line}, clone('net'), host(veth_add(ref('near'), { name: outside, peer: { name: inside } }))`,
      /the process’s network has no device/,
      2,
    ],
    [
      'two devices that are no cable',
      `${line}, clone('net'), host(bridge_add(ref('near'), { name: outside, index: 10, up: true })), ${own}, bridge_add(ref('own'), { name: inside, index: 20, up: true })`,
      /are not the two ends of one cable/,
      2,
    ],
    ['no addresses', `${line}, clone('net'), ${veth}`, /has no address/, 3],
    ['one end off', `${line}, clone('net'), ${veth}, ${atHost}, ${own}, ${address}`, /is off/, 4],
    [
      'the other bits',
      `${line}, clone('net'), ${veth}, ${atHost}, ${own}, address_add(ref('own'), 20, address + '/32'), link_up(ref('own'), inside)`,
      /has the address .*\/32, not/,
      3,
    ],
    ['a program that is gone', `${line}, clone('net'), execve('/bin/true', ['true'])`, /not there any more/, undefined],
  ])

  needsBottle('passes in another way: made on the host, and moved', async () => {
    const made = `veth_add(ref('near'), { name: outside, index: 10, peer: { name: 'moved', index: 11 } })`
    const moved = `host(link_set(ref('near'), 11, { netns: { pid: child }, name: inside }))`
    const inChild = `address_add(ref('own'), 11, ${far}), link_up(ref('own'), inside), execve('/bin/sleep', ['sleep', '60'])`
    const steps = `${line}, ${made}, clone('net'), ${moved}, ${atHost}, ${own}, ${inChild}`
    expect(await attempt('cable', parameters, steps)).toMatchObject({ passed: true })
  })
})

describe('bridge', () => {
  const parameters = '{ name, left, right }'
  const line = `rtnetlink_socket({ keep: 'net' })`
  const port = (end: string, more = ', up: true') => `link_set(ref('net'), ${end}, { master: 100${more} })`
  const add = (more = ', up: true') => `bridge_add(ref('net'), { name, index: 100${more} })`
  failing('bridge', parameters, needsBottle, [
    ['nothing', line, /the host has no device/, 2],
    ['a cable of that name', `${line}, veth_add(ref('net'), { name, peer: { name: 'other' } })`, /is no bridge/, 2],
    ['one plug forgotten', `${line}, ${add()}, ${port('left')}, link_up(ref('net'), right)`, /is not plugged into/, 3],
    ['the ends off', `${line}, ${add()}, ${port('left', '')}, ${port('right', '')}`, /is off/, 4],
    ['the bridge off', `${line}, ${add('')}, ${port('left')}, ${port('right')}`, /the bridge .* is off/, 4],
  ])

  needsBottle('passes in another way: one request at a time, the bridge with an address', async () => {
    const later = `link_set(ref('net'), left, { master: 100 }), link_up(ref('net'), left), ${port('right')}, link_up(ref('net'), name)`
    const steps = `${line}, ${add('')}, address_add(ref('net'), 100, '10.255.255.1/24'), ${later}`
    expect(await attempt('bridge', parameters, steps)).toMatchObject({ passed: true })
  })
})

describe('gateway', () => {
  const parameters = '{ door, gateway, far }'
  const forward = `open('/proc/sys/net/ipv4/ip_forward', ['wronly'], { keep: 'f' }), write(ref('f'), '1'), close(ref('f'))`
  const enter = `open(door, ['rdonly'], { keep: 'door' }), clone(), setns(ref('door'), ['net']), rtnetlink_socket({ keep: 'net' })`
  const route = `route_add(ref('net'), { to: 'default', via: gateway })`
  failing('gateway', parameters, needsBottle, [
    ['nothing', `open(door, ['rdonly'])`, /has no route by way of/, 2],
    ['a route and no router', `${enter}, ${route}`, /ip_forward is 0/, 3],
    ['a router and no route', forward, /has no route by way of/, 2],
    ['the container as a router', `${enter}, ${route}, ${forward}`, /ip_forward is 0/, 3],
    ['the route on the host', `rtnetlink_socket({ keep: 'net' }), ${route}`, /has no route by way of/, 2],
  ])

  needsBottle('passes in another way: the shim goes in after it was a router, and the route is to one machine only', async () => {
    const inside = `open(door, ['rdonly'], { keep: 'door' }), setns(ref('door'), ['net']), rtnetlink_socket({ keep: 'net' })`
    const steps = `${forward}, ${inside}, route_add(ref('net'), { to: far + '/32', via: gateway })`
    expect(await attempt('gateway', parameters, steps)).toMatchObject({ passed: true })
  })
})

describe('publish', () => {
  const parameters = '{ nft, host, port, address, inner }'
  const chain = 'add table ip t; add chain ip t in { type nat hook prerouting priority -100; }'
  const rule = (to: string) => `add rule ip t in ip daddr ${of('host')} tcp dport ${of('port')} dnat to ${to}`
  const run = (commands: string) => `clone(), execve(nft, ['nft', \`${commands}\`])`
  failing('publish', parameters, needsNft, [
    ['nobody runs nft', '', /nft was not run/, 1],
    ['a command that nft does not know', run('publish this'), /nft exited with 1: /, 2],
    ['a chain without a rule', run(chain), /gets the answer ECONNREFUSED/, 3],
    ['another port of the container', run(`${chain}; ${rule(`${of('address')}:1`)}`), /refused by the container itself/, 4],
    [
      'a server that is somebody else',
      run(`${chain}; ${rule(`${of('address.replace(/2$/, "1")')}:${of('inner')}`)}`),
      /gets the answer ECONNREFUSED/,
      3,
    ],
  ])

  needsNft('passes in another way: any protocol of the internet’s, and a script on stdin', async () => {
    const script = `add table inet t; add chain inet t in { type nat hook prerouting priority dstnat; }; add rule inet t in tcp dport ${of('port')} dnat ip to ${of('address')}:${of('inner')}`
    const steps = `clone(), execve('/bin/sh', ['sh', '-c', \`echo "${script}" | \${nft} -f -\`])`
    expect(await attempt('publish', parameters, steps)).toMatchObject({ passed: true })
  })
})

describe('hop by hop', () => {
  HOPS.forEach((fault, broken) => {
    needsBottle(
      `finds out that ${fault}`,
      async () => {
        const { display, written } = writtenDisplay()
        const status = await new Player({
          lesson: { ...lesson, scenes: [{ heading: 'One', play: (stage) => hops(stage, broken) }] },
          text: parseLessonText('# A\n\n## One\n\nWords.\n'),
          display,
          guide: new AutoGuide(display),
          progress: new Progress(undefined, directory),
          lacking: [],
        }).play(0)
        expect(written().replace(/\s+/g, ' ')).toContain(`> measured ${fault}`)
        expect(written()).toMatch(/The same packet\n {2}> to \S+ {2}a reply/)
        expect(status, written()).toBe(0)
      },
      240_000,
    )
  })
})

const text = await readFile(new URL('README.md', lesson.directory), 'utf8')
const commands = marked.lexer(text).flatMap((token) => (token.type === 'code' && token.lang === 'sh' ? [String(token.text)] : []))

describe('the commands in the text', () => {
  needsBottle('are there', () => expect(commands.length).toBeGreaterThan(1))

  for (const command of commands) {
    needsBottle(command, async () => {
      const bottle = await Bottle.open({ name: 'text' })
      try {
        const shim = await bottle.shim()
        const stdio = new BoxStdio(shim)
        const results = await stdio.attempt([clone(), execve('/bin/sh', ['sh', '-e', '-c', command], ['PATH=/usr/bin:/bin'])])
        expect(results.map(({ status }) => status)).toEqual(['ok', 'ok'])
        const { code } = await shim.exited
        expect({ code, output: stdio.text }).toMatchObject({ code: 0 })
        expect(stdio.text.trim()).not.toBe('')
      } finally {
        await bottle.close()
      }
    })
  }
})
