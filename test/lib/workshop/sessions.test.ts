/** Sessions that were recorded: followed, and exported as one file in which nothing that was recorded becomes a part of the page. */
import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import type { TraceEvent } from '../../../lib/trace/types.js'
import { exportedDocument, exportName, jsonInScript } from '../../../lib/workshop/document.js'
import { pageFiles } from '../../../lib/workshop/page-files.js'
import type { Exported, SessionSummary } from '../../../lib/workshop/protocol.js'
import { ask, listenTo, type OpenServer, openServer } from '../../support/workshop.js'

const HOSTILE = '</script><script>alert(1)</script><!--<script>-->]]></title></style>\u2028\u2029\u0000\u001b[2J"\'&amp;\\'

const summary: SessionSummary = {
  id: 'lesson-5-3f2a9c1b',
  session: 'lesson',
  title: HOSTILE,
  pid: 1,
  auto: true,
  lesson: { number: 5, name: '05-network', scenes: [HOSTILE] },
  user: HOSTILE,
  began: 0,
  running: false,
  events: 3,
}

const event = (seq: number, markdown = `${seq}`): TraceEvent => ({ seq, at: seq, what: { kind: 'said', markdown } })
const events = [event(0, HOSTILE), event(1), event(2)]

const traces = {
  list: () => [summary],
  read: (id: string) => (id === summary.id ? events : undefined),
  follow: (_id: string, first: number, signal: AbortSignal) =>
    (async function* () {
      for (const one of events.slice(first)) {
        if (signal.aborted) return
        yield one
      }
    })(),
}

let server: OpenServer
afterEach(() => server?.close())

describe('followed', () => {
  test('from the first event on, and after a break from where it broke off', async () => {
    server = await openServer({ traces })
    const first = await listenTo(server.port, `/sessions/${summary.id}/events`)
    await first.find(({ id }) => id === '2')
    expect(first.events).toEqual(events.map((data) => ({ kind: 'message', id: String(data.seq), data })))
    first.close()
    const again = await listenTo(server.port, `/sessions/${summary.id}/events`, { 'Last-Event-ID': '1' })
    await again.find(({ id }) => id === '2')
    expect(again.events).toHaveLength(1)
    again.close()
    const third = await listenTo(server.port, `/sessions/${summary.id}/events`, { 'Last-Event-ID': 'NaN' })
    await third.find(({ id }) => id === '2')
    expect(third.events).toHaveLength(3)
    third.close()
  })

  test.each(['none', '..', '%2e%2e%2fetc%2fpasswd', '..%2f..', 'a%00b', `${'a'.repeat(90)}`, '__proto__', '%F0%9F%92%A9'])(
    'there is none of the name %s',
    async (id) => {
      const asked: string[] = []
      server = await openServer({ traces: { ...traces, read: (name) => void asked.push(name) } })
      for (const what of ['events', 'export']) {
        const { status, body } = await ask(server.port, `/sessions/${id}/${what}`)
        expect(status).toBe(404)
        expect(JSON.parse(body)).toHaveProperty('message')
      }
      expect(asked).toEqual([])
    },
  )
})

describe('exported', () => {
  const exported: Exported = { version: 1, summary, events }
  const page = { script: 'void "<\\/script>"', style: 'body{color:red}' }

  /** What a browser finds: the content of each script, in which only `</script` ends it and `<!--` begins something else (HTML, 13.2.5). */
  const scripts = (html: string) =>
    [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script/gi)].map(([, attributes, content]) => ({ attributes, content }))

  test('the file has the page’s script, its style and the session, and nothing else', () => {
    const html = exportedDocument(page, exported)
    expect(scripts(html).map(({ attributes }) => attributes)).toEqual([' type="application/json" id="export"', ''])
    const [data, script] = scripts(html)
    expect(JSON.parse(data?.content ?? '')).toEqual(exported)
    expect(data?.content).not.toMatch(/[<]/)
    expect(script?.content).toBe('void "<\\/script>"')
    expect([...html.matchAll(/<style>([\s\S]*?)<\/style/g)].map(([, content]) => content)).toEqual([page.style])
    expect([...html.matchAll(/<title>([\s\S]*?)<\/title/g)].map(([, content]) => content)?.[0]).not.toContain('<')
    expect([...html.matchAll(/\b(?:src|href)=(\S*)>/g)].map(([, where]) => where)).toEqual(['"data:,"'])
  })

  test('its policy lets run what stands in it by its hash, and fetches nothing', () => {
    const html = exportedDocument(page, exported)
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    expect(policy).toBe(
      `default-src 'none'; script-src ${hash(page.script)}; style-src ${hash(page.style)}; img-src data:; base-uri 'none'; form-action 'none'`,
    )
    expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<style'))
  })

  test('a script that speaks of scripts and comments is the same script, and ends where it should', () => {
    const source = '[/<!--[^>]*-->|<\\/?script\\b/i.test("<!-- <script> <\\/script>"), `<SCRIPT>`, "<!--"]'
    const html = exportedDocument({ script: source, style: '' }, exported)
    const content = scripts(html)[1]?.content ?? ''
    expect(content).not.toMatch(/<!--|<\/?script/i)
    expect(runInNewContext(content)).toEqual(runInNewContext(source))
    expect(html.slice(html.indexOf(content) + content.length)).toMatch(/^<\/script>\s*<\/body>/)
  })

  test('a style sheet that would end its own element is refused', () => {
    expect(() => exportedDocument({ script: '', style: 'a{content:"</STYLE>"}' }, exported)).toThrow()
  })

  test('the real page can be exported', () => {
    const html = exportedDocument(pageFiles(), exported)
    expect(scripts(html)).toHaveLength(2)
    expect(html.match(/<script/gi)).toHaveLength(2)
    expect(html).not.toContain('<!--')
  })

  test('JSON in a script is the same JSON', () => {
    for (const value of [HOSTILE, { [HOSTILE]: [HOSTILE] }, '<', '\\u003c', '\\\\<']) {
      expect(JSON.parse(jsonInScript(value))).toEqual(value)
      expect(jsonInScript(value)).not.toContain('<')
    }
  })

  test('the name of the file is letters, digits and dashes', () => {
    expect(exportName({ summary })).toBe('drydock-lesson-5-lesson-5-3f2a9c1b.html')
    expect(exportName({ summary: { ...summary, id: '../../"\r\nSet-Cookie: a' } })).toBe('drydock-lesson-5-Set-Cookie-a.html')
    expect(exportName({ summary: { ...summary, id: 'a'.repeat(500) } })).toHaveLength(105)
  })

  test('it is offered as a file to keep', async () => {
    server = await openServer({ traces, page })
    const { status, headers, body } = await ask(server.port, `/sessions/${summary.id}/export`)
    expect(status).toBe(200)
    expect(headers['content-disposition']).toBe('attachment; filename="drydock-lesson-5-lesson-5-3f2a9c1b.html"')
    expect(body).toBe(exportedDocument(page, exported))
  })
})
