import { describe, expect, it } from 'vitest'
import { resolveUser } from '../../../lib/primitives/user.js'

const files = {
  passwd: `
root:x:0:0:root:/root:/bin/sh
# a comment
daemon:x:1:1::/:/sbin/nologin
web:x:33:33:Web:/var/www:/bin/sh
twin:x:33:44::/other:
1337:x:99:98::/odd:
broken
nonumber:x:abc:1::/:
`,
  group: `
root:x:0:
web:x:33:
adm:x:4:root,web
video:x:44:web
big:x:2147483647:nobody
# web:x:9:web
empty:x:50:,
`,
}

describe('a container’s user', () => {
  const cases: [string, object][] = [
    ['', { uid: 0, gid: 0, groups: [0, 4], home: '/root', name: 'root' }],
    ['root', { uid: 0, gid: 0, groups: [0, 4], home: '/root', name: 'root' }],
    ['web', { uid: 33, gid: 33, groups: [33, 4, 44], home: '/var/www', name: 'web' }],
    ['33', { uid: 33, gid: 33, groups: [33, 4, 44], home: '/var/www', name: 'web' }],
    ['web:video', { uid: 33, gid: 44, groups: [44], home: '/var/www', name: 'web' }],
    ['web:7', { uid: 33, gid: 7, groups: [7], home: '/var/www', name: 'web' }],
    ['4242', { uid: 4242, gid: 0, groups: [0], home: '/' }],
    ['4242:adm', { uid: 4242, gid: 4, groups: [4], home: '/' }],
    [':video', { uid: 0, gid: 44, groups: [44], home: '/root', name: 'root' }],
    // A number is an id, even where a user has it for a name.
    ['1337', { uid: 1337, gid: 0, groups: [0], home: '/' }],
    ['web:', { uid: 33, gid: 33, groups: [33, 4, 44], home: '/var/www', name: 'web' }],
  ]
  it.each(cases)('%o', (spec, user) => {
    expect(resolveUser(spec, files)).toEqual(user)
  })

  it('gets extra groups by name and number, each once', () => {
    expect(resolveUser('web', files, ['video', '1000', '44', 'adm']).groups).toEqual([33, 4, 44, 1000])
    expect(resolveUser('web:root', files, ['video']).groups).toEqual([0, 44])
  })

  it('is a number in an image without these files', () => {
    expect(resolveUser('', {})).toEqual({ uid: 0, gid: 0, groups: [0], home: '/' })
    expect(resolveUser('5:6', {}, ['7'])).toEqual({ uid: 5, gid: 6, groups: [6, 7], home: '/' })
  })

  const refusals: [string, object, string[], RegExp][] = [
    ['nobody', files, [], /^unable to find user nobody: the image’s \/etc\/passwd has none of that name$/],
    ['nonumber', files, [], /^unable to find user nonumber/],
    ['root', {}, [], /^unable to find user root: the image has no \/etc\/passwd to look in; give its number$/],
    ['web:wheel', files, [], /^unable to find group wheel: the image’s \/etc\/group has none of that name$/],
    ['web', files, ['wheel'], /^unable to find group wheel/],
    ['1:2:3', files, [], /^a user is written as USER\[:GROUP\]; '1:2:3' is not$/],
    ['-1', files, [], /^-1 is no user id of a container; they go from 0 to 2147483647$/],
    ['0:2147483648', files, [], /^2147483648 is no group id/],
    ['99999999999999999999', files, [], /is no user id/],
  ]
  it.each(refusals)('refuses %o', (spec, texts, extra, sentence) => {
    expect(() => resolveUser(spec, texts, extra)).toThrow(sentence)
  })
})
