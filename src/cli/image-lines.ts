/** Images in words. What an image says of itself is hostile; `print` spells out what is not plain. Pure. */
import type { NamedImage } from '../images/index.js'
import { formatSize } from '../units/index.js'

/** To three digits or so: a size that a person reads. */
function about(bytes: number): string {
  const unit = bytes >= 10 * 1024 ** 3 ? 1024 ** 3 : bytes >= 10 * 1024 ** 2 ? 1024 ** 2 : 1024
  return formatSize(Math.ceil(bytes / unit) * unit)
}

export function imageLines(images: readonly NamedImage[]): string[] {
  const rows = images.flatMap((image) =>
    (image.names.length === 0 ? ['-'] : image.names).map((name) => [
      name,
      image.digest.slice(0, 'sha256:'.length + 12),
      image.platform ?? '-',
      about(image.bytes + (image.diskBytes ?? 0)),
      image.importedAt.slice(0, 10),
    ]),
  )
  const all = [['NAME', 'DIGEST', 'PLATFORM', 'SIZE', 'SINCE'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length))) ?? []
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

export function inspectLines(image: NamedImage, config: unknown, root: string, disk: string): string[] {
  const { special, bits } = image.dropped
  return [
    `digest    ${image.digest}`,
    ...image.names.map((name) => `name      ${name}`),
    ...image.aliases.map((alias) => `index     ${alias}`),
    `platform  ${image.platform ?? 'not said'}`,
    `size      ${about(image.bytes)} in ${image.files} files, from ${image.layers} layers`,
    `left out  ${special} devices and fifos; setuid, setgid and sticky bits of ${bits} files`,
    `from      ${image.from}, ${image.importedAt}`,
    `root      ${root}`,
    ...(image.diskBytes === null ? [] : [`disk      ${disk}, ${about(image.diskBytes)}`]),
    ...ignored(config).map((line) => `ignored   ${line}`),
    ...(image.usedBy.length === 0 ? [] : [`used by   process ${image.usedBy.join(', ')}`]),
  ]
}

/** What a container engine would do of it, and a sandbox does not: the command, its user and its variables are the policy's. */
function ignored(config: unknown): string[] {
  const said = ((config as { config?: unknown } | null)?.config ?? {}) as Record<string, unknown>
  return ['Entrypoint', 'Cmd', 'Env', 'User', 'WorkingDir', 'Volumes', 'ExposedPorts'].flatMap((key) => {
    const value = said[key]
    return value === undefined || value === null || value === ''
      ? []
      : [`${key} ${JSON.stringify(value).slice(0, 300)}`]
  })
}
