/** The same by docker's own command line, where there is one: with the certificates of drydock, and with a context. */
import type { Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { IMAGE } from '../../08-engine/image.js'
import { CLIENT, carry, makeQuietly, secured } from '../certificates.js'
import { type } from '../commands.js'
import { openEngine, TLS_PORT, tcp, WARNINGS } from '../engine.js'
import { twoHosts } from '../ground.js'
import { verified } from './tls.js'

export async function words(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  if (findCommand('docker') === undefined) {
    return stage.say(
      'The program `docker` is not installed here, so this comparison is left out. (Debian’s package `docker-cli` or `docker.io` has it. Its daemon is not needed: the client speaks to this lesson’s engine.)',
    )
  }
  await makeQuietly(hosts)
  if (!(await openEngine(stage, [...secured(hosts), ...WARNINGS]))) return
  await carry(stage)
  await stage.say('On vm-2, Docker’s own client, which has never heard of drydock, with certificates as in the scene before:')
  for (const line of [
    ['docker', 'info', '--format', '{{.Name}}'],
    ['docker', 'run', '--rm', '-v', '/etc:/mnt', IMAGE, 'cat', '/mnt/hostname'],
  ])
    await type(stage, 'vm-2', line, verified(hosts))
  await stage.say('What one would type each time can be given a name, and then it is a _context_:')
  const home = { HOME: CLIENT }
  const files = `ca=${CLIENT}/ca.pem,cert=${CLIENT}/cert.pem,key=${CLIENT}/key.pem`
  await type(stage, 'vm-2', ['docker', 'context', 'create', 'harbour', '--docker', `host=${tcp(hosts, TLS_PORT)},${files}`], home)
  await type(stage, 'vm-2', ['docker', '--context', 'harbour', 'info', '--format', '{{.Name}}'], home)
  await type(stage, 'vm-2', ['drydock', '--context', 'harbour', 'info', '--format', '{{.Name}}'], home)
}
