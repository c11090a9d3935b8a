import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { BusyError } from '../../src/errors/index.js'
import { Admission, type ConcurrencyOptions, type Place, roomOf } from '../../src/sandbox/admission/index.js'

/** A line whose time stands still until it is told. */
class Line {
  now = 0
  readonly #admission: Admission
  readonly running: { name: string; place: Place }[] = []
  readonly refused: { name: string; error: BusyError }[] = []
  readonly #forget = new Map<string, () => void>()
  readonly #wakes: { readonly atMs: number; readonly then: () => void }[] = []

  constructor(room: ConcurrencyOptions) {
    this.#admission = new Admission(
      roomOf(room),
      () => this.now,
      (ms, then) => this.#wakes.push({ atMs: this.now + ms, then }),
    )
  }

  /** Time goes on, and who is to be woken meanwhile is. */
  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const [next] = [...this.#wakes].sort((a, b) => a.atMs - b.atMs)
      if (next === undefined || next.atMs > end) break
      this.#wakes.splice(this.#wakes.indexOf(next), 1)
      this.now = Math.max(this.now, next.atMs)
      next.then()
    }
    this.now = end
  }

  get isToWake(): boolean {
    return this.#wakes.length > 0
  }

  get names(): string[] {
    return this.running.map(({ name }) => name)
  }

  get waiting(): number {
    return this.#admission.waiting
  }

  /** `acme:1` is a run of `acme`. */
  ask(name: string, memoryBytes = 1): void {
    const [tenant = null] = name.split(':')
    const forget = this.#admission.enter(
      { tenant, memoryBytes },
      (place) => {
        place.started()
        this.running.push({ name, place })
      },
      (error) => this.refused.push({ name, error }),
    )
    this.#forget.set(name, forget)
  }

  /** Whether it is told beforehand that it would be refused. */
  isTold(name: string, memoryBytes = 1): boolean {
    const [tenant = null] = name.split(':')
    try {
      this.#admission.requireRoom({ tenant, memoryBytes })
      return false
    } catch (error) {
      assert.ok(error instanceof BusyError)
      return true
    }
  }

  /** `cpuMs`: what it took of processor time */
  end(name: string, cpuMs = 0): void {
    const at = this.names.indexOf(name)
    assert.ok(at >= 0, `${name} does not run`)
    this.#admission.charge(name.split(':')[0] ?? null, cpuMs)
    this.running.splice(at, 1)[0]?.place.leave()
  }

  cancel(name: string): void {
    this.#forget.get(name)?.()
  }
}

