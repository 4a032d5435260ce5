/** `npm run test:stops`: the tests, while processes of theirs are stopped for a moment now and then. It finds what hangs on who comes first. */
import { execa } from 'execa'
import { Stopper } from './stopper.js'

const HELP = `Usage: npm run test:stops                             every test that runs in a lane, while its processes are stopped for a moment now and then
       npm run test:stops -- FILE…                   … the tests in these files
       npm run test:stops -- --every MS --longest MS … a stop so often on average (20), and for so long at the most (200)
`

const USUAL = { '--every': 20, '--longest': 200 }

export async function main(argv: string[]): Promise<number> {
  if (argv.some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(HELP)
    return 0
  }
  const numbers = { ...USUAL }
  const files: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if (!(word in numbers)) files.push(word)
    else if (/^[1-9]\d{0,5}$/.test(argv[++at] ?? '')) numbers[word as keyof typeof USUAL] = Number(argv[at])
    else return refuse(word)
  }
  if (process.geteuid?.() !== 0) {
    console.error('drydock: no stops: what a container runs as belongs to others, and to stop it needs root: sudo npm run test:stops')
    return 1
  }
  const chosen = files.length > 0 ? files : ['--project', 'lanes']
  const tests = execa('npx', ['--no-install', 'vitest', 'run', ...chosen], { reject: false, stdio: 'inherit' })
  const stopper = new Stopper(tests.pid as number, { every: numbers['--every'], longest: numbers['--longest'] })
  process.once('exit', () => stopper.end())
  const stopping = stopper.run()
  const { exitCode } = await tests
  stopper.end()
  await stopping
  console.log(`${stopper.count} stops`)
  return exitCode ?? 1
}

function refuse(word: string): number {
  console.error(`drydock: ${word} takes a whole number of milliseconds, such as ${word} 100\n\n${HELP}`)
  return 2
}
