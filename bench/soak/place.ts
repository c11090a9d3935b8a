/** What jobs of a boundary need of this machine: an engine of one's own, an image for virtual machines, a server to be reached. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boundaryNamed, isOfEngine } from '../../src/boundary/index.js'
import type { BoundaryName } from '../../src/policy/index.js'
import { hostFor } from '../../src/sandbox/index.js'
import { OwnEngine } from '../own-engine.js'
import { Image } from '../start/image.js'

export interface Place {
  readonly boundary: BoundaryName
  /** of policies */
  readonly root: string
  /** of a server on this host's loopback */
  readonly port: number
  /** of what is kept while it runs: TMPDIR, and an engine's files */
  readonly folder: string
  /** names that no policy may keep here */
  readonly waive: readonly string[]
  /** control groups of an engine's containers */
  groups(): readonly string[]
  close(): Promise<void>
}

/** Programs of the jobs. */
const LINKS = ['sh', 'cat', 'tr', 'sleep', 'true', 'yes', 'dd']

/** Takes TMPDIR and DOCKER_HOST of this process until it is closed. @returns why the boundary can't be had here */
export async function placeFor(boundary: BoundaryName): Promise<Place | string> {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-soak-'))
  const engine = isOfEngine(boundary) ? await engineIn(join(folder, 'engine')) : null
  const before = { TMPDIR: process.env.TMPDIR, DOCKER_HOST: process.env.DOCKER_HOST }
  const own = join(folder, 'tmp')
  mkdirSync(own)
  let image: Image | null = null
  const server = createServer((_, response) => response.end('here'))
  const close = async () => {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    server.close()
    image?.remove()
    if (engine instanceof OwnEngine) await engine.end()
    rmSync(folder, { recursive: true, force: true })
  }
  process.env.TMPDIR = own
  if (engine instanceof OwnEngine) process.env.DOCKER_HOST = `unix://${engine.socket}`
  const host = await hostFor(boundary)
  const lack = typeof engine === 'string' ? engine : boundaryNamed(boundary)?.unavailable(host)?.what
  if (lack !== undefined) {
    await close()
    return lack
  }
  try {
    if (boundary === 'microvm') {
      mkdirSync(join(folder, 'image'))
      image = Image.made(join(folder, 'image'), { links: LINKS, programs: ['/usr/bin/bash'] })
    }
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  } catch (error) {
    await close()
    throw error
  }
  return {
    boundary,
    root: image === null ? 'host' : `image:${image.name}`,
    port: (server.address() as AddressInfo).port,
    folder,
    waive: boundary === 'process' && !host.cgroups.controllers.includes('memory') ? ['limits.memory'] : [],
    groups: () => (engine instanceof OwnEngine ? engine.groupsLeft() : []),
    close,
  }
}

async function engineIn(folder: string): Promise<OwnEngine | string> {
  const lack = OwnEngine.lack()
  if (lack !== null) return lack
  mkdirSync(folder)
  const engine = new OwnEngine(folder, { sentries: true })
  if (await engine.up()) return engine
  const said = engine.lastWords()
  await engine.end()
  return `dockerd does not start here: ${said}`
}
