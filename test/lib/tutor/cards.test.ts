import { readdirSync, readFileSync } from 'node:fs'
import { execaSync } from 'execa'
import { describe, expect, it } from 'vitest'
import { capset, set_no_new_privs } from '../../../lib/kernel/calls/credentials.js'
import * as files from '../../../lib/kernel/calls/files.js'
import * as mounts from '../../../lib/kernel/calls/mounts.js'
import { clone3, setrlimit } from '../../../lib/kernel/calls/process.js'
import { errnoNumber } from '../../../lib/kernel/constants.js'
import { link_up } from '../../../lib/kernel/netlink/steps.js'
import { type Arg, type ArgValue, ref, type Step, step, text } from '../../../lib/kernel/step.js'
import { type Group, WORDS } from '../../../lib/kernel/words.js'
import { allCards, cardOf, errorNote, flagNote, missingCards, notesOf } from '../../../lib/tutor/cards/index.js'
import { requires } from '../../support/requires.js'
import { constructors, exampleSteps } from '../../support/steps.js'

const examples = exampleSteps()
const steps = Object.values(examples).flat()

function groupsOf(value: Arg | ArgValue): Group[] {
  if (value.kind === 'flags' || value.kind === 'word') return [value.group]
  return value.kind === 'struct' ? value.fields.flatMap((member) => groupsOf(member.value)) : []
}

