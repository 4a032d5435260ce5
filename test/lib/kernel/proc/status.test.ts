import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { parseStat, readProcess } from '../../../../lib/kernel/proc/processes.js'
import { capabilityNames, parseStatus, readStatus, readStatusLine, signalNames } from '../../../../lib/kernel/proc/status.js'

const STATUS = `Name:\tsleep
Umask:\t0022
State:\tS (sleeping)
Tgid:\t4242
Ngid:\t0
Pid:\t4242
PPid:\t4241
TracerPid:\t7
Uid:\t1000\t1001\t1002\t1003
Gid:\t100\t101\t102\t103
FDSize:\t64
Groups:\t4 24 1000 
NStgid:\t4242\t12\t1
NSpid:\t4242\t12\t1
Kthread:\t0
VmPeak:\t    5640 kB
VmSize:\t    5632 kB
VmHWM:\t    1800 kB
VmRSS:\t    1792 kB
RssAnon:\t     128 kB
RssFile:\t    1600 kB
RssShmem:\t      64 kB
VmData:\t     360 kB
VmStk:\t     132 kB
VmExe:\t      20 kB
VmPTE:\t      52 kB
VmSwap:\t       8 kB
Threads:\t3
SigQ:\t0/96365
SigPnd:\t0000000000000001
ShdPnd:\t0000000000000002
SigBlk:\t0000000000010000
SigIgn:\t0000000001001000
SigCgt:\t0000000200000000
CapInh:\t0000000000000000
CapPrm:\t00000000a80425fb
CapEff:\t0000000000000400
CapBnd:\tfffffe00000000ff
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t3
x86_Thread_features:\tshstk:yes
Future_Thing:\ta: b: c
`

