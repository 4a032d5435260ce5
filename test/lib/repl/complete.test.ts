import { describe, expect, it } from 'vitest'
import { complete } from '../../../lib/repl/complete.js'

const surroundings = {
  commands: ['?', 'help', 'state', 'save', 'quit'],
  kept: ['child', 'pidfd', 'fd'],
  list: (directory: string) => ({ '/': ['proc/', 'etc/'], '/etc/': ['hosts', 'hostname'], '.': ['here'] })[directory] ?? [],
}
const offers = (line: string) => complete(line, surroundings)[0]

describe('complete', () => {
  it('offers calls, actors and commands at the beginning', () => {
    expect(offers('sethost')).toEqual(['sethostname '])
    expect(offers('sta')).toEqual(['state ', 'statfs ', 'statx '])
    expect(offers('hos')).toEqual(['host '])
    expect(offers('host sethost')).toEqual(['sethostname '])
    expect(offers('host stat')).toEqual(['statfs ', 'statx '])
    expect(offers('fd = ope')).toEqual(['open ', 'open_tree ', 'openat ', 'openat2 '])
    expect(offers('- umo')).toEqual(['umount ', 'umount2 '])
    expect(offers('? pivot')).toEqual(['pivot_root '])
  })

  it('offers words of the group that stands there, and not those chosen already', () => {
    expect(offers('clone u')).toEqual(['user', 'uts'])
    expect(offers('clone uts,p')).toEqual(['uts,pid'])
    expect(offers('clone user,u')).toEqual(['user,uts'])
    expect(offers('umount2 /x de')).toEqual(['detach'])
    expect(offers('mount proc /proc proc nosuid|nod')).toEqual(['nosuid|nodev', 'nosuid|nodiratime'])
    expect(offers('kill <child> us')).toEqual(['usr1 ', 'usr2 '])
  })

  it('offers operations, and what belongs to the one that was chosen', () => {
    expect(offers('prctl set_k')).toEqual(['set_keepcaps '])
    expect(offers('prctl capbset_drop sys_ad')).toEqual(['sys_admin '])
    expect(offers('prctl cap_ambient r')).toEqual(['raise '])
    expect(offers('ioctl 0 tiocs')).toEqual(['tiocsctty ', 'tiocsptlck ', 'tiocswinsz '])
  })

  it('offers kept numbers where a number is wanted', () => {
    expect(offers('close ')).toEqual(['<child> ', '<fd> ', '<pidfd> '])
    expect(offers('setns <p')).toEqual(['<pidfd> '])
  })

  it('offers paths as the actor sees them', () => {
    expect(offers('chdir /')).toEqual(['/etc/', '/proc/'])
    expect(offers('chdir /etc/hostn')).toEqual(['/etc/hostname'])
    expect(offers('chdir he')).toEqual(['here'])
    expect(offers('execve /bin/sh -c /etc/hosts')).toEqual(['/etc/hosts'])
    expect(offers('chdir /nowhere/')).toEqual([])
  })

  it('offers what stands anywhere in the line', () => {
    expect(offers('mount_setattr / se')).toEqual(['set='])
    expect(offers('mount_setattr / set=no')).toContain('set=nosuid')
    expect(offers('mount_setattr / recu')).toEqual(['recursive '])
    expect(offers('openat x rdonly dirfd=<f')).toEqual(['dirfd=<fd> '])
  })

  it('offers nothing where it knows nothing', () => {
    expect(offers('frobnicate x')).toEqual([])
    expect(offers('sethostname "a b')).toEqual([])
    expect(offers('save fi')).toEqual([])
    expect(offers('umount2 / detach ')).toEqual([])
  })
})
