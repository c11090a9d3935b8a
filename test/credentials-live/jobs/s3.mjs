// The AWS SDK for JavaScript, as anybody would use it: keys and endpoint from the environment. Prints what came of each step; its argv: which
// ones, or none for all.
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

const { ENDPOINT: endpoint, GRANTED: granted, REGION: region = 'eu-west-1' } = process.env
const keys = (name) => ({
  accessKeyId: process.env[`${name}_ACCESS_KEY_ID`],
  secretAccessKey: process.env[`${name}_SECRET_ACCESS_KEY`],
})
const client = (more = {}) =>
  new S3Client({ endpoint, region, forcePathStyle: true, maxAttempts: 1, ...more })
const s3 = client()
const at = { Bucket: 'bucket', Key: 'a folder/ä+b.txt' }
const MiB = 1024 * 1024

const steps = {
  put: () => s3.send(new PutObjectCommand({ ...at, Body: 'hello' })),
  get: async () => (await s3.send(new GetObjectCommand(at))).Body.transformToString(),
  list: async () =>
    (await s3.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'a folder/' }))).Contents.map(
      ({ Key }) => Key,
    ),
  // of unknown length: aws-chunked, with a checksum behind it
  stream: async () => {
    const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(100_000, String(index)))
    const Key = 'streamed'
    await s3.send(
      new PutObjectCommand({ Bucket: 'bucket', Key, Body: Readable.from(pieces), ContentLength: 2_000_000 }),
    )
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
    return Buffer.concat(pieces).equals(Buffer.from(await Body.transformToByteArray()))
  },
  unsigned: async () => {
    const unsigned = client({ applyChecksum: false, requestChecksumCalculation: 'WHEN_REQUIRED' })
    unsigned.middlewareStack.add(
      (next) => (args) => {
        args.request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
        return next(args)
      },
      { step: 'build' },
    )
    return unsigned.send(new PutObjectCommand({ ...at, Key: 'unsigned', Body: 'not signed' }))
  },
  multipart: async () => {
    const Key = 'in parts'
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: 'bucket', Key }))
    const Parts = []
    for (const PartNumber of [1, 2]) {
      const Body = Buffer.alloc(PartNumber === 1 ? 5 * MiB : 1000, `${PartNumber}`)
      const { ETag } = await s3.send(
        new UploadPartCommand({ Bucket: 'bucket', Key, UploadId, PartNumber, Body }),
      )
      Parts.push({ PartNumber, ETag })
    }
    await s3.send(
      new CompleteMultipartUploadCommand({ Bucket: 'bucket', Key, UploadId, MultipartUpload: { Parts } }),
    )
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
    return (await Body.transformToByteArray()).length
  },
  'presigned, not granted': async () => {
    const answer = await fetch(await getSignedUrl(s3, new GetObjectCommand(at)))
    return answer.status
  },
  'presigned, granted': async () => {
    const other = client({ endpoint: granted, credentials: keys('LINKS') })
    const answer = await fetch(await getSignedUrl(other, new GetObjectCommand(at)))
    return [answer.status, await answer.text()]
  },
  'with keys of its own': async () => {
    const other = client({
      credentials: { accessKeyId: 'AKIAOFTHEJOBITSELF00', secretAccessKey: 'x'.repeat(40) },
    })
    return other
      .send(new GetObjectCommand(at))
      .catch((error) => error.$metadata?.httpStatusCode ?? String(error))
  },
  'for another region': () =>
    client({ region: 'us-east-2' })
      .send(new GetObjectCommand(at))
      .catch((error) => error.$metadata?.httpStatusCode ?? String(error)),
  delete: async () => (await s3.send(new DeleteObjectCommand(at))).$metadata.httpStatusCode,
}

const seen = {}
const wanted = process.argv.slice(2)
for (const [name, step] of Object.entries(steps).filter(([name]) => !wanted.length || wanted.includes(name)))
  seen[name] = await step().then(
    (value) => (value?.$metadata ? value.$metadata.httpStatusCode : value),
    (error) => `failed: ${error}`,
  )
console.log(JSON.stringify(seen))
