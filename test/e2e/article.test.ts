/** The article from its first command to its last, on two bottles, with our command line and with docker's. */
import { afterAll, beforeAll, describe } from 'vitest'
import { ARTICLE } from '../support/exercise/article.js'
import { type Client, Replay } from '../support/exercise/replay.js'
import { openYard } from '../support/exercise/yard.js'
import { missing, type Requirement, requires } from '../support/requires.js'
import { openTwoBottles, type TwoBottles } from '../support/two-bottles.js'

const NEEDS: readonly Requirement[] = ['root', 'command:nft', 'command:busybox', 'command:bash', 'command:ss', 'command:docker-registry']
const CLIENTS: Readonly<Record<Client, readonly Requirement[]>> = { drydock: NEEDS, docker: [...NEEDS, 'command:docker'] }

let hosts: TwoBottles
beforeAll(async () => {
  if (missing(NEEDS).length > 0) return
  hosts = await openTwoBottles()
  await openYard(hosts)
}, 240_000)
afterAll(() => hosts?.close())

describe.each(Object.entries(CLIENTS))('the article, typed with %s', (client, needs) => {
  let replay: Replay
  beforeAll(() => {
    if (missing(needs).length === 0) replay = new Replay(hosts, client as Client)
  })
  afterAll(() => replay?.close())
  for (const { name, run } of ARTICLE) requires(...needs)(name, () => run(replay), 120_000)
})
