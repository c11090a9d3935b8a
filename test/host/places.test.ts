/** Each host that Glovebox may find itself on: what it sees there, and the exact words for what to change. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { launchFailure } from '../../src/boundary/cell/failure.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import { findings } from '../../src/proof/index.js'
import { parse } from '../policy/harness.js'
import { factsAt, MACHINES, type MachineName } from './machines.js'

const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')
const around = (name: MachineName) => factsAt(name).surroundings()
const refusal = (name: MachineName) => boundary.unavailable(factsAt(name)) ?? assert.fail(`${name} is fine`)

/** What cell says when its unshare is refused. */
const REFUSED = 'cell: namespaces: unshare: 1: Operation not permitted\n'
const afterRefusal = (name: MachineName) => launchFailure(REFUSED, factsAt(name), bubblewrap).get

function memoryAdvice(name: MachineName): string {
  const host = factsAt(name)
  const found = findings(host, parse({ version: 1 }), null, [])
  return found.find((finding) => finding.name === 'limits.memory')?.get ?? ''
}

describe('where Glovebox runs, from files alone', () => {
  const places: Partial<Record<MachineName, string>> = {
    'Debian 12, a user who is logged in': 'machine',
    'Ubuntu 24.04': 'machine',
    'a GitHub runner': 'githubRunner',
    'Docker, no flags': 'docker',
    'a machine made from an image of Docker’s': 'machine',
    'Podman without root': 'podman',
    'a Kubernetes pod': 'kubernetes',
    'AWS Lambda': 'lambda',
    'AWS Fargate': 'fargate',
    'WSL 1': 'wsl1',
    'WSL 2, without systemd': 'wsl2',
    Alpine: 'machine',
    gVisor: 'gvisor',
  }
  for (const [name, place] of Object.entries(places))
    test(`${name}: ${place}`, () => assert.equal(around(name as MachineName).place, place))

  test('a pod is known by what the kubelet mounts, when the environment says nothing', () => {
    const pod = MACHINES['a Kubernetes pod']
    assert.match(pod.files['/proc/self/mountinfo'], /\/kubelet\/pods\//)
    assert.equal(around('a Kubernetes pod of user namespaces, unmasked').place, 'kubernetes')
  })

  test('the confinement that the process itself is under', () => {
    assert.equal(around('Docker, no flags').filtered, true)
    assert.equal(around('Docker, --privileged').filtered, false)
    assert.equal(around('Docker on Ubuntu 24.04').appArmorProfile, 'docker-default')
    assert.equal(around('Ubuntu 24.04').appArmorProfile, null, '"unconfined" is none')
    assert.equal(around('Ubuntu 24.04').appArmorRestricts, true)
    assert.equal(around('AWS Lambda').readOnlyRoot, true)
    assert.equal(around('Debian 12, a service with RestrictNamespaces=').systemd.service, 'thumbs@1.service')
    assert.deepEqual([around('Alpine').libc, around('Ubuntu 24.04').libc], ['musl', 'glibc'])
  })

  test('what lies over /proc counts, and an empty folder of the kernel’s does not', () => {
    assert.deepEqual(factsAt('Docker, no flags').maskedProc, [
      '/proc/bus',
      '/proc/sys',
      '/proc/acpi',
      '/proc/keys',
    ])
    assert.deepEqual(factsAt('Docker, with the flags').maskedProc, [])
    assert.deepEqual(factsAt('Debian 12, a user who is logged in').maskedProc, [], 'binfmt_misc')
  })
})

describe('what to change, ready to be copied', () => {
  test('Docker: the flags, all at once; not root, who could write the host’s settings', () => {
    const flags =
      '`docker run --user 1000 --security-opt seccomp=container-seccomp.json --security-opt systempaths=unconfined …`, the file being /opt/glovebox/etc/container-seccomp.json.'
    assert.match(
      refusal('Docker, no flags').what,
      /no \/proc of its own while .*\(\/proc\/bus, .* and 1 more\)/,
    )
    assert.ok(refusal('Docker, no flags').get.includes(flags), refusal('Docker, no flags').get)
    assert.ok(afterRefusal('Docker, no flags').includes(flags), 'and when the filter refuses')
    assert.equal(boundary.unavailable(factsAt('Docker, with the flags')), null)
    assert.equal(boundary.unavailable(factsAt('Docker, --privileged')), null)
  })

  test('Docker, where AppArmor confines the container, or the host restricts namespaces', () => {
    assert.match(afterRefusal('Docker on Debian with AppArmor'), /--security-opt apparmor=unconfined …`/)
    const ubuntu = refusal('Docker on Ubuntu 24.04').get
    assert.match(ubuntu, /--security-opt apparmor=glovebox-container …`/)
    assert.match(ubuntu, /`abi <abi\/4\.0>, profile glovebox-container flags=\(unconfined\) \{ userns, \}`/)
  })

  test('root in a container that lacks a root’s rights', () => {
    const { what, get } = refusal('Docker, --cap-drop ALL')
    assert.match(what, /lacks CAP_SETUID, CAP_SETGID and CAP_KILL/)
    assert.match(get, /`--user 1000`.*`--cap-add SETUID --cap-add SETGID --cap-add KILL`/)
  })

  test('Podman has its own words', () => {
    assert.match(
      refusal('Podman without root').get,
      /`podman run --security-opt seccomp=container-seccomp\.json --security-opt unmask=ALL …`/,
    )
  })

  test('Kubernetes: the pod’s fields', () => {
    const { get } = refusal('a Kubernetes pod')
    assert.match(get, /`hostUsers: false`/)
    assert.match(
      get,
      /procMount: Unmasked, seccompProfile: \{type: Localhost, localhostProfile: glovebox\.json\}/,
    )
    assert.match(get, /\/var\/lib\/kubelet\/seccomp\/glovebox\.json/)
    assert.equal(boundary.unavailable(factsAt('a Kubernetes pod of user namespaces, unmasked')), null)
  })

  test('Ubuntu: the AppArmor profile, with the paths of this installation', () => {
    const get = afterRefusal('Ubuntu 24.04')
    assert.match(get, /`apparmor_parser -r \/etc\/apparmor\.d\/glovebox`/)
    assert.match(
      get,
      /^profile glovebox-cell \/opt\/glovebox\/dist\/native\/\{x64,arm64\}\/cell flags=\(unconfined\) \{ userns, \}$/m,
    )
    assert.match(get, /^profile glovebox-bwrap \/usr\/bin\/bwrap flags=\(unconfined\) \{ userns, \}$/m)
    // AppArmor lets the namespace be made, and refuses what is done in it
    const mount = 'cell: stage: private: 13: Permission denied\n'
    assert.match(launchFailure(mount, factsAt('Ubuntu 24.04'), bubblewrap).get, /profile glovebox-cell/)
    const bwrap = 'bwrap: setting up uid map: Permission denied\n'
    assert.match(launchFailure(bwrap, factsAt('Ubuntu 24.04'), bubblewrap).get, /profile glovebox-bwrap/)
  })

  test('what a network is missing is said, with what gets it', () => {
    const get = (line: string, machine: MachineName = 'Ubuntu 24.04') =>
      launchFailure(`cell: network: ${line}\n`, factsAt(machine), bubblewrap).get
    assert.match(get('nftables: 95: Operation not supported'), /modprobe -a nf_tables /)
    assert.match(get('reject rule: 2: No such file or directory'), /nft_reject_inet/)
    assert.match(get('rtnetlink: 97: Address family not supported by protocol'), /RestrictAddressFamilies=/)
    assert.match(get('IPv6 route: 13: Permission denied', 'Docker, with the flags'), /docker run|ipv6/)
    // AppArmor lets the namespace be made, and refuses what is done in it
    assert.match(get('loopback up: 1: Operation not permitted'), /profile glovebox-cell/)
  })

  test('what bubblewrap says of other things is no refusal of namespaces', () => {
    const said = (message: string) =>
      launchFailure(`bwrap: ${message}\n`, factsAt('Docker, with the flags'), bubblewrap).get
    assert.match(said("Can't set hostname to glovebox: Operation not permitted"), /docker run/)
    assert.match(said('pivot_root: Operation not permitted'), /docker run/)
    assert.doesNotMatch(said("Can't find source path /srv/x: Permission denied"), /docker run/)
  })

  test('a GitHub runner: a step before', () => {
    assert.match(
      afterRefusal('a GitHub runner'),
      /`sudo sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0`/,
    )
  })

  test('a unit of systemd that forbids namespaces is named', () => {
    assert.match(
      afterRefusal('Debian 12, a service with RestrictNamespaces='),
      /`systemctl edit thumbs@1\.service`.*`RestrictNamespaces=no`/,
    )
  })

  test('Lambda and Fargate: nothing can be set, and where it can run', () => {
    assert.match(afterRefusal('AWS Lambda'), /virtual machine.*EC2/)
    assert.match(afterRefusal('AWS Fargate'), /ECS or EKS with EC2 instances/)
  })

  test('kernels that are none', () => {
    assert.match(refusal('gVisor').what, /gVisor's kernel, not Linux/)
    assert.match(refusal('WSL 1').get, /`wsl --set-version DISTRIBUTION 2`/)
  })

  test('settings of the kernel', () => {
    assert.match(
      refusal('a kernel that allows ordinary users no user namespaces').get,
      /`sysctl kernel\.unprivileged_userns_clone=1`/,
    )
  })

  test('Alpine installs by its own command', () => {
    assert.match(refusal('Alpine').get, /`apk add bubblewrap`/)
  })

  test('macOS and Windows: what to use instead', () => {
    assert.match(refusal('macOS').get, /limactl start/)
    assert.match(refusal('Windows').get, /`wsl --install`/)
    for (const name of ['macOS', 'Windows'] as const) assert.match(refusal(name).what, /needs Linux/)
  })

  test('an error that nothing explains names no cause', () => {
    assert.match(afterRefusal('Debian 12, a user who is logged in'), /no file of this host says by what/)
  })
})

describe('how a user gets control groups', () => {
  test('where a manager of this user’s own runs: the line that starts it in a delegated scope', () => {
    assert.match(
      memoryAdvice('Debian 12, a user who is logged in'),
      /^Start it by `systemd-run --user --scope -p Delegate=yes -- glovebox run …`/,
    )
  })

  test('in a service: its own unit', () => {
    assert.match(
      memoryAdvice('Debian 12, a service with User='),
      /`systemctl edit thumbs\.service`.*`Delegate=yes`/,
    )
  })

  test('in containers: of the container, or for it', () => {
    assert.match(memoryAdvice('Docker, with the flags'), /`--security-opt writable-cgroups=true`/)
    assert.match(memoryAdvice('a Kubernetes pod'), /`resources: \{limits: \{memory: 1Gi\}\}`/)
    assert.match(memoryAdvice('Podman without root'), /--systemd=always/)
  })

  test('WSL 2 without systemd', () => {
    assert.match(memoryAdvice('WSL 2, without systemd'), /`systemd=true`/)
  })

  test('every advice names the waiver too', () => {
    const linux = (Object.keys(MACHINES) as MachineName[]).filter(
      (name) => factsAt(name).platform === 'linux',
    )
    for (const name of linux) assert.match(memoryAdvice(name), /`--waive limits\.memory`/, name)
    assert.equal(memoryAdvice('macOS'), '', 'no limits of Linux elsewhere')
  })
})

describe('doctor says where it is', () => {
  const hostLine = (name: MachineName) => {
    const [first] = findings(factsAt(name), parse({ version: 1 }), null, [])
    assert.equal(first?.name, 'host')
    return first?.what ?? ''
  }

  test('and what of it bears on a sandbox', () => {
    assert.equal(
      hostLine('Docker, no flags'),
      'Inside a Docker container: Linux 6.1 on x64, uid 0, cgroup v1, a system call filter from outside, parts of /proc covered.',
    )
    assert.match(hostLine('Ubuntu 24.04'), /user namespaces restricted by AppArmor/)
    assert.match(hostLine('AWS Lambda'), /^In AWS Lambda: .*a read-only root/)
    assert.equal(hostLine('macOS'), 'This is darwin, not Linux.')
  })

  test('root of a container, uncovered /proc: the host’s own settings are within reach', () => {
    const note = (name: MachineName) =>
      findings(factsAt(name), parse({ version: 1 }), null, []).find((found) => found.name === 'container')
    assert.match(note('Docker, with the flags')?.get ?? '', /`--user 1000`/)
    for (const name of ['Docker, no flags', 'Podman without root', 'Ubuntu 24.04'] as const)
      assert.equal(note(name), undefined, name)
    assert.equal(note('a Kubernetes pod of user namespaces, unmasked'), undefined)
  })

  for (const name of Object.keys(MACHINES) as MachineName[])
    test(`${name}: everything missing has a way to get it`, () => {
      for (const finding of findings(factsAt(name), parse({ version: 1 }), null, []))
        if (finding.status === 'missing') assert.notEqual(finding.get, '', finding.name)
    })
})
