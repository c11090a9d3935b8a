/**
 * The attacks: a ClientHello for another host than the one that was looked up (domain fronting), for two at once, for none, in so many
 * pieces that a reader gives up, or hidden; and bytes on a TLS port that are no TLS.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { getExtensionData, readTlsClientHello } from 'read-tls-client-hello'
import { ClientHelloReader, type HelloState, judgeHello } from '../../src/network/index.js'
import { caught, helloMessage, records, sni, u16 } from './hellos.js'

const GREASE_ECH = [0xfe0d, Buffer.from([0, 0, 1, 0, 1, 7, 0, 0, 0, 0])] as const

function read(bytes: Uint8Array): HelloState {
  return new ClientHelloReader().push(bytes)
}

function hello(serverName: string | null, outerEch = false): HelloState {
  return { state: 'hello', serverName, outerEch, protocols: [] }
}

function assertBad(bytes: Uint8Array, why: RegExp): void {
  const state = read(bytes)
  assert.equal(state.state, 'bad', JSON.stringify(state))
  assert.match(state.state === 'bad' ? state.why : '', why)
}

describe('the server name', () => {
  test('is read, in its canonical form', () => {
    for (const name of ['api.test', 'API.Test', 'api.test.'])
      assert.deepEqual(read(records(helloMessage({ extensions: [sni(name)] }))), hello('api.test'), name)
  })

  test('none is none: no extension, or no extensions at all', () => {
    assert.deepEqual(read(records(helloMessage({ extensions: [] }))), hello(null))
    assert.deepEqual(read(records(helloMessage({ extensions: null }))), hello(null))
  })

  test('two are refused, in one list or in two: the server would choose', () => {
    assertBad(records(helloMessage({ extensions: [sni('api.test', 'evil.test')] })), /one host name/)
    assertBad(records(helloMessage({ extensions: [sni('api.test'), sni('evil.test')] })), /two extensions/)
  })

  test('an address, an empty one, an odd byte: refused', () => {
    for (const name of [
      '',
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '::1',
      'api.test\0',
      'api.test\0.evil.test',
      'api test',
      'api.test\n',
      'api..test',
      '.api.test',
      'user@api.test',
      'api.test:443',
      '*.test',
      '\xe4pi.test',
      'api%2etest',
      'a'.repeat(64),
      `${'a.'.repeat(127)}test`,
    ])
      assertBad(records(helloMessage({ extensions: [sni(name)] })), /^the server name /)
  })

  test('lengths that do not add up are refused', () => {
    const content = sni('api.test')[1]
    for (const [name, wrong] of [
      ['list too long', Buffer.concat([u16(content.length + 1), content.subarray(2)])],
      ['list too short', Buffer.concat([u16(3), content.subarray(2)])],
      ['name too long', Buffer.concat([content.subarray(0, 3), u16(200), content.subarray(5)])],
      ['bytes behind', Buffer.concat([content, Buffer.of(0)])],
      ['another type of name', Buffer.concat([content.subarray(0, 2), Buffer.of(1), content.subarray(3)])],
      ['nothing', Buffer.alloc(0)],
    ] as const)
      assert.equal(read(records(helloMessage({ extensions: [[0, wrong]] }))).state, 'bad', name)
  })
})

describe('in pieces', () => {
  const message = helloMessage({ extensions: [[16, Buffer.alloc(300, 1)], sni('api.test'), GREASE_ECH] })

  test('each byte by itself, in one record or in many', () => {
    for (const bytes of [
      records(message),
      records(message, [1, 1, 1, 1, 1, 200]),
      records(message, [4]),
      records(message, [3]),
    ]) {
      const reader = new ClientHelloReader()
      for (const [index, byte] of bytes.entries()) {
        const state = reader.push(Buffer.of(byte))
        assert.deepEqual(state, index < bytes.length - 1 ? { state: 'more' } : hello('api.test', true))
      }
    }
  })

  test('more records than any client sends are refused', () => {
    const sizes = Array.from({ length: 400 }, () => 1)
    assertBad(records(message, sizes), /more than 64 records/)
    assert.equal(read(records(message, sizes.slice(0, 63))).state, 'hello')
  })

  test('a hello longer than 16 KiB is refused as soon as it says so', () => {
    assertBad(Buffer.of(22, 3, 1, 0, 4, 1, 0, 0x40, 0), /longer than 16384/)
    assertBad(Buffer.of(22, 3, 1, 0x40, 1), /length that TLS has not/)
    const first = records(helloMessage({ extensions: [[21, Buffer.alloc(16_000)]] }).subarray(0, 10_000))
    assert.equal(read(first).state, 'more')
    assertBad(Buffer.concat([first, Buffer.of(22, 3, 1, 0x40, 0)]), /longer than 16384/)
    const large = helloMessage({ extensions: [sni('api.test'), [21, Buffer.alloc(16_000)]] })
    assert.deepEqual(read(records(large)), hello('api.test'))
  })

  test('what comes behind it is not looked at, and changes nothing', () => {
    const reader = new ClientHelloReader()
    assert.deepEqual(
      reader.push(Buffer.concat([records(message), Buffer.from('early data')])),
      hello('api.test', true),
    )
    assert.deepEqual(
      reader.push(records(helloMessage({ extensions: [sni('evil.test')] }))),
      hello('api.test', true),
    )
  })

  test('a second message in the same record is refused: it would not be looked at', () => {
    assertBad(
      records(Buffer.concat([message, helloMessage({ extensions: [sni('evil.test')] })])),
      /follows the ClientHello/,
    )
  })
})

describe('what is no ClientHello', () => {
  for (const [name, bytes, why] of [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), /handshake/],
    ['SSH', Buffer.from('SSH-2.0-x\r\n'), /handshake/],
    ['a hello of SSL 2', Buffer.of(0x80, 0x2e, 1, 3, 1), /SSL 2/],
    ['zeros', Buffer.alloc(100), /handshake/],
    ['an alert', Buffer.of(21, 3, 3, 0, 2, 1, 0), /handshake/],
    ['application data', Buffer.of(23, 3, 3, 0, 1, 0), /handshake/],
    [
      'a change of ciphers between two records',
      Buffer.concat([records(helloMessage(), [9]).subarray(0, 14), Buffer.of(20, 3, 3, 0, 1, 1)]),
      /handshake/,
    ],
    ['a ServerHello', records(Buffer.of(2, 0, 0, 0)), /no ClientHello/],
    ['a record of nothing', Buffer.of(22, 3, 1, 0, 0), /length/],
    ['a version of DTLS', Buffer.of(22, 0xfe, 0xff, 0, 0), /handshake/],
    ['a version that is not', Buffer.of(22, 3, 9, 0, 9), /version/],
    ['a hello of SSL 2 inside', records(helloMessage({ version: 0x0002 })), /version/],
    ['no cipher', records(helloMessage({ ciphers: 0 })), /lists/],
    ['a session id too long', records(helloMessage({ session: 33 })), /lists/],
    ['an empty message', records(Buffer.of(1, 0, 0, 0)), /add up/],
    ['an inner hello in the clear', records(helloMessage({ extensions: [[0xfe0d, Buffer.of(1)]] })), /inner/],
  ] as const)
    test(`${name} is refused, in one piece and byte by byte`, () => {
      assertBad(bytes, why)
      const reader = new ClientHelloReader()
      const states = [...bytes].map((byte) => reader.push(Buffer.of(byte)).state)
      assert.equal(states.at(-1), 'bad')
      assert.ok(!states.includes('hello'))
    })

  test('every hello that is cut off anywhere in its body is refused, or not yet whole', () => {
    const message = helloMessage({ extensions: [sni('api.test'), GREASE_ECH] })
    for (let length = 4; length < message.length; length++) {
      const cut = Buffer.from(message.subarray(0, length))
      cut.writeUIntBE(length - 4, 1, 3)
      const state = read(records(cut))
      // after the compression methods a hello without extensions ends (TLS 1.0)
      assert.ok(state.state === 'bad' || (state.state === 'hello' && state.serverName === null), `${length}`)
    }
  })
})

describe('judged against the name that was looked up', () => {
  for (const [what, serverName, outerEch, name, verdict] of [
    ['the same name', 'api.test', false, 'api.test', 'allow'],
    ['another', 'evil.test', false, 'api.test', 'denyServerName'],
    ['one below', 'x.api.test', false, 'api.test', 'denyServerName'],
    ['none', null, false, 'api.test', 'denyNoServerName'],
    ['an encrypted one, or GREASE, behind the same name', 'api.test', true, 'api.test', 'allow'],
    ['an encrypted one behind another', 'cdn.test', true, 'api.test', 'denyEncryptedHello'],
    ['an encrypted one behind none', null, true, 'api.test', 'denyEncryptedHello'],
    ['none, to an address', null, false, null, 'allow'],
    ['a name, to an address: nobody looked it up', 'api.test', false, null, 'denyServerName'],
    ['an encrypted one, to an address', null, true, null, 'denyEncryptedHello'],
  ] as const)
    test(`${what}: ${verdict}`, () => assert.equal(judgeHello({ serverName, outerEch }, name), verdict))
})

describe('real clients', () => {
  const NODE = (port: number, options: string) => [
    process.execPath,
    '-e',
    `require('tls').connect({ host: '127.0.0.1', port: ${port}, ${options} }).on('error', () => {})`,
  ]
  const CLIENTS: readonly (readonly [string, string | null, (port: number) => readonly string[]])[] = [
    [
      'openssl s_client',
      'api.test',
      (port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'API.test'],
    ],
    [
      'openssl s_client, TLS 1.2',
      'api.test',
      (port) => [
        'openssl',
        's_client',
        '-tls1_2',
        '-connect',
        `127.0.0.1:${port}`,
        '-servername',
        'api.test',
      ],
    ],
    [
      'openssl s_client without a name',
      null,
      (port) => ['openssl', 's_client', '-noservername', '-connect', `127.0.0.1:${port}`],
    ],
    [
      'openssl s_client in small records',
      'api.test',
      (port) => [
        'openssl',
        's_client',
        '-split_send_frag',
        '512',
        '-max_send_frag',
        '512',
        '-connect',
        `127.0.0.1:${port}`,
        '-servername',
        'api.test',
      ],
    ],
    [
      'curl',
      'api.test',
      (port) => ['curl', '-s', '--resolve', `api.test:${port}:127.0.0.1`, `https://api.test:${port}/`],
    ],
    ['curl to an address', null, (port) => ['curl', '-s', `https://127.0.0.1:${port}/`]],
    ['Node', 'api.test', (port) => NODE(port, "servername: 'api.test', ALPNProtocols: ['h2', 'http/1.1']")],
    ['Node without a name', null, (port) => NODE(port, '')],
    [
      'Python',
      'api.test',
      (port) => [
        'python3',
        '-c',
        `import socket, ssl; ssl.create_default_context().wrap_socket(socket.create_connection(('127.0.0.1', ${port})), server_hostname='api.test')`,
      ],
    ],
  ]

  for (const [client, name, argv] of CLIENTS)
    test(`${client}: the name that it asks for`, { skip: missing(argv(1)[0] ?? '') }, async () => {
      const bytes = await caught(argv)
      const said = read(bytes)
      assert.deepEqual({ ...said, protocols: [] }, hello(name))
      const oracle = await readTlsClientHello(Readable.from(bytes, { objectMode: false }))
      assert.equal(getExtensionData(oracle, 'server_name')?.serverName?.toLowerCase() ?? null, name)
      assert.deepEqual(
        'protocols' in said && said.protocols,
        getExtensionData(oracle, 'alpn')?.protocols ?? [],
      )
    })

  function missing(program: string): string | false {
    return spawnSync(program, ['--version']).error === undefined ? false : `there is no ${program}`
  }
})
