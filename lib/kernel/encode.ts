/** Steps into the shim's wire format (native/PROTOCOL.md). */
import { constant, errnoNumber, flags } from './constants.js'
import { DrydockError } from './errors.js'
import { TO_SHIM } from './frames.js'
import { type Memo, memoOf, type SlotPlace } from './remembered.js'
import { type Actor, type ArgValue, type Field, type Ref, type Step, withActors } from './step.js'
import { Writer } from './writer.js'

const TAG = { int: 0, slot: 1, bytes: 2, text: 3, strings: 4, out: 5, inout: 6 } as const
const PATCH = { u32: 0, u64: 1, address: 2 } as const
const SLOT_CHILD = 127
const MOST_STRINGS = 0xffff

type SlotNumbers = Pick<Slots, 'define' | 'find'>

/** Names of kept numbers and the shim's slots that hold them; one for each shim. */
export class Slots {
  readonly #numbers = new Map<string, number>([['child', SLOT_CHILD]])

  /** Slot of a name that a step keeps; a new one the first time. */
  define(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#numbers.size - 1
    if (number >= SLOT_CHILD) throw new DrydockError(`a plan keeps more than ${SLOT_CHILD} numbers; '${name}' is one too many`)
    this.#numbers.set(name, number)
    return number
  }

  /** Slot of a name that an earlier step kept. */
  find(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    throw new DrydockError(`a step refers to '${name}', which no step before it keeps`)
  }
}

/** The body of a BATCH frame, without the batch's number: count and steps. */
export function encodeSteps(steps: readonly Step[], slots: Slots): Uint8Array {
  const writer = new Writer()
  writeSteps(writer, withActors(steps), slots)
  return writer.bytes()
}

/** A whole BATCH frame, or QUIET, so that it is one write to the stream. Every step has its actor. */
export function encodeBatch(
  batch: number,
  steps: readonly (Step & { actor: Actor })[],
  slots: Slots,
  type: number = TO_SHIM.batch,
): Uint8Array {
  const writer = new Writer()
  writer.u32(0)
  writer.u8(type)
  writer.u32(batch)
  writeSteps(writer, steps, slots)
  writer.setLength()
  return writer.bytes()
}

function writeSteps(writer: Writer, steps: readonly (Step & { actor: Actor })[], slots: Slots): void {
  writer.u16(steps.length)
  for (const step of steps) {
    const memo = memoOf(step)
    if (memo) writeAgain(writer, step, memo, slots)
    else encodeStep(writer, step, step.actor, slots)
  }
}

/** A step that comes again and again: its bytes are the same, but for the numbers of slots, which each shim has its own of. */
function writeAgain(writer: Writer, step: Step & { actor: Actor }, memo: Memo, slots: Slots): void {
  const { bytes, places } = memo.encoded ?? encodeOnce(step, memo)
  const begin = writer.length
  writer.raw(bytes)
  for (const { at, name, kept } of places) writer.patch(begin + at, kept ? slots.define(name) : slots.find(name))
}

function encodeOnce(step: Step & { actor: Actor }, memo: Memo): NonNullable<Memo['encoded']> {
  const writer = new Writer()
  const places: SlotPlace[] = []
  // A number is asked for right before it is written.
  const note = (name: string, kept: boolean) => {
    places.push({ at: writer.length, name, kept })
    return 0
  }
  encodeStep(writer, step, step.actor, { define: (name) => note(name, true), find: (name) => note(name, false) })
  memo.encoded = { bytes: Buffer.from(writer.bytes()), places }
  return memo.encoded
}

const NONE: readonly never[] = []

function encodeStep(writer: Writer, step: Step, actor: Actor, slots: SlotNumbers): void {
  writer.u8(actor === 'container' ? 1 : 0)
  const { allow = NONE, keep: keeps = NONE, undo = NONE } = step
  writer.u8(allow.length)
  for (const name of allow) writer.i32(errnoNumber(name))
  writer.u8(keeps.length)
  for (const keep of keeps) {
    writer.u8(keep.out ?? 0xff)
    writer.u16(keep.offset ?? 0)
    writer.u8(keep.width ?? 8)
    writer.u8(slots.define(keep.slot))
  }
  writer.u8(step.call.length)
  writer.ascii(step.call)
  writer.u8(step.args.length)
  for (const arg of step.args) encodeArg(writer, arg, slots)
  writer.u8(undo.length)
  for (const one of undo) encodeStep(writer, one, 'host', slots)
}

