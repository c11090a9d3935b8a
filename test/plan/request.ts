/** A request to cell, read back into words: the second opinion on what `launchRequest` writes. */
import assert from 'node:assert/strict'
import { filterOptions } from '../../src/boundary/answers/filter.js'
import type { HostFacts } from '../../src/host/index.js'
import type { Plan } from '../../src/plan/index.js'
import { firstFilter } from '../../src/syscalls/index.js'

export function readRequest(bytes: Buffer, plan: Plan, host: HostFacts): string[] {
  const items: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.toString('latin1', at, at + 1)
    const length = bytes.readUInt32LE(at + 1)
    const body = bytes.subarray(at + 5, at + 5 + length)
    assert.equal(body.length, length, 'a frame cut short')
    items.push(item(tag, body, plan, host))
    at += 5 + length
  }
  return items
}

function item(tag: string, body: Buffer, plan: Plan, host: HostFacts): string {
  const texts = (from: number) => {
    const parts = body.toString('utf8', from).split('\0')
    assert.equal(parts.pop(), '', 'no NUL at the end')
    return parts
  }
  const numbers = (from: number) =>
    Array.from({ length: (body.length - from) / 4 }, (_, index) => body.readUInt32LE(from + 4 * index))
  switch (tag) {
    case 'i':
      return `id ${numbers(0).join()}`
    case 'u':
      return `own uid from 0x${body.readUInt32LE(0).toString(16)}`
    case 'o':
      return `oom score ${numbers(0).join()}`
    case 'p':
      return `pinned: turn ${numbers(0).join(', processors ')}`
    case 'c':
      return `cgroup ${body[0]}: ${texts(1).join(' = ')}`
    case 'C':
      return `cgroup ${body[0]}, if there: ${texts(1).join(' = ')}`
    case 'g':
      return `grant ${texts(1).join()}${body[0] === 1 ? ', idmapped' : ''}`
    case 'r':
      return `tree ${texts(1).join()}${body[0] === 1 ? ', opened as root' : ''}`
    case 'm': {
      const kind = body[0] === 255 ? 'folder' : body[0] === 254 ? 'file' : `as grant ${body[0]}`
      return `mount point ${texts(1).join()}, ${kind}`
    }
    case 's': {
      const modes = numbers(16).map((mode) => mode.toString(8))
      return `scratch ${body.readBigUInt64LE(0)} bytes, ${body.readBigUInt64LE(8)} inodes, modes ${modes.join(' ')}`
    }
    case 'e': {
      const [name, ...content] = body.toString('utf8').split('\0')
      return `own file ${name}: ${JSON.stringify(content.join('\0'))}`
    }
    case 'f':
      assert.deepEqual(Buffer.from(body), Buffer.from(firstFilter(filterOptions(plan, host))))
      return `filter ${JSON.stringify(filterOptions(plan, host))}`
    case 'a':
      return `bubblewrap's ${texts(0).length} words`
    default:
      return assert.fail(`unknown item ${tag}`)
  }
}
