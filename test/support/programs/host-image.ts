/** Makes a host image (arguments: data root, then directories of programs) and prints it; says before that it begins. */
import { hostImage } from '../../../lib/image/host/index.js'
import '../../../lib/image/host/make.js'

const [dataRoot = '', ...directories] = process.argv.slice(2)
console.log('begins')
console.log(JSON.stringify(await hostImage(directories.length > 0 ? { dataRoot, directories } : { dataRoot })))
