/** As an ordinary user: layers made by the user's own overlay mount are packed and compared. Prints what is in them as JSON. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { changes, packLayer, packTree } from '../../../lib/image/pack/index.js'
import { collect } from '../layers.js'
import { readTar } from '../tar.js'

const [owner] = process.argv.slice(2)
const base = mkdtempSync('/var/tmp/drydock-pack-')
const script = `
  cd ${base}; mkdir lower diff work merged; mkdir lower/dir; touch lower/dir/old lower/gone lower/stays
  mount -t overlay -o userxattr,lowerdir=lower,upperdir=diff,workdir=work overlay merged; cd merged
  rm gone; rm -r dir; mkdir dir; touch dir/new kept; ${owner ? `chown ${owner} kept; chmod 0 kept` : ''}`
const root = ['--user', '--map-root-user', ...(owner ? ['--map-auto'] : []), '--mount']
execFileSync('unshare', [...root, 'sh', '-ec', script])
const names = (archive: Buffer) => readTar(archive).map(({ path, uid, gid }) => `${path} ${uid}:${gid}`)
const seen = {
  layer: names(await collect(packLayer(`${base}/diff`))),
  tree: names(await collect(packTree([`${base}/diff`, `${base}/lower`]))),
  changes: (await changes(`${base}/diff`, [`${base}/lower`])).map(({ kind, path }) => `${kind} ${path}`),
}
execFileSync('unshare', [...root, 'rm', '-rf', base])
execFileSync('rm', ['-rf', base])
console.log(JSON.stringify(seen))
