/** What can be wrong with a request: one thing or a few are done to a valid one. */
import { gzipSync } from 'node:zlib'
import { layerTar } from '../images.js'
import type { Request } from './make.js'
import type { Random } from './random.js'

/** Values that are hardly ever what is wanted. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  -0.1,
  1e308,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  '',
  'x',
  '-1',
  '0x10',
  '1e3',
  ' ',
  '\u0000',
  'a\u0000b',
  'a\r\nX-Injected: yes\r\n\r\n',
  '\u001b[2J\u001b]0;title\u0007',
  '\ud800',
  '\u202egnp.exe',
  '../../etc/passwd',
  '/../../..',
  '..',
  '.',
  '/',
  '%00',
  '$(reboot)',
  '{{.Id}}',
  'x'.repeat(300),
  'x'.repeat(70_000),
  '/'.repeat(5000),
  ':::',
  'a:b:c:d:e',
  '=',
  [],
  [null],
  [[]],
  [{}],
  [''],
  [1],
  [true, 'x'],
  Array.from({ length: 5000 }, () => 'x'),
  {},
  { a: null },
  { '': '' },
  { a: { b: { c: 1 } } },
  { length: 1 },
  { toString: null, toJSON: 1, valueOf: null },
]

/** Names that an object has without being asked, and others that are nobody's. */
const NAMES = [
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'then',
  '',
  ' ',
  '0',
  'length',
  'a\u0000',
  '\n',
  'x'.repeat(3000),
]

const WORDS = [
  ...[
    '..',
    '.',
    '%2e%2e',
    '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '..%5c..',
    '%00',
    'a%00b',
    '%0d%0aX-Injected:%20yes',
    '%1b%5b2J',
    '%ff',
    '%zz',
    '%',
  ],
  ...[
    '__proto__',
    'constructor',
    '%20',
    '*',
    '-',
    '_',
    ':',
    '@',
    '?',
    '%2F',
    '%2f%2f',
    'sha256:',
    'sha256:zz',
    'UPPER',
    'a@sha256:12',
    'a:b:c',
  ],
  ...['%F0%9F%9A%A2', 'a'.repeat(5000), 'a/'.repeat(1000), '-rf', '~', '$HOME', 'c%C0%AE', '0', '00000000'],
]

type Break = (request: Request, random: Random) => string | undefined

/** Every place in a document, as a way to put something else there. */
function places(value: unknown, put: (other: unknown) => void, found: ((other: unknown) => void)[] = []) {
  found.push(put)
  if (Array.isArray(value)) for (const [at, item] of value.entries()) places(item, (other) => value.splice(at, 1, other), found)
  else if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>
    for (const [name, item] of Object.entries(record)) {
      places(
        item,
        (other) => {
          record[name] = other
        },
        found,
      )
    }
  }
  return found
}

function somewhere(request: Request, random: Random, other: unknown): void {
  const copy = structuredClone(request.document)
  request.document = copy
  const found = places(copy, (instead) => {
    request.document = instead
  })
  // The whole body seldom.
  random.pick(found.length > 1 && random.percent(95) ? found.slice(1) : found)(other)
}

const hasDocument = ({ document }: Request) => document !== undefined && typeof document === 'object' && document !== null

const everywhere = (value: unknown, leaf: unknown): unknown =>
  Array.isArray(value)
    ? [...value.map((item) => everywhere(item, leaf)), leaf]
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, everywhere(item, leaf)]))
      : leaf

const nested = (depth: number, [open, close]: readonly [string, string], inside = '') => open.repeat(depth) + inside + close.repeat(depth)

