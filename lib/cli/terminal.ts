/** The caller's own terminal: raw while a container has it, and as it was afterwards, however this program ends. */
import type { TerminalSize } from '../container/spec.js'

/** Where there is no terminal to ask. */
const USUAL: TerminalSize = { rows: 24, columns: 80 }

export function terminalSize(): TerminalSize {
  const { rows, columns } = process.stdout
  return rows && columns ? { rows, columns } : USUAL
}

/** Every key goes to the container as it is struck, Ctrl-C too. Returns what puts the terminal back, which also happens at exit. */
export function rawTerminal(): () => void {
  const { stdin } = process
  if (!stdin.isTTY) return () => undefined
  stdin.setRawMode(true)
  const restore = () => {
    process.off('exit', restore)
    stdin.setRawMode(false)
  }
  process.on('exit', restore)
  return restore
}
