/**
 * The engine itself, as the Engine API has it.
 *
 *     machine.ts     what it tells of the machine
 */

import { availableParallelism, release } from 'node:os'
import { basename } from 'node:path'
import { ownPlatform } from '../../image/platform.js'
import { parseDomain } from '../../image/reference.js'
import { checkLogin } from '../../image/registry/index.js'
import { SHIM_PATH } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { isMachineRoot } from '../../kernel/proc/idmap.js'
import { VERSION } from '../../kernel/version.js'
import { STRANGERS_REFUSED } from '../../network/strangers.js'
import type { EngineContext } from '../context.js'
import { credentialsOf, imageUsage, registrySettings } from '../image/index.js'
import type { ContainersNoun, Document, RegistryAuth, SystemNoun } from '../types.js'
import { volumeUsage } from '../volume/index.js'
import { buildTime, driverStatus, limitsHere, limitWarnings, systemHere } from './machine.js'

/** Of the Engine API: what is spoken at most, and at least. */
export const API_VERSION = '1.47'
export const MIN_API_VERSION = '1.24'

/** In the words of `Runtimes`. */
const RUNTIME = 'drydock'

/** `containers`: whose list is a part of what `system df` tells. */
export function systemOf(context: EngineContext, { containers }: { readonly containers: Pick<ContainersNoun, 'list'> }): SystemNoun {
  return {
    version: async () => versionDocument(),
    info: async () => info(context),
    diskUsage: (types) => diskUsage(context, containers, types),
    login: (auth) => login(context, auth),
  }
}

function versionDocument(): Document {
  const details = {
    ApiVersion: API_VERSION,
    Arch: ownPlatform().architecture,
    BuildTime: buildTime(),
    Experimental: 'false',
    GitCommit: '',
    GoVersion: '',
    KernelVersion: release(),
    MinAPIVersion: MIN_API_VERSION,
    Os: 'linux',
  }
  const { Experimental: _, ...told } = details
  return {
    Platform: { Name: 'drydock' },
    Components: [
      { Name: 'Engine', Version: VERSION, Details: details },
      { Name: 'node', Version: process.versions.node, Details: { V8: process.versions.v8, OpenSSL: process.versions.openssl } },
    ],
    Version: VERSION,
    ...told,
  }
}

function info(context: EngineContext): Document {
  const { id, dataRoot, settings, machine, store } = context
  const mapped = machine.idmap !== undefined
  const namespaced = mapped ? [isMachineRoot() ? 'name=userns' : 'name=rootless'] : []
  const handles = context.containers.all()
  const limits = limitsHere(machine)
  const running = handles.filter((handle) => handle.running)
  const paused = running.filter(({ status }) => status === 'paused')
  const commit = { ID: '', Expected: '' }
  const warnings = [...limitWarnings(limits), ...machine.cgroups.problems.map((problem) => `WARNING: ${problem}`)]
  return {
    ID: id,
    Containers: handles.length,
    ContainersRunning: running.length - paused.length,
    ContainersPaused: paused.length,
    ContainersStopped: handles.length - running.length,
    Images: store.records.ids().length,
    Driver: 'overlay2',
    DriverStatus: driverStatus(dataRoot, mapped),
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file', 'local', 'none'] },
    ...limits,
    ...systemHere(),
    Debug: settings.debug,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: settings.logDriver ?? 'json-file',
    NEventsListener: context.events.listeners,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryDocument(context),
    NCPU: availableParallelism(),
    GenericResources: null,
    DockerRootDir: dataRoot,
    HttpProxy: proxy('HTTP_PROXY'),
    HttpsProxy: proxy('HTTPS_PROXY'),
    NoProxy: environment('NO_PROXY'),
    Name: settings.name,
    Labels: settings.labels,
    ExperimentalBuild: false,
    ServerVersion: VERSION,
    Runtimes: { [RUNTIME]: { path: SHIM_PATH } },
    DefaultRuntime: RUNTIME,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    // Containers go on when the engine ends: their shims hold them.
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: basename(SHIM_PATH),
    ContainerdCommit: commit,
    RuncCommit: commit,
    InitCommit: commit,
    SecurityOptions: ['name=seccomp,profile=builtin', ...namespaced, 'name=cgroupns'],
    CDISpecDirs: [],
    Warnings: warnings.length > 0 ? warnings : null,
  }
}

const environment = (name: string): string => process.env[name] || process.env[name.toLowerCase()] || ''

/** Without the password that may be in it. */
function proxy(name: string): string {
  const value = environment(name)
  if (!URL.canParse(value)) return value
  const url = new URL(value)
  if (url.username === '' && url.password === '') return value
  url.username = url.password = 'xxxxx'
  return url.href
}

function registryDocument(context: EngineContext): Document {
  const { mirrors, insecure } = registrySettings(context)
  const Mirrors = mirrors.map((mirror) => `${mirror}/`)
  const hosts = insecure.filter((entry) => !entry.includes('/'))
  const index = (Name: string, more: object) => [Name, { Name, Mirrors: [], Secure: true, Official: false, ...more }]
  return {
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...insecure.filter((entry) => entry.includes('/'))],
    IndexConfigs: Object.fromEntries([
      index('docker.io', { Mirrors, Official: true }),
      ...hosts.map((host) => index(host, { Secure: false })),
    ]),
    Mirrors,
  }
}

const TYPES = ['container', 'image', 'volume', 'build-cache']

/** Members that were not asked for are null. */
async function diskUsage(context: EngineContext, containers: Pick<ContainersNoun, 'list'>, types: readonly string[]): Promise<Document> {
  const stranger = types.find((type) => !TYPES.includes(type))
  if (stranger !== undefined) throw new DrydockError(`unknown object type: ${stranger}`, { status: 400 })
  const asked = (type: string) => types.length === 0 || types.includes(type)
  const { layers } = context.store
  return {
    LayersSize: asked('image') ? layers.list().reduce((sum, chain) => sum + (layers.get(chain)?.size ?? 0), 0) : 0,
    Images: asked('image') ? await imageUsage(context) : null,
    Containers: asked('container') ? await containers.list({ all: true, size: true, filters: new Map() }) : null,
    Volumes: asked('volume') ? await volumeUsage(context) : null,
    // What a build leaves here are images.
    BuildCache: asked('build-cache') ? [] : null,
    BuilderSize: 0,
  }
}

async function login(context: EngineContext, auth: RegistryAuth): Promise<{ readonly Status: string; readonly IdentityToken: string }> {
  const credentials = credentialsOf(auth)
  if (!credentials) throw new DrydockError('no username or identity token was given to log in with', { status: 400 })
  const domain = parseDomain(auth.serveraddress ?? '')
  const { identityToken = '' } = await checkLogin(domain, credentials, { config: registrySettings(context), guard: STRANGERS_REFUSED })
  return { Status: 'Login Succeeded', IdentityToken: identityToken }
}
