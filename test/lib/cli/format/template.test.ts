import { describe, expect, test } from 'vitest'
import { compile, mapOf, Row } from '../../../../lib/cli/format/index.js'

const DATA = {
  Id: 'sha256:34b0fd67f79e',
  Size: 31982263,
  Share: 0.5,
  RepoTags: ['app:latest', 'app:v2'],
  None: null,
  Config: { User: '', Env: ['A=1', 'B=<2>'], Labels: mapOf({ b: '2', a: '1', 'with.dot': 'x' }), Tty: false },
  Networks: mapOf({ bridge: { IPAddress: '172.17.0.2' }, other: { IPAddress: '' } }),
}

const filled = (template: string, data: unknown = DATA) => compile(template)(data)

describe('what Go’s text/template makes of it', () => {
  test.each([
    ['plain words', 'plain words'],
    ['{{.Id}}', 'sha256:34b0fd67f79e'],
    ['{{ .Size }} {{.Share}} {{.Config.Tty}}', '31982263 0.5 false'],
    ['{{.RepoTags}} {{.None}} {{.Config.Labels}}', '[app:latest app:v2] [] map[a:1 b:2 with.dot:x]'],
    ['{{.Config.Labels.nope}}|{{.Config.Labels.a}}', '<no value>|1'],
    ['{{.Config}}', '{ [A=1 B=<2>] map[a:1 b:2 with.dot:x] false}'],
    ['{{json .Config.Env}} {{json .None}} {{json .Config.Labels}}', '["A=1","B=<2>"] null {"a":"1","b":"2","with.dot":"x"}'],
    ['{{index .RepoTags 1}} {{index .Config.Labels "with.dot"}}{{index .Config.Labels "nope"}}', 'app:v2 x'],
    ['{{len .RepoTags}} {{len .Id}} {{len .None}} {{len .Networks}}', '2 19 0 2'],
    ['{{range .RepoTags}}[{{.}}]{{end}}', '[app:latest][app:v2]'],
    ['{{range $i, $tag := .RepoTags}}{{if $i}}, {{end}}{{$i}}={{$tag}}{{end}}', '0=app:latest, 1=app:v2'],
    ['{{range $k, $v := .Networks}}{{$k}}={{$v.IPAddress}};{{end}}', 'bridge=172.17.0.2;other=;'],
    ['{{range .None}}x{{else}}nothing{{end}}', 'nothing'],
    [
      '{{range .RepoTags}}{{.}}{{break}}{{end}}|{{range .RepoTags}}{{if eq . "app:v2"}}{{continue}}{{end}}{{.}}{{end}}',
      'app:latest|app:latest',
    ],
    ['{{if .Config.User}}u{{else if .Config.Env}}e{{else}}n{{end}}', 'e'],
    ['{{if and .Id (not .Config.Tty)}}yes{{end}}{{if or .None .Config.User}}no{{end}}', 'yes'],
    ['{{with .Config}}{{.Env}}{{$.Id}}{{end}}{{with .None}}x{{else}}y{{end}}', '[A=1 B=<2>]sha256:34b0fd67f79ey'],
    ['{{with $x := .Size}}{{$x}}{{end}}', '31982263'],
    ['{{$n := 0}}{{range .RepoTags}}{{$n = len .}}{{end}}{{$n}}', '6'],
    ['{{join .RepoTags ", "}} {{upper "a"}}{{lower "B"}} {{title "one two"}} {{split "a:b" ":"}}', 'app:latest, app:v2 Ab One Two [a b]'],
    ['{{.RepoTags | len | printf "%03d"}} {{"x" | printf "%s-%s" "y"}}', '002 y-x'],
    ['{{truncate .Id 6}}{{pad "x" 1 2}}|{{slice .Id 7 10}}', 'sha256 x  |34b'],
    ['{{println .Id 1}}{{print "a" 1 2 "b"}}', 'sha256:34b0fd67f79e 1\na1 2b'],
    ['{{printf "%-5s|%5d|%q|%v|%.1f|%t|%x%%" "ab" 42 "q" .None 2.25 true 255}}', 'ab   |   42|"q"|[]|2.3|true|ff%'],
    ['{{printf "%s"}} {{printf "x" 1}} {{printf "%d" "s"}}', '%!s(MISSING) x%!(EXTRA int64=1) %!d(string=s)'],
    ['{{eq 1 1}} {{eq "a" "b" "a"}} {{ne 1 2}} {{lt 1 2}} {{ge "b" "a"}} {{gt 1 1}} {{le 1 1}}', 'true true true true true false true'],
    ['{{html "<a&\'b\'>"}} {{urlquery "a b&c"}} {{js "a\\"b"}}', '&lt;a&amp;&#39;b&#39;&gt; a+b%26c a\\"b'],
    ['a {{- "b" -}} c {{/* a remark */}}d {{- /* another */ -}} e', 'abc de'],
    ['{{`raw "\\n"`}} {{"\\u00e9\\t\\x41\\101"}} {{\'a\'}} {{0x10}} {{-3}} {{1e3}}', 'raw "\\n" é\tAA 97 16 -3 1000'],
    ['{{(index .RepoTags 0)}} {{(.Config).Env}} {{(index .Networks "bridge").IPAddress}}', 'app:latest [A=1 B=<2>] 172.17.0.2'],
    ['{{range 3}}{{.}}{{end}} {{true}} {{nil | json}}', '012 true null'],
  ])('%s', (template, text) => {
    expect(filled(template)).toBe(text)
  })
})

describe('what is wrong is said in docker’s words', () => {
  const row = new Row('formatter.imageContext', { ID: 'x' })
  test.each([
    ['{{.Nope}}', row, ':1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.imageContext'],
    ['{{.ID', row, ':1: unclosed action'],
    ['{{nope .ID}}', row, ':1: function "nope" not defined'],
    ['ä{{.Config.NoSuch}}', DATA, ':1:11: executing "" at <.Config.NoSuch>: map has no entry for key "NoSuch"'],
    ['\n {{.NoSuch}}', DATA, ':2:3: executing "" at <.NoSuch>: map has no entry for key "NoSuch"'],
    ['{{if .ID}}', row, ':1: unexpected EOF'],
    ['{{end}}', row, ':1: unexpected {{end}}'],
    ['{{$x}}', row, ':1: undefined variable "$x"'],
    ['{{"x}}', row, ':1: unterminated quoted string'],
    ['{{}}', row, ':1: missing value for command'],
    ['{{break}}', row, ':1: {{break}} outside {{range}}'],
    ['{{.ID ^}}', row, ':1: unexpected "^" in command'],
    ['{{index .RepoTags 9}}', DATA, ':1:2: executing "" at <index>: error calling index: index out of range: 9'],
    ['{{upper 1}}', DATA, 'wrong type for value; expected string; got int'],
    ['{{join .RepoTags}}', DATA, 'wrong number of args for join: want 2 got 1'],
    ['{{.Id 1}}', DATA, 'Id has arguments but cannot be invoked as function'],
    ['{{eq 1 "1"}}', DATA, 'error calling eq: incompatible types for comparison'],
    ['{{.Id.X}}', DATA, "can't evaluate field X in type string"],
  ])('%s', (template, data, words) => {
    expect(() => filled(template, data)).toThrow(`template parsing error: template: `)
    expect(() => filled(template, data)).toThrow(words)
  })
})
