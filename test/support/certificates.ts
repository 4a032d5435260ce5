/** Authorities, and certificates of theirs, made by openssl 3. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Authority {
  readonly ca: string
  /** For a client, or for a server at the loopback. */
  sign(name: string): Certificate
}

export function authority(name: string): Authority {
  const own = create(name)
  return { ca: own.cert, sign: (subject) => create(subject, own) }
}

function create(name: string, issuer?: Certificate): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-ca-'))
  const at = (file: string) => join(directory, file)
  try {
    if (issuer)
      for (const [file, text] of [
        ['ca.pem', issuer.cert],
        ['ca-key.pem', issuer.key],
      ] as const)
        writeFileSync(at(file), text)
    const signed = [
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca-key.pem'),
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-addext',
      'basicConstraints=CA:FALSE',
    ]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, ...curve, ...files, ...(issuer ? signed : [])], {
      stdio: 'pipe',
    })
    return { cert: readFileSync(at('cert.pem'), 'utf8'), key: readFileSync(at('key.pem'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
