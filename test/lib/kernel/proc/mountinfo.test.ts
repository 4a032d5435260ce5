import { describe, expect, it } from 'vitest'
import {
  mountAt,
  overlayOf,
  parseMount,
  parseMountinfo,
  propagationOf,
  readMountinfo,
  unescapeOctal,
} from '../../../../lib/kernel/proc/mountinfo.js'

describe('a line of mountinfo', () => {
  it('is taken apart', () => {
    expect(parseMount('36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue')).toEqual({
      id: 36,
      parent: 35,
      device: { major: 98, minor: 0 },
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: ['rw', 'noatime'],
      master: 1,
      unbindable: false,
      otherFields: [],
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    })
  })

  it('may have no optional field, or all of them and new ones', () => {
    expect(propagationOf(parseMount('1 2 0:1 / / rw - proc proc rw'))).toBe('private')
    const mount = parseMount('1 2 0:1 / / rw shared:5 master:6 propagate_from:7 unbindable future:x newer - proc proc rw')
    expect(mount).toMatchObject({ shared: 5, master: 6, propagateFrom: 7, unbindable: true, otherFields: ['future:x', 'newer'] })
    expect(propagationOf(mount)).toBe('shared and slave and unbindable')
  })

  it.each([
    ['/a\\040b\\011c\\012d\\134e', '/a b\tc\nd\\e'],
    ['/\\043', '/#'],
    ['/\\303\\244', '/ä'],
    ['/ä\\040ö', '/ä ö'],
    ['/\\1340', '/\\0'],
    ['/\\04', '/\\04'],
    ['/\\999', '/\\999'],
    ['/\\', '/\\'],
    ['/-', '/-'],
  ])('has names with escapes: %s', (escaped, name) => {
    expect(unescapeOctal(escaped)).toBe(name)
    const mount = parseMount(`1 2 0:1 ${escaped} ${escaped} rw - tmpfs ${escaped} rw`)
    expect([mount.root, mount.mountPoint, mount.source]).toEqual([name, name, name])
  })

  it('may have an empty source, a dash for a source or a mount point, and spaces in its options', () => {
    expect(parseMount('1 2 0:1 / /x rw - tmpfs  rw,size=4k')).toMatchObject({ source: '', superOptions: ['rw', 'size=4k'] })
    expect(parseMount('1 2 0:1 / /x rw - tmpfs - rw')).toMatchObject({ fsType: 'tmpfs', source: '-' })
    expect(parseMount('1 2 0:1 - - rw shared:1 - tmpfs none rw')).toMatchObject({ root: '-', mountPoint: '-', shared: 1, fsType: 'tmpfs' })
    expect(parseMount('1 2 0:1 / /x rw - fuse.x y rw,name=a b').superOptions).toEqual(['rw', 'name=a b'])
    expect(parseMount('1 2 0:1 /gone//deleted /x rw - ext4 /dev/sda rw').root).toBe('/gone//deleted')
  })

  it.each(['', 'x', '1 2 0:1 / / rw', '1 2 0:1 / / rw - tmpfs', '1 2 01 / / rw - tmpfs a rw'])('is an error when it is %j', (line) => {
    expect(() => parseMount(line)).toThrow('no line of mountinfo')
  })
})

describe('mounts', () => {
  it('on top of each other: the one that is seen', () => {
    const mounts = parseMountinfo(
      '1 0 8:1 / / rw - ext4 a rw\n5 1 0:5 / /x rw - tmpfs over rw\n9 5 0:9 / /x rw - tmpfs seen rw\n3 1 0:3 / /xy rw - tmpfs b rw\n',
    )
    expect(mountAt(mounts, '/x')?.source).toBe('seen')
    expect(mountAt([...mounts].reverse(), '/x')?.source).toBe('seen')
    expect(mountAt(mounts, '/y')).toBeUndefined()
  })

  it('of this process have a root and /proc', () => {
    const mounts = readMountinfo()
    expect(mountAt(mounts ?? [], '/proc')?.fsType).toBe('proc')
    expect(mounts?.some(({ mountPoint }) => mountPoint === '/')).toBe(true)
    expect(readMountinfo(0x3fff_ffff)).toBeUndefined()
  })
})

describe('an overlay', () => {
  const overlay = (options: string) => overlayOf(parseMount(`1 2 0:1 / /x rw - overlay overlay ${options}`))

  it.each<[string, string, ReturnType<typeof overlayOf>]>([
    ['one lower directory', 'rw,lowerdir=/l,upperdir=/u,workdir=/w', { lower: ['/l'], upper: '/u', work: '/w' }],
    ['several, read-only', 'ro,lowerdir=/a:/b:/c', { lower: ['/a', '/b', '/c'] }],
    ['a colon and a backslash in a name', 'ro,lowerdir=/a\\134:b:/c\\134\\134d', { lower: ['/a:b', '/c\\d'] }],
    ['a comma and a space in a name', 'ro,lowerdir=/a\\054b:/c\\040d', { lower: ['/a,b', '/c d'] }],
    ['data-only layers', 'ro,lowerdir=/a::/b::/c', { lower: ['/a', '/b', '/c'] }],
    ['added one by one (Linux 6.8)', 'ro,lowerdir+=/a:b,lowerdir+=/c,xino=off', { lower: ['/a:b', '/c'] }],
  ])('%s', (_, options, expected) => expect(overlay(options)).toEqual(expected))

  it('is no other file system', () => {
    expect(overlayOf(parseMount('1 2 0:1 / /x rw - tmpfs x rw,lowerdir=/a'))).toBeUndefined()
  })
})
