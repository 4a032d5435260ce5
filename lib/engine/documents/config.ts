/** Docker's Config, the members in its order; those that are left out when they are empty are left out. */
import type { ContainerConfig } from '../../image/types.js'

const EMPTY = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  ExposedPorts: undefined,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Healthcheck: undefined,
  ArgsEscaped: undefined,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
  StopSignal: undefined,
  StopTimeout: undefined,
  Shell: undefined,
}

export type ConfigDocument = Partial<Record<keyof typeof EMPTY, unknown>>

/** JSON leaves out what is undefined. */
export function configDocument(config: ContainerConfig | ConfigDocument): ConfigDocument {
  const known = Object.keys(EMPTY).map((name) => [name, (config as Record<string, unknown>)[name] ?? EMPTY[name as keyof typeof EMPTY]])
  return Object.fromEntries(known.filter(([, value]) => value !== undefined))
}
