/** The description of the API that requests are made of by chance, beside the routes that there are: neither has one more than the other. */
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { ROUTES } from '../../../lib/api/server.js'
import { breakRequest } from '../../support/api-schema/breakage.js'
import { ROUTES as DESCRIBED } from '../../support/api-schema/index.js'
import { makeRequest, type World } from '../../support/api-schema/make.js'
import { Random } from '../../support/api-schema/random.js'
import { targetOf } from '../../support/api-schema/send.js'
import { fakeEngine } from '../../support/fake-engine.js'

const WORLD: World = { container: ['web'], image: ['busybox'], network: ['sea'], volume: ['cargo'], exec: ['e1'] }

/** `GET /containers/:/json`, as fastify has them. */
function routes(): string[] {
  const app = fastify({ exposeHeadRoutes: false })
  const found: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) found.push(`${one} ${url}`)
  })
  for (const add of ROUTES) add(app, { engine: fakeEngine({}), log: () => undefined })
  return found
}

/** What stands for anything: a name of fastify's, its rest of a path, one of ours. */
const pattern = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/\/$/, '')
      .replace(/[.+?^$()|[\]\\]/g, '\\$&')
      .replace(/:\w+|\{\w+\}|\*/g, '.+')}/?$`,
  )

const described = DESCRIBED.map(({ method, path }) => `${method} ${path}`)

describe('the description of the API', () => {
  test('has every route', () => {
    // What a swarm's manager would be asked is refused alike for every method.
    const single = routes().filter((route) => !/ \/(nodes|services|tasks|secrets|configs)/.test(route))
    const missing = single.filter((route) => !described.some((one) => pattern(route).test(one.replaceAll(/\{\w+\}/g, 'x'))))
    expect(missing).toEqual([])
  })

  test('has no other', () => {
    const known = routes().map(pattern)
    const hijacked = DESCRIBED.filter(({ hijack }) => hijack).map(({ method, path }) => `${method} ${path}`)
    const strangers = described.filter(
      (one) => !hijacked.includes(one) && !known.some((route) => route.test(one.replaceAll(/\{\w+\}/g, 'x'))),
    )
    expect(strangers).toEqual([])
  })
})

test('the same seed makes the same requests, and every kind of mistake can be sent', () => {
  const made = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 300 }, () => {
      const request = breakRequest(makeRequest(random.pick(DESCRIBED), random, WORLD), random)
      return `${request.method} ${targetOf(request)} ${request.bytes?.toString('base64') ?? JSON.stringify(request.document)} ${request.wrong}`
    })
  }
  expect(made(7)).toEqual(made(7))
  expect(made(7)).not.toEqual(made(8))
  // No blank and nothing beyond ASCII is in a request line, or it would be another mistake than the one that is meant.
  for (const line of made(9)) expect(line.split(' ')[1]).toMatch(/^[!-~]+$/)
})
