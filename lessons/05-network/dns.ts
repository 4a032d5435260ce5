/** The name service in two packets: a question and its answer, RFC 1035. As much of it as asks for one IPv4 address. */
import { randomInt } from 'node:crypto'
import { bind_inet, recvfrom, ref, type Step, sendto, socket } from '../../lib/index.js'
import { SENDER_BUFFER } from '../../lib/kernel/calls/internet.js'
import { decodeEndpoint } from '../../lib/kernel/endpoint.js'
import { formatIp, parseIp } from '../../lib/kernel/ip.js'
import type { Result } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'

export const DNS_PORT = 53
/** Longest message over UDP that everybody takes. */
export const LONGEST = 512

/** Identifier, flags, and how many questions, answers, authorities and additional records: 16 bits each. */
const HEADER_SIZE = 12
const [A, INTERNET] = [1, 1]
const FLAGS = { question: 0x0100, answer: 0x8180, noSuchName: 0x8183 } as const
/** “The name that stands at byte 12”: an answer need not say it again. */
const SAME_NAME = 0xc000 | HEADER_SIZE
const SECONDS_TO_KEEP = 60

export interface Question {
  readonly name: string
  readonly type: number
  /** Where the question ends. */
  readonly end: number
}

/** “Which IPv4 address has this name?” */
export function question(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.of(label.length), Buffer.from(label)])
  return Buffer.concat([words(randomInt(0x10000), FLAGS.question, 1, 0, 0, 0), ...labels, Buffer.of(0), words(A, INTERNET)])
}

export function readQuestion(message: Buffer): Question {
  const labels: string[] = []
  let at = HEADER_SIZE
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** What a name server that knows these names says. */
export function answer(asked: Buffer, names: Readonly<Record<string, string>>): Buffer {
  const { name, type, end } = readQuestion(asked)
  const address = names[name.toLowerCase()]
  const known = address !== undefined && type === A
  const head = words(asked.readUInt16BE(0), address === undefined ? FLAGS.noSuchName : FLAGS.answer, 1, known ? 1 : 0, 0, 0)
  const record = known ? [words(SAME_NAME, A, INTERNET, 0, SECONDS_TO_KEEP, 4), parseIp(address).bytes] : []
  return Buffer.concat([head, asked.subarray(HEADER_SIZE, end), ...record])
}

/** The address in an answer of one record. */
export function readAnswer(message: Buffer): string | undefined {
  return message.readUInt16BE(6) === 1 ? formatIp(message.subarray(message.length - 4)) : undefined
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => {
    bytes.writeUInt16BE(value, index * 2)
  })
  return bytes
}

const SERVER = ref('dns')

export const serverSocket = (): Step[] => [
  socket('inet', 'dgram', 0, { keep: SERVER.ref, why: 'a socket for single messages (UDP)' }),
  bind_inet(SERVER, '0.0.0.0', DNS_PORT, { why: 'port 53 is where name servers are expected' }),
]

export const awaitQuestion = (): Step => recvfrom(SERVER, LONGEST, { why: 'the next question' })

/** The answer to what was received, to whoever has sent it. */
export function reply({ outs, ret }: Result, names: Readonly<Record<string, string>>): Step {
  const asked = (outs[0] as Buffer).subarray(0, Number(ret))
  const from = decodeEndpoint(outs[SENDER_BUFFER.recvfrom] as Buffer)
  const said = answer(asked, names)
  const { name } = readQuestion(asked)
  return sendto(SERVER, said, from?.address ?? '0.0.0.0', from?.port, {
    shown: `{${name} is ${readAnswer(said) ?? 'not known here'}}`,
    why: 'the answer, to whoever has asked',
  })
}

/** Answers by a shim's child until that ends; what was asked is collected. For programs that do not wait for somebody who presses keys. */
export async function serve(shim: Shim, names: Readonly<Record<string, string>>, asked: (question: Question) => void): Promise<void> {
  try {
    for (;;) {
      const [received] = await shim.attempt([awaitQuestion()])
      if (received?.status !== 'ok') return
      asked(readQuestion((received.outs[0] as Buffer).subarray(0, Number(received.ret))))
      await shim.attempt([reply(received, names)])
    }
  } catch {
    // The shim has been ended while it waited: the scene is over.
  }
}
