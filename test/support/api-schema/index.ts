/**
 * The Engine API as data, written once: every route with its parameters, and the members of its bodies with their types.
 *
 *     kinds.ts       what a value may be              make.ts       valid requests of it
 *     containers.ts others.ts container-body.ts       breakage.ts   what is wrong with others
 *     random.ts      chance, by a seed                send.ts       sent, and the answer judged
 */
import { CONTAINER_ROUTES } from './containers.js'
import type { Route } from './kinds.js'
import { OTHER_ROUTES } from './others.js'

export type { Kind, Route } from './kinds.js'

export const ROUTES: readonly Route[] = [...CONTAINER_ROUTES, ...OTHER_ROUTES]

/** Each as often as there is something to get wrong in it. */
export const WEIGHTED: readonly Route[] = ROUTES.flatMap((route) => {
  const { body, may } = route
  if (may && !body) return [route]
  const members = typeof body === 'object' && body.kind === 'object' ? Object.keys(body.members).length : 0
  return Array.from({ length: 2 + members }, () => route)
})
