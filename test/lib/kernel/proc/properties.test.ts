/** What holds of every text of /proc: as the kernel writes it, it is read as it was meant, whatever names are in it; what the kernel never wrote is read or refused. */
import { describe, expect, test } from 'vitest'
import { formatIp, formatMac, formatPrefix, parseIp, parseMac, parsePrefix } from '../../../../lib/kernel/ip.js'
import { directoryOf, hierarchiesOf, parseCgroup } from '../../../../lib/kernel/proc/cgroup.js'
import { parseIdMap, toInside, toOutside } from '../../../../lib/kernel/proc/idmap.js'
import { parseLimits } from '../../../../lib/kernel/proc/limits.js'
import { parseMeminfo } from '../../../../lib/kernel/proc/meminfo.js'
import { mountAt, overlayOf, parseMount, parseMountinfo, propagationOf, unescapeOctal } from '../../../../lib/kernel/proc/mountinfo.js'
import { decodeAddress, parseArp, parseNetDev, parseRoutes, parseRoutes6, parseSnmp, parseTcp } from '../../../../lib/kernel/proc/net.js'
import { parseCommandLine, parseStat, readProcesses } from '../../../../lib/kernel/proc/processes.js'
import { readProcFile } from '../../../../lib/kernel/proc/read.js'
import { parseMachineStat } from '../../../../lib/kernel/proc/stat.js'
import { parseStatus } from '../../../../lib/kernel/proc/status.js'
import { answerOf, buffer, changed, changes, fc, RUNS } from '../../../support/properties.js'

/** Names as somebody who means ill gives them. */
const name = fc.string({
  unit: fc.constantFrom(...'ab/-\\ \t\n:,=()#é', '\\040', ' - ', '(deleted)', '//deleted'),
  minLength: 1,
  maxLength: 20,
})

/** seq_path(): blanks, line ends, backslashes; and in what a file system shows of its options, commas besides (seq_escape). */
const escaped = (text: string, which: RegExp) =>
  Buffer.from(text)
    .toString('latin1')
    .replace(which, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)
const path = (text: string) => Buffer.from(escaped(text, /[ \t\n\\#]/g), 'latin1').toString()
const option = (text: string) => Buffer.from(escaped(text, /[ \t\n\\,]/g), 'latin1').toString()

describe('mountinfo', () => {
  const mount = fc.record({
    id: fc.nat(),
    parent: fc.nat(),
    device: fc.record({ major: fc.nat(4095), minor: fc.nat(1 << 20) }),
    root: name,
    mountPoint: name,
    options: fc.array(fc.constantFrom('rw', 'ro', 'nosuid', 'relatime'), { minLength: 1, maxLength: 3 }),
    shared: fc.option(fc.nat(), { nil: undefined }),
    master: fc.option(fc.nat(), { nil: undefined }),
    unbindable: fc.boolean(),
    otherFields: fc.array(fc.constantFrom('future:7', 'newer'), { maxLength: 2 }),
    fsType: fc.constantFrom('ext4', 'overlay', 'fuse.x', 'cgroup'),
    source: fc.oneof(name, fc.constant('')),
    superOptions: fc.array(
      name.map((text) => text.replace(/^/, 'x=')),
      { minLength: 1, maxLength: 3 },
    ),
  })

  test('that is written as the kernel writes it is read as it was meant', () => {
    fc.assert(
      fc.property(fc.array(mount, { maxLength: 4 }), (mounts) => {
        const text = mounts.map((one) =>
          [
            ...[one.id, one.parent, `${one.device.major}:${one.device.minor}`, path(one.root), path(one.mountPoint), one.options.join(',')],
            ...(one.shared === undefined ? [] : [`shared:${one.shared}`]),
            ...(one.master === undefined ? [] : [`master:${one.master}`]),
            ...(one.unbindable ? ['unbindable'] : []),
            ...[...one.otherFields, '-', one.fsType, path(one.source), one.superOptions.map(option).join(',')],
          ].join(' '),
        )
        const read = parseMountinfo(text.map((line) => `${line}\n`).join(''))
        expect(read).toEqual(mounts)
        for (const one of read) expect(mountAt(read, one.mountPoint)?.mountPoint ?? one.mountPoint).toBe(one.mountPoint)
      }),
    )
  })

  test('of an overlay names its directories, whatever they are called', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), name, name, (lower, upper, work) => {
        // What ovl_show_options() does to colons and backslashes of a name comes first, the line's escapes after it.
        const plain = (text: string) => text.replace(/[\\:]/g, '\\$&')
        const options = [`lowerdir=${lower.map(plain).join(':')}`, `upperdir=${plain(upper)}`, `workdir=${plain(work)}`]
        const found = overlayOf(parseMount(`1 2 0:1 / /x rw - overlay overlay rw,${options.map(option).join(',')}`))
        expect(found).toEqual({ lower, upper, work })
      }),
    )
  })

  test('of any text is read or refused', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'0:/- rw,\\\n', '0:1', ' - ', '1 2 0:1 / / rw - a b c', 'shared:'), maxLength: 40 }),
        (text) => {
          for (const one of answerOf(() => parseMountinfo(text)) ?? []) {
            propagationOf(one)
            overlayOf(one)
          }
          expect(unescapeOctal(text).length).toBeLessThanOrEqual(text.length)
        },
      ),
      { numRuns: 5 * RUNS },
    )
  })
})

