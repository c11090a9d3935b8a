/**
 * The attack: a "video" that is a playlist, and names a file of the host, whose pictures are then in the result. A regression
 * would show as frames of the host's file.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, pasted, run, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/ffmpeg']

withPrograms(NEEDS, 'ffmpeg: a film with sound is encoded anew', async (user, t) => {
  const folder = testFolder(t, 0o777)
  film(join(folder, 'in.mkv'))
  const { status, stderr } = await pasted(user, 'ffmpeg', { folder })
  assert.equal(status, 0, stderr)
  const streams = execFileSync('ffprobe', '-v error -show_entries stream=codec_name out.mp4'.split(' '), {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.match(streams, /codec_name=h264[\s\S]*codec_name=aac/)
  assert.ok(readFileSync(join(folder, 'out.mp4')).includes('ftyp'))
})

withPrograms(NEEDS, 'ffmpeg: a playlist that names a film of the host shows none of it', async (user, t) => {
  const folder = hostile(testFolder(t, 0o777))
  const { status, stdout, stderr } = await run(
    user,
    ['--policy', 'ffmpeg', '--input', 'in.m3u8', '--', ...DECODE],
    { folder },
  )
  assert.notEqual(status, 0)
  assert.equal(stdout, '')
  assert.match(stderr, /Error when loading first segment|No such file/)
})

control(NEEDS, 'ffmpeg: the playlist shows the film of the host', async (t) => {
  const folder = hostile(testFolder(t))
  const { status, stdout, stderr } = await finished(DECODE, { cwd: folder })
  assert.equal(status, 0, stderr)
  assert.ok(stdout.length > 1000)
})

const DECODE = 'ffmpeg -nostdin -v error -i in.m3u8 -an -frames:v 1 -f rawvideo -'.split(' ')

function film(file: string): void {
  const clip = '-v error -f lavfi -i testsrc=duration=1:size=160x90:rate=10 -f lavfi -i sine=duration=1'
  execFileSync('ffmpeg', [...clip.split(' '), file], { stdio: 'pipe' })
}

/** `in.m3u8`, and beside it the host's film, which no input is. */
function hostile(folder: string): string {
  film(join(folder, 'private.ts'))
  const list = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${folder}/private.ts\n#EXT-X-ENDLIST\n`
  writeFileSync(join(folder, 'in.m3u8'), list)
  return folder
}