describe('whose turn it is', () => {
  test('as many run as may; the others in the order in which they came', () => {
    const line = new Line({ sandboxes: 2 })
    for (const name of ['a:1', 'a:2', 'a:3', 'a:4']) line.ask(name)
    assert.deepEqual(line.names, ['a:1', 'a:2'])
    line.end('a:1')
    assert.deepEqual(line.names, ['a:2', 'a:3'])
    line.end('a:3')
    assert.deepEqual(line.names, ['a:2', 'a:4'])
  })

  test('a tenant who asked for a hundred does not keep another waiting for them', () => {
    const line = new Line({ sandboxes: 4 })
    for (let count = 0; count < 100; count++) line.ask(`much:${count}`)
    line.ask('little:1')
    line.ask('little:2')
    line.end('much:0')
    line.end('much:1')
    assert.deepEqual(line.names, ['much:2', 'much:3', 'little:1', 'little:2'])
    assert.equal(line.waiting, 96)
  })

  test('of one tenant no more run than may, and there is room for another at once', () => {
    const line = new Line({ sandboxes: 4, perTenant: 3 })
    for (let count = 0; count < 10; count++) line.ask(`much:${count}`)
    assert.equal(line.names.length, 3)
    line.ask('little:1')
    assert.deepEqual(line.names, ['much:0', 'much:1', 'much:2', 'little:1'])
  })

  test('who took more processor time than is a tenant’s waits until that has come, and nobody else does', () => {
    const line = new Line({ sandboxes: 4, perTenantCpus: 0.5 })
    line.ask('much:1')
    line.end('much:1', 1_250) // a quarter of a second was kept
    line.ask('much:2')
    line.ask('little:1')
    assert.deepEqual(line.names, ['little:1'])
    line.pass(1_999)
    assert.deepEqual(line.names, ['little:1'])
    line.pass(2)
    assert.deepEqual(line.names, ['little:1', 'much:2'])
  })

  test('many short runs are together no more than one long one, whatever their limits say', () => {
    const line = new Line({ sandboxes: 4, perTenant: 2, perTenantCpus: 0.5 })
    let ended = 0
    for (let count = 0; count < 10_000; count++) line.ask(`much:${count}`)
    for (let ms = 0; ms < 10_000; ms += 10) {
      // each takes 10 ms of a processor
      for (const name of line.names) {
        line.end(name, 10)
        ended++
      }
      line.pass(10)
    }
    // of ten seconds half, and what was kept
    assert.ok(ended >= 500 && ended <= 530, `${ended}`)
  })

  test('a tenant that owes is no other when it comes again, is passed by others, and is forgotten in time', () => {
    const line = new Line({ sandboxes: 1, perTenantCpus: 1 })
    line.ask('much:1')
    line.end('much:1', 100_000)
    line.pass(10_000)
    line.ask('much:2')
    assert.deepEqual(line.names, [])
    // longer than anybody who does not fit is passed otherwise
    line.pass(10_000)
    line.ask('little:1')
    assert.deepEqual(line.names, ['little:1'])
    line.end('little:1', 10)
    line.cancel('much:2')
    line.pass(200_000)
    assert.equal(line.isToWake, false, 'nothing is known of anybody')
  })

  test('a job that lies about its time gains nothing by it, and keeps its tenant out for an hour at most', () => {
    const line = new Line({ sandboxes: 4, perTenantCpus: 0.5 })
    for (const cpuMs of [-1e9, Number.NaN, Number.NEGATIVE_INFINITY, 1_250]) {
      line.ask('liar:1')
      line.end('liar:1', cpuMs)
    }
    line.ask('liar:2')
    assert.deepEqual(line.names, [], 'it owes what was said last')
    line.pass(2_001)
    assert.deepEqual(line.names, ['liar:2'])
    line.end('liar:2', 1e300)
    line.ask('liar:3')
    line.pass(3_599_000)
    assert.deepEqual(line.names, [])
    line.pass(2_000)
    assert.deepEqual(line.names, ['liar:3'])
  })

  test('what makes no sense is refused', () => {
    for (const perTenantCpus of [0, -1, Number.NaN, 0.001])
      assert.throws(() => roomOf({ perTenantCpus }), /perTenantCpus/)
    assert.equal(roomOf({}).perTenantCpus, Number.POSITIVE_INFINITY)
  })

  test('the limits of those that run never add up to more than there is', () => {
    const line = new Line({ memory: 100 })
    line.ask('a:1', 60)
    line.ask('a:2', 60)
    line.ask('b:1', 30)
    assert.deepEqual(line.names, ['a:1', 'b:1'], 'who fits may pass')
    line.end('a:1')
    assert.deepEqual(line.names, ['b:1', 'a:2'])
  })

  test('who does not fit is not passed forever', () => {
    const line = new Line({ memory: 100 })
    line.ask('small:0', 40)
    line.ask('large:1', 80)
    for (let count = 1; count <= 3; count++) {
      line.now += 2_000
      line.ask(`small:${count}`, 40)
      line.end(`small:${count - 1}`)
    }
    assert.deepEqual(line.names, ['large:1'], 'nobody passed it any more, and so there was room')
  })

  test('what never fits is refused at once, and told so', () => {
    const line = new Line({ memory: 100 })
    line.ask('a:1', 101)
    const [refused] = line.refused
    assert.ok(refused?.error instanceof BusyError)
    assert.deepEqual([refused.error.code, refused.error.retryAfterMs], ['busy.memory', null])
  })

  test('when no more may wait, the last of the longest line goes, with a time to come again', () => {
    const line = new Line({ sandboxes: 1, queue: 4 })
    for (let count = 0; count < 5; count++) line.ask(`much:${count}`)
    assert.equal(line.refused.length, 0)
    line.ask('little:1')
    assert.deepEqual(
      line.refused.map(({ name }) => name),
      ['much:4'],
    )
    const [refused] = line.refused
    assert.equal(refused?.error.code, 'busy.queue')
    assert.ok((refused?.error.retryAfterMs ?? 0) >= 50)
    assert.deepEqual(
      [line.isTold('much:5'), line.isTold('little:2'), line.isTold('third:1')],
      [true, false, false],
    )
    line.ask('much:5')
    assert.equal(line.refused.at(-1)?.name, 'much:5')
    line.end('much:0')
    assert.deepEqual(line.names, ['little:1'])
  })

  test('two tenants who come again and again do not keep those waiting who came before', () => {
    const line = new Line({ sandboxes: 1, queue: 1_000 })
    for (let count = 0; count < 50; count++) for (const tenant of ['b', 'c']) line.ask(`${tenant}:${count}`)
    const ran: Record<string, number> = {}
    for (const tenant of ['x', 'y']) line.ask(`${tenant}:0`)
    for (let count = 1; count < 80; count++) {
      const [name = ''] = line.names
      const [tenant = ''] = name.split(':')
      ran[tenant] = (ran[tenant] ?? 0) + 1
      line.end(name)
      if (tenant === 'x' || tenant === 'y') line.ask(`${tenant}:${count}`)
    }
    for (const tenant of ['b', 'c', 'x', 'y']) assert.ok((ran[tenant] ?? 0) >= 15, JSON.stringify(ran))
  })

  test('a tenant whose run does not fit keeps nobody waiting of whom fewer run', () => {
    const line = new Line({ memory: 100 })
    line.ask('evil:1', 1)
    line.ask('evil:2', 100)
    line.now += 60_000
    for (const name of ['a:1', 'b:1', 'c:1']) line.ask(name, 10)
    assert.deepEqual(line.names, ['evil:1', 'a:1', 'b:1', 'c:1'])
  })

  test('when the one that did not fit is refused, those it kept waiting go on', () => {
    const line = new Line({ memory: 100, queue: 2 })
    line.ask('a:1', 60)
    line.ask('b:1', 80)
    line.now += 6_000
    line.ask('c:1', 10)
    line.ask('b:2', 80)
    assert.ok(line.refused.length <= 1)
    line.cancel('b:1')
    line.cancel('b:2')
    assert.deepEqual(line.names, ['a:1', 'c:1'])
  })

  test('none waits where none may', () => {
    const line = new Line({ sandboxes: 1, queue: 0 })
    line.ask('a:1')
    line.ask('a:2')
    assert.deepEqual([line.names, line.refused.length, line.waiting], [['a:1'], 1, 0])
    line.end('a:1')
    line.ask('a:3')
    assert.deepEqual(line.names, ['a:3'])
  })

  test('who was cancelled in the line is forgotten, and cancelling twice does nothing', () => {
    const line = new Line({ sandboxes: 1 })
    for (const name of ['a:1', 'a:2', 'a:3']) line.ask(name)
    line.cancel('a:2')
    line.cancel('a:2')
    line.cancel('a:1')
    line.end('a:1')
    assert.deepEqual([line.names, line.waiting], [['a:3'], 0])
  })

  test('whatever is asked, ended and cancelled: bounds hold, nobody is lost, and who has room is never kept waiting', () => {
    const event = fc.record({
      what: fc.constantFrom('ask', 'ask', 'ask', 'end', 'cancel'),
      tenant: fc.constantFrom('a', 'b', 'c'),
      memory: fc.integer({ min: 1, max: 60 }),
      pick: fc.nat(100),
      ms: fc.integer({ min: 0, max: 3_000 }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const line = new Line({ sandboxes: 5, perTenant: 3, memory: 100, queue: 10 })
        const memory = new Map<string, number>()
        const gone = new Set<string>()
        for (const [count, { what, tenant, memory: bytes, pick, ms }] of events.entries()) {
          line.now += ms
          const waiting = [...memory.keys()].filter(
            (name) =>
              !gone.has(name) &&
              !line.names.includes(name) &&
              !line.refused.some((each) => each.name === name),
          )
          if (what === 'ask') {
            const name = `${tenant}:${count}`
            memory.set(name, bytes)
            const isTold = line.isTold(name, bytes)
            line.ask(name, bytes)
            if (isTold) assert.equal(line.refused.at(-1)?.name, name, 'told so, and would have waited')
          } else if (what === 'end' && line.names.length > 0) {
            const name = line.names[pick % line.names.length] ?? ''
            line.end(name)
            gone.add(name)
          } else if (what === 'cancel' && waiting.length > 0) {
            const name = waiting[pick % waiting.length] ?? ''
            line.cancel(name)
            gone.add(name)
          }
          const used = line.names.reduce((sum, name) => sum + (memory.get(name) ?? 0), 0)
          assert.ok(line.names.length <= 5 && used <= 100 && line.waiting <= 10)
          for (const each of ['a', 'b', 'c'])
            assert.ok(line.names.filter((name) => name.startsWith(each)).length <= 3)
          assert.equal(memory.size, gone.size + line.names.length + line.waiting + line.refused.length)
        }
        while (line.names.length > 0) {
          const [name = ''] = line.names
          line.end(name)
          gone.add(name)
        }
        assert.equal(line.waiting, 0, 'all that waited came')
      }),
    )
  })

  test('a number that makes no sense is refused', () => {
    for (const room of [{ sandboxes: 0 }, { starts: 1.5 }, { queue: -1 }, { memory: Number.NaN }])
      assert.throws(() => roomOf(room), { code: 'concurrency.range' })
  })
})
