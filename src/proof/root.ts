/** What a job sees as /, in words. Pure. */
import type { RootPlan } from '../plan/index.js'

/** Nothing covers it: programs ask for it to be ready for the machine. */
export const MACHINE = [
  'kernel version and settings, processors, memory, load, uptime (/proc)',
  'size, device and options of the file systems that are shown',
] as const

/** All of it that is there. */
export function rootWords(root: RootPlan): string {
  switch (root.kind) {
    case 'host':
      return "the host's programs and libraries (/usr), and of /etc what programs need: fonts, certificates, the time zone"
    case 'dir':
      return `${root.path} as the root, all of it that the job's user may read; no other file of the host, no program either`
    case 'image':
      return `the image ${root.reference} (${root.digest}) as the root; no file of the host, no program either`
  }
}

/** Which it is. */
export function rootName(root: RootPlan): string {
  switch (root.kind) {
    case 'host':
      return "the host's programs and libraries"
    case 'dir':
      return `the folder ${root.path}`
    case 'image':
      return `the image ${root.reference} (${root.digest})`
  }
}