describe('cards', () => {
  it('are asked of every constructor that there is', () => {
    expect(Object.keys(examples).sort()).toEqual(constructors())
  })

  it('are asked of every call that a constructor names', () => {
    const folder = new URL('../../../lib/kernel/calls/', import.meta.url)
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const named = sources.flatMap((source) => [...source.matchAll(/\bstep\(\s*'(\w+)'/g)].map(([, call]) => call))
    expect([...new Set(steps.map(({ call }) => call))].sort()).toEqual([...new Set(named)].sort())
  })

  it('leave out no call and no word', () => {
    expect(missingCards(steps)).toEqual([])
  })

  it('have a note for every word of every group that a constructor takes', () => {
    const groups = new Set(steps.flatMap(({ args }) => args.flatMap(groupsOf)))
    const without = [...groups].flatMap((group) => WORDS[group].filter((word) => !flagNote(group, word)).map((word) => `${group}/${word}`))
    expect(without).toEqual([])
    expect(groups.size).toBeGreaterThan(25)
  })

  it('say something in each of their parts, once each', () => {
    const cards = allCards()
    expect(new Set(cards.map(({ call }) => call)).size).toBe(cards.length)
    for (const { call, signature, summary, detail, man } of cards) {
      expect(signature, call).toMatch(/^\w+ .*\(.*\)/)
      expect(summary, call).toMatch(/^\S.{4,}[^.]$/)
      expect(detail, call).toMatch(/^\S.*\.$/)
      expect(man, call).toMatch(/^\w+\([1-8]\)$/)
    }
  })

  it('name only errors that there are', () => {
    for (const { call, errors, operations = {} } of allCards()) {
      for (const names of [errors, ...Object.values(operations)]) {
        for (const [name, sentence] of Object.entries(names)) {
          expect(errnoNumber(name), `${call} ${name}`).toBeGreaterThan(0)
          expect(sentence.length, `${call} ${name}`).toBeGreaterThan(10)
        }
      }
    }
  })

  it('have operations that are words', () => {
    const words = new Set<string>(Object.values(WORDS).flat())
    for (const { call, operations = {} } of allCards()) {
      for (const word of Object.keys(operations)) expect(words.has(word), `${call} ${word}`).toBe(true)
    }
  })
})

describe('missingCards', () => {
  it('names calls and words, in undo steps too, each once', () => {
    const odd = step('mount', [{ name: 'flags', kind: 'flags', group: 'mount', words: ['nosuid', 'sideways'] }])
    const unknown: Step = { call: 'frobnicate', args: [], undo: [odd, odd] }
    expect(missingCards([unknown, odd])).toEqual(['call frobnicate', 'word mount/sideways'])
  })
})

describe('flagNote', () => {
  it('knows a word by its group', () => {
    expect(flagNote('clone', 'net')).toContain('loopback')
    expect(flagNote('mount', 'net')).toBeUndefined()
    expect(flagNote('nothing', 'net')).toBeUndefined()
  })

  it('tells what a capability allows and whether Docker gives it', () => {
    expect(flagNote('capability', 'chown')).toMatch(/^may give any file .*; Docker gives it by default: /)
    expect(flagNote('capability', 'sys_admin')).toContain('Docker withholds it by default')
  })

  it('tells it of each capability', () => {
    const docker = WORDS.capability.filter((name) => flagNote('capability', name)?.includes('Docker gives it by default'))
    const withheld = WORDS.capability.filter((name) => flagNote('capability', name)?.includes('Docker withholds it by default'))
    expect([...docker, ...withheld].sort()).toEqual([...WORDS.capability].sort())
    expect(docker).toHaveLength(14)
  })

  it('finds a word in all groups', () => {
    expect(notesOf('nosuid').map(({ group }) => group)).toEqual(['mount', 'mount_attr'])
    expect(notesOf('sideways')).toEqual([])
  })
})

describe('errorNote', () => {
  it('speaks of the operation and of the file', () => {
    const map = files.open(text`/proc/${ref('child')}/uid_map`, ['wronly'], { keep: 'map' })
    const control = files.open('/sys/fs/cgroup/cgroup.subtree_control', ['wronly'], { keep: 'control' })
    const earlier = [map, control]
    expect(errorNote(files.write(ref('map'), '0 1000 1'), 'EPERM', earlier)).toContain('written once already')
    expect(errorNote(files.write(ref('control'), '+pids'), 'EBUSY', earlier)).toContain('processes live in this very cgroup')
    expect(errorNote(files.write(ref('other'), 'x'), 'EPERM', earlier)).toContain('uid_map')
    expect(errorNote(set_no_new_privs(), 'EINVAL')).toContain('no way to set it back')
    expect(errorNote(clone3(['uts']), 'EPERM')).toContain('CAP_SYS_ADMIN')
    expect(errorNote(clone3(['uts']), 'EXDEV')).toBeUndefined()
  })
})

describe('the shell command of a step', () => {
  const shell = (one: Step, earlier: Step[] = []) => cardOf(one.call)?.shell?.(one, earlier)

  it('does the same', () => {
    expect(shell(mounts.mount('proc', '/proc', 'proc', ['nosuid', 'nodev']))).toBe('mount -t proc -o nosuid,nodev proc /proc')
    expect(shell(mounts.mount(null, '/', null, ['rec', 'private']))).toBe('mount --make-rprivate /')
    expect(shell(mounts.mount('/a b', '/c', null, ['bind', 'rec']))).toBe("mount --rbind '/a b' /c")
    expect(shell(mounts.mount(null, '/c', null, ['remount', 'bind', 'rdonly']))).toBe('mount -o remount,bind,ro /c')
    expect(shell(mounts.mount('overlay', '/m', 'overlay', [], 'lowerdir=/a'))).toBe('mount -t overlay -o lowerdir=/a overlay /m')
    expect(shell(mounts.umount2('.', ['detach']))).toBe('umount -l .')
    expect(shell(mounts.mount_setattr('/x', { set: ['rdonly'], clear: ['nosuid'] }))).toBe('mount -o remount,bind,ro,suid /x')
    expect(shell(clone3(['uts', 'mnt', 'pid']))).toBe('unshare --uts --mount --pid --fork')
    expect(shell(files.mkdir('/x', 0o755))).toBe('mkdir -m 755 /x')
    expect(shell(files.mknod('/dev/null', 'ifchr', 0o666, [1, 3]))).toBe('mknod -m 666 /dev/null c 1 3')
    expect(shell(files.chmod('/tmp', 0o1777))).toBe('chmod 1777 /tmp')
    expect(shell(setrlimit('nofile', 1024, Number.POSITIVE_INFINITY))).toBe('prlimit --pid $$ --nofile=1024:unlimited')
    expect(shell(set_no_new_privs())).toBe('setpriv --no-new-privs')
    expect(shell(capset({ effective: ['kill'], permitted: ['kill', 'chown'], inheritable: [] }))).toBe(
      "capsh --caps='= cap_kill+ep cap_chown+p' --",
    )
    expect(shell(link_up(ref('net'), 'lo'))).toMatch(/^ip link set .*lo up$/)
    expect(shell(mounts.fsopen('tmpfs'))).toBeUndefined()
  })

  it('traces a descriptor to the path that it was opened at', () => {
    const map = files.open(text`/proc/${ref('child')}/uid_map`, ['wronly'], { keep: 'map' })
    const write = files.write(ref('map'), '0 100000 65536\n')
    expect(shell(map)).toBe('exec {map}> /proc/$child/uid_map')
    expect(shell(write, [map])).toBe("echo '0 100000 65536' > /proc/$child/uid_map")
    expect(shell(write)).toBe("echo '0 100000 65536' >&$map")
    expect(shell(files.close(ref('map')))).toBe('exec {map}>&-')
  })

  it('is quoted so that no shell reads more into it', () => {
    expect(shell(files.mkdir("it's; rm -rf $HOME"))).toBe("mkdir -m 755 'it'\\''s; rm -rf $HOME'")
    expect(shell(files.mkdir(text`/a $b"/${ref('child')}`))).toBe('mkdir -m 755 "/a \\$b\\"/$child"')
  })

  requires('command:bash')('is one that bash can read, for every step that has one', () => {
    const commands = steps.flatMap((one) => shell(one, [files.open('/a b', ['rdonly'], { keep: 'map' })]) ?? [])
    expect(commands.length).toBeGreaterThan(100)
    expect(commands.filter((command) => /undefined|\[object|\n/.test(command))).toEqual([])
    expect(execaSync('bash', ['-n', '-c', commands.join('\n')]).stderr).toBe('')
  })
})
