/** Pulls a name into a data root: `pull DATA-ROOT NAME…`, all at once. */
import { pull } from '../../../lib/image/pull.js'
import { parseReference } from '../../../lib/image/reference.js'
import { Store } from '../../../lib/image/store/index.js'
import { PATIENT } from '../images.js'
import { registryClient } from '../registry-client.js'

const [root = '', ...names] = process.argv.slice(2)
const store = new Store(root)
const ids = names.map(async (name) => {
  const { image } = await pull(parseReference(name), { store, registry: registryClient(name, { timeouts: PATIENT }) })
  return image.id
})
process.stdout.write(`${(await Promise.all(ids)).join('\n')}\n`)
