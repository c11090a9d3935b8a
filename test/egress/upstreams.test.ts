/**
 * The attack: a host, or a name server, that does what it should not. A regression would show as a connection to an address that was
 * not checked, as a job that waits, or as an end without a word in the report.
 */
import assert from 'node:assert/strict'
import type { Probed } from './jobs.js'
import { stage } from './tools.js'

const upstream = stage('upstreams-worker')

const result = ({ heard }: Probed, host: string) =>
  Object.entries(heard).find(([attempt]) => attempt.split(',')[1] === host)?.[1] ?? ''
const record = ({ record }: Probed, host: string) =>
  record.filter((line) => line.startsWith(`${host} `)).join()

upstream<[clear: Probed, plain: Probed]>(
  'a host that refuses, breaks off, stays silent or answers garbage is told apart, and the job hears of each',
  'hosts',
  ([clear, plain]) => {
    assert.equal(result(clear, 'good.test'), 'ok 200 good')
    assert.equal(record(clear, 'good.test'), 'good.test allow')
    assert.match(result(clear, 'refusing.test'), /^ok 502/)
    assert.equal(record(clear, 'refusing.test'), 'refusing.test allow ECONNREFUSED')
    assert.match(result(clear, 'garbage.test'), /^ok 502/)
    assert.match(record(clear, 'garbage.test'), /^garbage\.test allow HPE_/)
    // in the middle of an answer: the job must not take what it has for the whole
    assert.doesNotMatch(result(clear, 'broken.test'), /^ok 200 .{100000}/)
    assert.match(record(clear, 'broken.test'), /^broken\.test allow E/)
    assert.equal(result(clear, 'silent.test'), 'ECONNRESET')
    assert.match(record(clear, 'silent.test'), /denyTimeout/)

    assert.match(result(plain, 'refusing.test'), /^ok reset after 0|^ECONNRESET/)
    assert.equal(record(plain, 'refusing.test'), 'refusing.test allow ECONNREFUSED')
    assert.match(result(plain, 'broken.test'), /^ok reset after \d+|^ECONNRESET/)
    assert.match(result(plain, 'silent.test'), /^ok reset after 0|^ECONNRESET/)
    assert.match(record(plain, 'silent.test'), /denyTimeout/)
    assert.match(result(plain, 'garbage.test'), /^ok end after \d+/, 'bytes are passed on as they are')
  },
)

/** In place of `allow`. */
const VERDICTS: Readonly<Record<string, RegExp>> = {
  'honest.test': /^honest\.test allow$/,
  'slow.test': /^slow\.test allow$/,
  'silent.test': /denyUnresolved E/,
  'slowest.test': /denyUnresolved E/,
  'other-id.test': /denyUnresolved E/,
  'other-question.test': /denyUnresolved E/,
  'private.test': /denyPrivate/,
  'metadata.test': /denyMetadata/,
  'chain.test': /denyPrivate/,
  'hundred.test': /denyPrivate/,
  'truncated.test': /denyUnresolved E/,
  'cut.test': /denyUnresolved E/,
  'nothing.test': /denyUnresolved E/,
  'refused.test': /denyUnresolved E/,
}

upstream<{ heard: Record<string, string>; record: string[]; reached: number }>(
  'a name server that is silent, slow or lies leads to nothing that was not checked, and the job hears',
  'names',
  ({ heard, record, reached }) => {
    for (const [name, verdict] of Object.entries(VERDICTS)) {
      const lines = record.filter((line) => line.startsWith(`${name} `))
      assert.match(lines.join(), verdict, `${name}: ${lines}`)
      assert.match(
        heard[name] ?? '',
        /allow/.test(verdict.source) ? /^ok 200 good/ : /^ok (403|502|504)/,
        name,
      )
    }
    assert.equal(reached, 2, 'connections that reached a host')
  },
)
