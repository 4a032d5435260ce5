import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../lib/repl/parse.js'
import { sourceOf } from '../../../lib/repl/save.js'

const library = new URL('../../../lib/', import.meta.url).pathname
const source = (lines: string[], path = `${library}../workspace/01/box.ts`) =>
  sourceOf(
    lines.flatMap((line) => parseLine(line).calls),
    path,
  )
const body = (line: string) => /return \[\n {4}([\s\S]*),\n {2}\]/.exec(source([line]))?.[1]

describe('sourceOf', () => {
  it('writes a function as exercises have it', () => {
    expect(source(['clone uts,pid', "sethostname 'it is'", 'bpf prog_load hex:9500000000000000'])).toBe(
      [
        '/** Made at the prompt of `npm run repl`. */',
        "import { clone3, sethostname, type Step } from '../../lib/index.js'",
        "import { bpf_prog_load_cgroup_device } from '../../lib/kernel/calls/bpf.js'",
        '',
        'export function box(): Step[] {',
        '  return [',
        "    clone3(['uts', 'pid']),",
        "    sethostname('it is'),",
        "    bpf_prog_load_cgroup_device(Buffer.from('9500000000000000', 'hex')),",
        '  ]',
        '}',
        '',
      ].join('\n'),
    )
  })

  it.each([
    ['mount - / - rec,private', "mount(null, '/', null, ['rec', 'private'])"],
    ['mkdirat /x 0700', "mkdir('/x', 0o700)"],
    ['mkdirat x dirfd=<d>', "mkdir('x', undefined, { dirfd: ref('d') })"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is written to the file
    ['fd = openat /proc/<child>/ns rdonly', "open(text`/proc/${child}/ns`, ['rdonly'], { keep: 'fd' })"],
    ['host write <fd> "a\'b\\n"', "write(ref('fd'), 'a\\'b\\n', { actor: 'host' })"],
    ['write 1 hex:00ff', "write(1, Buffer.from('00ff', 'hex'))"],
    ['execve A=b /bin/sh -c "x y"', "execve('/bin/sh', ['/bin/sh', '-c', 'x y'], ['A=b'])"],
    ['execve argv0=sh /bin/sh', "execve('/bin/sh', ['sh'])"],
    ['prlimit64 nofile 5 unlimited', "setrlimit('nofile', 5, Number.POSITIVE_INFINITY)"],
    ['capset permitted=chown', "capset({ effective: [], permitted: ['chown'], inheritable: [] })"],
    ['pipe2 a b', "pipe2('a', 'b')"],
    ['mknodat /n ifchr 666 1:3', "mknod('/n', 'ifchr', 0o666, [1, 3])"],
    ['netlink <n> link set lo up', "netlink(ref('n'), linkSet('lo', { up: true }))"],
    ['chown /x 0 0 nofollow', "chown('/x', 0, 0, { nofollow: true })"],
  ])('%s', (line, code) => {
    expect(body(line)).toBe(code)
  })

  it('names the function after the file', () => {
    expect(source(['getpid'], '/tmp/my-first box.ts')).toContain('export function myFirstBox(): Step[] {')
    expect(source(['mount x /y tmpfs'], '/tmp/mount.ts')).toContain('export function mountSteps(): Step[] {')
    expect(source(['getpid'], '/tmp/new.ts')).toContain('export function newSteps(): Step[] {')
    expect(source(['getpid'], '/tmp/1.ts')).toContain('export function steps(): Step[] {')
    expect(source(['getpid'], `${library}x.ts`)).toContain("from './index.js'")
  })
})
