import { describe, expect, it } from 'vitest'
import { applyInstructions } from '../../../lib/image/instructions.js'

const changed = (...changes: string[]) => applyInstructions({}, changes)

describe('changes', () => {
  it('CMD and ENTRYPOINT are lists, or lines for a shell; an entrypoint takes the command away', () => {
    expect(changed('CMD ["a", "b c"]')).toEqual({ Cmd: ['a', 'b c'] })
    expect(changed('cmd echo $HOME "x"')).toEqual({ Cmd: ['/bin/sh', '-c', 'echo $HOME "x"'] })
    expect(changed('CMD [not json]').Cmd).toEqual(['/bin/sh', '-c', '[not json]'])
    expect(applyInstructions({ Cmd: ['a'] }, ['ENTRYPOINT ["b"]'])).toEqual({ Cmd: null, Entrypoint: ['b'] })
    expect(changed('CMD ["a"]', 'ENTRYPOINT ["b"]')).toEqual({ Cmd: ['a'], Entrypoint: ['b'] })
  })

  it('ENV and LABEL take pairs, with quotes and variables, or the old form', () => {
    const env = (...lines: string[]) => changed(...lines.map((line) => `ENV ${line}`)).Env
    expect(env('A=1 B="two words" C=three\\ words D=\'$A\'')).toEqual(['A=1', 'B=two words', 'C=three words', 'D=$A'])
    expect(env('A one two  three')).toEqual(['A=one two  three'])
    expect(env('A=1', ['B=$A', '{A}', '{X:-no}', '{A:+yes}-\\$A'].join('-$'), 'A=2')).toEqual(['A=2', 'B=1-1-no-yes-$A'])
    expect(changed('LABEL a=b "c d"="e f"').Labels).toEqual({ a: 'b', 'c d': 'e f' })
    expect(() => changed('ENV A')).toThrow('ENV must have two arguments')
    expect(() => changed('ENV A=1 B')).toThrow('Syntax error - can\'t find = in "B". Must be of the form: name=value')
  })

  it('EXPOSE, VOLUME, USER, WORKDIR, STOPSIGNAL, ONBUILD', () => {
    expect(changed('EXPOSE 80 53/UDP 8000-8002').ExposedPorts).toEqual({
      '80/tcp': {},
      '53/udp': {},
      '8000/tcp': {},
      '8001/tcp': {},
      '8002/tcp': {},
    })
    expect(() => changed('EXPOSE 80/x')).toThrow('Invalid proto: x')
    expect(() => changed('EXPOSE 70000')).toThrow('Invalid containerPort: 70000')
    expect(changed('VOLUME /a /b', 'VOLUME ["/c d"]').Volumes).toEqual({ '/a': {}, '/b': {}, '/c d': {} })
    expect(changed('USER mate:crew', 'WORKDIR /a', 'WORKDIR b/../c', 'STOPSIGNAL SIGUSR1', 'ONBUILD RUN make')).toEqual({
      User: 'mate:crew',
      WorkingDir: '/a/c',
      StopSignal: 'SIGUSR1',
      OnBuild: ['RUN make'],
    })
    expect(() => changed('ONBUILD ONBUILD RUN make')).toThrow('Chaining ONBUILD')
  })

  it('HEALTHCHECK', () => {
    expect(changed('HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD ["check"]')).toEqual({
      Healthcheck: { Test: ['CMD', 'check'], Interval: 90e9, Timeout: 0.5e9, Retries: 3 },
    })
    expect(changed('HEALTHCHECK CMD curl localhost')).toEqual({ Healthcheck: { Test: ['CMD-SHELL', 'curl localhost'] } })
    expect(changed('HEALTHCHECK NONE')).toEqual({ Healthcheck: { Test: ['NONE'] } })
    expect(() => changed('HEALTHCHECK TRY x')).toThrow('Unknown type "TRY" in HEALTHCHECK (try CMD)')
    expect(() => changed('HEALTHCHECK --interval=soon CMD x')).toThrow('soon')
    expect(() => changed('HEALTHCHECK --start-interval=1s CMD x')).toThrow('Unknown flag: start-interval')
    const Healthcheck = { Test: ['CMD', 'old'], Interval: 9e9 }
    expect(applyInstructions({ Healthcheck }, ['HEALTHCHECK --retries=2 CMD ["new"]'])).toEqual({
      Healthcheck: { Test: ['CMD', 'new'], Interval: 9e9, Retries: 2 },
    })
  })

  it('anything else is refused, also what every object has', () => {
    expect(() => changed('RUN true')).toThrow('run is not a valid change command')
    expect(() => changed('constructor x')).toThrow('constructor is not a valid change command')
    expect(() => changed('USER')).toThrow('USER requires exactly one argument')
  })

  it('is read as one Dockerfile: comments, lines that go on, the escape directive, the shell of the image', () => {
    expect(changed('# nothing', 'ENV A=1 \\', 'B=2')).toEqual({ Env: ['A=1', 'B=2'] })
    expect(changed('# escape=`', 'ENV A=a`\nB=b\\b')).toEqual({ Env: ['A=aB=b\\b'] })
    expect(applyInstructions({ Shell: ['/bin/ash', '-ec'] }, ['CMD exit 3']).Cmd).toEqual(['/bin/ash', '-ec', 'exit 3'])
    expect(() => changed('')).toThrow('file with no instructions')
  })

  it('what was there stays, and the given one is not touched', () => {
    const given = { Env: ['A=1'], Labels: { a: 'b' } }
    expect(applyInstructions(given, ['ENV B=2', 'LABEL c=d'])).toEqual({ Env: ['A=1', 'B=2'], Labels: { a: 'b', c: 'd' } })
    expect(given).toEqual({ Env: ['A=1'], Labels: { a: 'b' } })
  })
})
