/** `drydock build`: not yet. */
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const build = verb(
  (path) =>
    new GoCommand(path)
      .description('Make an image by a Dockerfile: comes later.')
      .usage('PATH')
      .argument('<path>', 'where the Dockerfile is'),
  async () => {
    throw new DrydockError(
      'build is not there yet: make an image by a container and commit (drydock run, drydock commit), or use docker build with this engine as DOCKER_HOST',
      { status: 501 },
    )
  },
)
