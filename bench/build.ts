/** `docker build` with the classic builder of either engine. Run by main.ts on a host of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { both, withEngines } from './engines.js'
import { measure, PLACE } from './isolated.js'
import { command, interleaved } from './tools.js'

const SUBJECT = {
  name: 'build',
  title: 'Building an image',
  about: `The same \`docker build\` with either engine, by the classic builder (\`DOCKER_BUILDKIT=0\`), since drydock has no other: a context of 1000 files of 4 KiB that are copied, three RUN
that start a container each, and some lines that change the configuration only. Without the cache, and with it.`,
}

const FILES = 1000

const DOCKERFILE = `FROM busybox
ENV PLACE=/app
WORKDIR /app
COPY files /app/files
RUN ls files | wc -l > count
RUN mkdir -p deep/er && cp -r files deep/er
RUN rm -r files
LABEL made=here
CMD ["cat", "count"]
`

const { PATH = '', HOME = '' } = process.env
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, DOCKER_BUILDKIT: '0' }

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const context = makeContext()
    const turns = { rounds: bench.rounds(8, 1), signal: bench.signal, warmUp: 1 }
    const build = (...words: string[]) =>
      both(engines, (engine) => command(engine.docker('build', '-q', ...words, '-t', 'built', context), ENVIRONMENT))
    bench.command('DOCKER_BUILDKIT=0 docker build --no-cache -t built .', 'DOCKER_BUILDKIT=0 docker build -t built .')
    const whole = await interleaved(build('--no-cache'), turns)
    const cached = await interleaved(build(), turns)
    bench.compare({
      key: 'build',
      title: 'docker build, by engine',
      unit: 'ms',
      better: 'less',
      own: 'drydock',
      cases: [
        { label: 'without the cache', values: whole },
        { label: 'all from the cache', values: cached },
      ],
    })
  }),
)

function makeContext(): string {
  const context = join(PLACE, 'context')
  mkdirSync(join(context, 'files'), { recursive: true })
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE)
  for (let file = 0; file < FILES; file++) writeFileSync(join(context, 'files', `${file}`), `${file} `.repeat(2048).slice(0, 4096))
  return context
}
