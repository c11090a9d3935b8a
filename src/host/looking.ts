/** The effects that facts are gathered with; tests give others. */
export interface HostLook {
  readonly platform: string
  readonly arch: string
  readonly release: string
  readonly uid: number
  readonly cpus: number
  readonly read: (file: string) => string | null
  /** `file`, `directory`, `link:TARGET`, `other`; `null`: not there */
  readonly kind: (path: string) => string | null
  /** names in a folder; none when it is not to be read */
  readonly list: (directory: string) => readonly string[]
  /** what a file of the kernel says to what is written to it (selinuxfs); `null`: it refuses, or is not there */
  readonly ask: (file: string, question: string) => string | null
  readonly writable: (directory: string) => boolean
}
