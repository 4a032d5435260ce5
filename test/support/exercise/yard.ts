/**
 * What the world outside has for vm-1: a registry with two distributions, and the packages of the second. All of it is made there, of that machine's own
 * programs and with drydock itself, since there is no other world to be had:
 *
 *     host image ── hull ─┬─ harbour    the first system, with bash as its distribution configures it
 *                         └─ lifeboat   the other one: another release file, another prompt, another package manager
 */
import { done, type TwoHosts } from './hosts.js'
import { rpmPackage } from './rpm.js'

/** Their layers below the last are one and the same. */
export const IMAGES = { first: 'harbour', other: 'lifeboat' } as const

/** What the other distribution says of itself. */
export const RELEASE = 'Lifeboat Linux release 7.1 (Core)'

/** An editor that is in no image, and takes what is typed to its file. */
export const EDITOR = {
  name: 'scribe',
  version: '1.0',
  summary: 'A very small editor',
  path: '/usr/bin/scribe',
  greeting: 'ctrl-d saves it',
} as const
const PACKAGE = `${EDITOR.name}-${EDITOR.version}-1.noarch.rpm`

/** Where an engine's data may be: an overlay's upper layer must not be on another overlay, as a bottle's root is. */
const PLACE = '/var/lib/drydock/yard'
const REGISTRY_PORT = 5000
const MIRROR_PORT = 8000

export const registryOf = ({ outside }: TwoHosts): string => `${outside.address}:${REGISTRY_PORT}`
export const packageOf = ({ outside }: TwoHosts): string => `http://${outside.address}:${MIRROR_PORT}/${PACKAGE}`

const configuration = (hosts: TwoHosts) =>
  JSON.stringify({
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${PLACE}/storage` } },
    http: { addr: registryOf(hosts) },
  })

/** The two differ in these, as distributions do. */
const HARBOUR = String.raw`
echo 'Harbour 14.04.2 LTS \n \l' > /etc/issue
printf 'NAME="Harbour"\nID=harbour\nPRETTY_NAME="Harbour 14.04.2 LTS"\n' > /etc/os-release
echo "PS1='\u@\h:\w\\$ '" > /root/.bashrc
rm -f /usr/bin/rpm /usr/bin/rpm2cpio`

const LIFEBOAT = String.raw`
echo '${RELEASE}' > /etc/lifeboat-release
printf 'NAME="Lifeboat Linux"\nID=lifeboat\nPRETTY_NAME="${RELEASE}"\n' > /etc/os-release
echo "PS1='[\u@\h \W]\\$ '" > /root/.bashrc
rm -f /usr/bin/dpkg /usr/bin/dpkg-deb`

const BASH = `-c 'CMD ["/bin/bash"]'`

/** Two containers of the hull, each committed and pushed. */
const BUILD = `
set -e
export DRYDOCK_ENGINE=none DRYDOCK_DATA_ROOT=${PLACE}/data DRYDOCK_RUN_DIR=${PLACE}/run
push() { drydock commit ${BASH} $1 $REGISTRY/library/$1; drydock push -q $REGISTRY/library/$1; drydock rm $1; }
drydock run --network none --name hull host true
drydock commit hull hull
drydock rm hull
drydock run --network none --name ${IMAGES.first} hull sh -ec "$FIRST"
push ${IMAGES.first}
drydock run --network none --name ${IMAGES.other} hull sh -ec "$OTHER"
push ${IMAGES.other}
rm -rf "$DRYDOCK_RUN_DIR"`

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** A server in the background; the script ends when it listens. */
const serve = (command: string, port: number) => `set -e
setsid ${command} > ${PLACE}/log-${port} 2>&1 < /dev/null &
echo $! >> ${PLACE}/pids
until ss -Hltn 'sport = :${port}' | grep -q .; do kill -0 $!; sleep 0.05; done`

/** Servers in the background, images in the registry, and vm-1 knows to ask it. */
export async function openYard(hosts: TwoHosts): Promise<void> {
  const { outside } = hosts
  const registry = registryOf(hosts)
  await done(
    hosts,
    outside.machine,
    `rm -rf ${PLACE}; mkdir -p ${PLACE}/www ${PLACE}/data; cat > ${PLACE}/config.yml`,
    configuration(hosts),
  )
  const content = rpmPackage({ ...EDITOR, content: `#!/bin/sh\necho '${EDITOR.greeting}'\nexec cat > "$1"\n` }).toString('base64')
  await done(hosts, outside.machine, `base64 -d > ${PLACE}/www/${PACKAGE}`, content)
  await done(hosts, outside.machine, serve(`env OTEL_TRACES_EXPORTER=none docker-registry serve ${PLACE}/config.yml`, REGISTRY_PORT))
  await done(hosts, outside.machine, serve(`busybox httpd -f -p ${outside.address}:${MIRROR_PORT} -h ${PLACE}/www`, MIRROR_PORT))
  const registries = (mirrors: readonly string[]) => JSON.stringify({ 'insecure-registries': [registry], 'registry-mirrors': mirrors })
  await done(hosts, outside.machine, `cat > ${PLACE}/data/registries.json`, registries([]))
  const words = `REGISTRY=${registry} FIRST=${quoted(HARBOUR)} OTHER=${quoted(LIFEBOAT)}`
  await done(hosts, outside.machine, `${words}\n${BUILD}`)
  await done(hosts, 'vm-1', 'mkdir -p /var/lib/drydock && cat > /var/lib/drydock/registries.json', registries([`http://${registry}`]))
}
