/** The tutor's own client of an engine: one question a connection. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { DrydockError } from '../../lib/kernel/errors.js'
import { framesIn } from './frames.js'

export interface Reply {
  readonly status: number
  readonly bytes: Buffer
  readonly text: string
}

/** What of a container's document this lesson reads. */
export interface ContainerDocument {
  readonly Id: string
  readonly Name: string
  readonly Path: string
  readonly Args: readonly string[]
  readonly State: { readonly Status: string; readonly Running: boolean; readonly Pid: number; readonly ExitCode: number }
  readonly Config: { readonly Hostname: string; readonly Image: string; readonly Labels: Readonly<Record<string, string>> | null }
  readonly GraphDriver: { readonly Name: string; readonly Data: Readonly<Record<string, string>> | null }
}

export class Engine {
  /** The socket's path as this process reaches it. */
  readonly socket: string

  constructor(socket: string) {
    this.socket = socket
  }

  /** Rejects only when nobody answers. */
  async ask(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Reply> {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    const headers = bytes === undefined ? {} : { 'Content-Type': type, 'Content-Length': bytes.length }
    const asked = httpRequest({ socketPath: this.socket, agent: false, method, path, headers })
    // Who has answered already need not listen to the end: that is no error of the answer's.
    asked.on('error', () => undefined)
    asked.end(bytes)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const answer = await bytesOf(response)
    return { status: response.statusCode ?? 0, bytes: answer, text: answer.toString() }
  }

  /** The answer's document; throws what the engine says when it is no success. */
  async must<T>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const { status, text } = await this.ask(method, path, body, type)
    if (status < 200 || status > 299) throw new DrydockError(`${method} ${path}: the engine answers ${status}: ${messageIn(text)}`)
    return (text.startsWith('{') || text.startsWith('[') ? parsed(text) : undefined) as T
  }

  /** A root file system as an image of one layer. */
  async import(repository: string, archive: Buffer): Promise<void> {
    await this.must('POST', `/images/create?fromSrc=-&repo=${repository}&tag=latest`, archive, 'application/x-tar')
  }

  /** The id of a new container, which does not run yet. */
  async create(config: object, name?: string): Promise<string> {
    const { Id } = await this.must<{ Id: string }>('POST', `/containers/create${name === undefined ? '' : `?name=${name}`}`, config)
    return Id
  }

  async run(config: object, name?: string): Promise<string> {
    const id = await this.create(config, name)
    await this.must('POST', `/containers/${id}/start`)
    return id
  }

  inspect(word: string): Promise<ContainerDocument> {
    return this.must('GET', `/containers/${word}/json`)
  }

  /** What a container without a terminal has printed to both its outputs. */
  async logs(word: string): Promise<string> {
    const { bytes } = await this.ask('GET', `/containers/${word}/logs?stdout=1&stderr=1`)
    return framesIn(bytes)
      .map((frame) => frame.bytes.toString())
      .join('')
  }

  /** Ids of all containers that there are. */
  async all(): Promise<string[]> {
    return (await this.must<{ Id: string }[]>('GET', '/containers/json?all=1')).map(({ Id }) => Id)
  }
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return Buffer.concat(parts)
}

/** `{"message":"…"}` is how an engine says what is wrong. */
const messageIn = (text: string): string => (parsed(text) as { message?: string } | undefined)?.message ?? text.trim()

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
