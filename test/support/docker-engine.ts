/** A Docker Engine of a test file's own, which ends with it. */
import { OwnEngine, type OwnEngineOptions } from '../../bench/own-engine.js'
import { Engine } from '../../src/boundary/docker/engine.js'
import { sharedFolder } from './checkout.js'

export { REMAPPED_BASE } from '../../bench/own-engine.js'

export class TestEngine extends OwnEngine {
  /** One that answers; or why there is none. */
  static async start(options: OwnEngineOptions = {}): Promise<TestEngine | string> {
    const lack = OwnEngine.lack()
    if (lack !== null) return lack
    const engine = new TestEngine(sharedFolder(), options)
    if (await engine.up()) return engine
    const said = engine.lastWords()
    await engine.end()
    return `dockerd does not start here: ${said}`
  }

  client(): Promise<Engine> {
    return Engine.at(this.socket)
  }
}
