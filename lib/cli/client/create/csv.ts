/** One line of comma-separated fields (RFC 4180), as `--mount`, `--network` and `--gpus` are; fields with commas stand in quotes. */
import { DrydockError } from '../../../kernel/errors.js'

export function readFields(line: string): string[] {
  if (line === '') throw new DrydockError('EOF', { status: 400 })
  const fields: string[] = []
  let rest = line
  for (;;) {
    const [whole, quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(rest) ?? []
    if (whole === undefined) throw new DrydockError(`parse error: bare " in non-quoted field: ${rest}`, { status: 400 })
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (whole.length === rest.length) return fields
    rest = rest.slice(whole.length + 1)
  }
}

/** `name=value` at its first equals sign; undefined where there is none. */
export function pair(field: string): { readonly name: string; readonly value: string | undefined } {
  const at = field.indexOf('=')
  return at < 0 ? { name: field, value: undefined } : { name: field.slice(0, at), value: field.slice(at + 1) }
}
