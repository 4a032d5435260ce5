/** An engine behind ssh(1): `system dial-stdio` on the other side carries the bytes to its socket, as docker's own client does it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'
import { type Host, showHost } from './host.js'

type SshHost = Extract<Host, { kind: 'ssh' }>

/** Of what ssh says, the end. */
const REMEMBERED = 4000

/** What runs over there: drydock where there is one, else docker. */
export function remoteCommand(socket: string | undefined): string {
  const quoted = socket === undefined ? '' : `-H '${`unix://${socket}`.replaceAll("'", "'\\''")}' `
  return `if command -v drydock >/dev/null 2>&1; then exec drydock ${quoted}system dial-stdio; else exec docker ${quoted}system dial-stdio; fi`
}

export function sshArguments({ host, user, port, socket }: SshHost): string[] {
  // The user's shell over there may be any; sh is the one whose grammar is known.
  const command = `sh -c '${remoteCommand(socket).replaceAll("'", "'\\''")}'`
  return ['-o', 'ConnectTimeout=30', '-T', ...(user ? ['-l', user] : []), ...(port ? ['-p', String(port)] : []), '--', host, command]
}

export async function dialSsh(host: SshHost): Promise<Duplex> {
  const child = spawn('ssh', sshArguments(host), { stdio: ['pipe', 'pipe', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new DrydockError(
          `${showHost(host)}: the program ssh cannot be run (${cause.code}): ssh:// addresses need an ssh client on this machine`,
          { cause },
        ),
      ),
    )
  })
  return new ProcessStream(child, host)
}

/** A program's input and output as a connection. Ending it ends the program's input; its output goes on until the other side closes. */
class ProcessStream extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #said = ''
  #heard = false

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, host: SshHost) {
    super({ allowHalfOpen: true })
    this.#child = child
    child.stdout.on('data', (bytes: Buffer) => {
      this.#heard = true
      if (!this.push(bytes)) child.stdout.pause()
    })
    child.stderr.on('data', (bytes: Buffer) => {
      this.#said = (this.#said + bytes.toString()).slice(-REMEMBERED)
    })
    child.stdin.on('error', () => undefined)
    child.once('close', (code, signal) => {
      // Before a word has come this is why there is no connection; later it is its end, and ssh's own affair.
      if (this.#heard) this.push(null)
      else this.destroy(failed(host, code ?? signal ?? 'nothing', this.#said))
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#child.stdin.write(chunk)) this.#child.stdin.once('drain', done)
    else done()
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill()
    done(error)
  }

  // What an agent asks of a socket. A program cannot be told any of it.
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    this.#child.ref()
    return this
  }

  unref(): this {
    this.#child.unref()
    return this
  }
}

function failed(host: SshHost, status: number | string, said: string): DrydockError {
  return new DrydockError(
    `error during connect: ssh to ${showHost(host)} has ended with ${status} before the engine answered. See that 'ssh ${host.user ? `${host.user}@` : ''}${host.host}' logs you in, and that drydock or Docker 18.09 or later is installed there.${said.trim() ? `\nssh said: ${said.trim()}` : ''}`,
  )
}
