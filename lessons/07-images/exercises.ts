/** The exercises of lesson 7. What each asks for stands with its hints; checks.ts looks at the disk, and asks the registry, for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkInside, checkLayer, checkPull, checkPush, layerSetting, pullSetting, pushSetting } from './checks.js'

export const exercises: readonly Exercise[] = [
  {
    id: 'layer',
    title: 'A layer on the disk',
    goal:
      'The layer `first` is on the disk. Make the second one, in the directory `second`, in overlayfs’s form: the file `gone` of the first layer is gone; of the directory `anew` nothing shines through (it is ' +
      'empty); and a new file `file` with the content `text` has a second name `other`. (`gone`, `anew`, `file` and `other` are names at the top of both layers.) `opaque` is the name of the attribute here.',
    needs: ['overlay'],
    challenge(random: Random) {
      const place = `/${random.name()}`
      return {
        place,
        first: `${place}/${random.name()}`,
        second: `${place}/${random.name()}`,
        gone: random.name(),
        anew: random.name(),
        file: random.name(),
        other: random.name(),
        text: random.name(),
      }
    },
    setting: layerSetting,
    check: checkLayer,
    hints: [
      'A layer that others may share is never written to. All four things are done in `second`.',
      'What a container shall not see any more needs a mark with its name: `mknod(path, "ifchr", 0, [0, 0])`.',
      'A directory that hides the one below is a directory with an attribute: `mkdir`, then `setxattr(path, opaque, "y")`.',
      'Open with `creat` and `wronly`, write, close; and `link(old, new)` for the second name, which is no symbolic link.',
    ],
  },
  {
    id: 'inside',
    title: 'No way out',
    goal:
      'An image is being unpacked into the directory `root`. Its archive has brought a link, and says now: a file `path`, with the content `text`. Write it to where that path leads _in the image_: whoever has `root` for his root directory ' +
      'must find `text` at `/` + `path`. Nothing outside of `root` may change, and the link stays.',
    needs: ['kernel:5.6'],
    challenge(random: Random) {
      const [way, house, file] = [random.name(), random.name(), random.name()]
      return { root: `/${random.name()}`, path: `${way}/${file}`, text: random.name(), way, house, file }
    },
    check: checkInside,
    hints: [
      'The link leads to a path that begins with “/”. The kernel has followed it to the “/” of whoever made the call.',
      'Two ways lead there. One is a call that treats a directory as the root for this one walk; it wants a descriptor of that directory. The other you know from lesson 4.',
      'The link is a part of the image, as good as any other file in it. It must not be replaced.',
      '`open(root, ["directory", "path"], { keep: "root" })`, then `openat2(path, { flags: […], resolve: ["in_root"], mode: 0o644 }, { dirfd: ref("root"), keep: "file" })`.',
    ],
  },
  {
    id: 'pull',
    title: 'Pull',
    goal:
      'A registry is at the address `registry`. For each of the names in `images` (the tag is `latest`): fetch the manifest and the layers, and put what a container of it would see into the directory `place`/NAME (`place` is there). That is one tree: the ' +
      'second layer’s files over those of the first, marks carried out, modes and hard links as the archives say. But one of the images has a layer that is not what its digest says: of that one there shall be nothing. Your function asks the registry ' +
      'itself, with `fetch`; what it returns are the steps for the disk.',
    needs: ['command:docker-registry'],
    challenge(random: Random) {
      const images = [random.name(), random.name()]
      return {
        place: `/${random.name()}`,
        images,
        damaged: random.pick(images),
        kept: random.name(),
        gone: random.name(),
        second: random.name(),
        text: random.name(),
      }
    },
    setting: pullSetting,
    check: checkPull,
    hints: [
      'GET `/v2/NAME/manifests/latest`, then GET `/v2/NAME/blobs/DIGEST` for each layer of it. A blob is a zipped archive: `entries(gunzipSync(bytes))`.',
      'Do the sum of every blob before you look into it: `"sha256:" + createHash("sha256").update(bytes).digest("hex")`. Is one not as named, the whole image yields no steps.',
      'All layers, in the order of the manifest, the bottom one first. A `Map` from path to entry makes one tree of them.',
      '`etc/.wh.NAME` is no file: it says that `etc/NAME`, and what is below it, is gone.',
      'An entry of type `link` is `link(…/target, …/path)`; both are paths of the archive.',
      'The mode that `open` is given is cut by the umask. `chmod(path, mode)` is not.',
    ],
  },
  {
    id: 'push',
    title: 'Push',
    goal:
      'Make an image of one layer, in which there is a file `path` with the content `text`; its config says that a container of it runs `command` (`Cmd`). Push it to the registry at the address `registry`, into `repository`, with the tag `tag`. The config’s ' +
      '`diff_ids` must be right. (Nothing is to be done on the disk: return an empty list.)',
    needs: ['command:docker-registry'],
    challenge: (random: Random) => ({
      repository: `${random.name()}/${random.name()}`,
      tag: random.name(),
      path: random.name(),
      text: random.name(),
      command: `/${random.name()}`,
    }),
    setting: pushSetting,
    check: checkPush,
    hints: [
      'The last request is PUT `/v2/NAME/manifests/TAG`, with the manifest’s media type as `Content-Type`. Look at the status of each answer: 201 is “created”.',
      'A blob takes two requests: POST `/v2/NAME/blobs/uploads/`, whose answer has a `Location`; and PUT to that, with `digest=sha256:…` added to its query and the bytes as the body.',
      '`pack([{ path, type: "file", content: text }])` makes the archive; `gzipSync` zips it.',
      'The config is JSON too, a blob like the layer: `{ architecture, os, config: { Cmd: [command] }, rootfs: { type: "layers", diff_ids: […] } }`.',
      'A diff_id is the sum of the archive _before_ it is zipped; the digest in the manifest is that of the bytes that are sent.',
    ],
  },
]
