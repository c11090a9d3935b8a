/** Tar archives and images byte by byte: what no proper tool writes, too. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface TestEntry {
  readonly name: string
  /** the flag of the header; default: a plain file */
  readonly type?: string
  readonly mode?: number
  readonly content?: string | Buffer
  readonly target?: string
  /** records of a PAX header before it */
  readonly pax?: Readonly<Record<string, string>>
  /** what the header says instead of the content's own size */
  readonly size?: number
}

/** Owned by root, of 1 January 2020, nothing checked. */
export function tarball(entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(1024)])
}

function blocks({
  name,
  type = '0',
  mode = 0o644,
  content = '',
  target = '',
  pax,
  size,
}: TestEntry): Buffer[] {
  const bytes = Buffer.from(content)
  const said = pax === undefined ? [] : blocks({ name: 'pax', type: 'x', content: records(pax) })
  return [
    ...said,
    header(name, type, mode, target, size ?? bytes.length),
    bytes,
    Buffer.alloc((512 - (bytes.length % 512)) % 512),
  ]
}

function records(pax: Readonly<Record<string, string>>): string {
  return Object.entries(pax)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`
      let length = rest.length
      while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
      return `${length}${rest}`
    })
    .join('')
}

function header(name: string, type: string, mode: number, target: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(name, 0, 100, 'latin1')
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(1577836800, 136, 12)
  block.write(`        ${type}`, 148, 'latin1')
  block.write(target, 157, 100, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  // device 1, 3
  if (type === '3' || type === '4') {
    octal(1, 329, 8)
    octal(3, 337, 8)
  }
  octal(
    block.reduce((all, byte) => all + byte, 0),
    148,
    7,
  )
  return block
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const described = (bytes: Buffer, mediaType: string) => ({
  mediaType,
  digest: `sha256:${sha256(bytes)}`,
  size: bytes.length,
})

export interface TestImage {
  /** of its manifest */
  readonly digest: string
  /** by name: what an OCI layout has */
  readonly files: Readonly<Record<string, Buffer>>
}

/** An OCI layout with one image of these layers, compressed. `more`: of the configuration. */
export function ociImage(layers: readonly Buffer[], more: object = {}): TestImage {
  const packed = layers.map((layer) => gzipSync(layer))
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
      ...more,
    }),
  )
  const oci = 'application/vnd.oci.image'
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${oci}.manifest.v1+json`,
      config: described(config, `${oci}.config.v1+json`),
      layers: packed.map((layer) => described(layer, `${oci}.layer.v1.tar+gzip`)),
    }),
  )
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        ...described(manifest, `${oci}.manifest.v1+json`),
        annotations: { 'org.opencontainers.image.ref.name': 'x' },
      },
    ],
  })
  const blobs = [config, manifest, ...packed].map((bytes) => [`blobs/sha256/${sha256(bytes)}`, bytes])
  return {
    digest: `sha256:${sha256(manifest)}`,
    files: {
      'index.json': Buffer.from(index),
      'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
      ...Object.fromEntries(blobs),
    },
  }
}

/** As `docker save` of old writes it. */
export function dockerArchive(layers: readonly Buffer[], tag: string): Buffer {
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    }),
  )
  const names = layers.map((_, i) => `${i}/layer.tar`)
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: names }])
  return tarball([
    { name: 'config.json', content: config },
    ...layers.map((content, i) => ({ name: names[i] ?? '', content })),
    { name: 'manifest.json', content: manifest },
  ])
}

export function written(folder: string, files: TestImage['files']): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true, mode: 0o755 })
    writeFileSync(join(folder, name), content, { mode: 0o644 })
  }
  return folder
}

/** The same for several machines: one index over images, as `x`. */
export function ociIndex(
  images: readonly { readonly image: TestImage; readonly architecture: string }[],
): TestImage {
  const type = 'application/vnd.oci.image'
  const manifests = images.map(({ image, architecture }) => {
    const manifest = image.files[`blobs/sha256/${image.digest.slice(7)}`] ?? Buffer.alloc(0)
    return { ...described(manifest, `${type}.manifest.v1+json`), platform: { os: 'linux', architecture } }
  })
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: `${type}.index.v1+json`, manifests }),
  )
  const top = {
    ...described(index, `${type}.index.v1+json`),
    annotations: { 'org.opencontainers.image.ref.name': 'x' },
  }
  return {
    digest: `sha256:${sha256(index)}`,
    files: {
      ...Object.assign({}, ...images.map(({ image }) => image.files)),
      [`blobs/sha256/${sha256(index)}`]: index,
      'index.json': Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [top] })),
    },
  }
}
