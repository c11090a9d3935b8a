/** Each step, byte by byte: what native/guest/parse.c takes apart. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MOUNT, step, stepsFrame } from '../../src/boundary/microvm/guest/steps.js'

const OWNED = { mode: 0o640, uid: 1000, gid: 7 }
const shown = (bytes: Buffer) => bytes.toString('latin1')
const four = (value: number) => shown(Buffer.from(Uint32Array.of(value).buffer))
const eight = (value: number) => four(value) + four(0)
const framed = (tag: string, body: string) => `${tag}${four(body.length)}${body}`

describe('a step', () => {
  const WORDS: readonly (readonly [string, Buffer, string])[] = [
    ['clock', step.clock(1_700_000_000_250), framed('t', eight(1_700_000_000) + four(250_000_000))],
    ['entropy', step.entropy(Buffer.from('xyz')), framed('e', 'xyz')],
    ['folder', step.folder('/a/b', OWNED), framed('d', `${four(0o640)}${four(1000)}${four(7)}/a/b\0`)],
    [
      'file',
      step.file('/a', OWNED, Buffer.from('c\0d')),
      framed('F', `${four(0o640)}${four(1000)}${four(7)}/a\0c\0d`),
    ],
    ['append', step.append('/a', Buffer.from('c\0d')), framed('A', '/a\0c\0d')],
    ['own', step.own('/a', OWNED), framed('o', `${four(0o640)}${four(1000)}${four(7)}/a\0`)],
    // a name of the host's may be of no encoding
    ['bytes', step.append(Buffer.from('/a\xff', 'latin1'), Buffer.alloc(0)), framed('A', '/a\xff\0')],
    ['link', step.link('/a', '../b'), framed('L', '../b\0/a\0')],
    ['write', step.write('/proc/a', '1'), framed('w', '/proc/a\x001')],
    ['writeIfThere', step.writeIfThere('/proc/a', ''), framed('W', '/proc/a\0')],
    [
      'mount',
      step.mount({
        type: 'tmpfs',
        source: 's',
        target: '/t',
        flags: MOUNT.noSetuid | MOUNT.noDevices,
        data: 'size=1',
      }),
      framed('m', `${eight(6)}tmpfs\0s\0/t\0size=1\0`),
    ],
    [
      'device',
      step.device('/dev/null', 0o666, 1, 3),
      framed('k', `${four(0o666)}${four(1)}${four(3)}/dev/null\0`),
    ],
    [
      'network',
      step.network({
        loopback: true,
        link: {
          v4: { own: Buffer.from('ABCD'), router: Buffer.from('EFGH'), prefix: 30 },
          v6: { own: Buffer.alloc(16, 'I'), router: Buffer.alloc(16, 'J'), prefix: 64 },
          routerMac: Buffer.from('KLMNOP'),
        },
      }),
      framed('l', `\x03ABCDEFGH\x1e${'I'.repeat(16)}${'J'.repeat(16)}@KLMNOP`),
    ],
    ['network of nothing', step.network({ loopback: false, link: null }), framed('l', '\0'.repeat(49))],
    ['cgroup', step.cgroup('/c'), framed('g', '/c\0')],
    ['hostName', step.hostName('h'), framed('h', 'h\0')],
    ['start', step.start('/r', 1, 2), framed('x', `${four(1)}${four(2)}/r\0`)],
  ]

  for (const [name, made, expected] of WORDS) test(name, () => assert.equal(shown(made), expected))

  test('all of them are one frame, in their order', () => {
    const made = stepsFrame([step.hostName('h'), step.start('/r', 1, 2)])
    assert.equal(shown(made), framed('S', framed('h', 'h\0') + framed('x', `${four(1)}${four(2)}/r\0`)))
    assert.throws(() => stepsFrame([step.entropy(Buffer.alloc(8 << 20))]), RangeError)
  })

  test('what has no place in one is refused before it is sent', () => {
    const folder = (path: string) => () => step.folder(path, OWNED)
    for (const path of [
      '',
      '/',
      'a',
      'a/b',
      '/a/',
      '//a',
      '/a//b',
      '/.',
      '/a/..',
      '/../a',
      '/a/./b',
      '/a\0b',
      `/${'a'.repeat(4095)}`,
    ])
      assert.throws(folder(path), RangeError, path)
    for (const path of ['/a', '/...', '/a/.b', '/a/..b', '/a b/ü', '/a\nb'])
      assert.doesNotThrow(folder(path), path)
    assert.throws(() => step.hostName('a\0b'), RangeError)
    const bind = { type: 'none', source: 'relative', target: '/t', flags: MOUNT.bind }
    assert.throws(() => step.mount(bind), RangeError)
    assert.throws(
      () =>
        step.network({
          loopback: true,
          link: {
            v4: { own: Buffer.alloc(3), router: Buffer.alloc(4), prefix: 0 },
            v6: { own: Buffer.alloc(16), router: Buffer.alloc(16), prefix: 0 },
            routerMac: Buffer.alloc(6),
          },
        }),
      RangeError,
    )
  })
})