describe('/proc/PID/status', () => {
  it('is taken apart', () => {
    const status = parseStatus(STATUS)
    expect(status).toMatchObject({
      name: 'sleep',
      state: 'S',
      stateName: 'sleeping',
      tgid: 4242,
      pid: 4242,
      ppid: 4241,
      tracer: 7,
      uid: { real: 1000, effective: 1001, saved: 1002, filesystem: 1003 },
      gid: { real: 100, effective: 101, saved: 102, filesystem: 103 },
      groups: [4, 24, 1000],
      nsPids: [4242, 12, 1],
      threads: 3,
      memory: {
        virtual: 5632,
        resident: 1792,
        anonymous: 128,
        file: 1600,
        shared: 64,
        data: 360,
        stack: 132,
        pageTables: 52,
        swapped: 8,
        peakResident: 1800,
      },
      noNewPrivs: true,
      seccomp: 'filter',
      seccompFilters: 3,
    })
    expect(status.signals.pending.names).toEqual(['hup', 'int'])
    expect(status.signals.blocked.names).toEqual(['chld'])
    expect(status.signals.ignored.names).toEqual(['pipe', 'xfsz'])
    expect(status.signals.caught).toEqual({ bits: 1n << 33n, names: ['signal_34'] })
  })

  it('names the capabilities, also those that are newer than the headers', () => {
    const { capabilities } = parseStatus(STATUS)
    expect(capabilities.effective).toEqual({ bits: 0x400n, names: ['net_bind_service'] })
    // Docker's default set: 14 of them.
    expect(capabilities.permitted.names).toHaveLength(14)
    expect(capabilities.permitted.names).toEqual(expect.arrayContaining(['chown', 'net_raw', 'mknod', 'setfcap']))
    expect(capabilities.inheritable.names).toEqual([])
    expect(capabilities.bounding.names).toHaveLength(31)
    expect(capabilities.bounding.names.at(-1)).toBe('cap_63')
    expect(capabilityNames(1n << 21n)).toEqual(['sys_admin'])
    expect(signalNames(1n << 8n)).toEqual(['kill'])
  })

  it('gives one line alone', () => {
    const status = readStatus('self')
    expect(readStatusLine('self', 'NSpid')).toBe(status?.lines.get('NSpid'))
    expect(readStatusLine('self', 'PPid')).toBe(String(process.ppid))
    expect(Number.parseInt(readStatusLine('self', 'VmRSS') ?? '', 10)).toBeGreaterThan(1024)
    // The beginning of a name is no name, and neither is what stands in another line.
    expect(readStatusLine('self', 'NSpi')).toBeUndefined()
    expect(readStatusLine(2 ** 30, 'PPid')).toBeUndefined()
  })

  it('knows the bits of both halves', () => {
    expect(capabilityNames((1n << 63n) | (1n << 32n) | (1n << 31n) | 1n)).toEqual(['chown', 'setfcap', 'mac_override', 'cap_63'])
    expect(signalNames(0n)).toEqual([])
  })

  it('keeps lines that nobody knows yet', () => {
    const { lines } = parseStatus(STATUS)
    expect(lines.get('Future_Thing')).toBe('a: b: c')
    expect(lines.get('x86_Thread_features')).toBe('shstk:yes')
  })

  it('does without what an older kernel, a zombie or a kernel thread lacks', () => {
    const drop = /^(Vm|Rss|NS|Seccomp|NoNewPrivs|CapAmb)[^\n]*\n/gm
    const status = parseStatus(STATUS.replace(drop, '').replace('S (sleeping)', 'Z (zombie)'))
    expect(status).toMatchObject({ state: 'Z', stateName: 'zombie', nsPids: [4242], noNewPrivs: false, seccomp: 'off' })
    expect(status.memory).toBeUndefined()
    expect(status.seccompFilters).toBeUndefined()
    expect(status.capabilities.ambient.bits).toBe(0n)
    const { anonymous, ...memory } = parseStatus(STATUS.replace(/^Rss[^\n]*\n/gm, '')).memory ?? {}
    expect(anonymous).toBeUndefined()
    expect(memory).toMatchObject({ resident: 1792 })
    expect(parseStatus(STATUS.replace('4 24 1000 ', '')).groups).toEqual([])
  })

  it('undoes the escapes in a name, and a name cannot forge a line', () => {
    expect(parseStatus(STATUS.replace('sleep\n', ' a\\nUid:\\\\n  \n')).name).toBe(' a\nUid:\\n  ')
    expect(parseStatus(STATUS.replace('sleep\n', 'x:y z\n')).name).toBe('x:y z')
  })

  it('says what is missing when it is no status at all', () => {
    expect(() => parseStatus('')).toThrow("without a line 'State'")
    expect(() => parseStatus('Name:\tx\nState:\tR\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\nUid:\t1 2\n')).toThrow('no four ids')
  })

  it('of this process agrees with what node knows', () => {
    const status = readStatus('self')
    expect(status).toMatchObject({ pid: process.pid, ppid: process.ppid, state: 'R' })
    expect(status?.uid).toMatchObject({ real: process.getuid?.(), effective: process.geteuid?.() })
    expect(status?.gid).toMatchObject({ real: process.getgid?.(), effective: process.getegid?.() })
    expect(status?.memory?.resident).toBeGreaterThan(1000)
    expect(status?.nsPids[0]).toBe(process.pid)
  })

  it('is undefined for a process that is not there', () => {
    expect(readStatus(0x3fff_ffff)).toBeUndefined()
  })

  it.each(['a) R 1 (b', 'sp ace', '((', 'back\\slash', 'new\nline', 'tab\tcolon:', ')'])(
    'reads a program that is called %j',
    async (name) => {
      // The kernel takes a process's name from the file that it runs.
      const directory = mkdtempSync(join(tmpdir(), 'drydock-names-'))
      const program = join(directory, name)
      symlinkSync(process.execPath, program)
      // Node tells when it is there, and waits for the end of its input.
      const running = execa(program, ['-e', 'console.log(1); process.stdin.resume()'], { stdin: 'pipe', reject: false })
      try {
        await new Promise((resolve) => running.stdout.once('data', resolve))
        const pid = running.pid as number
        expect(readStatus(pid)?.name).toBe(name)
        expect(readProcess(pid)).toMatchObject({ pid, comm: name, ppid: process.pid, commandLine: [program, '-e', expect.any(String)] })
      } finally {
        running.stdin.end()
        await running
        rmSync(directory, { recursive: true })
      }
    },
  )
})

describe('/proc/PID/stat', () => {
  const REST = 'S 12 34 56 34816 34 4194304 1 2 3 4 5 6 7 8 20 0 9 0 987654 1000 20'

  it.each(['sh', '', ')', '(', ') S 1 2 3', 'a b', 'x) R 1 1 1 0 -1 (y', '\n', '\n99 (z) S'])('with a program called %j', (comm) => {
    expect(parseStat(`77 (${comm}) ${REST}\n`)).toEqual({
      pid: 77,
      comm,
      state: 'S',
      ppid: 12,
      processGroup: 34,
      session: 56,
      terminal: 34816,
      userTicks: 5,
      systemTicks: 6,
      threads: 9,
      startTicks: 987654,
    })
  })

  it.each(['', '77 sh S 1', '77 (sh', '77 (sh) S 1 2 3', 'x'])('is an error when it is %j', (line) => {
    expect(() => parseStat(line)).toThrow('/proc/PID/stat')
  })
})
