/** What a machine is made of, before there is a word of any VMM's for it. */

/** How a machine's instructions are run: by the processor, or one by one by the VMM. */
export type Accelerator = 'kvm' | 'tcg'

/** One kind of machine: two of one shape may be started from one saved one. */
export interface MachineShape {
  /** MiB of its memory, the kernel's own included */
  readonly memoryMiB: number
  readonly cpus: number
  readonly accelerator: Accelerator
  readonly hasNetwork: boolean
}

/** Where in its jail a VMM finds what; see `jail.ts`. */
export const JAIL = {
  programs: '/glovebox',
  machine: '/machine',
  disk: '/disk',
  kernel: '/boot/kernel',
  initramfs: '/boot/initramfs',
  /** where a machine that is being saved leaves itself */
  saved: '/saved',
} as const

/** Of a saved machine's folder, and of `saved`. */
export const SAVED = { memory: 'memory', state: 'state' } as const

/** Of the link to the gateway, see native/cell/beyond.c. */
export const HARDWARE_ADDRESS = '02:67:6c:6f:76:01'
/** As cell calls the tap. */
export const TAP = 'job'
