/** /proc/PID/status: who a process is and what it may do. proc_pid_status(5), credentials(7), capabilities(7). */
import { wordOf } from '../constants.js'
import { DrydockError } from '../errors.js'
import { linesOf, type Pid, readProcFile } from './read.js'

/** The four ids of a process; files are made and opened with the last, which follows the effective one. */
export interface Ids {
  readonly real: number
  readonly effective: number
  readonly saved: number
  readonly filesystem: number
}

/** A set of capabilities or signals: the bits, and what they are called. */
export interface NamedBits {
  readonly bits: bigint
  readonly names: readonly string[]
}

export interface CapabilityStatus {
  readonly inheritable: NamedBits
  readonly permitted: NamedBits
  readonly effective: NamedBits
  readonly bounding: NamedBits
  readonly ambient: NamedBits
}

/** Memory in KiB. Kernel threads and zombies have none. */
export interface MemoryStatus {
  readonly virtual: number
  /** Resident: the sum of the three after it. */
  readonly resident: number
  /** Private pages that no file backs: what this process alone costs. Absent before Linux 4.5, as the next two. */
  readonly anonymous?: number
  readonly file?: number
  readonly shared?: number
  readonly data: number
  readonly stack: number
  /** The page tables themselves. */
  readonly pageTables: number
  readonly swapped: number
  readonly peakResident: number
}

export interface Status {
  readonly name: string
  /** One letter, as in proc_pid_stat(5). */
  readonly state: string
  /** The letter's meaning in the kernel's words: `sleeping`. */
  readonly stateName: string
  readonly tgid: number
  readonly pid: number
  readonly ppid: number
  /** Process id of who traces this one, or 0. */
  readonly tracer: number
  readonly uid: Ids
  readonly gid: Ids
  readonly groups: readonly number[]
  /** The process id in each pid namespace, from the reader's inwards: the last is what the process calls itself. */
  readonly nsPids: readonly number[]
  readonly threads: number
  readonly memory?: MemoryStatus
  readonly signals: { readonly pending: NamedBits; readonly blocked: NamedBits; readonly ignored: NamedBits; readonly caught: NamedBits }
  readonly capabilities: CapabilityStatus
  readonly noNewPrivs: boolean
  readonly seccomp: 'off' | 'strict' | 'filter'
  /** How many filters are in force; absent before Linux 5.9. */
  readonly seccompFilters?: number
  /** Every line by its name, as it stands there: also those that a newer kernel has added. */
  readonly lines: ReadonlyMap<string, string>
}

const SECCOMP = ['off', 'strict', 'filter'] as const
const HALF: readonly number[] = Array.from({ length: 32 }, (_, number) => number)

/** Names of the capabilities in a set, by ascending number; one that is too new for the headers is called by its number: `cap_41`. */
export function capabilityNames(bits: bigint): string[] {
  return numbersIn(bits).map((number) => wordOf('capability', number) ?? `cap_${number}`)
}

/** Names of the signals in a set, of which bit 0 is signal 1. The real-time ones are called by their number: `signal_34`. */
export function signalNames(bits: bigint): string[] {
  return numbersIn(bits).map((bit) => wordOf('signal', bit + 1) ?? `signal_${bit + 1}`)
}

