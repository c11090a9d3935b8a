/** The three jobs on pictures. Each shows its command, what came of it and the report in short, and says whether it went well. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pngThatUnpacks } from '../../examples/hostile/bomb.mjs'
import { mvgThatReads, svgThatReads } from '../../examples/hostile/drawing.mjs'
import { root } from '../build/checkout.mjs'
import { run } from './glovebox.mjs'
import { checks, command, reported, said, size, tell, title } from './screen.mjs'

const CONVERT = '/usr/bin/convert'
const MiB = 1024 ** 2

export function makeSmaller(stage) {
  title('1. A photo, made smaller')
  copyFileSync(join(root, 'examples/photo.jpg'), join(stage.folder, 'photo.jpg'))
  const { report, args } = run(stage, {
    inputs: ['photo.jpg'],
    output: 'small.webp',
    command: ['convert', 'photo.jpg', '-resize', '50%', 'small.webp'],
  })
  command(['glovebox', ...args])
  const [before, after] = ['photo.jpg', 'small.webp'].map((name) => dimensions(stage, name))
  tell(
    `photo.jpg ${before}, ${sizeOf(stage, 'photo.jpg')}  ->  small.webp ${after}, ${sizeOf(stage, 'small.webp')}`,
  )
  reported(report)
  return checks([
    [report.result.reason === 'exited' && report.result.exitCode === 0, 'the job did its work'],
    [before === '600 x 400' && after === '300 x 200', 'half the width, half the height'],
  ])
}

const PICTURE = { width: 64, height: 32 }
const ATTACKS = [
  {
    name: 'avatar.jpg',
    content: svgThatReads,
    argument: 'avatar.jpg',
    what: 'an SVG that calls itself a JPEG',
  },
  {
    name: 'drawing.mvg',
    content: mvgThatReads,
    argument: 'mvg:drawing.mvg',
    what: "a drawing in ImageMagick's MVG",
  },
]

export function readHostFile(stage) {
  title("2. A picture that wants another customer's picture")
  const secret = randomBytes(PICTURE.width * PICTURE.height * 3)
  const planted = join(stage.folder, 'private.ppm')
  writeFileSync(
    planted,
    Buffer.concat([Buffer.from(`P6 ${PICTURE.width} ${PICTURE.height} 255\n`), secret]),
    { mode: 0o600 },
  )
  tell(`Planted on this machine: ${planted}, random colours.`)

  const outside = join(stage.folder, 'outside.ppm')
  const attack = ATTACKS.map((each) => ({ ...each, file: join(stage.folder, each.name) })).find((each) => {
    writeFileSync(each.file, each.content(planted, PICTURE))
    const argv = each.argument.replace(each.name, each.file)
    spawnSync(CONVERT, [argv, '-depth', '8', outside], { stdio: 'ignore', timeout: 20_000 })
    return stolen(outside, secret) > 0
  })
  if (attack === undefined)
    return checks([
      [false, 'no attack of this demo works on this ImageMagick even outside: nothing was shown'],
    ])
  tell(`The upload: ${attack.name}, ${attack.what}; it names that path.`)
  tell(`Without Glovebox: convert gives away ${stolen(outside, secret)} of ${pixels} pixels.`)

  const inside = join(stage.folder, 'stolen.ppm')
  const { report, stderr, args } = run(stage, {
    inputs: [attack.name],
    output: 'stolen.ppm',
    command: ['convert', attack.argument, '-depth', '8', 'stolen.ppm'],
  })
  command(['glovebox', ...args])
  said(stderr)
  reported(report)
  const blind = report.result.reason === 'exited' && /unable to open/.test(stderr)
  return checks([
    [stolen(outside, secret) === pixels, 'outside, the whole secret came out (so the attack works)'],
    [stolen(inside, secret) === 0, 'inside, not one pixel of it: the path does not exist there'],
    [blind, 'the tool itself says that it could not open the file'],
  ])
}

const BOMB = { count: 100, bytes: 7_900_000 }
const MEMORY = 512 * MiB

export function eatMemory(stage) {
  title('3. A picture that eats memory')
  writeFileSync(join(stage.folder, 'bomb.png'), pngThatUnpacks(BOMB))
  tell(
    `The upload: bomb.png, one pixel, ${sizeOf(stage, 'bomb.png')}; its comments unpack to ${size(BOMB.count * BOMB.bytes)}, held twice.`,
  )
  const { report, stderr, args } = run(stage, {
    inputs: ['bomb.png'],
    output: 'small.webp',
    command: ['convert', 'bomb.png', 'small.webp'],
  })
  command(['glovebox', ...args])
  said(stderr)
  reported(report)
  const { reason, exitCode } = report.result
  const { peakMemoryBytes } = report.usage
  if (!stage.waive.includes('limits.memory'))
    return checks([
      [reason === 'memory' && exitCode === 137, 'ended at its limit of 512 MiB, and only this job'],
      [peakMemoryBytes <= MEMORY, 'it never held more than that'],
    ])
  tell('No cgroup for this user, so limits.memory is waived: each process is held to 512 MiB (RLIMIT_DATA).')
  return checks([
    [reason === 'exited' || reason === 'signal', 'the job was refused the memory, and ended by itself'],
    [
      peakMemoryBytes <= MEMORY + 64 * MiB,
      'no process of it held more than 512 MiB, and what its programs take',
    ],
  ])
}

const pixels = PICTURE.width * PICTURE.height

/** How many pixels of the secret stand in a picture, each at its place. By chance: one in sixteen million. */
function stolen(file, secret) {
  if (!existsSync(file)) return 0
  const found = readFileSync(file).subarray(-secret.length)
  let same = 0
  for (let at = 0; at < secret.length; at += 3)
    if (found.subarray(at, at + 3).equals(secret.subarray(at, at + 3))) same++
  return same
}

/** Looked at in a sandbox too: what a job made is as little to be trusted as what it was given. */
function dimensions(stage, name) {
  if (!existsSync(join(stage.folder, name))) return 'missing'
  const { stdout } = run(stage, {
    inputs: [name],
    output: null,
    command: ['identify', '-format', '%w x %h', name],
  })
  return stdout.replace(/[^\x20-\x7e]/g, '?').slice(0, 40)
}

function sizeOf({ folder }, name) {
  const found = statSync(join(folder, name), { throwIfNoEntry: false })
  return found === undefined ? 'nothing' : size(found.size)
}
