/** Which version is newer decides whether a hole counts as mended: a wrong order would call an old runc safe. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compareDebian, compareUpstream, upstreamVersion } from '../../src/host/index.js'

const debian = fc
  .tuple(
    fc.option(fc.integer({ min: 0, max: 12 }), { nil: null }),
    fc.stringMatching(/^[0-9][0-9a-c.+~]{0,6}$/),
    fc.option(fc.stringMatching(/^[0-9a-c.+~]{1,4}$/), { nil: null }),
  )
  .map(
    ([epoch, upstream, revision]) =>
      `${epoch === null ? '' : `${epoch}:`}${upstream}${revision === null ? '' : `-${revision}`}`,
  )

describe('versions of packages', () => {
  test('each line is older than the next', () => {
    const rows = [
      ['1.0~rc1', '1.0'],
      ['1.0', '1.0+ds1'],
      ['1.0', '1.0-1'],
      ['1.1.5+ds1-1', '1.1.5+ds1-1+deb12u1'],
      ['1.6.20~ds1-1+deb12u1', '1.6.20~ds1-1+deb12u2'],
      ['1.9', '1.10'],
      ['9.9', '1:0.1'],
      ['1.0a', '1.0+'],
      ['1.0', '1.0.0'],
      ['26.1.5+dfsg1-9', '26.1.5+dfsg1-9+deb13u1'],
      ['0.12.0-1~deb13u1', '0.12.0-1'],
      ['99999999999999999998', '99999999999999999999'],
    ] as const
    for (const [older, newer] of rows) {
      assert.ok(compareDebian(older, newer) < 0, `${older} < ${newer}`)
      assert.ok(compareDebian(newer, older) > 0, `${newer} > ${older}`)
    }
    assert.equal(compareDebian('1.0-0', '1.0'), 0)
    assert.equal(compareDebian('01.0', '1.00'), 0)
  })

  test('any three are in one order, whichever way they are asked for', () => {
    fc.assert(
      fc.property(debian, debian, debian, (a, b, c) => {
        assert.equal(Math.sign(compareDebian(a, b)), -Math.sign(compareDebian(b, a)) || 0)
        assert.equal(compareDebian(a, a), 0)
        if (compareDebian(a, b) <= 0 && compareDebian(b, c) <= 0) assert.ok(compareDebian(a, c) <= 0)
      }),
    )
  })

  const dpkg = spawnSync('dpkg', ['--version']).status === 0
  test('dpkg says the same', { skip: dpkg ? false : 'dpkg is not here' }, () => {
    const pairs = fc.sample(fc.tuple(debian, debian), 300)
    const script = pairs
      .map(([a, b]) => `dpkg --compare-versions '${a}' lt '${b}' && echo lt || echo ge`)
      .join('\n')
    const { stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
    assert.equal(stderr, '')
    const said = stdout.trim().split('\n')
    for (const [i, [a, b]] of pairs.entries())
      assert.equal(compareDebian(a, b) < 0 ? 'lt' : 'ge', said[i], `${a} and ${b}`)
  })
})

describe('releases of upstream', () => {
  test('whichever way a distribution spells them', () => {
    for (const [text, expected] of [
      ['1.1.5', '1.1.5'],
      ['v1.7.24', '1.7.24'],
      ['1.1.5+ds1', '1.1.5'],
      ['1.6.20~ds1', '1.6.20'],
      ['20.10.24+dfsg1', '20.10.24'],
      ['1.1.12-0ubuntu3.1', '1.1.12'],
      ['5:28.2.2-1~debian.12~bookworm', '28.2.2'],
      ['0.12.0-1~deb13u1', '0.12.0'],
      ['1.4.0-rc.1', '1.4.0~rc.1'],
      ['1.0.0-rc93', '1.0.0~rc93'],
      ['1.0.0~rc93+ds1-5', '1.0.0~rc93'],
      ['1.1.0+dev', '1.1.0'],
      ['0.0~20221219.0', '20221219.0'],
      ['0.0~20221219.0-2+b3', '20221219.0'],
      ['release-20240807.0', '20240807.0'],
      ['29.1.0-beta.1', '29.1.0~beta.1'],
      ['', null],
      ['devel', null],
      ['1.0\n2', null],
      ['1.0; rm', null],
      [`1${'.1'.repeat(60)}`, null],
    ] as const)
      assert.equal(upstreamVersion(text), expected, JSON.stringify(text))
  })

  test('a candidate is older than its release; what is no version is in no order', () => {
    for (const [older, newer] of [
      ['1.0.0-rc93', '1.0.0-rc95'],
      ['1.0.0-rc95', '1.0.0'],
      ['1.4.0-rc.2', '1.4.0-rc.10'],
      ['1.4.0-rc.3', '1.4.0'],
      ['1.1.5+ds1', '1.1.12'],
      ['20.10.24+dfsg1', '28.2.2'],
      ['0.0~20221219.0', 'release-20240807.0'],
    ] as const) {
      assert.ok((compareUpstream(older, newer) ?? 0) < 0, `${older} < ${newer}`)
      assert.ok((compareUpstream(newer, older) ?? 0) > 0)
    }
    assert.equal(compareUpstream('devel', '1.0'), null)
    assert.equal(compareUpstream('1.0', 'devel'), null)
  })

  test('any text is a version or none, and never an exception', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const order = compareUpstream(a, b)
        assert.equal(order === null, upstreamVersion(a) === null || upstreamVersion(b) === null)
        const there = compareUpstream(a, a)
        if (there !== null) assert.equal(there, 0)
      }),
    )
  })
})
