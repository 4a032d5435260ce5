/** The machine that was measured on, as a reader needs it to compare with another. */

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly distribution: string
  /** Versions of cgroups with controllers: `v1`, `v2` or `v1 and v2`. */
  readonly cgroups: string
  /** Of the files that were measured with, and of the machine's own root. */
  readonly fileSystem: string
}

/** `model name` of /proc/cpuinfo; arm64 has none, and then there is the architecture. */
export const processorOf = (cpuinfo: string, architecture: string): string =>
  /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? architecture

/** PRETTY_NAME of os-release(5). */
export const distributionOf = (osRelease: string): string => /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(osRelease)?.[1] ?? 'unknown'

/** Type of the file system at /, of proc_pid_mounts(5): the last mount there is the one that is seen. */
export const rootTypeOf = (mounts: string): string =>
  mounts
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, at]) => at === '/')?.[2] ?? 'unknown'