/** A document as text, broken as a text. */
const TEXTS: readonly (readonly [string, (text: string, random: Random) => string | Buffer])[] = [
  ['cut', (text, random) => text.slice(0, random.between(0, text.length - 1))],
  ['with more behind it', (text) => `${text}}`],
  ['twice', (text) => text + text],
  ['with a comma', (text) => text.replace(/}$/, ',}')],
  ['in single quotes', (text) => text.replaceAll('"', "'")],
  ['with a mark of byte order', (text) => `\ufeff${text}`],
  ['with bytes that are no text', (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe, 0xc0, 0x22, 0x7d])])],
  ['in UTF-16', (text) => Buffer.from(text, 'utf16le')],
  ['with members twice', (text) => text.replace(/^{/, '{"Image":1,"Image":"busybox","HostConfig":null,"Name":[],"Name":"x",')],
  [
    'with a prototype',
    (text) => text.replace(/^{/, '{"__proto__":{"Image":"busybox","polluted":true},"HostConfig":{"__proto__":{"Privileged":true}},'),
  ],
  ['nested deeply', () => nested(20_000, ['[', ']'])],
  ['with a member nested deeply', () => `{"Labels":${nested(20_000, ['{"a":', '}'], '1')}}`],
  ['with a number too long', () => `{"StopTimeout":${'9'.repeat(5000)},"Cmd":"true"}`],
  ['with what is no number', () => '{"StopTimeout":Infinity}'],
  ['empty', () => ''],
  ['blank', () => ' \n'],
  ['null', () => 'null'],
  ['a list', () => '[{"Image":"busybox"}]'],
  ['a word', () => '"busybox"'],
  ['a number', () => '42'],
]

const ARCHIVES: readonly (readonly [string, () => Buffer])[] = [
  ['empty', () => Buffer.alloc(0)],
  ['text', () => Buffer.from('this is no archive\n'.repeat(100))],
  ['zeros', () => Buffer.alloc(20_000)],
  ['cut', () => layerTar({ 'a/': '', 'a/file': 'x'.repeat(3000) }).subarray(0, 2000)],
  ['cut and compressed', () => gzipSync(layerTar({ file: 'x'.repeat(100_000) })).subarray(0, 80)],
  ['outside', () => layerTar({ '../../outside': 'x', '/absolute': 'x', 'a/../../b': 'x' })],
  ['with links outside', () => layerTar({ 'out -> /': '', 'out/etc/through': 'x', 'up -> ../../../..': '', 'up/tmp/through': 'x' })],
  ['with a damaged header', () => damaged(layerTar({ file: 'x' }), 124, 'zzzzzzzzzzz')],
  ['with a size without end', () => damaged(layerTar({ file: 'x' }), 124, '77777777777')],
  ['with a name of bytes', () => layerTar({ 'a\u0001\u001b[2J\nb': 'x' })],
  ['looks like gzip', () => Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7])],
  ['looks like xz', () => Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2, 3])],
  ['looks like zstd', () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4])],
  ['looks like bzip2', () => Buffer.from('BZh91AY&SYgarbage')],
  [
    'manifest of nothing',
    () => layerTar({ 'manifest.json': '[{"Config":"../../etc/passwd","RepoTags":[null,"UPPER"],"Layers":["../x",1]}]' }),
  ],
  ['manifest of null', () => layerTar({ 'manifest.json': '[null]' })],
  ['manifest of a config of null', () => layerTar({ 'manifest.json': '[{"Config":"c","RepoTags":null,"Layers":null}]', c: 'null' })],
  [
    'index of nothing',
    () => layerTar({ 'oci-layout': '{"imageLayoutVersion":"1.0.0"}', 'index.json': '{"manifests":[{"digest":"sha256:../x","size":-1}]}' }),
  ],
]

/** With another text in the first header, and its sum right (ustar: eight bytes at 148, counted as blanks). */
function damaged(tar: Buffer, at: number, text: string): Buffer {
  const copy = Buffer.from(tar)
  copy.write(text, at, 'latin1')
  copy.fill(0x20, 148, 156)
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return copy
}

const HEADERS: readonly (readonly [string, string])[] = [
  ['X-Registry-Auth', 'not base64 at all!'],
  ['X-Registry-Auth', Buffer.from('[1,2]').toString('base64')],
  ['X-Registry-Auth', Buffer.from('{"username":{},"password":[null],"serveraddress":1}').toString('base64')],
  ['X-Registry-Auth', Buffer.from('{"identitytoken":"a\\r\\nX-Injected: yes"}').toString('base64')],
  ['X-Registry-Config', Buffer.from('null').toString('base64')],
  ['User-Agent', '\u001b]0;x\u0007'.replaceAll('\u001b', '%1b')],
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'application/json; charset=utf-16'],
  ['Content-Type', 'multipart/form-data; boundary=x'],
  ['Content-Encoding', 'gzip'],
  ['Accept', 'text/html;q=x,,,'],
  ['Upgrade', 'h2c'],
  ['Range', 'bytes=-1,0-,x'],
  ['If-None-Match', '*'],
  ['X-Padding', 'x'.repeat(90_000)],
  ['Cookie', 'a=b; '.repeat(1000)],
]

