import type { AffectedRange, KnownEscape } from './escape.js'

const NO_SUCH_DEVICE =
  'the machine has no such device: of what can be plugged in it has one disk, one port and one network card, all of virtio'
const RAW_AND_OURS = 'the disk is made by Glovebox, and is given as raw: nobody looks for a format in it'

/** Ways from a machine into QEMU's process, which is one command of a jail. What only ends QEMU ends one machine, and is no way out. */
export const QEMU_ESCAPES: readonly KnownEscape[] = [
  row('CVE-2024-3446', {
    allows: 'code run in QEMU, by memory that is freed twice',
    needs: 'a kernel of the machine that was taken over, and virtio-serial, virtio-gpu or virtio-crypto',
    affected: aprilOf2024(),
    mended: { bookworm: '1:7.2+dfsg-7+deb12u6' },
  }),
  row('CVE-2024-8612', {
    allows: 'reading memory of QEMU that was never written to',
    needs: 'a kernel of the machine that was taken over, and virtio-blk, virtio-scsi or virtio-crypto',
    affected: [{ from: null, fixed: null }],
    shutOut: 'one QEMU has one machine, and nothing of anybody else’s or of the host’s in its memory',
  }),
  row('CVE-2024-4467', {
    allows: 'files of the host read and written, by an image that names them',
    needs: 'an image of the attacker’s that is opened as qcow2',
    affected: [
      { from: null, fixed: '7.2.13' },
      { from: '8.0.0', fixed: '9.1.0' },
    ],
    mended: { bookworm: '1:7.2+dfsg-7+deb12u7' },
    shutOut: RAW_AND_OURS,
  }),
  row('CVE-2024-3447', {
    allows: 'memory of QEMU overwritten',
    needs: 'a controller of SD cards (sdhci)',
    affected: aprilOf2024(),
    mended: { bookworm: '1:7.2+dfsg-7+deb12u6' },
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2023-6693', {
    allows: 'QEMU’s stack overwritten, and some of it read',
    needs: 'a virtio-net that tells the hashes of packets',
    affected: [
      { from: '5.1.0', fixed: '7.2.9' },
      { from: '8.0.0', fixed: '8.2.1' },
    ],
    mended: { bookworm: '1:7.2+dfsg-7+deb12u4' },
    shutOut: 'the network card offers no hashes, which QEMU does only when it is told to',
  }),
  row('CVE-2023-3180', {
    allows: 'memory of QEMU overwritten',
    needs: 'a virtio-crypto',
    affected: [
      { from: null, fixed: '7.2.5' },
      { from: '8.0.0', fixed: '8.1.0' },
    ],
    mended: { bookworm: '1:7.2+dfsg-7+deb12u2' },
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2021-3929', {
    allows: 'code run in QEMU, by memory that is used when it was freed',
    needs: 'a disk of NVMe',
    affected: [{ from: null, fixed: '7.0.0' }],
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2021-3750', {
    allows: 'code run in QEMU, by memory that is used when it was freed',
    needs: 'a controller of USB (ehci)',
    affected: [{ from: null, fixed: '7.0.0' }],
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2021-3748', {
    allows: 'code run in QEMU, by memory that is used when it was freed',
    needs: 'a kernel of the machine that was taken over, and virtio-net',
    affected: [{ from: null, fixed: '6.2.0' }],
  }),
  row('CVE-2020-14364', {
    allows: 'code run in QEMU, by reading and writing beyond a buffer',
    needs: 'any device of USB',
    affected: [{ from: null, fixed: '5.2.0' }],
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2019-14378', {
    allows: 'code run in QEMU, by a packet in pieces',
    needs: 'QEMU’s own network (`-netdev user`, slirp)',
    affected: [{ from: null, fixed: '4.1.0' }],
    shutOut: 'the network card leads to a tap, or nowhere: QEMU reads no packet',
  }),
  row('CVE-2016-3710', {
    allows: 'code run in QEMU, by writing beyond the memory of a screen',
    needs: 'a graphics card (vga, qxl)',
    affected: [{ from: null, fixed: '2.6.0' }],
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2015-7504', {
    allows: 'code run in QEMU, by a packet that is too long',
    needs: 'a network card of another kind (pcnet)',
    affected: [{ from: null, fixed: '2.5.0' }],
    shutOut: NO_SUCH_DEVICE,
  }),
  row('CVE-2015-3456', {
    allows: 'code run in QEMU, by a command to the controller of floppy disks',
    needs: 'that controller, which every `pc` has, with a disk or without',
    affected: [{ from: null, fixed: '2.4.0' }],
  }),
]

/** `shutOut`: by what, on the one boundary that has it. */
interface Row {
  readonly allows: string
  readonly needs: string
  readonly affected: KnownEscape['affected']
  readonly mended?: KnownEscape['mended']
  readonly shutOut?: string
}

function row(id: string, { allows, needs, affected, mended = {}, shutOut }: Row): KnownEscape {
  return {
    id,
    program: 'qemu',
    allows,
    needs,
    affected,
    mended,
    shutOut: shutOut === undefined ? {} : { microvm: shutOut },
    advisory: `https://www.cve.org/CVERecord?id=${id}`,
  }
}

function aprilOf2024(): readonly [AffectedRange, AffectedRange] {
  return [
    { from: null, fixed: '7.2.11' },
    { from: '8.0.0', fixed: '8.2.3' },
  ]
}