function encodeArg(writer: Writer, arg: ArgValue, slots: SlotNumbers): void {
  switch (arg.kind) {
    case 'int':
      return encodeInt(writer, arg.value)
    case 'null':
      return encodeInt(writer, 0)
    case 'flags':
    case 'word':
      return encodeInt(writer, numberOf(arg))
    case 'ref':
      writer.u8(TAG.slot)
      return writer.u8(slots.find(arg.ref))
    case 'text':
      return encodeText(writer, arg.parts, slots)
    case 'bytes':
      writer.u8(arg.returned ? TAG.inout : TAG.bytes)
      writer.u32(arg.bytes.length)
      writer.raw(arg.bytes)
      writer.u8(0)
      writer.u8(arg.patches?.length ?? 0)
      for (const patch of arg.patches ?? []) {
        writer.u32(patch.offset)
        writer.u8(patch.width === 4 ? PATCH.u32 : PATCH.u64)
        writer.u8(slots.find(patch.ref))
      }
      return
    case 'strings':
      if (arg.values.length > MOST_STRINGS) {
        throw new DrydockError(`a program is given at most ${MOST_STRINGS} arguments and as many variables; these are ${arg.values.length}`)
      }
      writer.u8(TAG.strings)
      writer.u16(arg.values.length)
      for (const value of arg.values) {
        writer.text(value, 32)
        writer.u8(0)
      }
      return
    case 'out':
      writer.u8(TAG.out)
      return writer.u32(arg.size)
    case 'struct':
      return encodeStruct(writer, arg, slots)
  }
}

/** The number of flags or of a word. */
function numberOf(arg: ArgValue & { kind: 'flags' | 'word' }): number {
  // The words were checked against the group by the type of the constructor that made them, or by the repl's reader.
  return arg.kind === 'word' ? constant(arg.group, arg.word as never) : flags(arg.group, arg.words as never) + (arg.extra ?? 0)
}

function encodeInt(writer: Writer, value: number | bigint): void {
  writer.u8(TAG.int)
  writer.i64(value)
}

function encodeText(writer: Writer, parts: readonly (string | Ref)[], slots: SlotNumbers): void {
  writer.u8(TAG.text)
  writer.u8(parts.length)
  for (const part of parts) {
    if (typeof part === 'string') {
      if (part.includes('\0')) throw new DrydockError(`a path or string holds a NUL byte: ${JSON.stringify(part)}`)
      writer.u8(0)
      const length = writer.text(part, 16)
      if (length > 0xffff) throw new DrydockError(`a path or string of ${length} bytes is too long for a system call`)
    } else {
      writer.u8(1)
      writer.u8(slots.find(part.ref))
    }
  }
}

/** A structure: plain members become bytes, references and pointers become patches that the shim fills in. */
function encodeStruct(writer: Writer, arg: ArgValue & { kind: 'struct' }, slots: SlotNumbers): void {
  const data = Buffer.alloc(arg.size)
  const patched: Field[] = []
  for (const member of arg.fields) {
    const { value, offset, width } = member
    if (value.kind === 'int') writeNumber(data, offset, width, value.value)
    else if (value.kind === 'flags' || value.kind === 'word') writeNumber(data, offset, width, numberOf(value))
    else if (value.kind !== 'null') patched.push(member)
  }
  writer.u8(arg.returned ? TAG.inout : TAG.bytes)
  writer.u32(data.length)
  writer.raw(data)
  writer.u8(0)
  writer.u8(patched.length)
  for (const { offset, width, value } of patched) {
    writer.u32(offset)
    if (value.kind === 'ref') {
      writer.u8(width === 4 ? PATCH.u32 : PATCH.u64)
      writer.u8(slots.find(value.ref))
    } else {
      writer.u8(PATCH.address)
      encodeArg(writer, value, slots)
    }
  }
}

function writeNumber(data: Buffer, offset: number, width: Field['width'], value: number | bigint): void {
  if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) {
    // The bytes are zero to begin with, and most numbers are small.
    for (let at = offset, rest = value; rest > 0 && at < offset + width; at++, rest = Math.floor(rest / 256)) data[at] = rest % 256
    return
  }
  const wrapped = BigInt.asUintN(width * 8, BigInt(value))
  if (width === 8) data.writeBigUInt64LE(wrapped, offset)
  else data.writeUIntLE(Number(wrapped), offset, width)
}
