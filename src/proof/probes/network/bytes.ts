/** What attempts send, in hex. */
import type { NetworkRule } from '../../../plan/index.js'
import type { Way } from './place.js'

export const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')

/** What no protocol begins with. */
export const PLAIN = hex('glovebox-probe\n')

/** What the way's rule lets through. */
export function fitting(way: Way): string {
  if (way.protocol === 'tcp') return PLAIN
  return way.protocol === 'tls' ? hello([way.name]) : request(way)
}

/** `extra`: lines of the head besides, and what follows it. */
export function request(
  way: Way,
  { method = methodOf(way.rule), target = pathOf(way.rule), host = hostOf(way), extra = [] as string[] } = {},
): string {
  return hex(text(way, { method, target, host, extra }))
}

export function text(
  way: Way,
  { method = methodOf(way.rule), target = pathOf(way.rule), host = hostOf(way), extra = [] as string[] } = {},
): string {
  const length = method === 'GET' || method === 'HEAD' ? [] : ['Content-Length: 0']
  const own = extra.some((line) => /^content-length:/i.test(line)) ? [] : length
  return [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...own, ...extra, '', ''].join('\r\n')
}

function hostOf({ name, address, port }: Way): string {
  const host = name ?? (address?.includes(':') ? `[${address}]` : `${address}`)
  return port === 80 ? host : `${host}:${port}`
}

export function methodOf({ methods }: NetworkRule): string {
  return methods === null || methods.includes('GET') ? 'GET' : (methods[0] ?? 'GET')
}

export function pathOf({ paths }: NetworkRule): string {
  return (paths?.[0] ?? '/').replaceAll(/\*+/g, 'x')
}

/** A ClientHello: `names` are the server names in its list, `null` one without the extension; `more`: other extensions. */
export function hello(
  names: readonly (string | null)[],
  more: readonly (readonly [number, Buffer])[] = [],
): string {
  const asked = names.filter((name) => name !== null)
  const list = Buffer.concat(asked.flatMap((name) => [Buffer.of(0), block(Buffer.from(name, 'latin1'))]))
  const extensions: (readonly [number, Buffer])[] =
    asked.length === 0 ? [...more] : [[0, block(list)], ...more]
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    block(Buffer.of(0x13, 0x01)),
    Buffer.of(1, 0),
    block(Buffer.concat(extensions.flatMap(([type, content]) => [u16(type), block(content)]))),
  ])
  const message = Buffer.concat([Buffer.of(1, 0), u16(body.length), body])
  return Buffer.concat([Buffer.of(22, 3, 1), block(message)]).toString('hex')
}

/** A server name list of its own, as a second extension of the same type. */
export function serverName(name: string): readonly [number, Buffer] {
  return [0, block(Buffer.concat([Buffer.of(0), block(Buffer.from(name, 'latin1'))]))]
}

/** What an outer ClientHello has that hides another (encrypted_client_hello). */
export const HIDDEN: readonly [number, Buffer] = [0xfe0d, Buffer.concat([Buffer.of(0), Buffer.alloc(40, 9)])]

function block(content: Buffer): Buffer {
  return Buffer.concat([u16(content.length), content])
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255)
}