const BREAKS: readonly Break[] = [
  (request, random) => {
    if (!hasDocument(request)) return undefined
    const value = random.pick(VALUES)
    somewhere(request, random, value)
    return `a member is ${JSON.stringify(value).slice(0, 60)}`
  },
  (request, random) => {
    if (!hasDocument(request)) return undefined
    const leaf = random.pick(VALUES.slice(0, 20))
    request.document = everywhere(request.document, leaf)
    return `everything is ${JSON.stringify(leaf)}`
  },
  (request, random) => {
    if (!hasDocument(request)) return undefined
    const [name, value] = [random.pick(NAMES), random.pick(VALUES)]
    somewhere(request, random, { [name]: value })
    return `an object with ${JSON.stringify(name).slice(0, 40)}`
  },
  (request, random) => {
    if (request.document === undefined) return undefined
    const [what, act] = random.pick(TEXTS)
    request.bytes = Buffer.from(act(JSON.stringify(request.document), random) as string)
    request.document = undefined
    request.headers['Content-Type'] = 'application/json'
    return `JSON ${what}`
  },
  (request, random) => {
    if (request.query.length === 0) return undefined
    const [name, value] = random.pick(request.query)
    const at = request.query.findIndex(([one]) => one === name)
    const other = random.pick(VALUES.filter((one) => typeof one !== 'object'))
    const raw = encodeURIComponent(Buffer.from(String(other)).toString())
    const how: [string, string][][] = [
      [[name, raw]],
      [
        [name, encodeURIComponent(value)],
        [name, raw],
      ],
      [[`${name}[]`, raw]],
      [[name, '%zz%ff%']],
      [[name, '']],
      [],
    ]
    request.query.splice(at, 1)
    request.query.push(...(random.pick(how).map(([one, two]) => [one, `\u0000${two}`]) as [string, string][]))
    return `${name}=${raw.slice(0, 40)}`
  },
  (request, random) => {
    request.query.push([
      random.pick(['', '%00', 'a[b][c]', '__proto__', 'nosuch', '&&&', '%']),
      `\u0000${random.pick(WORDS).slice(0, 2000)}`,
    ])
    return 'a parameter that is none'
  },
  (request, random) => {
    if (!request.query.some(([name]) => name === 'filters') && !request.route.query?.filters) return undefined
    const text = random.pick([
      '{',
      '[]',
      '{"a":1}',
      '{"label":[1]}',
      '{"label":{"a":{"b":1}}}',
      'null',
      '"x"',
      '{"label":[""]}',
      '{"__proto__":["x"]}',
      '{"until":["x"]}',
      nested(5000, ['[', ']']),
      '{"name":["(a+)+$"]}',
      '{"name":["[","("]}',
    ])
    request.query = [...request.query.filter(([name]) => name !== 'filters'), ['filters', text]]
    return `filters=${text.slice(0, 40)}`
  },
  (request, random) => {
    const words = [...request.route.path.matchAll(/\{\w+\}/g)]
    if (words.length === 0) return undefined
    const word = random.pick(WORDS)
    request.path = request.route.path.replace(/\{\w+\}/, () => word)
    return `the name ${word.slice(0, 40)}`
  },
  (request, random) => {
    const prefix = random.pick([
      '/v1.47',
      '/v1.12',
      '/v1.24',
      '/v1.41',
      '/v1.47.1',
      '/v999',
      '/v0',
      '/v1',
      '/v-1.47',
      '/v1e3',
      '/v1.',
      '//',
      '/./',
      '/v1.47/v1.47',
      '/%2e%2e',
    ])
    request.path = prefix + request.path
    return `the prefix ${prefix}`
  },
  (request, random) => {
    request.path += random.pick(['/', '//', '/x', '%2f', '/..', ';a=b', '%3f', '/json'])
    return `the path ${request.path.slice(0, 60)}`
  },
  (request, random) => {
    const [name, value] = random.pick(HEADERS)
    request.headers[name] = value
    if (name === 'Upgrade') request.headers.Connection = 'Upgrade'
    return `${name}: ${value.slice(0, 40)}`
  },
  (request, random) => {
    if (request.route.body !== 'archive') return undefined
    const [what, make] = random.pick(ARCHIVES)
    request.bytes = make()
    return `an archive: ${what}`
  },
]

/** The first three: what a program gets wrong that is no program's. */
const OF_DOCUMENTS = BREAKS.slice(0, 3)

/** The same with something wrong: once, at times twice. */
export function breakRequest(request: Request, random: Random): Request {
  for (let times = random.percent(20) ? 2 : 1; request.wrong.length < times; ) {
    const what = random.pick(hasDocument(request) && random.percent(50) ? OF_DOCUMENTS : BREAKS)(request, random)
    if (what !== undefined) request.wrong.push(what)
  }
  return request
}
