/** A list in one of docker's formats: `table`, `table TEMPLATE`, `json`, or a template of one's own, a line each. */
import { align } from '../table.js'
import { compile } from './template.js'
import { Row } from './values.js'

/** A field by the name that templates use, and its heading in a table. */
export interface Column<Item> {
  /** Of a field that takes an argument (`{{.Label "x"}}`) a function, as its value is. */
  readonly heading: string | ((argument: string) => string)
  readonly of: (item: Item) => unknown
}

export interface Listing<Item> {
  /** As errors name it, `formatter.imageContext`. */
  readonly type: string
  readonly columns: Readonly<Record<string, Column<Item>>>
  /** Template of the usual table, without the word `table` in front. */
  readonly usual: string
  /** Fields that templates may use and `{{json .}}` does not show. */
  readonly hidden?: readonly string[]
}

/** What to print, each line ended. Throws docker's sentence when the template is wrong. */
export function showRows<Item>({ type, columns, usual, hidden = [] }: Listing<Item>, items: readonly Item[], format = 'table'): string {
  const { template, headed } = read(format, usual)
  const fill = compile(template)
  const names = Object.keys(columns)
  const line = (value: (column: Column<Item>) => unknown) => `${fill(new Row(type, fieldsOf(names, columns, value), hidden))}\n`
  const lines = items.map((item) => line(({ of }) => of(item)))
  if (!headed) return lines.join('')
  return align([line(({ heading }) => heading), ...lines].join(''))
}

/** Each is computed when it is asked for: some cost a walk through a container's files. */
function fieldsOf<Item>(
  names: readonly string[],
  columns: Readonly<Record<string, Column<Item>>>,
  value: (column: Column<Item>) => unknown,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const name of names) Object.defineProperty(fields, name, { enumerable: true, get: () => value(columns[name] as Column<Item>) })
  return fields
}

function read(format: string, usual: string): { template: string; headed: boolean } {
  if (format === 'table') return { template: usual, headed: true }
  if (format === 'json') return { template: '{{json .}}', headed: false }
  const headed = format.startsWith('table')
  const template = (headed ? format.slice('table'.length) : format).trim().replaceAll('\\t', '\t').replaceAll('\\n', '\n')
  return { template, headed }
}
