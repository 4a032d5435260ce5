/** The exercises of lesson 8. What each asks for stands with its hints; the checks look at the kernel, and ask the engine, for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { checkAttach, checkCreate, checkPlant } from './checks/containers.js'
import { checkServer, serverSetting } from './checks/server.js'
import { attachSetting, createSetting, plantSetting } from './checks/settings.js'

export const exercises: readonly Exercise[] = [
  {
    id: 'server',
    title: 'A server',
    goal:
      'A server on a unix socket at `path`, for one caller. Root and the group with the number `group` may connect, and nobody else: the mode is 0660. Read the question, and answer it in HTTP with the status 200 and the body `text`. And keep a record of who ' +
      'asked: an empty directory in `log`, whose name is the process id that _the kernel_ says the caller has.',
    challenge: (random: Random) => ({
      path: `/run/${random.name()}.sock`,
      group: random.integer(1000, 60_000),
      log: `/${random.name()}`,
      asked: random.name(),
      text: random.name(),
    }),
    setting: serverSetting,
    check: checkServer,
    hints: [
      'A client gets ENOENT as long as there is no file, and ECONNREFUSED as long as nobody listens: `socket`, `bind_unix`, `listen`. Then `accept4` waits for him.',
      '`chmod(path, 0o660)` and `chown(path, -1, group)`, and both before `listen`: from then on anybody may be calling.',
      '`read(ref("caller"), 4096)`. Who closes a connection with something unread in it resets it, and the other side loses the answer too.',
      'A line `HTTP/1.1 200 OK`, headers, an empty line, the body; each line ends in `\\r\\n`. Without `Content-Length` the body ends with the connection: `close`.',
      '`getsockopt_peercred(ref("caller"), { keepPid: "pid" })`, and the tag `text` for a path with that number in it, as in the list of tools.',
    ],
  },
  {
    id: 'create',
    title: 'Without a client',
    goal:
      'An engine listens behind `socket`. Have it run a container of the image `lifeboat`, by requests alone: its name is `name`, it runs `sleep` with the argument `seconds`, its host name is `hostname`, its environment has `variable` with the value `value`, and ' +
      'it has a label `label` with the value `text`. When your function returns, it runs. (Nothing is to be done by steps: return an empty list.)',
    needs: ['overlay', USERLAND],
    challenge: (random: Random) => ({
      name: random.name(),
      hostname: random.name(),
      seconds: random.integer(1000, 9999),
      variable: random.name().replace(/-.*/, '').toUpperCase(),
      value: random.name(),
      label: `harbour.${random.name()}`,
      text: random.name(),
    }),
    setting: createSetting,
    check: checkCreate,
    hints: [
      'POST `/containers/create?name=NAME`, with a document. Look at the status, and at the message when it is not 201.',
      'A container that was created is a directory and a record. POST `/containers/NAME/start` makes a process of it; the answer is 204.',
      '`Image` is a word, and `Cmd` a list of words, each argument one of them: `["sleep", "1000"]`. A number is no word.',
      '`Hostname` is a word, `Env` a list of `NAME=value`, and `Labels` an object.',
    ],
  },
  {
    id: 'plant',
    title: 'A file from outside',
    goal:
      'The container `container` has run, and was stopped; in its directory `directory` it has left a file. Put another one beside it, with the name `file` and the content `text`, so that it is there when the container is started again. The tutor will start it. There is a second ' +
      'container, `other`, which looks the same, and is none of your business. Your function may ask the engine (`socket`); what it returns are steps for the host’s disk.',
    needs: ['overlay', USERLAND],
    challenge: (random: Random) => ({
      container: random.name(),
      other: random.name(),
      directory: `/${random.name()}`,
      file: random.name(),
      text: random.name(),
    }),
    setting: plantSetting,
    check: checkPlant,
    hints: [
      'A stopped container is a directory and a record. The record says where the directory is: GET `/containers/NAME/json`.',
      'Each container has an upper layer of its own, and all paths in it are as the container has them: `GraphDriver.Data.UpperDir`, and then `directory`.',
      'Open with `creat` and `wronly`, write, close. What lies in the upper layer is what the container sees at its next start.',
    ],
  },
  {
    id: 'attach',
    title: 'Two streams on one connection',
    goal:
      'The container `container` runs without a terminal. It reads its stdin up to the end, and only then says something: a word on its stdout, in pieces perhaps, and other things on its stderr. Attach to it through `socket`, tell it `word`, and tell it that this was all. What it has said on ' +
      '_stdout_, and nothing else, is to stand in the file `answer` then: for that return the steps.',
    needs: ['overlay', USERLAND],
    challenge: (random: Random) => ({ container: random.name(), word: random.name(), answer: `/${random.name()}` }),
    setting: attachSetting,
    check: checkAttach,
    hints: [
      'POST `/containers/NAME/attach?stream=1&stdin=1&stdout=1&stderr=1`, with the headers `Connection: Upgrade` and `Upgrade: tcp`. Node’s `request` has an event `upgrade`, which brings the connection.',
      'What you write to that connection is the container’s stdin.',
      '`connection.end(word)` ends your side, and only yours: the container reads the end, and its answer still comes. Collect `data` until `end`.',
      'Eight bytes stand before each piece: the first is 1 for stdout and 2 for stderr, the last four are the length, the highest byte first (`readUInt32BE(4)`). A piece of `data` need not be a piece of the container’s: put all together first, and the third argument of `upgrade` before it.',
      '`open(answer, ["creat", "wronly"], { mode: 0o644, keep: "file" })`, write, close.',
    ],
  },
]
