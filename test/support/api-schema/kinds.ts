/** What a parameter or a member of a body may be, as data: valid requests and broken ones are made from the same words (make.ts, breakage.ts). */

export type Kind =
  | { readonly kind: 'flag' }
  /** Whole, both ends included. */
  | { readonly kind: 'integer'; readonly from: number; readonly to: number }
  /** One of these words; all are valid. */
  | { readonly kind: 'text'; readonly of: readonly string[] }
  /** Seconds since 1970, as clients write it. */
  | { readonly kind: 'moment' }
  /** Something that is there, or was, or never was. */
  | { readonly kind: 'name'; readonly of: Noun }
  | { readonly kind: 'list'; readonly of: Kind; readonly most: number }
  | { readonly kind: 'map'; readonly keys: readonly string[]; readonly of: Kind }
  | { readonly kind: 'object'; readonly members: Members }
  | { readonly kind: 'either'; readonly of: readonly Kind[] }
  /** `{"label":["a"]}`, in the query. */
  | { readonly kind: 'filters'; readonly of: Readonly<Record<string, readonly string[]>> }

export type Members = Readonly<Record<string, Kind>>

export type Noun = 'container' | 'image' | 'network' | 'volume' | 'exec'

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** `/containers/{container}/json`: in braces a noun, of which some name is put there. */
  readonly path: string
  readonly query?: Members
  /** JSON, or a tar archive. */
  readonly body?: Kind | 'archive'
  /** Members without which it has no sense. */
  readonly needs?: readonly string[]
  /** The answer may go on for as long as somebody listens. */
  readonly stream?: true
  /** The connection becomes the answer. */
  readonly hijack?: true
  /** Statuses above 499 that are right for it: what is not here, and registries that do not answer. */
  readonly may?: readonly number[]
  /** What Docker's daemon has a 500 for, and clients look for. */
  readonly dockers?: RegExp
}

export const flag: Kind = { kind: 'flag' }
export const moment: Kind = { kind: 'moment' }
export const integer = (from: number, to: number): Kind => ({ kind: 'integer', from, to })
export const text = (...of: string[]): Kind => ({ kind: 'text', of })
export const name = (of: Noun): Kind => ({ kind: 'name', of })
export const list = (of: Kind, most = 3): Kind => ({ kind: 'list', of, most })
export const map = (keys: readonly string[], of: Kind): Kind => ({ kind: 'map', keys, of })
export const object = (members: Members): Kind => ({ kind: 'object', members })
export const either = (...of: Kind[]): Kind => ({ kind: 'either', of })
export const filters = (of: Readonly<Record<string, readonly string[]>>): Kind => ({ kind: 'filters', of })
/** Anybody's words. */
export const labels: Kind = map(['a', 'com.example.deck', 'tea', 'l'], text('', 'yes', 'b=c', 'ünï'))
export const nothing: Kind = object({})
