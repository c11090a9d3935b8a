import { type Flag, flagLines } from './flags.js'

export const OVERVIEW = [
  "Glovebox runs work you don't trust with nothing it doesn't need.",
  '',
  'glovebox run [flags] -- COMMAND [ARG…]      one job in a fresh sandbox; its streams and exit code are the job’s',
  'glovebox explain [flags] [-- COMMAND…]      what a job could still do if it were taken over; runs nothing',
  'glovebox verify [flags]                     attacks the sandbox of a policy from inside, on this host: does every promise hold?',
  'glovebox doctor                             what this host can enforce, and the command that gets the rest',
  'glovebox image import | pull | ls | inspect | rm',
  '                                            root file systems for --root image:NAME',
  'glovebox policy check FILE… | schema        validate a policy; print its JSON Schema',
  'glovebox --version, --help, COMMAND --help',
  '',
  'Try:  glovebox run -- id',
  '      glovebox run --policy imagemagick --input photo.jpg --output small.webp -- convert photo.jpg -resize 50% small.webp',
]

const RUN_EXAMPLES = [
  '  glovebox run -- id',
  '  glovebox run --policy imagemagick --input photo.jpg --output small.webp -- convert photo.jpg -resize 50% small.webp',
  '  glovebox run --read /srv/fonts --memory 512MiB --deadline 10s --report run.json -- sh -c "ls /srv/fonts"',
  '  glovebox run --allow-host api.github.com --secret GITHUB_TOKEN@api.github.com -- \\',
  `      sh -c 'curl -H "Authorization: Bearer $GITHUB_TOKEN" https://api.github.com/user'    (single quotes: the job's own shell reads it)`,
  '  cat in.csv | glovebox run -- python3 -c "import sys; print(len(sys.stdin.read()))"',
]

const EXIT_CODES = [
  "The job's own exit code; 128+n when a signal of its own killed it; 124 deadline or silence; 137 memory;",
  '125 Glovebox refused or failed; 126 not executable; 127 not found. The reason is on standard error, and in --report.',
]

export function helpFor(command: string, flags: readonly Flag[]): string[] {
  const table = ['', 'Flags:', ...flagLines(flags)]
  switch (command) {
    case 'run':
      return [
        'glovebox run [flags] -- COMMAND [ARG…]',
        '',
        'Runs one job in a fresh sandbox that grants nothing by default.',
        ...table,
        '',
        'Exit codes:',
        ...EXIT_CODES.map((line) => `  ${line}`),
        '',
        'Examples:',
        ...RUN_EXAMPLES,
      ]
    case 'explain':
      return [
        'glovebox explain [flags] [-- COMMAND…]',
        '',
        'What a job could still do if it were taken over: can it get out, what can it reach, what can it read, write and use,',
        'how long and how much; then each promise, and what keeps it on this host. Runs nothing. Exits 1 if a promise',
        'cannot be kept here; with --against, if anything is wider than there.',
        ...table,
        '',
        'Examples:',
        '  glovebox explain --policy imagemagick',
        '  glovebox explain --policy policy.yaml --html > policy.html',
        '  glovebox explain --policy policy.yaml --against old.yaml',
        '  glovebox explain --policy imagemagick --read /srv/fonts --against imagemagick    (what the flag opens)',
        '  glovebox explain --allow-host api.github.com --secret GITHUB_TOKEN@api.github.com',
        '  glovebox explain --read /srv/fonts --native',
      ]
    case 'verify':
      return [
        'glovebox verify [flags]',
        '',
        'Attacks a real sandbox under the policy, on this host, from inside, and says of each promise whether it holds. Each attack is',
        'also tried without a sandbox, where it must succeed: else it proves nothing (CONTROL FAILED). Takes less than a minute, and',
        'touches nothing of the host but decoys that it sets up. Exits 0 if all that was tried holds, 1 if not.',
        ...table,
        '',
        'Examples:',
        '  glovebox verify',
        '  glovebox verify --policy policy.yaml --receipt /var/lib/glovebox/receipt.json',
        '  glovebox verify --policy policy.yaml --check /var/lib/glovebox/receipt.json    (has anything changed since?)',
        '  glovebox verify --policy policy.yaml --junit results.xml                       (for CI)',
        '  glovebox verify --only isolation --only limits.memory --verbose',
        '  glovebox verify --policy policy.yaml --list',
      ]
    case 'image':
      return [
        'glovebox image import FILE|DIR [NAME]      an OCI layout or archive, what docker save wrote, or a tar of a root',
        'glovebox image pull REGISTRY/NAME[:TAG|@DIGEST]',
        'glovebox image ls',
        'glovebox image inspect NAME|DIGEST',
        'glovebox image rm NAME|DIGEST…',
        '',
        'Root file systems of this user, for --root image:NAME and `root: image:NAME`. An image is read in sandboxes of Glovebox’s own,',
        'checked before it is unpacked and afterwards, and shown read-only. What it says of commands, users and variables is ignored.',
        'Prints the digest. Exits 1 if it fails, and keeps nothing then.',
        ...table,
        '',
        'Examples:',
        '  mmdebstrap --variant=minbase --include=imagemagick bookworm tool.tar && glovebox image import tool.tar tool:1',
        '  docker save app:2 -o app.tar && glovebox image import app.tar app:2',
        '  glovebox image pull registry.example.com/team/tool@sha256:…',
        '  glovebox image pull registry.corp.example:5000/tool:1 --private 10.2.0.0/16 --allow-host blobs.corp.example',
        '  glovebox run --root image:tool:1 -- convert -version',
      ]
    case 'doctor':
      return [
        'glovebox doctor',
        '',
        'What this host can enforce, what is missing, and the command that gets it. Exits 1 if something is missing.',
        ...table,
      ]
    default:
      return [
        'glovebox policy check FILE…',
        'glovebox policy schema',
        '',
        'Validates policies; prints the JSON Schema, with which editors complete the YAML.',
        ...table,
        '',
        'Examples:',
        '  glovebox policy check policy.yaml',
        '  glovebox policy schema > glovebox.schema.json',
        '  # yaml-language-server: $schema=./glovebox.schema.json    (first line of a policy)',
      ]
  }
}
