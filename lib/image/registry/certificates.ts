/** How a server proves who it is: the system's authorities, those that Docker's certs.d has for one registry, and a client's own certificate. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { DrydockError } from '../../kernel/errors.js'

/** Debian and Alpine; Fedora; openSUSE. The list that Node brings knows no authority that the machine's owner has added. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem']

/** As node:tls takes it. */
export interface Trust {
  readonly rejectUnauthorized: boolean
  readonly secureContext: SecureContext
}

export class Certificates {
  readonly #directories: readonly string[]
  #system: SecureContext | undefined

  /** `DIRECTORY/HOST:PORT/` may have more for one registry. */
  constructor(directories: readonly string[]) {
    this.#directories = directories
  }

  /** For a registry `HOST:PORT`, whose certificate is `checked` or taken as it is. What is in the first directory that knows it counts too. */
  for(host: string, { checked }: { checked: boolean }): Trust {
    const own = ownOf(host, this.#directories)
    // To read the system's authorities takes longer than a request in the room: once for all hosts, and not when nobody is checked.
    const authorities = checked ? systemAuthorities : () => []
    if (own) return trust(checked, createSecureContext({ ...own, ca: [...authorities(), ...own.ca] }))
    if (!checked) return trust(false, createSecureContext())
    this.#system ??= createSecureContext({ ca: authorities() })
    return trust(true, this.#system)
  }
}

const trust = (rejectUnauthorized: boolean, secureContext: SecureContext): Trust => ({ rejectUnauthorized, secureContext })

function ownOf(host: string, directories: readonly string[]): (SecureContextOptions & { ca: string[] }) | undefined {
  for (const directory of directories) {
    const home = join(directory, host)
    const files = list(home)
    if (!files) continue
    const ca = files.filter((file) => file.endsWith('.crt')).map((file) => read(join(home, file)))
    const clients = files.filter((file) => file.endsWith('.cert'))
    if (clients.length === 0) return { ca }
    const cert = clients.map((file) => read(join(home, file)))
    return { ca, cert, key: clients.map((file) => read(join(home, file.replace(/\.cert$/, '.key')))) }
  }
  return undefined
}

function systemAuthorities(): string[] {
  for (const file of process.env.SSL_CERT_FILE ? [process.env.SSL_CERT_FILE] : BUNDLES) {
    try {
      return [readFileSync(file, 'utf8')]
    } catch {
      // another distribution
    }
  }
  return [...rootCertificates]
}

function list(directory: string): string[] | undefined {
  try {
    return readdirSync(directory).sort()
  } catch {
    return undefined
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new DrydockError(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}
