/** What can be typed, on one screen. */
import type { Display } from '../tutor/display.js'
import { FORMS } from './forms/index.js'

export const HELP: readonly { readonly typed: string; readonly does: string }[] = [
  {
    typed: 'CALL …',
    does: 'make a system call, such as “clone uts,pid,mnt”, “sethostname box”, “mount proc /proc proc nosuid,nodev”, “execve /bin/sh”',
  },
  {
    typed: 'host CALL …',
    does: 'made by the host’s side (the shim); container CALL … by its child. Alone, host and container choose for what follows',
  },
  { typed: 'name = CALL …', does: 'keep the number that it returns; later <name> stands for it, in paths too; <child> is the child’s pid' },
  { typed: 'write PATH TEXT', does: 'open, write, close in one line: host write /proc/<child>/uid_map "0 1000 1"; read PATH likewise' },
  { typed: '- CALL …', does: 'in a script: go on when it fails' },
  { typed: '? WORD', does: 'explain a call (? mount), a flag (? nosuid), an error (? EPERM); with a whole line, that very step' },
  { typed: 'state', does: 'what has changed in the kernel, and which numbers are kept' },
  { typed: 'plan', does: 'the calls made so far' },
  { typed: 'undo', does: 'a fresh host, with all calls but the last made again' },
  { typed: 'reset', does: 'a fresh host' },
  { typed: 'save FILE', does: 'write the calls as a TypeScript function, like an exercise’s' },
  { typed: 'quit', does: 'leave; nothing of what was done stays. Ctrl-D does the same' },
]

export function showHelp(display: Display): void {
  display.text('You are in a bottle: a private host, in which you are root. What you do here does not reach the machine around it.')
  display.line()
  display.rows(
    HELP.map(({ typed, does }) => ({ label: typed, value: does })),
    '',
  )
  display.line()
  display.text(
    'Words of flags are joined by commas or |; - stands for NULL; numbers may be decimal, 0x… or octal with a leading 0; bytes hex:…',
  )
  display.text(`Calls: ${[...new Set(FORMS.map(({ call }) => call))].sort().join(', ')}`)
}
