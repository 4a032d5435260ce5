/** Everything that an engine has on its host at one moment: for tests that hold it to leaving nothing. */
import { once } from 'node:events'
import { beforeAll } from 'vitest'
import type { onEngine, TestEngine } from '../engines.js'
import { PEERS } from '../peers-cgroups.js'

/** As many shims as an engine keeps ready at the most: for its next containers, and for its own work. */
const MOST_IDLE = 16

/**
 * Processes (the dead ones left out: who reaps them there is no engine), mounts, links, cgroups, files that live as long as a container. Of shims those
 * that hold a file or have a child: how many wait for work depends on how much of it there was at one time.
 */
const LOOK = `
idle=0
while read -r pid parent stat name; do
  case $stat in Z*|'') continue;; esac
  [ $pid = $$ ] || [ $parent = $$ ] && continue
  if [ "$name" = shim ]; then
    files=$(ls -l /proc/$pid/fd 2>/dev/null | sed -n 's/.* -> //p')
    held=$(echo "$files" | grep -vE '^(socket:|pipe:|anon_inode:|/dev/null)' | sort | tr '\n' ' ')
    child=$(cat /proc/$pid/task/$pid/children 2>/dev/null)
    if [ -z "$held$child" ]; then
      idle=$((idle + 1))
      echo "$files" | sed -n 's/^socket:\\[\\([0-9]*\\)\\]$/idle \\1/p'
      continue
    fi
    name="shim that holds $held\${child:+and has a child}"
  fi
  echo "process $name"
done <<END
$(ps -eo pid=,ppid=,stat=,comm=)
END
ss -xnH | awk '{ print "peers", $6, $8 }'
[ $idle -le ${MOST_IDLE} ] || echo "process shims that wait for work: $idle"
sed 's/^[0-9]* [0-9]* /mount /' /proc/self/mountinfo
ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/link \\1/'
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
  for own in drydock $0; do [ -d $tree/$own ] && find $tree/$own -type d; done
done | sed 's/^/cgroup /'
find /run/drydock /run/engine/state -type s -o -type f 2>/dev/null | sed 's/^/file /; s/spawner-[0-9]*/spawner-PID/'
for data in /var/lib/drydock /run/engine/data; do
  # What stands for an image without layers is made once for all.
  for kind in containers overlay overlay2 volumes networks; do [ -d $data/$kind ] && ls -A $data/$kind | grep -vx empty | sed "s/^/$kind /"; done
done
[ -d /var/lib/drydock ] && find /var/lib/drydock -path '*leases*' ! -name .reclaim | sed 's/^/lease /'
exit 0`

type Traces = readonly string[]

async function tracesOf(engine: TestEngine): Promise<Traces> {
  const { exitCode, stdout, stderr } = await engine.host.run(['sh', '-c', LOOK, PEERS])
  if (exitCode !== 0) throw new Error(`cannot look at what is there: ${stderr}`)
  const lines = stdout.split('\n')
  const numbers = (kind: string) => lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ').slice(1))
  // Each shim that waits has one, and as with the shims themselves it is the work of one moment that decides how many there are.
  const waiting = new Set(numbers('idle').flat())
  const toWaiting = new Set(numbers('peers').flatMap(([own = '', peer = '']) => (waiting.has(peer) ? [`socket:[${own}]`] : [])))
  const descriptors = engine
    .descriptors()
    .flatMap((target) => (toWaiting.has(target) ? [] : [`descriptor ${target.replace(/\[\d+\]|:\d+$/, '')}`]))
  return [...lines.filter((line) => !/^(idle|peers) /.test(line)), ...descriptors].sort()
}

/** Whatever an engine makes once for all (a bridge, processes that it keeps ready, what Node watches files with) is there afterwards. */
export async function warmUp({ api }: TestEngine): Promise<void> {
  const ids = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async () => {
      const id = await api.create(['sleep', '1000'])
      await api.start(id)
      // Of one that runs: nobody watches for what one that has ended will say.
      const log = await api.open('GET', `/containers/${id}/logs?stdout=1&follow=1`)
      await api.must('POST', `/containers/${id}/kill`)
      log.resume()
      await once(log, 'end')
      return id
    }),
  )
  // All at once: so many processes are kept as had work at one time, up to a number.
  await Promise.all(ids.map((id) => api.remove(id)))
}

/** What is there when nothing goes on any more: the kernel takes a moment to remove some things. */
async function settledTraces(engine: TestEngine): Promise<Traces> {
  for (let before = await tracesOf(engine); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const after = await tracesOf(engine)
    if (without(after, before).length === 0 && without(before, after).length === 0) return after
    before = after
  }
}

/** How long the kernel and the engine may take to have things as they were, on a busy machine too. Milliseconds. */
const PATIENCE = 20_000

/** What is there more than before, and what is there no more: looked at again until there is nothing, or too much time has passed. */
async function changesSince(engine: TestEngine, before: Traces): Promise<string[]> {
  for (const end = Date.now() + PATIENCE; ; ) {
    const after = await tracesOf(engine)
    const changes = [...without(after, before).map((line) => `left: ${line}`), ...without(before, after).map((line) => `gone: ${line}`)]
    if (changes.length === 0 || Date.now() > end) return changes
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/**
 * For a file of tests: looks at what is there before the first of them, when the engine is warm and `prepare` has made what the tests need. What is given back says what
 * has changed since.
 */
export function tracesFrom(
  on: ReturnType<typeof onEngine>,
  { patience = 120_000, prepare }: { patience?: number; prepare?: () => void } = {},
): () => Promise<string[]> {
  let before: Traces = []
  beforeAll(async () => {
    if (!on.able) return
    prepare?.()
    await warmUp(on.engine)
    before = await settledTraces(on.engine)
  }, patience)
  return () => changesSince(on.engine, before)
}

function without(some: Traces, others: Traces): string[] {
  const left = [...others]
  return some.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
