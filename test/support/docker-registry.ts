/** The registry that everybody runs (Debian's docker-registry), on a free port of loopback, with all that it keeps in a directory of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

/** A user whom a registry with `password` lets in. */
export const REGISTRY_USER = { username: 'mate', password: 'harbour' }
/** bcrypt of it, as htpasswd(1) writes it; it costs little to check. */
const HTPASSWD = 'mate:$2y$05$abcdefghijklmnopqrstuuZ9hITkhSjgdPh1azpD9e5XbVlHeIfui\n'

export interface DockerRegistryOptions {
  /** Nobody but REGISTRY_USER may do anything. */
  readonly password?: boolean
  /** A certificate for 127.0.0.1 that it has signed itself. */
  readonly tls?: boolean
  /** A cache of another registry: its address. */
  readonly mirrorOf?: string
}

export class DockerRegistry {
  readonly #child: ChildProcess
  readonly #home: string

  private constructor(
    child: ChildProcess,
    home: string,
    /** `127.0.0.1:PORT` */
    readonly host: string,
    /** PEM. */
    readonly certificate: string | undefined,
  ) {
    this.#child = child
    this.#home = home
  }

  static async start({ password = false, tls = false, mirrorOf }: DockerRegistryOptions = {}): Promise<DockerRegistry> {
    const home = mkdtempSync(join(tmpdir(), 'drydock-registry-'))
    if (tls) makeCertificate(home)
    writeFileSync(join(home, 'htpasswd'), HTPASSWD)
    const config = {
      version: '0.1',
      log: { level: 'info', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(home, 'data') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0', ...(tls && { tls: { certificate: join(home, 'cert.pem'), key: join(home, 'key.pem') } }) },
      ...(password && { auth: { htpasswd: { realm: 'harbour', path: join(home, 'htpasswd') } } }),
      ...(mirrorOf && { proxy: { remoteurl: mirrorOf } }),
    }
    // JSON is YAML.
    writeFileSync(join(home, 'config.yml'), JSON.stringify(config))
    const child = spawn(findCommand('docker-registry') as string, ['serve', join(home, 'config.yml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // A test that ends badly takes it along.
    const kill = () => child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    const port = await listening(child)
    return new DockerRegistry(child, home, `127.0.0.1:${port}`, tls ? readFileSync(join(home, 'cert.pem'), 'utf8') : undefined)
  }

  /** A directory as Docker's certs.d, that believes this registry. */
  certificates(): string {
    const directory = join(this.#home, 'certs.d')
    mkdirSync(join(directory, this.host), { recursive: true })
    writeFileSync(join(directory, this.host, 'ca.crt'), this.certificate ?? '')
    return directory
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended
    rmSync(this.#home, { recursive: true })
  }
}

/** Its log says where: port 0 is any that is free. */
function listening(child: ChildProcess): Promise<number> {
  let said = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      said += chunk.toString()
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (port) resolve(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', () => reject(new Error(`docker-registry has ended: ${said}`)))
  })
}

function makeCertificate(home: string): void {
  const [key, cert] = [join(home, 'key.pem'), join(home, 'cert.pem')]
  const name = ['-subj', '/CN=harbour', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync(findCommand('openssl') as string, ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...name], { stdio: 'ignore' })
}
