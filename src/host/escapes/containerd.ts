import type { KnownEscape } from './escape.js'

const CONTAINERD = 'https://github.com/containerd/containerd/security/advisories'

const NO_CRI = 'it is in the interface for Kubernetes, which a Docker Engine does not use'
const OUR_USER = 'the user is always named by a number below 2³¹, never by an image'

export const CONTAINERD_ESCAPES: readonly KnownEscape[] = [
  {
    id: 'CVE-2026-53488',
    program: 'containerd',
    allows: 'a command run as root on the host, by a label of an image',
    needs: 'an image that was started through CRI',
    affected: [
      { from: null, fixed: '1.7.33' },
      { from: '2.0.0', fixed: '2.0.10' },
      { from: '2.1.0', fixed: '2.1.9' },
      { from: '2.2.0', fixed: '2.2.5' },
      { from: '2.3.0', fixed: '2.3.2' },
    ],
    mended: {},
    shutOut: { docker: NO_CRI },
    advisory: `${CONTAINERD}/GHSA-xhf5-7wjv-pqxp`,
  },
  {
    id: 'CVE-2026-53489',
    program: 'containerd',
    allows: 'reading any file of the host',
    needs: 'the restore of a checkpoint through CRI',
    // no release of 1.7 mends it
    affected: [
      { from: null, fixed: '2.1.9' },
      { from: '2.2.0', fixed: '2.2.5' },
      { from: '2.3.0', fixed: '2.3.2' },
    ],
    mended: {},
    shutOut: { docker: NO_CRI },
    advisory: `${CONTAINERD}/GHSA-rgh6-rfwx-v388`,
  },
  {
    id: 'CVE-2026-46680',
    program: 'containerd',
    allows: 'root in the container although another user was asked for',
    needs: 'an image that names its user by a number that is too large',
    affected: [
      { from: null, fixed: '1.7.32' },
      { from: '2.0.0', fixed: '2.0.9' },
      { from: '2.1.0', fixed: '2.1.8' },
      { from: '2.2.0', fixed: '2.2.4' },
      { from: '2.3.0', fixed: '2.3.1' },
    ],
    mended: {},
    shutOut: { docker: OUR_USER },
    advisory: `${CONTAINERD}/GHSA-fqw6-gf59-qr4w`,
  },
  {
    id: 'CVE-2025-47290',
    program: 'containerd',
    allows: 'the host’s files changed while an image is unpacked',
    needs: 'an image of the attacker’s, pulled by containerd',
    affected: [{ from: '2.1.0', fixed: '2.1.1' }],
    mended: {},
    shutOut: { docker: 'nothing is pulled: the one image that is used is made by Glovebox' },
    advisory: 'https://www.cve.org/CVERecord?id=CVE-2025-47290',
  },
  {
    id: 'CVE-2024-40635',
    program: 'containerd',
    allows: 'root in the container although another user was asked for',
    needs: 'a user or group above 2147483647',
    affected: [
      { from: null, fixed: '1.6.38' },
      { from: '1.7.0', fixed: '1.7.27' },
      { from: '2.0.0', fixed: '2.0.4' },
    ],
    mended: { bookworm: '1.6.20~ds1-1+deb12u2', trixie: '1.7.24~ds1-6' },
    shutOut: { docker: OUR_USER },
    advisory: `${CONTAINERD}/GHSA-265r-hfxg-fhmg`,
  },
  {
    id: 'CVE-2022-23648',
    program: 'containerd',
    allows: 'reading any file of the host',
    needs: 'an image with a volume made for it, started through CRI',
    affected: [
      { from: null, fixed: '1.4.13' },
      { from: '1.5.0', fixed: '1.5.10' },
      { from: '1.6.0', fixed: '1.6.1' },
    ],
    mended: {},
    shutOut: { docker: NO_CRI },
    advisory: 'https://www.cve.org/CVERecord?id=CVE-2022-23648',
  },
  {
    id: 'CVE-2020-15257',
    program: 'containerd',
    allows: 'root on the host, by the abstract socket of containerd’s shim',
    needs: 'root in a container that shares the host’s network namespace',
    affected: [
      { from: null, fixed: '1.3.9' },
      { from: '1.4.0', fixed: '1.4.3' },
    ],
    mended: {},
    shutOut: { docker: 'no container has the host’s network namespace, and the job is not root' },
    advisory: `${CONTAINERD}/GHSA-36xw-fx78-c5r4`,
  },
]
