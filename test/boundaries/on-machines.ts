/** Suites of test/egress on virtual machines, of an image with this host's own Python. Imported first: they ask where they are when they are loaded. */
import { after, test } from 'node:test'
import { sharedFolder } from '../support/checkout.js'

export async function onMachines(suites: readonly string[]): Promise<void> {
  const name = `glovebox-egress-test-${process.pid}`
  process.env.GLOVEBOX_TEST_BOUNDARY = 'microvm'
  process.env.GLOVEBOX_TEST_ROOT = `image:${name}`
  const { image, noMachine, noPython, pythonArchive } = await import('../support/machine-image.js')
  const { SUITE_IS_ROOT } = await import('../support/users.js')
  const lack = SUITE_IS_ROOT ? (noMachine() ?? noPython()) : 'needs root'
  if (lack !== null) {
    test('the gateway on virtual machines', { skip: lack }, () => {})
    return
  }
  // not in a hook: some suites begin as soon as they are loaded
  image('import', pythonArchive(sharedFolder()), name)
  after(() => image('rm', name))
  for (const suite of suites) await import(`../egress/${suite}.test.js`)
}
