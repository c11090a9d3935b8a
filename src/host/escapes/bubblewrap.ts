import type { KnownEscape } from './escape.js'

/** The oldest that starts a sandbox: one that does not know --disable-userns starts nothing. */
export const OLDEST_BUBBLEWRAP = '0.8'

const NOT_A_HOST_USER =
  'the attacker is a user of the host who starts bubblewrap; the job starts nothing setuid'

export const BUBBLEWRAP_ESCAPES: readonly KnownEscape[] = [
  {
    id: 'CVE-2026-87766',
    program: 'bubblewrap',
    allows:
      'files and folders made on the host, as the user who starts the sandbox, at paths of the attacker’s choice',
    needs: 'something mounted in a folder whose links the attacker made, in a root or in a shared folder',
    affected: [{ from: null, fixed: '0.12.0' }],
    mended: { noble: '0.9.0-1ubuntu0.2' },
    shutOut: {
      process:
        'nothing is mounted in what others filled: grants never lie in one another, and in a root each mount point is a folder of the sandbox’s own, laid over it',
    },
    advisory: 'https://github.com/containers/bubblewrap/security/advisories/GHSA-pxhw-h44j-8pfx',
  },
  {
    id: 'CVE-2026-41163',
    program: 'bubblewrap',
    allows: 'mounts that need root, by tracing the unprivileged part of the set-up',
    needs: 'bubblewrap installed setuid, and a user of the host',
    affected: [{ from: '0.11.0', fixed: '0.11.2' }],
    mended: { trixie: '0.11.0-2+deb13u1' },
    shutOut: { process: NOT_A_HOST_USER },
    advisory: 'https://www.cve.org/CVERecord?id=CVE-2026-41163',
  },
  {
    id: 'CVE-2020-5291',
    program: 'bubblewrap',
    allows: 'root on the host',
    needs: 'bubblewrap installed setuid, and a user of the host',
    affected: [{ from: '0.4.0', fixed: '0.4.1' }],
    mended: {},
    shutOut: { process: NOT_A_HOST_USER },
    advisory: 'https://github.com/containers/bubblewrap/security/advisories/GHSA-j2qp-rvxj-43vj',
  },
  {
    id: 'CVE-2017-5226',
    program: 'bubblewrap',
    allows: 'commands typed into the caller’s terminal (TIOCSTI)',
    needs: 'the caller’s terminal as the sandbox’s own; upstream holds whoever starts bubblewrap responsible',
    affected: [{ from: null, fixed: null }],
    mended: {},
    shutOut: {
      process: 'a session of its own, no descriptor of the caller’s terminal, and the filter refuses TIOCSTI',
    },
    advisory: 'https://github.com/flatpak/flatpak/security/advisories/GHSA-7gfv-rvfx-h87x',
  },
]
