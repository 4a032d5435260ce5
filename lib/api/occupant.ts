/** Who answers at a socket already. */
import { request } from 'node:http'

/** How long somebody may take to answer who listens there, in milliseconds. */
const PATIENCE = 2000

/** In words, `Docker 28.5.2` say; undefined when nobody listens there any more, and the file is what was left. */
export function occupant(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: path, path: '/version', agent: false, timeout: PATIENCE }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk
      })
      response.on('end', () => resolve(nameOf(String(response.headers.server ?? ''), text)))
    })
    asked.on('timeout', () => {
      resolve('a program that says nothing')
      asked.destroy()
    })
    asked.on('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? undefined : 'another program'),
    )
    asked.end()
  })
}

/** `Docker/28.5.2 (linux)` is how an engine calls itself in the header Server. */
function nameOf(server: string, document: string): string {
  const [, name, version] = /^([A-Za-z]+)\/(\S+)/.exec(server) ?? []
  if (name !== undefined) return `${name} ${version}`
  const told = /"Version":"([^"]+)"/.exec(document)?.[1]
  return told === undefined ? 'another program' : `an engine of version ${told}`
}
