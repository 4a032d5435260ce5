/** The machine: qemu without acceleration, so that it works wherever programs do; two processors, one disk, two channels. */
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
  /** Which of its commands the guest is started with. */
  readonly command: string
}

export interface GuestReport {
  /** What its command printed, unless it was passed on. */
  readonly output: string
  /** The lines that it wrote to its second channel. */
  readonly lines: string[]
}

/** Start it, and wait for its end. What its command prints is passed on, or kept when it is to be `quiet`. */
export async function runMachine(files: GuestFiles, { limit, quiet }: { limit: number; quiet: boolean }): Promise<GuestReport> {
  const { kernel, initramfs, disk, directory, command } = files
  const [boot, report] = [join(directory, `${command}.boot`), join(directory, `${command}.report`)]
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
    ['-append', `console=ttyS0 quiet panic=-1 mitigations=off drydock=${command}`],
    ['-drive', `file=${disk},if=virtio,format=raw,cache=unsafe,snapshot=on`],
    // What the kernel has to say, for when it does not come up.
    ['-serial', `file:${boot}`],
    ['-device', 'virtio-serial-pci'],
    ['-chardev', 'stdio,id=output,signal=off', '-device', 'virtserialport,chardev=output,name=output'],
    ['-chardev', `file,id=report,path=${report}`, '-device', 'virtserialport,chardev=report,name=report'],
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
