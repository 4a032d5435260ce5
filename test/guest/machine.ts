/**
 * The machine: qemu without acceleration, so that it works wherever programs do; two processors, one disk, three channels, and at will a cable to another one,
 * which is a pair of sockets with names in the file system: no interface of this machine has a part in it.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { DrydockError } from '../../lib/kernel/errors.js'

export interface GuestFiles {
  readonly kernel: string
  readonly initramfs: string
  readonly disk: string
  /** Where what the machine says is written. */
  readonly directory: string
  /** Its hostname, and that of its commands with which it is started. */
  readonly name: string
  /** The socket of who speaks with it while it runs (Talk), and how it is joined to another one. */
  readonly joined?: { readonly talk: string; readonly cable: Cable }
}

/** One end of a cable. */
export interface Cable {
  /** Sockets: frames come in by one and go out by the other. */
  readonly own: string
  readonly other: string
  readonly mac: string
}

export interface GuestReport {
  /** What its command printed, unless it was passed on. */
  readonly output: string
  /** The lines that it wrote to its second channel. */
  readonly lines: string[]
}

/** Start it, and wait for its end. What its command prints is passed on, or kept when it is to be `quiet`. */
export async function runMachine(files: GuestFiles, { limit, quiet }: { limit: number; quiet: boolean }): Promise<GuestReport> {
  const { kernel, initramfs, disk, directory, name, joined } = files
  const [boot, report] = [join(directory, `${name}.boot`), join(directory, `${name}.report`)]
  const args = [
    ['-accel', 'tcg,thread=multi,tb-size=512'],
    // A plain one: programs that find wide vector instructions use them, and those are slow to emulate.
    ['-cpu', 'qemu64'],
    ['-smp', '2'],
    ['-m', '1024'],
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    ['-display', 'none'],
    ['-kernel', kernel],
    ['-initrd', initramfs],
    // Of a timer that is late on a busy machine a kernel without no_timer_check would say that there is none, and panic.
    ['-append', `console=ttyS0 quiet panic=-1 mitigations=off no_timer_check drydock=${name}`],
    ['-drive', `file=${disk},if=virtio,format=raw,cache=unsafe,snapshot=on`],
    // What the kernel has to say, for when it does not come up.
    ['-serial', `file:${boot}`],
    ['-device', 'virtio-serial-pci'],
    ['-chardev', 'stdio,id=output,signal=off', '-device', 'virtserialport,chardev=output,name=output'],
    ['-chardev', `file,id=report,path=${report}`, '-device', 'virtserialport,chardev=report,name=report'],
    joined ? plugged(joined) : [],
  ].flat()
  const machine = await execa('qemu-system-x86_64', args, {
    reject: false,
    // Held open: at its end qemu would take the channel for hung up.
    stdin: 'pipe',
    stdout: quiet ? 'pipe' : 'inherit',
    stripFinalNewline: false,
    stderr: 'pipe',
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  if (lines.at(-1) === 'end') return { output: machine.stdout ?? '', lines: lines.slice(0, -1) }
  if (quiet) process.stdout.write(machine.stdout ?? '')
  process.stderr.write(await readFile(boot, 'utf8').catch(() => ''))
  const why = machine.timedOut ? `it was not done after ${limit / 60_000} minutes` : machine.stderr.trim() || 'it went down too early'
  throw new DrydockError(`the guest did not come to its end: ${why}`)
}

function plugged({ talk, cable }: NonNullable<GuestFiles['joined']>): string[] {
  const ends = `local.type=unix,local.path=${cable.own},remote.type=unix,remote.path=${cable.other}`
  return [
    ...['-chardev', `socket,id=talk,path=${talk}`, '-device', 'virtserialport,chardev=talk,name=talk'],
    ...['-netdev', `dgram,id=cable,${ends}`, '-device', `virtio-net-pci,netdev=cable,mac=${cable.mac},romfile=`],
  ]
}
