/**
 * What talks TLS from inside a sandbox is a program there that may be anything: what it says becomes connections, or the end of the
 * talk, and never an error here.
 */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { TalkProblem, UNTOLD } from '../../src/proof/probes/index.js'
import { AnswerReader } from '../../src/proof/verify/secure/answer-reader.js'
import { Talking } from '../../src/proof/verify/secure/talking.js'

function frame(tag: string, content: Buffer | string): Buffer {
  const head = Buffer.alloc(5)
  head.write(tag)
  head.writeUInt32LE(content.length, 1)
  return Buffer.concat([head, Buffer.from(content)])
}

const untold = (error: unknown) => error instanceof TalkProblem && error.word === UNTOLD

describe('a talk with a program', () => {
  test('asks for a variable, and tells one that is empty from none', async () => {
    const talking = new Talking(new PassThrough())
    const values = [talking.variable('A'), talking.variable('B'), talking.variable('C')]
    const said = Buffer.concat([frame('v', '=one'), frame('v', '='), frame('v', '')])
    for (const byte of said) talking.hear(Buffer.of(byte))
    assert.deepEqual(await Promise.all(values), ['one', '', null])
  })

  test('says in what way a connection was refused', async () => {
    const talking = new Talking(new PassThrough())
    const call = talking.call({ host: '192.0.2.1', port: 443, name: 'a.test' })
    talking.hear(frame('c', '\0ECONNREFUSED'))
    await assert.rejects(call, (error) => error instanceof TalkProblem && error.word === 'ECONNREFUSED')
  })

  test('has not been held where the program ends, or says what it never says', async () => {
    for (const end of [
      (talking: Talking) => talking.over(),
      (talking: Talking) => talking.hear(frame('t', 'alk\tSIGSYS\t\n')),
      (talking: Talking) => talking.hear(Buffer.from('d\xff\xff\xff\xff', 'latin1')),
    ]) {
      const talking = new Talking(new PassThrough())
      const [file, call] = [
        talking.file('/a'),
        talking.call({ host: '192.0.2.1', port: 443, name: 'a.test' }),
      ]
      end(talking)
      await assert.rejects(file, untold)
      await assert.rejects(call, untold)
    }
  })
})

describe('an answer of HTTP/1.1', () => {
  const read = async (text: string, { method = 'GET', pieces = text.length, closed = true } = {}) => {
    const reader = new AnswerReader(method)
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces))
    if (closed) reader.end(null)
    const { status, body, whole } = await reader.answer
    return [status, body.toString('latin1'), whole]
  }
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n'

  for (const pieces of [1, 7, 1000])
    test(`ends by its length, its chunks or its connection, in pieces of ${pieces}`, async () => {
      const length = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc'
      assert.deepEqual((await read(length, { pieces, closed: false }))[0], 200)
      assert.deepEqual(await read(`${CHUNKED}0\r\n\r\n`, { pieces, closed: false }), [200, 'abcde', true])
      assert.deepEqual(await read('HTTP/1.1 200 OK\r\n\r\nabc', { pieces }), [200, 'abc', true])
      assert.deepEqual(
        await read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\ncontent-length:0\r\n\r\n', {
          pieces,
          closed: false,
        }),
        [403, '', true],
      )
    })

  test('that breaks off has its beginning, and is not whole', async () => {
    assert.deepEqual(await read(CHUNKED), [200, 'abcde', false])
    assert.deepEqual(await read('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'), [200, 'abc', false])
    assert.deepEqual(await read('HTTP/1.1 20'), [null, 'HTTP/1.1 20', false])
  })

  test('to HEAD has no body, whatever it says', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    assert.deepEqual(await read(answer, { method: 'HEAD', closed: false }), [200, '', true])
  })
})
