/** The packet filter's tables that are ours. They are no file: the nft program asks the kernel for them. nft(8), libnftables-json(5). */
import { execa } from 'execa'

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
  const path = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
  const result = await execa('nft', ['-j', ...args], { reject: false, env: { PATH: path } })
  if (result.code === 'ENOENT') return 'nft is not installed'
  if (result.failed) return `nft: ${(result.stderr || result.originalMessage || 'it failed').split('\n')[0]}`
  return (JSON.parse(result.stdout) as { nftables: NftObject[] }).nftables
}
