import { domainToASCII } from 'node:url'

/** A host in its one canonical form: lower-case ASCII without a trailing dot, or a literal address. */
export type HostName =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string }

/** The canonical form, or what is wrong with the text (it follows the value shown) and what to write. */
export type HostNameAnswer = HostName | { readonly what: string; readonly advice: string }

/** The longest name that DNS carries, without its trailing dot (RFC 1035, 2.3.4). */
const NAME_LENGTH = 253
/** Any Unicode spelling of such a name is shorter; what is longer is not looked at. */
const TEXT_LENGTH = 1024

const WRITE = 'Write a name such as api.example.com.'

/**
 * The canonical form of a host as a person writes it: any case, one trailing dot, Unicode as browsers map it (UTS #46).
 * Everything that two programs could read as two hosts is refused. Never throws; linear in the text.
 */
export function canonicalHostName(text: string): HostNameAnswer {
  const fault = textFault(text)
  if (fault !== null) return fault
  if (text.includes('*'))
    return { what: 'contains "*".', advice: 'Write a whole name, or *.NAME in a rule of the network.' }
  if (/[:[\]]/.test(text)) return literal6(text)
  const ascii = /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase() : domainToASCII(text)
  if (ascii === '') return { what: 'is not a host name.', advice: WRITE }
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  // what a resolver would take for an IPv4 address, in whatever spelling (WHATWG URL: the last label is a number)
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return literal4(text, name)
  return nameFault(name) ?? { kind: 'name', name }
}

/**
 * The same for text that came over the wire: from a DNS question, a server name or a Host line, where any byte outside ASCII
 * means something else to each reader.
 */
export function canonicalWireName(text: string): HostNameAnswer {
  return /^[\x21-\x7e]*$/.test(text)
    ? canonicalHostName(text)
    : { what: 'is not ASCII.', advice: 'Send the xn-- form of the name.' }
}

/** A host and the port behind it, if one is written. */
export type AuthorityAnswer<Host = HostName> =
  | { readonly host: Host; readonly port: number | null }
  | { readonly what: string; readonly advice: string }

export function canonicalAuthority(text: string): AuthorityAnswer
export function canonicalAuthority<Host extends object>(
  text: string,
  read: (host: string) => Host | { readonly what: string; readonly advice: string },
): AuthorityAnswer<Host>
/** `HOST`, `HOST:PORT`, `[2001:db8::7]`, `[2001:db8::7]:PORT` (RFC 3986, 3.2.2). `read`: how the host is read. */
export function canonicalAuthority(
  text: string,
  read: (host: string) => object = canonicalHostName,
): AuthorityAnswer<object> {
  const fault = textFault(text)
  if (fault !== null) return fault
  // ::1:80 would be an address to one reader, an address and a port to the next
  if (/^[^[]*:.*:/s.test(text))
    return {
      what: 'has more than one colon and no brackets.',
      advice: 'Write an IPv6 address as [2001:db8::7].',
    }
  const [whole, host = '', port] = /^(\[[^[\]]*\]|[^:[\]]*):([^:[\]]*)$/.exec(text) ?? []
  const answer = read(whole === undefined ? text : host)
  if ('what' in answer) return answer as { what: string; advice: string }
  if (port === undefined) return { host: answer, port: null }
  const number = portNumber(port)
  if (number === null)
    return { what: 'has no port behind its colon.', advice: 'Write a port from 1 to 65535.' }
  return { host: answer, port: number }
}

/** A port in its one spelling, `443`; `null` when it is none. */
export function portNumber(text: string): number | null {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null
}

/** What no spelling of a host has, each with the attack or the slip that it stands for. */
function textFault(text: string): { what: string; advice: string } | null {
  if (text === '') return { what: 'is empty.', advice: WRITE }
  if (text.length > TEXT_LENGTH) return { what: `is longer than ${NAME_LENGTH} characters.`, advice: WRITE }
  // a NUL ends the name for getaddrinfo, not for a comparison; CR and LF, which a URL parser drops, end a header line
  if (/[\p{Cc}\p{Z}]/u.test(text)) return { what: 'contains a space or a control character.', advice: WRITE }
  // soft hyphens, joiners and variation selectors vanish when the name is mapped: nobody sees that they were there
  if (/[\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/u.test(text))
    return { what: 'contains a character that is not shown.', advice: WRITE }
  if (/[/\\?#]/.test(text)) return { what: 'is more than a host.', advice: 'Write the name alone.' }
  if (text.includes('@')) return { what: 'has a user in front of the host.', advice: 'Write the name alone.' }
  // a%2eb is a.b for a URL parser; fe80::1%eth0 is an address on this machine's own link
  if (text.includes('%'))
    return { what: 'contains "%", an escape or a zone.', advice: 'Write the name or address without it.' }
  return null
}

function nameFault(name: string): { what: string; advice: string } | null {
  if (name.length > NAME_LENGTH) return { what: `is longer than ${NAME_LENGTH} characters.`, advice: WRITE }
  for (const label of name.split('.')) {
    if (label === '') return { what: 'has an empty part between its dots.', advice: WRITE }
    if (label.length > 63) return { what: 'has a part longer than 63 characters.', advice: WRITE }
    if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label))
      return {
        what: 'has a part that is not letters, digits, _ and inner hyphens.',
        advice: 'Write the name as DNS has it, such as api.example.com.',
      }
  }
  // of two spellings in Punycode, or one of nothing, only what the mapping itself makes is a name
  if (/(^|\.)xn--/.test(name) && domainToASCII(name) !== name)
    return { what: 'has an xn-- part that stands for no name.', advice: 'Write the name in its own letters.' }
  return null
}

const QUAD = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/

function literal4(text: string, name: string): HostNameAnswer {
  // 127.1, 0177.0.0.1, 0x7f000001, 2130706433: the same address to one reader, a name or another address to the next
  const address = domainToASCII(name)
  if (!QUAD.test(address))
    return {
      what: 'ends in a number and is no IPv4 address.',
      advice: 'Write an address such as 203.0.113.7.',
    }
  if (address === text) return { kind: 'address', address }
  return { what: 'is an odd spelling of an IPv4 address.', advice: `Write ${address}.` }
}

const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/** `2001:DB8::7`, with or without brackets → RFC 5952. */
function literal6(text: string): HostNameAnswer {
  const [, inner = text] = /^\[([^[\]]*)\]$/.exec(text) ?? []
  const address = /^[0-9a-fA-F:.]{2,45}$/.test(inner) ? domainToASCII(`[${inner}]`).slice(1, -1) : ''
  if (address === '')
    return {
      what: 'is neither a name nor an IPv6 address.',
      advice: `${WRITE} An address is one such as 2001:db8::7.`,
    }
  const [, high, low] = MAPPED.exec(address) ?? []
  if (high === undefined || low === undefined) return { kind: 'address', address }
  const bytes = [high, low].flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255])
  return { what: 'is an IPv4 address inside an IPv6 one.', advice: `Write ${bytes.join('.')}.` }
}
