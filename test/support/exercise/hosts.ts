/** Any two machines that are called vm-1 and vm-2, and something that plays the world outside: bottles or virtual machines. The exercise knows no more of them. */
export type Machine = 'vm-1' | 'vm-2' | 'internet'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TwoHosts {
  readonly addresses: { readonly 'vm-1': string; readonly 'vm-2': string }
  /** Who plays the world outside, with docker-registry and busybox: a third machine, or vm-2 with one address more. */
  readonly outside: {
    readonly machine: Machine
    /** Containers on vm-1 reach it by way of their host. */
    readonly address: string
  }
  /** A script, run there by sh: as root, with a home, and `drydock` in the PATH. What it leaves in the background with no streams of ours goes on. */
  on(machine: Machine, script: string, input?: string): Promise<Said>
  /** The command line, on this machine, that opens an interactive bash of root's there on the terminal that it is given. */
  terminal(machine: Machine): readonly string[]
}

/** What a script says that must succeed. */
export async function done(hosts: Pick<TwoHosts, 'on'>, machine: Machine, script: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await hosts.on(machine, script, input)
  if (code !== 0) throw new Error(`exit status ${code} on ${machine}: ${script.trim()}\n${stdout}${stderr}`)
  return stdout
}
