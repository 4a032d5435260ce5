/**
 * Your part of lesson 7. Each function returns a list of steps, which the tutor runs in a bottle of their own whenever you save this file; then it looks
 * at the disk there. `pull` and `push` ask a registry besides: that is your function's own work, with `fetch`. Names and contents are new at every try.
 *
 * The tools of this lesson:
 *
 *     mknod(path, 'ifchr', 0, [0, 0])     setxattr(path, name, value)     link(old, new)     mkdir(path, mode)     chmod(path, mode)
 *     open(path, ['creat', 'wronly'], { mode: 0o644, keep: 'file' })     write(ref('file'), 'text')     close(ref('file'))
 *     openat2(path, { flags: ['creat', 'wronly'], resolve: ['in_root'], mode: 0o644 }, { dirfd: ref('root'), keep: 'file' })
 *     entries(archive)     pack([{ path, type: 'file', content }])     what is in a tar archive, and such an archive
 *     createHash('sha256').update(bytes).digest('hex')     gunzipSync(bytes)     gzipSync(bytes)
 */
import { gunzipSync } from 'node:zlib'
import { close, mkdir, open, ref, type Step, write } from '../../lib/index.js'
import { entries } from './tar.js'

interface Layer {
  first: string
  second: string
  gone: string
  anew: string
  file: string
  other: string
  text: string
  /** `trusted.overlay.opaque` or `user.overlay.opaque`: the name of the attribute for whoever you are. */
  opaque: string
}

/**
 * In the directory `second` a layer in overlayfs's form: `gone` is gone, `anew` begins anew, `file` has the content `text` and a second name `other`.
 *
 * A beginning is made: the marks as an archive has them.
 */
export function layer({ second, gone, anew }: Layer): Step[] {
  const empty = (path: string) => [open(path, ['creat', 'wronly'], { mode: 0o644, keep: 'mark' }), close(ref('mark'))]
  return [mkdir(`${second}/${anew}`), ...empty(`${second}/.wh.${gone}`), ...empty(`${second}/${anew}/.wh..wh..opq`)]
}

/**
 * A file `path` with the content `text`, in the image that is being unpacked into `root`. A part of the path is a link.
 *
 * This is how one does it who trusts the archive.
 */
export function inside({ root, path, text }: { root: string; path: string; text: string }): Step[] {
  return [
    open(`${root}/${path}`, ['creat', 'wronly', 'trunc'], { mode: 0o644, keep: 'file' }),
    write(ref('file'), `${text}\n`),
    close(ref('file')),
  ]
}

interface Pull {
  /** `http://127.0.0.1:41234` */
  registry: string
  images: string[]
  place: string
}

/**
 * What a container of each of the images would see, in `place`/NAME; and nothing of the one that is damaged.
 *
 * Here the manifest is fetched, and the files of the first layer at its top are written. There is more in an image than that.
 */
export async function pull({ registry, images, place }: Pull): Promise<Step[]> {
  const steps: Step[] = []
  for (const name of images) {
    const accept = { Accept: 'application/vnd.oci.image.manifest.v1+json' }
    const answer = await fetch(`${registry}/v2/${name}/manifests/latest`, { headers: accept })
    const manifest = (await answer.json()) as { layers: { digest: string }[] }
    const blob = await fetch(`${registry}/v2/${name}/blobs/${manifest.layers[0]?.digest}`)
    const archive = gunzipSync(Buffer.from(await blob.arrayBuffer()))
    steps.push(mkdir(`${place}/${name}`))
    for (const { path, type } of entries(archive)) {
      console.log(`${name}: ${path}, ${type}`)
      if (type === 'dir') steps.push(mkdir(`${place}/${name}/${path}`))
    }
  }
  return steps
}

interface Push {
  registry: string
  repository: string
  tag: string
  path: string
  text: string
  command: string
}

/**
 * An image with the file `path`, whose content is `text`, and with the command `command`, in the registry as `repository`:`tag`.
 *
 * Here the registry is asked where it wants a blob. Nothing is sent to there.
 */
export async function push({ registry, repository, tag, path, text, command }: Push): Promise<Step[]> {
  console.log(`${repository}:${tag} with ${path}, in which is ${text}; it runs ${command}`)
  const answer = await fetch(`${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  console.log(`${answer.status}: ${answer.headers.get('location')}`)
  return []
}
