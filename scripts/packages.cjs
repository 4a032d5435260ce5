/*
 * Which package brings a command, in each family of distributions, and the command line that installs it. Shared by the set-up,
 * the tests and doctor. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/** command: [Debian and Ubuntu, Fedora and RHEL, Alpine, Arch, openSUSE] */
const PACKAGES = {
  make: ['make', 'make', 'make', 'make', 'make'],
  cc: ['gcc libc6-dev', 'gcc glibc-static', 'gcc musl-dev linux-headers', 'gcc', 'gcc glibc-devel-static'],
  'c++': ['g++', 'gcc-c++', 'g++', 'gcc', 'gcc-c++'],
  python3: ['python3', 'python3', 'python3', 'python', 'python3'],
  'docker-registry': ['docker-registry', 'docker-distribution', 'docker-registry', 'docker-registry', 'distribution-registry'],
  mmdebstrap: ['mmdebstrap', 'mmdebstrap', 'mmdebstrap', 'mmdebstrap', 'mmdebstrap'],
  debootstrap: ['debootstrap', 'debootstrap', 'debootstrap', 'debootstrap', 'debootstrap'],
  strace: ['strace', 'strace', 'strace', 'strace', 'strace'],
  ip: ['iproute2', 'iproute', 'iproute2', 'iproute2', 'iproute2'],
  ping: ['iputils-ping', 'iputils', 'iputils-ping', 'iputils', 'iputils'],
  nft: ['nftables', 'nftables', 'nftables', 'nftables', 'nftables'],
  newuidmap: ['uidmap', 'shadow-utils', 'shadow-uidmap', 'shadow', 'shadow'],
  busybox: ['busybox-static', 'busybox', 'busybox-static', 'busybox', 'busybox-static'],
  prlimit: ['util-linux', 'util-linux', 'util-linux-misc', 'util-linux', 'util-linux'],
  faketime: ['faketime', 'libfaketime', 'libfaketime', 'libfaketime', 'libfaketime'],
  nsenter: ['util-linux', 'util-linux', 'util-linux', 'util-linux', 'util-linux'],
  unshare: ['util-linux', 'util-linux', 'util-linux', 'util-linux', 'util-linux'],
  setpriv: ['util-linux', 'util-linux', 'setpriv', 'util-linux', 'util-linux'],
  'qemu-system-x86_64': ['qemu-system-x86', 'qemu-system-x86-core', 'qemu-system-x86_64', 'qemu-system-x86', 'qemu-x86'],
  mke2fs: ['e2fsprogs', 'e2fsprogs', 'e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  chromium: [
    'chromium fonts-dejavu-core',
    'chromium dejavu-sans-fonts',
    'chromium font-dejavu',
    'chromium ttf-dejavu',
    'chromium dejavu-fonts',
  ],
  crun: ['crun', 'crun', 'crun', 'crun', 'crun'],
  runc: ['runc', 'runc', 'runc', 'runc', 'runc'],
  dockerd: ['docker.io', 'moby-engine', 'docker', 'docker', 'docker'],
  docker: ['docker.io', 'moby-engine', 'docker-cli', 'docker', 'docker'],
  'docker-compose': ['docker-compose', 'docker-compose', 'docker-compose', 'docker-compose', 'docker-compose'],
  podman: ['podman containernetworking-plugins', 'podman', 'podman', 'podman', 'podman'],
  umoci: ['umoci', 'umoci', 'umoci', 'umoci', 'umoci'],
  setfattr: ['attr', 'attr', 'attr', 'attr', 'attr'],
  ss: ['iproute2', 'iproute', 'iproute2', 'iproute2', 'iproute2'],
  openssl: ['openssl', 'openssl', 'openssl', 'openssl', 'openssl'],
  skopeo: ['skopeo', 'skopeo', 'skopeo', 'skopeo', 'skopeo'],
  getfattr: ['attr', 'attr', 'attr', 'attr', 'attr'],
  setcap: ['libcap2-bin', 'libcap', 'libcap-setcap', 'libcap', 'libcap-progs'],
  sshd: ['openssh-server', 'openssh-server', 'openssh-server', 'openssh', 'openssh-server'],
  bash: ['bash', 'bash', 'bash', 'bash', 'bash'],
  zsh: ['zsh', 'zsh', 'zsh', 'zsh', 'zsh'],
  fish: ['fish', 'fish', 'fish', 'fish', 'fish'],
  vagrant: ['vagrant vagrant-libvirt', 'vagrant vagrant-libvirt', 'vagrant', 'vagrant', 'vagrant vagrant-libvirt'],
  'vagrant-libvirt': ['vagrant-libvirt', 'vagrant-libvirt', 'vagrant-libvirt', 'vagrant-libvirt', 'vagrant-libvirt'],
  libvirtd: ['libvirt-daemon-system', 'libvirt-daemon', 'libvirt-daemon', 'libvirt', 'libvirt-daemon'],
  virtlogd: ['libvirt-daemon', 'libvirt-daemon-log', 'libvirt-daemon', 'libvirt', 'libvirt-daemon-log'],
  virsh: ['libvirt-clients', 'libvirt-client', 'libvirt-client', 'libvirt', 'libvirt-client'],
  'qemu-img': ['qemu-utils', 'qemu-img', 'qemu-img', 'qemu-img', 'qemu-img'],
  mformat: ['mtools', 'mtools', 'mtools', 'mtools', 'mtools'],
  mcopy: ['mtools', 'mtools', 'mtools', 'mtools', 'mtools'],
  syslinux: ['syslinux syslinux-common', 'syslinux', 'syslinux', 'syslinux', 'syslinux'],
  sfdisk: ['fdisk', 'util-linux', 'sfdisk', 'util-linux', 'util-linux'],
  dnsmasq: ['dnsmasq-base', 'dnsmasq', 'dnsmasq', 'dnsmasq', 'dnsmasq'],
  rsync: ['rsync', 'rsync', 'rsync', 'rsync', 'rsync'],
  ssh: ['openssh-client', 'openssh-clients', 'openssh-client-default', 'openssh', 'openssh-clients'],
  'ssh-keygen': ['openssh-client', 'openssh', 'openssh-keygen', 'openssh', 'openssh-common'],
  iptables: ['iptables', 'iptables-nft', 'iptables', 'iptables', 'iptables'],
}

