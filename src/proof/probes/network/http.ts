/** Clear HTTP: what two readers could read differently, or what is for another host, does not go on as it came. */
import { pathMatches } from '../../../network/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import type { ThreatId } from '../threats.js'
import { hex, text } from './bytes.js'
import { byName, type NamedWay, scene } from './place.js'

const OTHER = 'other.glovebox-probe.invalid'

/** `bytes` as they are sent; `mark`: what must not come out at the other end. */
const probe = (
  id: string,
  tries: string,
  bytes: (way: NamedWay) => string | Pointless,
  mark: RegExp,
  threat: ThreatId = 'http-tricks',
): Probe => ({
  id: `http.${id}`,
  claim: 'network.http-rewritten',
  threat,
  tries,
  trial: ({ plan }) => byName(plan, (way) => smuggled(way, bytes(way), mark), ['http', 'web']),
})

function smuggled(way: NamedWay, bytes: string | Pointless, mark: RegExp): Trial | Pointless {
  if (typeof bytes !== 'string') return bytes
  return scene(({ resolver }) => [['tcp', `${way.name}@${resolver}`, `${way.port}`, hex(bytes)]], {
    arrived: ({ connections }) => connections.some(({ begun }) => mark.test(begun.toString('latin1'))),
  })
}

const toOther = new RegExp(OTHER.replaceAll('.', '\\.'))

export const httpProbes: readonly Probe[] = [
  probe(
    'two-lengths',
    'send a request with two lengths',
    (way) =>
      `${text(way, { extra: ['Content-Length: 4', 'Transfer-Encoding: chunked'] })}0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`,
    toOther,
  ),
  probe(
    'two-hosts',
    'send a request for two hosts',
    (way) => text(way, { extra: [`Host: ${OTHER}`] }),
    toOther,
  ),
  probe('other-host', 'send a request for another host', (way) => text(way, { host: OTHER }), toOther),
  probe(
    'absolute-form',
    'send a request for another host in absolute form',
    (way) => text(way, { target: `http://${OTHER}/` }),
    toOther,
  ),
  probe(
    'pipelined',
    'send a second request, for another host, behind a good one',
    (way) => text(way) + text(way, { host: OTHER }),
    toOther,
  ),
  probe(
    'folded',
    'hide a second host behind a bare line feed',
    (way) => text(way, { extra: [`X-One: 1\nHost: ${OTHER}`] }),
    toOther,
  ),
  probe(
    'connect',
    'ask for a tunnel (CONNECT)',
    (way) => text(way, { method: 'CONNECT', target: `${OTHER}:443` }),
    /CONNECT/,
  ),
  probe(
    'upgrade',
    'ask for another protocol (Upgrade)',
    (way) =>
      way.rules.some(({ upgrade }) => upgrade)
        ? { pointless: 'the rule allows upgrades' }
        : text(way, {
            extra: [
              'Connection: Upgrade',
              'Upgrade: websocket',
              'Sec-WebSocket-Version: 13',
              'Sec-WebSocket-Key: Z2xvdmVib3hnbG92ZWJveA==',
            ],
          }),
    /upgrade:/i,
  ),
  probe(
    'http2',
    'speak HTTP/2 without asking',
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    /PRI \*/,
  ),
  probe(
    'hop-by-hop',
    'have a header taken for one of the next hop',
    (way) =>
      text(way, { extra: ['Proxy-Authorization: Basic eA==', 'Connection: close, X-Kept', 'X-Kept: 1'] }),
    /proxy-authorization/i,
  ),
  probe(
    'method',
    'use a method that no rule allows',
    (way) => {
      const method = ['DELETE', 'PUT', 'PATCH', 'TRACE'].find((each) =>
        way.rules.every(({ methods }) => methods?.includes(each) === false),
      )
      return method === undefined ? { pointless: 'the rule allows every method' } : text(way, { method })
    },
    /^(DELETE|PUT|PATCH|TRACE) /,
  ),
  probe(
    'path',
    'ask for a path that no rule allows',
    (way) => {
      const isOpen = way.rules.some(
        ({ paths }) => paths === null || paths.some((each) => pathMatches(each, PATH)),
      )
      return isOpen ? { pointless: 'the rule allows every path' } : text(way, { target: PATH })
    },
    /glovebox-not-allowed/,
  ),
  probe(
    'user-in-host',
    'have the allowed name taken for a user before another host',
    (way) => text(way, { host: `${way.name}@${OTHER}` }),
    toOther,
    'spelling',
  ),
  probe(
    'escaped-host',
    'write another host with escapes',
    (way) => text(way, { host: OTHER.replaceAll('.', '%2e') }),
    /%2e/,
    'spelling',
  ),
  probe(
    'number-host',
    'write an address as one number, in octal, and with an end of full width',
    (way) =>
      ['2130706433', '0177.0.0.1', '127.0.0.1。']
        .map((host) => text(way, { target: `http://${host}/`, host }))
        .join(''),
    /2130706433|0177|127\.0\.0\.1/,
    'spelling',
  ),
]

const PATH = '/glovebox-not-allowed'
