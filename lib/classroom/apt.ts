/** What this machine's own apt knows: where its packages come from, which releases are there, and the packages themselves. Nothing here names a host. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { DrydockError } from '../kernel/errors.js'

/** Newest first. The machine's own is left out. */
const RELEASES: Readonly<Record<string, readonly string[]>> = {
  debian: ['trixie', 'bookworm', 'bullseye'],
  ubuntu: ['noble', 'jammy', 'focal'],
}

/** Downloads through apt's own methods: with its proxies, certificates and passwords. */
const HELPER = '/usr/lib/apt/apt-helper'

const QUIET = { env: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }, reject: false } as const

export interface Distribution {
  /** `debian`, `ubuntu`. */
  readonly id: string
  /** `bookworm` */
  readonly codename: string
}

/** From os-release(5); undefined when the machine is of another family. */
export function ownDistribution(text = readFileSync('/etc/os-release', 'utf8')): Distribution | undefined {
  const field = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? ''
  const id = field('ID')
  return id in RELEASES ? { id, codename: field('VERSION_CODENAME') } : undefined
}

/** What else of its distribution there may be. */
export const foreignReleases = ({ id, codename }: Distribution): readonly string[] => (RELEASES[id] ?? []).filter((one) => one !== codename)

/** The address of the machine's own mirror. Of several lines of sources the one of its own release counts. */
export async function ownMirror({ codename }: Distribution): Promise<string> {
  const format = '$(SITE) $(RELEASE) $(COMPONENT)'
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], QUIET)
  const lines = String(stdout)
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , component]) => component === 'main')
  const found = lines.find(([, release]) => release === codename) ?? lines[0]
  if (!found?.[0])
    throw new DrydockError('apt has no source of packages with a component main: look at /etc/apt/sources.list and apt-get update')
  return found[0]
}

/** Releases that are not this machine's, and that the mirror has. Asked one after the other: the first is wanted, mostly. */
export async function* otherReleases(distribution: Distribution, mirror: string, place: string): AsyncGenerator<string> {
  for (const release of foreignReleases(distribution)) {
    const file = join(place, `${release}.InRelease`)
    const { exitCode } = await execa(HELPER, ['download-file', `${mirror.replace(/\/$/, '')}/dists/${release}/InRelease`, file], QUIET)
    rmSync(file, { force: true })
    if (exitCode === 0) yield release
  }
}

/** These packages, fetched by apt and unpacked into `tree`; what an earlier time has fetched is taken as it is. */
export async function unpackPackages(names: readonly string[], archives: string, tree: string, signal: AbortSignal): Promise<void> {
  mkdirSync(archives, { recursive: true })
  const missing = names.filter((name) => archiveOf(archives, name) === undefined)
  if (missing.length > 0) {
    const { exitCode, stderr } = await execa('apt-get', ['download', ...missing], { ...QUIET, cwd: archives, cancelSignal: signal })
    if (exitCode !== 0) throw new DrydockError(`apt-get cannot download ${missing.join(' ')}: ${reason(String(stderr))}`)
  }
  mkdirSync(tree, { recursive: true })
  for (const name of names) {
    const { exitCode, stderr } = await execa('dpkg-deb', ['-x', join(archives, archiveOf(archives, name) as string), tree], QUIET)
    if (exitCode !== 0) throw new DrydockError(`dpkg-deb cannot unpack ${name}: ${reason(String(stderr))}`)
  }
}

const archiveOf = (archives: string, name: string) =>
  readdirSync(archives).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'))

/** Everything that a package needs, itself included, as apt would install it on a machine with nothing on it. */
export async function closureOf(name: string): Promise<string[]> {
  const options = ['-s', '-o', 'Dir::State::status=/dev/null', 'install', '--no-install-recommends', name]
  const { exitCode, stdout, stderr } = await execa('apt-get', options, QUIET)
  if (exitCode !== 0) throw new DrydockError(`apt does not know what ${name} needs: ${reason(String(stderr))}`)
  return [...String(stdout).matchAll(/^Inst (\S+)/gm)].map(([, found]) => found as string)
}

/** Of what a program of apt's family has printed the lines that say what is wrong, as one. */
export function reason(text: string): string {
  const lines = text.split('\n').filter((line) => /^(E|Err|dpkg-deb: error)\b/.test(line))
  return (lines.length > 0 ? lines : text.trim().split('\n').slice(-1)).join('; ').replace(/\s+/g, ' ')
}