/** Takes the text of /proc/PID/status apart. Lines that are not known are kept in `lines` and otherwise ignored. */
export function parseStatus(text: string): Status {
  const lines = new Map<string, string>()
  for (const line of linesOf(text)) {
    const colon = line.indexOf(':')
    // One tab follows; what comes after it may start with spaces when it is a name.
    if (colon > 0) lines.set(line.slice(0, colon), line.slice(colon + 1).replace(/^\t/, ''))
  }
  const value = (name: string): string => {
    const found = lines.get(name)
    if (found === undefined) throw new DrydockError(`a /proc/PID/status without a line '${name}' cannot be understood`)
    return found
  }
  const numbers = (name: string) => (lines.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number)
  const number = (name: string) => Number.parseInt(value(name), 10)
  const ids = (name: string): Ids => {
    const [real, effective, saved, filesystem] = numbers(name)
    if (filesystem === undefined) throw new DrydockError(`the line '${name}' of a /proc/PID/status has no four ids: ${value(name)}`)
    return { real: real as number, effective: effective as number, saved: saved as number, filesystem }
  }
  const bits = (name: string) => BigInt(`0x${lines.get(name)?.trim() ?? '0'}`)
  const capabilities = (name: string): NamedBits => named(bits(name), capabilityNames)
  const signals = (...names: string[]): NamedBits =>
    named(
      names.reduce((sum, name) => sum | bits(name), 0n),
      signalNames,
    )
  const state = value('State')
  const nsPids = numbers('NSpid')
  const memory = memoryOf(lines)
  const filters = lines.get('Seccomp_filters')
  return {
    name: unescapeName(value('Name')),
    state: state.slice(0, 1),
    stateName: /\((.*)\)/.exec(state)?.[1] ?? state,
    tgid: number('Tgid'),
    pid: number('Pid'),
    ppid: number('PPid'),
    tracer: number('TracerPid'),
    uid: ids('Uid'),
    gid: ids('Gid'),
    groups: numbers('Groups'),
    nsPids: nsPids.length > 0 ? nsPids : [number('Pid')],
    threads: number('Threads'),
    ...(memory && { memory }),
    signals: { pending: signals('SigPnd', 'ShdPnd'), blocked: signals('SigBlk'), ignored: signals('SigIgn'), caught: signals('SigCgt') },
    capabilities: {
      inheritable: capabilities('CapInh'),
      permitted: capabilities('CapPrm'),
      effective: capabilities('CapEff'),
      bounding: capabilities('CapBnd'),
      ambient: capabilities('CapAmb'),
    },
    noNewPrivs: lines.get('NoNewPrivs') === '1',
    seccomp: SECCOMP[Number(lines.get('Seccomp') ?? 0)] ?? 'filter',
    ...(filters !== undefined && { seccompFilters: Number(filters) }),
    lines,
  }
}

/** The status of a process, or undefined when it is not there (any more). */
export function readStatus(pid: Pid, root = '/proc'): Status | undefined {
  const text = readProcFile(`${root}/${pid}/status`)
  // A process may go between the opening and the reading of its file, which then is empty.
  return text ? parseStatus(text) : undefined
}

/** One line of /proc/PID/status, for who wants to know one thing of many processes, or often; undefined when the process or the line is not there. */
export function readStatusLine(pid: Pid, name: string, root = '/proc'): string | undefined {
  const text = readProcFile(`${root}/${pid}/status`) ?? ''
  const label = `\n${name}:\t`
  // No line's content has a newline in it, so that this is where a line begins. The first one is the name, which nobody looks for.
  const start = text.indexOf(label)
  return start < 0 ? undefined : text.slice(start + label.length, text.indexOf('\n', start + label.length))
}

/** The names when they are asked for: they take longer to find than all the rest. */
function named(bits: bigint, namesOf: (bits: bigint) => string[]): NamedBits {
  let names: string[] | undefined
  return {
    bits,
    get names() {
      names ??= namesOf(bits)
      return names
    },
  }
}

/** Positions of the bits that are set, of 64. */
function numbersIn(bits: bigint): number[] {
  const halves = [Number(bits & 0xffffffffn), Number((bits >> 32n) & 0xffffffffn)]
  return halves.flatMap((half, index) => HALF.filter((number) => (half >>> number) & 1).map((number) => number + 32 * index))
}

function memoryOf(lines: ReadonlyMap<string, string>): MemoryStatus | undefined {
  if (!lines.has('VmSize')) return undefined
  const kib = (name: string) => Number.parseInt(lines.get(name) ?? '0', 10)
  const parts = lines.has('RssAnon') ? { anonymous: kib('RssAnon'), file: kib('RssFile'), shared: kib('RssShmem') } : {}
  return {
    virtual: kib('VmSize'),
    resident: kib('VmRSS'),
    ...parts,
    data: kib('VmData'),
    stack: kib('VmStk'),
    pageTables: kib('VmPTE'),
    swapped: kib('VmSwap'),
    peakResident: kib('VmHWM'),
  }
}

/** The kernel writes a newline and a backslash in a name as `\n` and `\\`, so that a name cannot forge a line. */
function unescapeName(name: string): string {
  return name.replace(/\\(n|\\)/g, (_, letter: string) => (letter === 'n' ? '\n' : '\\'))
}
