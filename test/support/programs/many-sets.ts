/** Makes so many sets of certificates, one after the other. */
import { makeSet } from '../../../lib/tls/set.js'

const [count] = process.argv.slice(2)
for (let set = 0; set < Number(count); set++) makeSet({ hosts: ['vm-1'], days: 30, name: 'test' })
console.log('made')