describe('cgroups', () => {
  test('of a process are read as they were meant, colons and all', () => {
    const controller = fc.constantFrom('cpu', 'memory', 'cpu,cpuacct', 'name=systemd', '')
    const list = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 20 }),
        controller,
        name.filter((one) => !one.includes('\n') && !/ \(deleted\)$/.test(one)),
        fc.boolean(),
      ),
    )
    fc.assert(
      fc.property(list, (all) => {
        const text = all.map(([number, names, path, deleted]) => `${number}:${names}:/${path}${deleted ? ' (deleted)' : ''}\n`).join('')
        const read = parseCgroup(text)
        expect(read.map(({ hierarchy, path, deleted }) => [hierarchy, path, deleted])).toEqual(
          all.map(([number, , path, deleted]) => [number, `/${path}`, deleted]),
        )
      }),
    )
  })

  test('are directories below the mount point, or none', () => {
    const some = fc.string({ unit: fc.constantFrom('/', 'a', '..', '.'), maxLength: 8 }).map((text) => `/${text}`)
    fc.assert(
      fc.property(some, some, (path, root) => {
        const found = directoryOf({ path }, { version: 2, controllers: [], mountPoint: '/sys/fs/cgroup', root })
        if (found !== undefined) expect(found.startsWith('/sys/fs/cgroup')).toBe(true)
      }),
    )
  })
})

describe('what a process is called', () => {
  test('does not change what else is said of it', () => {
    fc.assert(
      fc.property(name, fc.array(fc.nat(), { minLength: 49, maxLength: 49 }), (comm, numbers) => {
        const found = parseStat(`7 (${comm}) S ${numbers.join(' ')}\n`)
        expect(found).toMatchObject({ pid: 7, comm, state: 'S', ppid: numbers[0], threads: numbers[16], startTicks: numbers[18] })
      }),
    )
  })

  test('and its arguments are as they were given', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => !one.includes('\0')),
          { minLength: 1 },
        ),
        (words) => {
          expect(parseCommandLine(words.map((word) => `${word}\0`).join(''))).toEqual(words)
        },
      ),
    )
  })

  test('in its status is unescaped, and forges no line', () => {
    const own = readProcFile('/proc/self/status') as string
    fc.assert(
      fc.property(name, (comm) => {
        const shown = comm.replace(/[\\\n]/g, (one) => (one === '\n' ? '\\n' : '\\\\'))
        const found = parseStatus(own.replace(/^Name:\t.*$/m, () => `Name:\t${shown}`))
        expect(found.name).toBe(comm)
        expect(found.uid.real).toBe(process.getuid?.())
      }),
    )
  })
})

describe('addresses', () => {
  const address = fc.oneof(
    buffer(4, 4),
    buffer(16, 16),
    fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
  )

  test('as they are shown are the same again', () => {
    fc.assert(
      fc.property(address, fc.nat(128), (bytes, length) => {
        expect(Buffer.from(parseIp(formatIp(bytes)).bytes)).toEqual(bytes)
        const prefix = { bytes, length: Math.min(length, bytes.length * 8) }
        const read = parsePrefix(formatPrefix(prefix))
        expect([Buffer.from(read.bytes), read.length]).toEqual([bytes, prefix.length])
        const swapped = Buffer.from(bytes).swap32()
        expect(decodeAddress(swapped.toString('hex').toUpperCase())).toBe(formatIp(bytes))
      }),
      { numRuns: 5 * RUNS },
    )
    fc.assert(
      fc.property(buffer(6, 6), (bytes) => {
        expect(Buffer.from(parseMac(formatMac(bytes)))).toEqual(bytes)
      }),
    )
  })

  test('are one, or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abf:./%', '::', '255'), maxLength: 16 }), (text) => {
        const found = answerOf(() => parsePrefix(text))
        if (found) expect(parsePrefix(formatPrefix(found))).toEqual(found)
      }),
      { numRuns: 5 * RUNS },
    )
  })
})

test('an id that has a mapping comes back by it', () => {
  const range = fc.record({ inside: fc.nat(1e6), outside: fc.nat(1e6), count: fc.integer({ min: 1, max: 1e5 }) })
  fc.assert(
    fc.property(range, fc.nat(2e6), (range, id) => {
      const map = parseIdMap(`${[range.inside, range.outside, range.count].map((number) => String(number).padStart(11)).join('')}\n`)
      expect(map).toEqual([range])
      const outside = toOutside(map, id)
      expect(outside === undefined).toBe(id < range.inside || id >= range.inside + range.count)
      if (outside !== undefined) expect(toInside(map, outside)).toBe(id)
    }),
  )
})

/** Every reader with a text that it is for, from this very process. */
const READERS: readonly (readonly [string, (text: string) => unknown])[] = [
  ['mountinfo', (text) => hierarchiesOf(parseMountinfo(text))],
  ['cgroup', parseCgroup],
  ['status', parseStatus],
  ['stat', parseStat],
  ['uid_map', parseIdMap],
  ['limits', parseLimits],
  ['net/dev', parseNetDev],
  ['net/route', parseRoutes],
  ['net/ipv6_route', parseRoutes6],
  ['net/tcp', parseTcp],
  ['net/arp', parseArp],
  ['net/snmp', parseSnmp],
  ['../meminfo', parseMeminfo],
  ['../stat', parseMachineStat],
]

test.each(READERS)('%s with some bytes changed, cut off anywhere, is read or refused', (file, parse) => {
  const text = readProcFile(`/proc/self/${file}`) ?? ''
  const own = Buffer.from(text).subarray(0, 4000)
  fc.assert(
    fc.property(changes(4), fc.double({ min: 0, max: 1, noNaN: true }), (some, part) => {
      answerOf(() =>
        parse(
          changed(own, some)
            .subarray(0, Math.ceil(own.length * part))
            .toString(),
        ),
      )
    }),
    { numRuns: RUNS / 2 },
  )
  expect(readProcesses().length).toBeGreaterThan(0)
})
