// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
/** Builds by docker's command line without BuildKit, as a script: Dockerfiles that are right, and many that are not. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Script, Stage } from '../engine/player.js'
import { disputed, wrong } from './dockerfiles.js'
import { build, made, seen, wronglyBuilt } from './stage.js'

export const SESSION: Script = {
  'a build and its cache': async (stage) => {
    const files = { Dockerfile: 'FROM busybox\nRUN echo hi > /greeting && echo told\nENV WHO=me\nCMD ["cat", "/greeting"]\n' }
    await build(stage, files, '-t', 'first')
    await made(stage, 'first')
    await stage.docker('run', '--rm', 'first')
    await build(stage, files, '-t', 'first', '-t', 'local/second:v1')
    // Times in a layer are whole seconds: made anew in the same one it would be the same layer.
    await sleep(1000)
    await build(stage, files, '--no-cache')
    await stage.docker('images')
    await stage.docker('images', '-a', '-q')
    await stage.docker('ps', '-a', '-q')
    await stage.docker('rmi', 'first', 'local/second:v1')
    await stage.docker('image', 'prune', '-f')
    await stage.docker('images', '-a', '-q')
  },
  'every instruction': async (stage) => {
    const Dockerfile = [
      'FROM busybox AS base',
      'MAINTAINER Somebody <somebody@example.com>',
      'ARG VERSION=1',
      'ARG EMPTY',
      'ENV A=1 B="two words" C=three\\ words',
      'ENV OLD the  rest of it',
      'LABEL one=1 "the two"="2 2" three=\'3\'',
      'LABEL old form',
      'EXPOSE 80 53/udp 8000-8002',
      'VOLUME /data /more',
      'VOLUME ["/data", "/other data"]',
      'WORKDIR /work',
      'WORKDIR deep/er',
      'USER nobody',
      'STOPSIGNAL SIGUSR1',
      'HEALTHCHECK --interval=5m --timeout=3s --start-period=1s --retries=4 CMD test -e /work',
      'HEALTHCHECK CMD ["true"]',
      'SHELL ["/bin/sh", "-e", "-c"]',
      'RUN pwd; id -un; echo "$A $B $C $OLD $VERSION"',
      'RUN ["echo", "no $A shell"]',
      'CMD echo from a shell',
      'ENTRYPOINT ["echo", "entered"]',
      'CMD ["again"]',
      'ONBUILD RUN echo built on',
    ].join('\n')
    await build(stage, { Dockerfile }, '-t', 'every')
    await made(stage, 'every')
    await stage.docker('run', '--rm', 'every')
    await build(
      stage,
      { Dockerfile: 'FROM busybox\nCMD lost\nENTRYPOINT a\nHEALTHCHECK NONE\nUSER a:b\nUSER 1\nENV PATH=/x:$PATH\n' },
      '-t',
      'every:2',
    )
    await made(stage, 'every:2')
    await build(stage, { Dockerfile: 'from busybox\nrun echo lower case\nCMD []\nENTRYPOINT []\n' }, '-t', 'every:3')
    await made(stage, 'every:3')
  },
  'wrong words': async (stage) => {
    for (const Dockerfile of wrong) await wronglyBuilt(stage, { Dockerfile })
  },
  ...Object.fromEntries(
    Object.entries(disputed).map(([name, Dockerfile]) => [name, (stage: Stage) => wronglyBuilt(stage, { Dockerfile })]),
  ),
  'a command fails': async (stage) => {
    const files = { Dockerfile: 'FROM busybox\nRUN echo before\nRUN echo err >&2; exit 7\nRUN echo never\n' }
    await build(stage, files)
    await stage.docker('ps', '-a', '--format', '{{.Image}} {{.Command}} {{.Status}}')
    await stage.docker('container', 'prune', '-f')
    await build(stage, files, '--force-rm')
    await stage.docker('ps', '-a', '--format', '{{.Image}} {{.Command}} {{.Status}}')
    await build(stage, { Dockerfile: 'FROM busybox\nRUN true\nENV A=1\n' }, '--rm=false', '--no-cache')
    await stage.docker('ps', '-a', '--format', '{{.Command}} {{.Status}}')
    await stage.docker('container', 'prune', '-f')
    await build(stage, { Dockerfile: 'FROM busybox\nRUN ["nosuchprogram"]\n' }, '--force-rm')
    await build(stage, { Dockerfile: 'FROM busybox\nUSER nosuchuser\nRUN true\n' }, '--force-rm')
    await build(stage, { Dockerfile: 'FROM busybox\nRUN kill -9 $$\n' }, '--force-rm', '-q')
    await build(stage, { Dockerfile: 'FROM nosuchimage:here\nRUN true\n' })
    await build(stage, { Dockerfile: 'FROM scratch\nRUN true\n' }, '--force-rm')
  },
  'copied files': async (stage) => {
    const files = {
      a: 'a\n',
      'b.txt': 'b\n',
      'c.txt': 'c\n',
      '*run': '#!/bin/sh\necho ran\n',
      'with space': 's\n',
      'dir/x': 'x\n',
      'dir/deep/y': 'y\n',
      'dir/link -> x': '',
      'empty/': '',
      'link -> dir/x': '',
      'linked -> dir': '',
      'out -> /etc/passwd': '',
      'up -> ../../../etc': '',
      'broken -> nowhere': '',
      '.hidden': 'h\n',
      '[odd]': 'o\n',
    }
    const Dockerfile = [
      'FROM busybox',
      'RUN mkdir -p /there/sub && echo old > /there/a && ln -s /there /way && ln -s /tmp /there/dirlink && echo file > /plain',
      'COPY a /one',
      'COPY a /there',
      'COPY a b.txt /new/',
      'COPY *.txt /globbed/',
      'COPY b.tx? c.[t]xt /globbed2/',
      'COPY dir /dir',
      'COPY dir /there/',
      'COPY dir/ /there/sub',
      'COPY dir/deep dir/x /flat/',
      'COPY empty /empty',
      'COPY link /by-link',
      'COPY link /by-link-dir/',
      'COPY linked /by-linked',
      'COPY run /bin/run',
      'COPY ["with space", "/space here/"]',
      'COPY --chown=nobody a /owned/deep/a',
      'COPY --chown=12:34 dir /owned-dir',
      'COPY --chown=nobody:root b.txt /owned/b',
      'COPY a /way/through',
      'COPY dir /way',
      'COPY . /all/',
      'WORKDIR /relative',
      'COPY a .',
      'COPY a sub/',
      'COPY ./a ../up',
      'COPY /a /slash',
      'COPY dir /plain2',
      'RUN run',
    ].join('\n')
    await build(stage, { ...files, Dockerfile }, '-t', 'copied')
    await seen(
      stage,
      'copied',
      '/one',
      '/there',
      '/new',
      '/globbed',
      '/globbed2',
      '/dir',
      '/flat',
      '/empty',
      '/by-link',
      '/by-link-dir',
      '/by-linked',
    )
    await seen(stage, 'copied', '/bin/run', '/space here', '/owned', '/owned-dir', '/way', '/all', '/relative', '/up', '/slash', '/plain2')
    await made(stage, 'copied')
    await build(stage, { ...files, Dockerfile }, '-t', 'copied')
    await build(stage, { ...files, a: 'changed\n', Dockerfile: 'FROM busybox\nCOPY b.txt /\nCOPY a /one\nRUN cat /one\n' })
    for (const words of [
      'nosuch /x',
      '\\[odd] /x',
      '[[]odd] /x',
      '../up /x',
      '*.nothing /x',
      'a b.txt /x',
      'a /plain/x',
      'dir /plain',
      'out /x',
      'up/passwd /x',
      'broken /x',
      '--chown=nosuch a /x',
      '--chown=a:b:c a /x',
      '--chmod=755 a /x',
      '--from=nosuch:here /a /x',
      '--from=0 /a /x',
      '--from=1 /a /x',
      '--from= a /x',
      '--what=1 a /x',
      '--chown a /x',
      'a ""',
      'http://127.0.0.1:1/x /x',
      '<<EOF /x',
    ]) {
      await build(stage, { ...files, Dockerfile: `FROM busybox\nRUN echo > /plain\nCOPY ${words}\n` })
    }
  },
  'added archives': async (stage) => {
    const { tar, gzipped } = await import('./archives.js')
    const Dockerfile = [
      'FROM busybox',
      'ADD files.tar /untarred',
      'ADD files.tgz /untarred/deep/er/',
      'ADD --chown=nobody files.tar /owned',
      'COPY files.tgz /copied/',
      'ADD no.tar /plain/',
      'ADD note files.tar /both/',
      'ADD dir /dir',
    ].join('\n')
    const files = { 'files.tar': tar, 'files.tgz': gzipped, 'no.tar': 'no archive\n', note: 'n\n', 'dir/files.tar': tar }
    await build(stage, { ...files, Dockerfile }, '-t', 'added')
    await seen(stage, 'added', '/untarred', '/owned', '/copied', '/plain', '/both', '/dir')
    await build(stage, { ...files, Dockerfile: 'FROM busybox\nRUN echo file > /plain\nADD files.tar /plain\n' })
    await build(stage, { ...files, Dockerfile: 'FROM busybox\nADD --chmod=1 note /plain\n' })
  },
  'several stages': async (stage) => {
    const Dockerfile = [
      'ARG BASE=busybox',
      'ARG WHICH=${BASE}:latest',
      'FROM ${WHICH} AS Builder',
      'RUN mkdir /out && echo made > /out/file && chmod 751 /out && chown 7:8 /out/file && ln -s file /out/link && ln /out/file /out/hard',
      'FROM builder',
      'RUN echo second > /out/second',
      'FROM scratch AS files',
      'COPY --from=1 /out /all/',
      'FROM busybox AS last',
      'COPY --from=builder /out /first',
      'COPY --from=1 /out/* /globbed/',
      'COPY --from=files /all/second /third',
      'COPY --from=busybox:latest /etc/passwd /fourth',
      'COPY --from=builder --chown=nobody /out/link /fifth',
      'COPY --from=builder out/file /sixth/',
      'FROM files',
      'LABEL never=seen',
    ].join('\n')
    await build(stage, { Dockerfile }, '-t', 'stages', '--target', 'last')
    await seen(stage, 'stages', '/first', '/globbed', '/third', '/fourth', '/fifth', '/sixth')
    await made(stage, 'stages')
    await build(stage, { Dockerfile }, '--target', 'LAST')
    await build(stage, { Dockerfile }, '--target', '2', '-t', 'stages:files')
    await made(stage, 'stages:files')
    await build(stage, { Dockerfile }, '--target', 'nosuch')
    await build(stage, { Dockerfile }, '--target', '9')
    await build(stage, { Dockerfile }, '--build-arg', 'BASE=nosuchbase', '--build-arg', 'UNUSED=1')
    for (const text of [
      'FROM busybox AS a\nFROM busybox AS a\n',
      'FROM busybox AS 1a\n',
      'FROM busybox AS\n',
      'FROM $NOTHING\n',
      'FROM busybox\nCOPY --from=later /a /b\nFROM busybox AS later\n',
      'FROM busybox AS x\nCOPY --from=x /etc/passwd /b\n',
      'FROM busybox\nFROM busybox\nCOPY --from=0 /nosuch /b\n',
      'FROM busybox\nFROM busybox\nCOPY --from=7 /nosuch /b\n',
      'FROM scratch\n',
      'FROM scratch\nENV A=1\n',
      'FROM --platform=nonsense busybox\n',
      'FROM --what=1 busybox\n',
      'FROM busybox as a b\n',
    ]) {
      await build(stage, { Dockerfile: text })
    }
  },
  'another platform': async (stage) => {
    await build(stage, { Dockerfile: 'FROM --platform=linux/s390x busybox\n' })
    await build(stage, { Dockerfile: 'FROM busybox\nRUN echo of another\n' }, '--platform', 'linux/s390x')
  },
  arguments: async (stage) => {
    const Dockerfile = [
      'ARG META=meta',
      'ARG UNSET',
      'FROM busybox',
      'RUN echo "[$META]"',
      'ARG META',
      'ARG UNSET',
      'ARG ONE=1 TWO="2 $ONE"',
      'ARG THREE',
      'RUN echo "[$META] [$UNSET] [$ONE] [$TWO] [$THREE] [$HTTP_PROXY]"',
      'ENV ONE=env',
      'RUN echo "[$ONE]"; env | grep -c ONE',
      'ARG ONE=again',
      'RUN echo "[$ONE]"',
      'ENV COPY=${TWO}',
      'LABEL three=$THREE',
      'FROM busybox',
      'RUN echo "[$ONE]"',
    ].join('\n')
    await build(stage, { Dockerfile }, '-t', 'arguments')
    const given = [
      '--build-arg',
      'THREE=drei',
      '--build-arg',
      'META=ours',
      '--build-arg',
      'HTTP_PROXY=http://proxy',
      '--build-arg',
      'NOTUSED=1',
    ]
    await build(stage, { Dockerfile }, ...given, '--build-arg', 'UNSETTOO')
    await build(stage, { Dockerfile }, ...given)
    await build(
      stage,
      { Dockerfile: 'FROM busybox\nARG HTTP_PROXY\nRUN echo $HTTP_PROXY\n' },
      '--build-arg',
      'HTTP_PROXY=here',
      '-t',
      'arguments',
    )
    await made(stage, 'arguments')
    await build(stage, { Dockerfile: 'FROM busybox\nARG a=$NO b=${x:-y}\nRUN echo $a$b\n' }, '--build-arg', 'c=1', '--build-arg', 'd=2')
  },
  replacement: async (stage) => {
    const Dockerfile = [
      'FROM busybox',
      'ENV a=one b=two e=""',
      'ENV c=$a d=${b} f=${a}more g=$amore h="$a $b" i=\'$a\' j=\\$a k="\\$a" l=$ m=$$ n=${x:-unset} o=${a:-set} p=${x:+unset} q=${a:+set}',
      'ENV r=${e:-empty} s=${e:+empty} t=${x:-$a} u=${x:-${b}} v="a\\"b" w=a\\\\b x1=\'a"b\' y="it\'s" z=$1x aa=a"b c"d bb=${a}${b}',
      'ENV abc=hello',
      'ENV abc=bye def=$abc',
      'ENV ghi=$abc',
      'LABEL $a=$b "quoted $a"=\'$b\' x.$a=${a}',
      'WORKDIR /$a/${b}',
      'EXPOSE $NOPORT 8${b:+0}',
      'ENV ports="81 82"',
      'EXPOSE $ports',
      'VOLUME /v$a',
      'USER ${nouser:-nobody}',
      'STOPSIGNAL ${sig:-9}',
      'CMD echo $a',
      'SHELL ["/bin/$a"]',
      'ENTRYPOINT ["$a"]',
    ].join('\n')
    await build(stage, { Dockerfile }, '-t', 'replaced')
    await made(stage, 'replaced')
    const ticks = '# escape=`\n# another comment\nFROM busybox\nENV a=C:\\dir\\ b=x` y c="`$a"\nRUN echo one `\n  two\nCMD `\n["echo"]\n'
    await build(stage, { Dockerfile: ticks }, '-t', 'replaced:2')
    await made(stage, 'replaced:2')
    const joined = [
      '\uFEFF# syntax=docker/dockerfile:1',
      '',
      '   # a comment with blanks',
      'FROM busybox',
      'RUN echo one \\',
      '  # in between',
      '',
      '  && echo two \\ ',
      '\t&& echo three',
      'ENV a=1 \\',
      '    b=2',
      'RUN echo "x#y" # not a comment',
      '  run   echo   spaced   ',
      'RUN\techo tab',
      'RUN echo last \\',
    ].join('\r\n')
    await build(stage, { Dockerfile: joined }, '-t', 'replaced:3')
    await made(stage, 'replaced:3')
  },
  'what is left out': async (stage) => {
    const files = {
      Dockerfile: 'FROM busybox\nCOPY . /all/\nRUN find /all | sort\n',
      '.dockerignore':
        '# comment\n\n*.log\n!keep.log\n/top\n**/deep/**\nsub/a*\n!sub/ab\n  trimmed  \n./dotted/../named\nnode_modules/\n*/*/third\nx?y\n[a-c]1\n',
      'a.log': '1',
      'keep.log': '1',
      top: '1',
      'in/top': '1',
      'in/deep/file': '1',
      'in/log.log': '1',
      'sub/aa': '1',
      'sub/ab': '1',
      'sub/b': '1',
      trimmed: '1',
      named: '1',
      'node_modules/x': '1',
      'in/node_modules/x': '1',
      'one/two/third': '1',
      'one/third': '1',
      xay: '1',
      xaay: '1',
      b1: '1',
      d1: '1',
      constructor: '1',
    }
    await build(stage, files)
    await build(stage, { ...files, '.dockerignore': '*\n!sub\nsub/b\n.dockerignore\nDockerfile\n' })
    await build(stage, { ...files, '.dockerignore': '*\n!in/deep\n!**/third\n' })
    await build(stage, { ...files, '.dockerignore': '[\n' })
    await build(
      stage,
      { ...files, 'other.docker': 'FROM busybox\nCOPY other.docker /\n', '.dockerignore': 'other.docker\n' },
      '-f',
      'other.docker',
    )
    await build(stage, { dockerfile: 'FROM busybox\nRUN echo lower\n' })
    await build(stage, { other: '' })
    await build(stage, { Dockerfile: '' })
    await build(stage, files, '-f', 'nosuch')
  },
  'a context that comes in': async (stage) => {
    const { contextTar } = await import('./archives.js')
    await stage.dockerWith({ input: 'FROM busybox\nRUN echo from stdin\n' }, 'build', '-t', 'stdin', '-')
    await stage.dockerWith({ input: 'FROM busybox\nCOPY a /\n' }, 'build', '-')
    await stage.dockerWith({ input: contextTar(false) }, 'build', '-')
    await stage.dockerWith({ input: contextTar(true) }, 'build', '-f', 'other/Dockerfile', '-')
    await stage.dockerWith({ input: '' }, 'build', '-')
    await build(stage, { a: 'a\n' }, { input: 'FROM busybox\nCOPY a /\n' }, '-f', '-')
  },
  'built upon': async (stage) => {
    await build(
      stage,
      {
        Dockerfile:
          'FROM busybox\nONBUILD ARG what=thing\nONBUILD COPY . /app/\nONBUILD RUN cat /app/note; echo $what\nONBUILD ENV late=$what\n',
      },
      '-t',
      'upon',
    )
    await made(stage, 'upon')
    await build(stage, { Dockerfile: 'FROM upon AS a\nRUN echo after\n', note: 'noted\n' }, '-t', 'upon:child', '--build-arg', 'what=other')
    await made(stage, 'upon:child')
    await build(stage, { Dockerfile: 'FROM upon:child\nRUN echo grandchild\n' })
    await build(stage, { Dockerfile: 'FROM busybox\nONBUILD BLAH x\n' })
    await build(stage, { Dockerfile: 'FROM busybox\nONBUILD RUN exit 3\n' }, '-t', 'upon:bad')
    await build(stage, { Dockerfile: 'FROM upon:bad\n' }, '--force-rm')
  },
  options: async (stage) => {
    const limits = 'cat /proc/self/limits | grep -i "open files"; tail -1 /etc/hosts; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2'
    const files = { Dockerfile: `FROM busybox\nRUN ${limits}\nRUN ip -o link | wc -l\n`, 'sub/D': 'FROM busybox\nRUN echo sub\n' }
    await build(
      stage,
      files,
      '--ulimit',
      'nofile=99:100',
      '--add-host',
      'there:10.55.0.9',
      '--shm-size',
      '2m',
      '--network',
      'none',
      '--memory',
      '64m',
      '--cpu-shares',
      '512',
    )
    await build(stage, files, '--label', 'b=2', '--label', 'a=1 1', '-t', 'optioned', '-f', 'sub/D')
    await made(stage, 'optioned')
    await build(stage, files, '-q', '-f', 'sub/D')
    await build(stage, files, '-q', '-f', 'nosuch')
    await build(stage, files, '--network', 'nosuchnet', '--force-rm', '--no-cache')
    await build(stage, files, '-t', 'Wrong:Name')
    await build(stage, files, '-t', 'a/b:c:d')
    await build(stage, files, '--squash')
    await build(stage, files, '--security-opt', 'seccomp=unconfined', '-f', 'sub/D')
    await build(stage, files, '--isolation', 'nosuch', '-f', 'sub/D')
    await build(stage, files, '--cgroup-parent', 'x', '-f', 'sub/D')
    await build(stage, files, '--memory', '1m', '-f', 'sub/D', '--force-rm', '--no-cache')
    await stage.docker('builder', 'prune', '-f')
  },
  'caches of others': async (stage) => {
    await stage.engine.api.must('POST', '/images/prune')
    const registry = await stage.engine.registry()
    const files = { Dockerfile: 'FROM busybox\nENV A=1\nRUN echo $A > /a\nCOPY a /b\nCMD ["x"]\n', a: 'a\n' }
    await build(stage, files, '-t', `${registry}/cached`)
    await stage.docker('push', '-q', `${registry}/cached`)
    await stage.docker('rmi', `${registry}/cached`)
    await stage.docker('image', 'prune', '-f')
    await stage.docker('pull', '-q', `${registry}/cached`)
    await build(stage, files)
    await stage.docker('image', 'prune', '-f')
    await build(stage, files, '--cache-from', `${registry}/cached`, '--cache-from', 'nosuch:image', '-t', 'again')
    await made(stage, 'again')
    await build(
      stage,
      { ...files, Dockerfile: 'FROM busybox\nENV A=1\nRUN echo $A > /a\nCMD ["y"]\n' },
      '--cache-from',
      `${registry}/cached`,
    )
    await build(stage, { Dockerfile: `FROM ${registry}/cached\nRUN cat /a\n` }, '--pull')
    await stage.docker('rmi', '-f', `${registry}/cached`, 'again')
    await build(stage, { Dockerfile: `FROM ${registry}/cached\nRUN cat /a\n` })
    await build(stage, { Dockerfile: `FROM ${registry}/nosuch\nRUN cat /a\n` })
    await build(stage, { Dockerfile: `FROM busybox\nCOPY --from=${registry}/nosuch /a /a\n` })
  },
  'from the web': async (stage) => {
    const { served } = await import('./archives.js')
    await served(stage, async (url) => {
      const added = (words: string) =>
        build(stage, { Dockerfile: `FROM busybox\nADD ${words}\nRUN stat -c "%A %U:%G %s %n" /got /got/* 2>&1\n` })
      await added(`${url}/file.txt /got/`)
      await added(`${url}/file.txt /got`)
      await added(`--chown=nobody ${url}/files.tar /got/`)
      await added(`${url}/ /got/`)
      await added(`${url}/nosuch /got/`)
      await stage.docker('build', 'nosuchdirectory')
    })
  },
}
