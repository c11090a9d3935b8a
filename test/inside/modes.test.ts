import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promises, refused, thoseOfThisKernel } from '../support/attack.js'
import { sharedFolder } from '../support/checkout.js'

/**
 * The attack: a setuid file or a device in the scratch, which acts on the host when it leaves by an output. Every call that
 * sets a mode, each with the bit of the user and of the group. A regression shows as a file that has the bit, whatever the
 * call answered.
 */
const place = sharedFolder()
mkdirSync(join(place, 'in'))
writeFileSync(join(place, 'in/file'), '')

const CALLS = [
  'chmod',
  'chmod-fd',
  'chmod-junk',
  'fchmod',
  'fchmodat',
  'fchmodat2',
  'fchmodat2-fd',
  'open',
  'openat',
  'openat2',
  'tmpfile',
  'creat',
  'mknod',
  'mknodat',
]
const each = (folder: string) =>
  CALLS.flatMap((call) => ['4755', '2755', '6000'].map((bits) => `setid,${call},${folder},${bits}`))
const nodes = (folder: string) =>
  ['character', 'block', 'whiteout', 'rename'].map((kind) => `node,${kind},${folder}`)

/** `/tmp` is scratch inside; outside, the same calls in the tests' own folder. */
const inPlace = (attempts: readonly string[]) =>
  attempts.map((attempt) => attempt.replace('/tmp', `${place}/in`))

const outsideToo = await thoseOfThisKernel(inPlace(each('/tmp')))

promises({}, () => [
  refused('setuid and setgid files, by every call that sets a mode', each('/tmp'), { outside: outsideToo }),
  refused(
    'a folder that gives its group away',
    ['setid-folder,/tmp', 'setid-folder,/job', 'setid-folder,/dev/shm'],
    {
      outside: [`setid-folder,${place}/in`],
    },
  ),
  refused('devices, and what overlayfs takes for one', [...nodes('/tmp'), ...nodes('/job')], {
    outside: inPlace(nodes('/tmp')),
    rootControl: true,
  }),
  refused(
    'a hard link to a file of the host: its owner, mode and contents would come along',
    [
      'hard-link,/usr/bin/env,/tmp',
      'hard-link,/usr/bin/env,/job',
      'hard-link-fd,/usr/bin/env,/tmp',
      'hard-link,/etc/passwd,/tmp',
      'hard-link,/proc/self/environ,/tmp',
    ],
    { outside: [`hard-link,${place}/in/file,${place}/in`, `hard-link-fd,${place}/in/file,${place}/in`] },
  ),
])