const FAMILIES = [
  { ids: ['debian', 'ubuntu'], install: 'apt-get install -y --no-install-recommends' },
  { ids: ['fedora', 'rhel', 'centos'], install: 'dnf install -y' },
  { ids: ['alpine'], install: 'apk add' },
  { ids: ['arch'], install: 'pacman -S --needed' },
  { ids: ['suse', 'opensuse'], install: 'zypper install -y' },
]

/** Number of this machine's family, or -1. */
function family() {
  let text = ''
  try {
    text = fs.readFileSync('/etc/os-release', 'utf8')
  } catch {
    return -1
  }
  const ids = text
    .split('\n')
    .filter((line) => /^(ID|ID_LIKE)=/.test(line))
    .flatMap((line) =>
      line
        .replace(/^[A-Z_]+=/, '')
        .replace(/"/g, '')
        .split(/\s+/),
    )
  return FAMILIES.findIndex((entry) => entry.ids.some((id) => ids.includes(id)))
}

/** Full path of a command, as a shell finds it, the administrator's directories included. */
function findCommand(name) {
  const folders = `${process.env.PATH || ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':')
  for (const folder of folders) {
    const file = path.join(folder || '.', name)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      if (fs.statSync(file).isFile()) return file
    } catch {
      // not here
    }
  }
  return undefined
}

function packagesFor(commands, number) {
  return [...new Set(commands.flatMap((name) => ((PACKAGES[name] || [])[number] || name).split(' ')))]
}

/** The exact command that installs what brings these commands, for this distribution. */
function installHint(commands) {
  const number = family()
  if (number < 0) return `the package manager of your distribution (packages that bring: ${commands.join(', ')})`
  const sudo = process.geteuid() === 0 ? '' : 'sudo '
  return `${sudo}${FAMILIES[number].install} ${packagesFor(commands, number).join(' ')}`
}

/** Install them, as root on Debian and its children; false when that is not this machine or it failed. */
function installPackages(commands) {
  if (family() !== 0 || process.geteuid() !== 0) return false
  const names = packagesFor(commands, 0)
  process.stderr.write(`drydock: installing ${names.join(' ')} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (args) => spawnSync('apt-get', args, { stdio: 'ignore', env }).status === 0
  const install = (packages) => apt(['install', '-y', '--no-install-recommends', ...packages])
  // One that cannot be had does not keep the others away.
  const oneByOne = () => names.map((name) => install([name])).every(Boolean)
  const done = withoutServices(() => install(names) || (apt(['update']) && (install(names) || oneByOne())))
  process.stderr.write(done ? ' done\n' : ' failed\n')
  return done
}

/**
 * Packages that bring a daemon (docker.io, docker-registry) start it when they are installed. What is wanted are commands: invoke-rc.d(8) asks
 * this file, and 101 forbids it. One that the administrator has made stays as it is.
 */
function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d'
  let own = false
  try {
    fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
    own = true
  } catch {
    // There is one already.
  }
  try {
    return work()
  } finally {
    if (own) fs.unlinkSync(policy)
  }
}

module.exports = { findCommand, installHint, installPackages }
