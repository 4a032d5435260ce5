/** Two registries on loopback, until standard input ends: one that anybody may use, and one for `mate` with the password `harbour`. Prints where they are. */
import { basicAuth, RegistryServer } from '../registry-server.js'

const open = await RegistryServer.start()
const closed = await RegistryServer.start({ auth: basicAuth('mate', 'harbour') })
console.log(JSON.stringify({ open: open.host, closed: closed.host }))
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
