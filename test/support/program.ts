/** The smallest programs: machine code in an ELF file of one segment, which make exactly the calls that a test wants to see. */
import { writeFileSync } from 'node:fs'
import { test } from 'vitest'

const BASE = 0x400000
const HEADERS = 64 + 56
const X86_64 = 62
const AARCH64 = 183

const native = process.arch === 'arm64' ? 'arm64' : 'x64'

/** A test whose machine code is that of x86-64, or a skip that says so. */
export function onX86(name: string, body: () => Promise<void>): void {
  if (native === 'x64') return test(name, body)
  console.warn(`skipped: ${name}: x86-64`)
  test.skip(`${name} [needs: x86-64]`, body)
}

/** Machine code: leave with this status (exit_group). */
export function exitWith(status: number): Buffer {
  if (native === 'arm64') {
    const code = Buffer.alloc(12)
    code.writeUInt32LE(0xd2800000 | (status << 5), 0) // mov x0, status
    code.writeUInt32LE(0xd2800bc8, 4) // mov x8, 94
    code.writeUInt32LE(0xd4000001, 8) // svc 0
    return code
  }
  const code = Buffer.from([0xbf, 0, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05]) // mov edi, status; mov eax, 231; syscall
  code.writeUInt32LE(status, 1)
  return code
}

/** x86-64 machine code: make call `number` by `syscall` or by the 32-bit gate, and leave with the error's number, 0 for none. */
export function exitWithErrnoOf(number: number, gate: 'syscall' | 'int80'): Buffer {
  const load = Buffer.from([0xb8, 0, 0, 0, 0]) // mov eax, number
  load.writeUInt32LE(number, 1)
  const call = Buffer.from(gate === 'syscall' ? [0x0f, 0x05] : [0xcd, 0x80])
  // xor edi, edi; test eax, eax; jns +4; neg eax; mov edi, eax; mov eax, 231; syscall
  const leave = Buffer.from([0x31, 0xff, 0x85, 0xc0, 0x79, 0x04, 0xf7, 0xd8, 0x89, 0xc7, 0xb8, 231, 0, 0, 0, 0x0f, 0x05])
  return Buffer.concat([load, call, leave])
}

/** Write an executable file of this machine code. elf(5). */
export function writeProgram(path: string, code: Buffer): void {
  const file = Buffer.alloc(HEADERS + code.length)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt16LE(2, 16) // ET_EXEC
  file.writeUInt16LE(native === 'arm64' ? AARCH64 : X86_64, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(BASE + HEADERS), 24) // entry
  file.writeBigUInt64LE(64n, 32) // program headers
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(1, 64) // PT_LOAD
  file.writeUInt32LE(5, 68) // read, execute
  file.writeBigUInt64LE(BigInt(BASE), 80)
  file.writeBigUInt64LE(BigInt(BASE), 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(0x1000n, 112)
  code.copy(file, HEADERS)
  writeFileSync(path, file, { mode: 0o755 })
}
