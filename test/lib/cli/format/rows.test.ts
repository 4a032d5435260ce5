import { expect, test } from 'vitest'
import { type Listing, showRows } from '../../../../lib/cli/format/index.js'
import { align, humanSize } from '../../../../lib/cli/table.js'

interface Boat {
  name: string
  tons: number
}

const BOATS: Listing<Boat> = {
  type: 'formatter.boatContext',
  columns: {
    Name: { heading: 'NAME', of: ({ name }) => name },
    Tons: { heading: 'TONS', of: ({ tons }) => `${tons}t` },
    Secret: { heading: 'SECRET', of: () => 's' },
  },
  usual: '{{.Name}}\t{{.Tons}}',
  hidden: ['Secret'],
}
const FLEET = [
  { name: 'a long and heavy boat', tons: 120 },
  { name: '<none>', tons: 1 },
]

test('the usual table, one of one’s own, and with nothing in it', () => {
  expect(showRows(BOATS, FLEET)).toBe('NAME                    TONS\na long and heavy boat   120t\n<none>                  1t\n')
  expect(showRows(BOATS, FLEET, 'table {{.Tons}}\\t{{.Secret}}')).toBe('TONS      SECRET\n120t      s\n1t        s\n')
  expect(showRows(BOATS, [])).toBe('NAME      TONS\n')
})

test('JSON has the fields in order, written as Go writes them; a template has a line each', () => {
  expect(showRows(BOATS, FLEET, 'json')).toBe('{"Name":"a long and heavy boat","Tons":"120t"}\n{"Name":"\\u003cnone\\u003e","Tons":"1t"}\n')
  expect(showRows(BOATS, FLEET, '{{.Name}}:{{.Tons}}')).toBe('a long and heavy boat:120t\n<none>:1t\n')
  expect(showRows(BOATS, FLEET, '{{json .Name}}')).toBe('"a long and heavy boat"\n"<none>"\n')
})

test('a wrong template is told also when there is nothing to list', () => {
  expect(() => showRows(BOATS, [], '{{.Name')).toThrow('unclosed action')
})

test('columns: an empty one keeps its width, lines apart have widths of their own', () => {
  expect(align('A\t\tB\n')).toBe('A                   B\n')
  expect(align('a\tb\nnothing\nlonger than ten\tb')).toBe('a         b\nnothing\nlonger than ten   b')
})

test.each([
  [0, '0B', '0B'],
  [999, '999B', '999B'],
  [1000, '1kB', '1kB'],
  [1_982_259, '1.98MB', '1.982MB'],
  [31_982_263, '32MB', '31.98MB'],
  [999_960, '1MB', '1MB'],
  [1.5e12, '1.5TB', '1.5TB'],
])('%i bytes are %s, with four digits %s', (bytes, three, four) => {
  expect(humanSize(bytes, 3)).toBe(three)
  expect(humanSize(bytes)).toBe(four)
})
