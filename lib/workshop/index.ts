/** The workshop page: a live picture of the kernel, the sessions that are stepped through on this machine, and who has joined. */
import { sentenceOf } from '../kernel/errors.js'
import type { Picture } from '../picture/types.js'
import { makeToken } from './access.js'
import { listenAt } from './listen.js'
import { pageFiles } from './page-files.js'
import { isLoopback, type Place, reachedBy, urlOf } from './place.js'
import { Room } from './room.js'
import { createServer, type WorkshopServer } from './server.js'
import type { Traces } from './traces.js'

export interface WorkshopOptions {
  readonly place: Place
  /** Other names by which a browser may call this machine. */
  readonly names: readonly string[]
  /** Ask for a token on the loopback too, where other users of this machine are. */
  readonly token: boolean
  readonly picture: () => Promise<Picture>
  /** Milliseconds of a processor that pictures have cost in other processes until now. */
  readonly elsewhere: () => number
  /** Nobody looks at pictures any more. */
  readonly rest: () => Promise<void>
  readonly traces: Traces
  readonly log: (words: string) => void
}

export interface Workshop {
  /** What opens the page, the token included, the likeliest first. */
  readonly urls: readonly string[]
  /** What learners join by; none when only this machine can reach it. */
  readonly joinUrls: readonly string[]
  readonly word: string
  readonly port: number
  /** The usual port was taken. */
  readonly moved: boolean
  close(): Promise<void>
}

/** Rejects with a sentence when it cannot listen there, or the page cannot be put together. */
export async function openWorkshop({
  place,
  names,
  token: wanted,
  picture,
  elsewhere,
  rest,
  traces,
  log,
}: WorkshopOptions): Promise<Workshop> {
  const page = pageFiles()
  const room = new Room()
  const open = !isLoopback(place)
  const token = open || wanted ? makeToken() : undefined
  const called = names.map((name) => name.toLowerCase())
  let server: WorkshopServer | undefined
  const sockets = await listenAt(place, (request, response) => {
    // Nobody has been told of the address before there is a server.
    if (server) server.answer(request, response)
    else response.destroy()
  })
  const hosts = [...called, ...reachedBy(place)]
  const joinUrls = open
    ? [...new Set(hosts)].filter((host) => host !== '127.0.0.1').map((host) => urlOf(host, sockets.port).replace(/\/$/, ''))
    : []
  const [joinUrl] = joinUrls
  server = await createServer({
    page,
    picture,
    elsewhere,
    rest,
    traces,
    room,
    open,
    ...(joinUrl !== undefined && { joinUrl }),
    door: { names: called, ...(token !== undefined && { token }) },
    log,
  })
  const made = server
  return {
    urls: hosts.map((host) => `${urlOf(host, sockets.port)}${token === undefined ? '' : `?token=${token}`}`),
    joinUrls,
    word: room.word,
    port: sockets.port,
    moved: sockets.moved,
    close: async () => {
      await made.close().catch((error: unknown) => log(sentenceOf(error)))
      await sockets.close()
    },
  }
}
