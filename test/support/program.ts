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

/** xor edi, edi; test eax, eax; jns +4; neg eax; mov edi, eax; mov eax, 231; syscall */
const LEAVE = [0x31, 0xff, 0x85, 0xc0, 0x79, 0x04, 0xf7, 0xd8, 0x89, 0xc7, 0xb8, 231, 0, 0, 0, 0x0f, 0x05]

/** x86-64 machine code: make call `number` by `syscall` or by the 32-bit gate, and leave with the error's number, 0 for none. */
export function exitWithErrnoOf(number: number, gate: 'syscall' | 'int80'): Buffer {
  const load = Buffer.from([0xb8, 0, 0, 0, 0]) // mov eax, number
  load.writeUInt32LE(number, 1)
  const call = Buffer.from(gate === 'syscall' ? [0x0f, 0x05] : [0xcd, 0x80])
  return Buffer.concat([load, call, Buffer.from(LEAVE)])
}

/** A call's number and its arguments; a text is passed by its address. */
export type Call = readonly [number: number, ...args: (number | string)[]]

/** The registers of the number and the arguments: x86-64's opcodes of `mov r32, imm32`; arm64's numbers. syscall(2). */
const LOAD = { x64: [[0xb8], [0xbf], [0xbe], [0xba], [0x41, 0xba], [0x41, 0xb8], [0x41, 0xb9]], arm64: [8, 0, 1, 2, 3, 4, 5] } as const

/** Machine code: make these calls, and leave with the error's number of the last, 0 for none. */
export function exitWithErrnoOfLast(calls: readonly Call[]): Buffer {
  const texts = Buffer.from(calls.flatMap((call) => call.filter((word) => typeof word === 'string').map((word) => `${word}\0`)).join(''))
  // Instructions are as long whatever the addresses are: the second pass knows where the texts lie.
  const code = (textsAt: number) => {
    let next = textsAt
    const body = calls.flatMap((call) => {
      const loads = call.map((word, place) => {
        if (typeof word === 'number') return load(place, word)
        const at = next
        next += Buffer.byteLength(word) + 1
        return load(place, at)
      })
      return [...loads, native === 'arm64' ? words(SVC) : Buffer.from([0x0f, 0x05])]
    })
    return Buffer.concat([...body, leaveWithErrno()])
  }
  return Buffer.concat([code(BASE + HEADERS + code(0).length), texts])
}

const SVC = 0xd4000001

function words(...instructions: number[]): Buffer {
  const code = Buffer.alloc(4 * instructions.length)
  for (const [index, instruction] of instructions.entries()) code.writeUInt32LE(instruction, 4 * index)
  return code
}

/** 32 bits are enough: addresses are low, and what is negative is an int for the kernel. */
function load(place: number, value: number): Buffer {
  if (native === 'arm64') {
    const register = LOAD.arm64[place] as number
    return words((0xd2800000 | ((value & 0xffff) << 5) | register) >>> 0, (0xf2a00000 | ((value >>> 16) << 5) | register) >>> 0) // movz, movk
  }
  const opcode = LOAD.x64[place] as readonly number[]
  const code = Buffer.from([...opcode, 0, 0, 0, 0])
  code.writeUInt32LE(value >>> 0, opcode.length)
  return code
}

function leaveWithErrno(): Buffer {
  if (native === 'x64') return Buffer.from(LEAVE)
  // neg x0, x0; cmp x0, 0; csel x0, x0, xzr, gt; mov x8, 94; svc 0
  return words(0xcb0003e0, 0xf100001f, 0x9a9fc000, 0xd2800bc8, SVC)
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
