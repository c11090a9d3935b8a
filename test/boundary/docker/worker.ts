/** Makes one container after another until it is killed: SOCKET FOLDER. */
import { Engine } from '../../../src/boundary/docker/engine.js'
import { run } from './box.js'

const [, , socket = '', folder = ''] = process.argv
const engine = await Engine.at(socket)
process.stdout.write('begun\n')
for (;;) await run(engine, folder, ['/bin/cat'], { input: 'x' })
