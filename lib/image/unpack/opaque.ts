/**
 * Directories that hide what the layers below have in them. overlayfs knows them by an attribute: `user.overlay.opaque` in a user namespace, which any
 * owner may set, `trusted.overlay.opaque` otherwise, which takes CAP_SYS_ADMIN. The confined process has none, so the shim itself sets those, by
 * descriptors that openat2(2) gives it only for what lies in the layer and is reached without a link.
 */
import { close, open } from '../../kernel/calls/files.js'
import { flags } from '../../kernel/constants.js'
import { lean } from '../../kernel/lean.js'
import type { Shim } from '../../kernel/shim.js'
import { host, ref } from '../../kernel/step.js'
import type { Files } from './files.js'
import { Sender } from './sender.js'

const YES = Buffer.from('y')

export function setOpaqueInside(paths: readonly string[], files: Files): void {
  for (const path of paths) files.hideBelow(path === '' ? '/' : path)
}

export async function setOpaqueTrusted(paths: readonly string[], directory: string, shim: Shim): Promise<void> {
  if (paths.length === 0) return
  await shim.run(host([open(directory, ['path', 'directory', 'nofollow'], { keep: 'layer' })]))
  const [layer, found] = [shim.slot('layer'), shim.slot('opaque')]
  const openat2 = lean('openat2', 4, { actor: 'host', keep: found })
  const fsetxattr = lean('fsetxattr', 5, { actor: 'host' })
  const closed = lean('close', 1, { actor: 'host' })
  const how = Buffer.alloc(24)
  how.writeUInt32LE(flags('open', ['rdonly', 'directory', 'nofollow', 'cloexec']), 0)
  how.writeUInt32LE(flags('resolve', ['beneath', 'no_symlinks', 'no_xdev']), 16)
  const sender = new Sender(shim, () => undefined)
  for (const path of paths) {
    sender.about(path)
    sender
      .step(openat2)
      .slot(layer)
      .string(path === '' ? '.' : path)
      .bytes(how)
      .int(how.length)
      .end()
    sender.step(fsetxattr).slot(found).string('trusted.overlay.opaque').bytes(YES).int(YES.length).int(0).end()
    sender.step(closed).slot(found).end()
    await sender.room()
  }
  await sender.done()
  await shim.run(host([close(ref('layer'))]))
}
