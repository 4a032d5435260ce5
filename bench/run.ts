/** A full container, from a Node process that runs already to the exit status of `true`, beside `crun run` of the same bundle. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { ARCH } from '../lib/kernel/constants.js'
import { Spawner } from '../lib/kernel/spawner.js'
import { DEFAULT_CAPABILITIES } from '../lib/primitives/capabilities.js'
import { MASKED_PATHS, READ_ONLY_PATHS } from '../lib/primitives/rootfs/index.js'
import { DEFAULT_PROFILE } from '../lib/primitives/seccomp/index.js'
import { busyboxRoot, fullPlan, readMachine } from '../test/support/full.js'
import { interleaved, milliseconds, spreadOf } from './tools.js'

const ROUNDS = 60
const GIB = 1024 ** 3

const root = busyboxRoot()
const bundle = await makeBundle(root.path)
const spawner = await Spawner.start({ warm: 4, connected: 2 })
let counter = 0
const machine = readMachine()

/** Plan included; what the machine can do was looked up once, as an engine does. */
async function drydock(): Promise<void> {
  const shim = await spawner.shim()
  await shim.run(fullPlan({ root: root.path, name: `bench-${counter++}`, argv: ['true'], machine }))
  const { code } = await shim.exited
  if (code !== 0) throw new Error(`true ended with ${code}`)
  await shim.ended
}

async function crun(): Promise<void> {
  await execa('crun', ['run', '--bundle', bundle, `bench-${counter++}`])
}

const steps = fullPlan({ root: root.path, name: 'count', argv: ['true'] }).length
report('run of true in a full container', steps, await interleaved({ drydock, crun }, ROUNDS))

const ballast = Buffer.alloc(GIB, 1)
report(
  `the same, Node with ${(process.memoryUsage().rss / GIB).toFixed(1)} GiB resident`,
  steps,
  await interleaved({ drydock, crun }, ROUNDS),
)
if (ballast[GIB - 1] !== 1) throw new Error('the ballast was not kept')

await spawner.close()
rmSync(bundle, { recursive: true })
root.remove()
process.exit(0)

function report(title: string, count: number, times: { drydock: number[]; crun: number[] }): void {
  const [own, peer] = [spreadOf(times.drydock), spreadOf(times.crun)]
  console.log(`${title} (${count} steps, ${ROUNDS} runs each, interleaved)`)
  console.log(`  drydock  ${milliseconds(own)}, clean-up included`)
  console.log(`  crun run ${milliseconds(peer)}`)
  console.log(`  ratio    ${(own.median / peer.median).toFixed(3)}`)
}

/** An OCI bundle that asks for what the plan asks for. */
async function makeBundle(rootPath: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-bundle-'))
  await execa('crun', ['spec'], { cwd: directory })
  const capabilities = DEFAULT_CAPABILITIES.map((name) => `CAP_${name.toUpperCase()}`)
  const spec = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))
  const types = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup']
  const config = {
    ...spec,
    root: { path: rootPath, readonly: false },
    hostname: 'bench',
    process: {
      ...spec.process,
      terminal: false,
      args: ['true'],
      env: ['PATH=/bin'],
      noNewPrivileges: false,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    linux: {
      namespaces: types.map((type) => ({ type })),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READ_ONLY_PATHS,
      resources: {
        memory: { limit: 64 * 1024 * 1024 },
        pids: { limit: 100 },
        cpu: { quota: 100_000, period: 100_000 },
        devices: [{ allow: false, access: 'rwm' }],
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        architectures: [ARCH === 'aarch64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
        syscalls: DEFAULT_PROFILE.syscalls.filter(applies).map(({ names, action, args = [] }) => ({ names, action, args })),
      },
    },
  }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  return directory
}

/** Rules for this architecture that hold for a container with Docker's capabilities. */
function applies({ includes = {}, excludes = {} }: (typeof DEFAULT_PROFILE.syscalls)[number]): boolean {
  const own = ARCH === 'aarch64' ? 'arm64' : 'amd64'
  return (
    !includes.caps?.length &&
    !excludes.caps?.length &&
    (!includes.arches?.length || includes.arches.includes(own)) &&
    !excludes.arches?.includes(own)
  )
}
