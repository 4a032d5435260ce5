/** The exercises of lesson 4. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkBreakOut, checkLayers, checkOwnRoot, checkReadOnlyVolume } from './checks.js'

export const exercises: readonly Exercise[] = [
  {
    id: 'breakOut',
    title: 'The prisoner',
    goal:
      'Your steps are those of a prisoner: a child is there already (you need no `clone`), its root is the directory `prison` of the bottle, by `chroot`, and it stands at its “/”. ' +
      'It is root, and nobody outside helps. Its root shall be the bottle’s root in the end. What you make inside can be called `name`.',
    challenge: (random: Random) => ({ prison: `/${random.name()}`, name: random.name() }),
    check: checkBreakOut,
    hints: [
      '`..` stops where the root pointer is, and only there. Where would the root pointer have to be, so that the way up does not pass it?',
      'chroot moves the root pointer and leaves the current directory. Is there a directory inside that the root pointer could go down to, while the prisoner stays above?',
      'The prisoner stands high enough, but its root has not followed: one more `chroot`, to the place where it stands.',
      '`mkdir(name)`, `chroot(name)`, `chdir("..")` a few times, `chroot(".")`.',
    ],
  },
  {
    id: 'ownRoot',
    title: 'A root without anything around it',
    goal:
      'Make a process whose “/” is the directory `root` of the bottle, in a mount namespace in which nothing of the bottle’s mounts is left: no climb leads out, and no mount has the tag `shared`. ' +
      'The mounts of the bottle are shared, as on most machines, and must be afterwards what they were. The process must still be there when your last step is done.',
    challenge: (random: Random) => ({ root: `/${random.name()}` }),
    check: checkOwnRoot,
    hints: [
      'It begins with a table of mounts of its own, `clone("mnt")`, and with taking it out of the bottle’s groups.',
      'EINVAL or EBUSY from pivot_root: is anything still shared? Is `root` a mount, or only a directory on one? And does the process stand on the mount, or on the directory below it?',
      'The old root is still there: pivot_root has put it somewhere. Look where, and take it off.',
      'The root pointer is in the right place, but the mounts around it are the bottle’s. chroot moves a pointer; what changes the tree?',
      'The child: `mount` “/” private with `rec`; bind `root` on itself; `chdir(root)`; `pivot_root(".", ".")`; `umount2(".", ["detach"])`; `chdir("/")`.',
    ],
  },
  {
    id: 'layers',
    title: 'A stack of layers',
    goal:
      'In the bottle (not only for a child) mount an overlay on the directory `merged`. Its lower layers are the directories `first` and `second`, its upper one is `upper`, with `work` as its ' +
      'workdir. The file `both`, which is in both layers, reads in `merged` as in `first`. Then, through `merged`: the file `gone` is deleted, and the ' +
      'file `changed` gets a last line `line`. The files in `first` and `second` stay what they were.',
    needs: ['overlay'],
    challenge: (random: Random) => {
      const place = `/${random.name()}`
      const names = { both: random.name(), gone: random.name(), changed: random.name(), line: random.name() }
      const part = (name: string) => `${place}/${name}`
      return {
        first: part(random.name()),
        second: part(random.name()),
        upper: part('upper'),
        work: part('work'),
        merged: part('merged'),
        ...names,
      }
    },
    check: checkLayers,
    hints: [
      'The options of an overlay are one string: `lowerdir=A:B,upperdir=C,workdir=D`. All five directories are there already. Who makes the mount: the shim, or a child in another mount namespace?',
      'In `lowerdir` the top of the stack comes first.',
      'To write to a layer’s directory directly is to change the layer. What is done through `merged` lands in `upper`.',
      'A last line: `open` with `wronly` and `append`, `write(ref(…), line)`, `close`. And `unlink` deletes.',
    ],
  },
  {
    id: 'readOnlyVolume',
    title: 'Look, but do not touch',
    goal:
      'Make a process that sees the directory `volume` of the bottle at `place` as well, an empty directory, with everything that is mounted in it; and it sees all of that read-only. In the bottle itself `volume` stays writable, and nothing ' +
      'is mounted at `place`: the bottle’s mounts, which are shared, must be afterwards what they were. The process must still be there when your last step is done.',
    needs: ['kernel:5.12'],
    challenge: (random: Random) => ({ volume: `/${random.name()}`, place: `/${random.name()}` }),
    check: checkReadOnlyVolume,
    hints: [
      'A bind mount, in a table of mounts of the child’s own. If the bottle’s mounts have changed: who has to leave the group first?',
      'What is mounted inside `volume` is not at `place`. Which word takes it along?',
      'A bind ignores `rdonly`. Settings take another call.',
      'The volume is read-only, what is mounted in it is not. `mount_setattr(place, { set: ["rdonly"], recursive: true })` reaches all of it.',
    ],
  },
]
