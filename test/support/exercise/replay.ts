/** One play of the article: two hosts, a client, somebody at a terminal of each, and what was seen so far. */
import { Desk } from './desk.js'
import { done, type TwoHosts } from './hosts.js'

/** Each looks for its engine in a place of its own when nobody tells it where. */
export const SOCKETS = { drydock: '/run/drydock.sock', docker: '/var/run/docker.sock' } as const
export type Client = keyof typeof SOCKETS

const PIDFILE = '/run/drydock-article.pid'
const LOG = '/tmp/drydock-article.log'

export class Replay {
  readonly hosts: TwoHosts
  readonly client: Client
  /** `tcp://172.20.122.115:2375` */
  readonly port: string
  /** What is seen once and compared later. */
  readonly seen = { id: '', first: '', container: '' }
  readonly #desks = new Map<'vm-1' | 'vm-2', Desk>()

  constructor(hosts: TwoHosts, client: Client) {
    this.hosts = hosts
    this.client = client
    this.port = `tcp://${hosts.addresses['vm-1']}:2375`
  }

  get socket(): string {
    return `unix://${SOCKETS[this.client]}`
  }

  async desk(machine: 'vm-1' | 'vm-2'): Promise<Desk> {
    const desk = this.#desks.get(machine) ?? (await Desk.open(this.hosts, machine))
    this.#desks.set(machine, desk)
    return desk
  }

  /** The engine as a service: nobody's terminal. */
  async startService(...addresses: string[]): Promise<void> {
    const hosts = addresses.map((address) => `-H ${address}`).join(' ')
    const insecure = addresses.some((address) => address.startsWith('tcp:')) ? '--tls=false' : ''
    await done(
      this.hosts,
      'vm-1',
      `setsid drydock daemon ${hosts} ${insecure} --pidfile ${PIDFILE} > ${LOG} 2>&1 < /dev/null &
       until [ "$(grep -c 'API listen on' ${LOG})" = ${addresses.length} ]; do kill -0 $! || { cat ${LOG} >&2; exit 1; }; sleep 0.05; done`,
    )
  }

  async stopService(): Promise<void> {
    await done(this.hosts, 'vm-1', `pid=$(cat ${PIDFILE}); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; rm -f ${LOG}`)
  }

  /** The engine's processes that listen on a port of vm-1: what `ss` or `netstat -tlp` shows. */
  listeners(): Promise<string> {
    return done(this.hosts, 'vm-1', 'ss -Hltnp "sport = :2375 or sport = :2376"')
  }

  /** An end for whatever is still there: terminals, containers, images, the engine. */
  async close(): Promise<void> {
    await Promise.all([...this.#desks.values()].map((desk) => desk.close()))
    this.#desks.clear()
    await this.hosts.on(
      'vm-1',
      `export DOCKER_HOST=${this.socket}
       containers=$(drydock ps -aq); [ -z "$containers" ] || drydock rm -f $containers
       images=$(drydock images -q); [ -z "$images" ] || drydock rmi -f $images
       [ ! -e ${PIDFILE} ] || { pid=$(cat ${PIDFILE}); kill $pid; while kill -0 $pid; do sleep 0.05; done; }
       rm -f ${LOG}`,
    )
  }
}
