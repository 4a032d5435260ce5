/** The packet filter's tables that are ours. They are no file: the nft program asks the kernel for them. nft(8), libnftables-json(5). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

// Not execa: every lesson looks here when it opens, and loading that takes longer than asking.
const run = promisify(execFile)

/** Names of our tables start with this. */
const OWN_TABLE = 'drydock'

/** Our tables and how much is in each; or, as a sentence, why that cannot be read. Only root may look. */
export async function readOwnTables(): Promise<{ name: string; detail: string }[] | string> {
  if (process.geteuid?.() !== 0) return 'only root may list nft tables'
  const tables = await nft('list', 'tables')
  if (typeof tables === 'string') return tables
  const ours = tables.flatMap(({ table }) => (table?.name.startsWith(OWN_TABLE) ? [table] : []))
  const seen: { name: string; detail: string }[] = []
  for (const { family, name } of ours) {
    const content = await nft('list', 'table', family, name)
    if (typeof content === 'string') continue // gone meanwhile
    const [chains, rules] = [content.filter(({ chain }) => chain).length, content.filter(({ rule }) => rule).length]
    seen.push({ name: `${family} ${name}`, detail: `chains: ${chains}, rules: ${rules}` })
  }
  return seen
}

interface NftObject {
  readonly table?: { readonly family: string; readonly name: string }
  readonly chain?: object
  readonly rule?: object
}

/** What nft answers, or why it does not. */
async function nft(...args: string[]): Promise<NftObject[] | string> {
  const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
  try {
    const { stdout } = await run('nft', ['-j', ...args], { env: { ...process.env, PATH }, maxBuffer: 1 << 28 })
    return (JSON.parse(stdout) as { nftables: NftObject[] }).nftables
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string }
    return code === 'ENOENT' ? 'nft is not installed' : `nft: ${(stderr || message).split('\n')[0]}`
  }
}
