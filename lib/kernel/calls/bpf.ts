/** bpf(2), as far as cgroups need it: load a program, attach it to a cgroup v2 directory. */
import { bits, bytes, fd, field, int, path, struct, word } from '../args.js'
import { type Descriptor, type Step, type StepOptions, step } from '../step.js'

/** Members of union bpf_attr that are passed: up to prog_flags (load), up to attach_flags (attach). The kernel takes the rest as 0. */
const LOAD_SIZE = 48
const ATTACH_SIZE = 16

/** BPF_PROG_LOAD of a device program: instructions of 8 bytes (u8 code, u8 registers, i16 offset, i32 immediate). Returns its descriptor. */
export function bpf_prog_load_cgroup_device(program: Uint8Array, options?: StepOptions): Step {
  const count = program.length / 8
  const attr = struct('attr', 'bpf_attr', LOAD_SIZE, [
    field('prog_type', 0, 4, word('prog_type', 'bpf', 'prog_type_cgroup_device')),
    field('insn_cnt', 4, 4, count),
    field('insns', 8, 8, bytes('insns', program, { shown: `${count} instructions` })),
    field('license', 16, 8, path('license', 'MIT')),
  ])
  return step('bpf', [word('cmd', 'bpf', 'prog_load'), attr, int('size', LOAD_SIZE)], options)
}

/** BPF_PROG_ATTACH to a cgroup's device hook; with `f_allow_multi` the programs of the cgroups above and beside it must agree too. */
export function bpf_prog_attach_cgroup_device(cgroup: Descriptor, program: Descriptor, options?: StepOptions): Step {
  const attr = struct('attr', 'bpf_attr', ATTACH_SIZE, [
    field('target_fd', 0, 4, fd('target_fd', cgroup)),
    field('attach_bpf_fd', 4, 4, fd('attach_bpf_fd', program)),
    field('attach_type', 8, 4, word('attach_type', 'bpf', 'cgroup_device')),
    field('attach_flags', 12, 4, bits('attach_flags', 'bpf', ['f_allow_multi'])),
  ])
  return step('bpf', [word('cmd', 'bpf', 'prog_attach'), attr, int('size', ATTACH_SIZE)], options)
}
