/** Who is at the other end of a unix socket: struct ucred of linux/socket.h, unix(7). */

/** pid, uid and gid, 32 bits each. */
export const UCRED_SIZE = 12

export interface Ucred {
  /** 0 when the reader's pid namespace does not have the process. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** What getsockopt_peercred was answered. */
export const decodeUcred = (buffer: Buffer): Ucred => ({
  pid: buffer.readInt32LE(0),
  uid: buffer.readUInt32LE(4),
  gid: buffer.readUInt32LE(8),
})
