import type { KnownEscape } from './escape.js'

const MOBY = 'https://github.com/moby/moby/security/advisories'

const NO_API = 'no job reaches the engine’s socket, and Glovebox trusts no authorization plugin'
const NO_BUILD = 'nothing is ever built'
const NO_COPY =
  'nothing is copied into or out of a container that runs, and no compressed archive into any: files go through its first process'

/** The Docker Engine itself, with the BuildKit in it. */
export const DOCKER_ESCAPES: readonly KnownEscape[] = [
  {
    id: 'CVE-2026-41567',
    program: 'docker',
    allows: 'a program of the container run as root on the host',
    needs: 'a compressed archive that is copied into a container of the attacker’s image',
    affected: [{ from: null, fixed: '29.5.1' }],
    mended: { forky: '28.5.2+dfsg4-3' },
    shutOut: { docker: NO_COPY },
    advisory: `${MOBY}/GHSA-x86f-5xw2-fm2r`,
  },
  {
    id: 'CVE-2026-41568',
    program: 'docker',
    allows: 'empty files and folders made anywhere on the host',
    needs: '`docker cp` or its like while the container runs',
    affected: [{ from: null, fixed: '29.5.1' }],
    mended: { trixie: '26.1.5+dfsg1-9+deb13u1', forky: '28.5.2+dfsg4-3' },
    shutOut: { docker: NO_COPY },
    advisory: `${MOBY}/GHSA-vp62-88p7-qqf5`,
  },
  {
    id: 'CVE-2026-42306',
    program: 'docker',
    allows: 'a mount put over any path of the host',
    needs: '`docker cp` or its like while the container runs',
    affected: [{ from: null, fixed: '29.5.1' }],
    mended: { trixie: '26.1.5+dfsg1-9+deb13u1', forky: '28.5.2+dfsg4-3' },
    shutOut: { docker: NO_COPY },
    advisory: `${MOBY}/GHSA-rg2x-37c3-w2rh`,
  },
  {
    id: 'CVE-2026-34040',
    program: 'docker',
    allows: 'what an authorization plugin would refuse',
    needs: 'the engine’s interface, and an engine that relies on such a plugin',
    affected: [{ from: null, fixed: '29.3.1' }],
    mended: { trixie: '26.1.5+dfsg1-9+deb13u1', forky: '28.5.2+dfsg4-2' },
    shutOut: { docker: NO_API },
    advisory: `${MOBY}/GHSA-x744-4wpc-v9h2`,
  },
  {
    id: 'CVE-2025-54388',
    program: 'docker',
    allows: 'ports published for this host alone reached from other machines',
    needs: 'firewalld reloaded, and published ports',
    affected: [{ from: '28.2.0', fixed: '28.3.3' }],
    mended: {},
    shutOut: { docker: 'no port is ever published' },
    advisory: `${MOBY}/GHSA-x4rx-4gw3-53p4`,
  },
  {
    id: 'CVE-2024-41110',
    program: 'docker',
    allows: 'what an authorization plugin would refuse',
    needs: 'the engine’s interface, and an engine that relies on such a plugin',
    affected: [
      { from: null, fixed: '23.0.15' },
      { from: '24.0.0', fixed: '25.0.6' },
      { from: '26.0.0', fixed: '26.1.5' },
      { from: '27.0.0', fixed: '27.1.1' },
    ],
    mended: { bookworm: '20.10.24+dfsg1-1+deb12u1' },
    shutOut: { docker: NO_API },
    advisory: `${MOBY}/GHSA-v23v-6jw2-98fq`,
  },
  {
    id: 'CVE-2024-23651',
    program: 'docker',
    allows: 'the host’s files, by a race of two builds',
    needs: 'a Dockerfile of the attacker’s',
    affected: [{ from: null, fixed: '25.0.2' }],
    mended: {},
    shutOut: { docker: NO_BUILD },
    advisory: 'https://www.cve.org/CVERecord?id=CVE-2024-23651',
  },
  {
    id: 'CVE-2024-23652',
    program: 'docker',
    allows: 'files of the host removed',
    needs: 'a Dockerfile of the attacker’s',
    affected: [{ from: null, fixed: '25.0.2' }],
    mended: {},
    shutOut: { docker: NO_BUILD },
    advisory: 'https://github.com/advisories/GHSA-4v98-7qmw-rqr8',
  },
  {
    id: 'CVE-2024-23653',
    program: 'docker',
    allows: 'a container with all privileges',
    needs: 'a build with a frontend of the attacker’s',
    affected: [{ from: null, fixed: '25.0.2' }],
    mended: {},
    shutOut: { docker: NO_BUILD },
    advisory: 'https://github.com/advisories/GHSA-wr6v-9f75-vh2g',
  },
]
