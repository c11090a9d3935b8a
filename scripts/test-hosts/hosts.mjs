/** The machines of `npm run test:hosts`: what the kernel is told, and what each shows. What is checked in each: inside/hosts.mjs. */
export const HOSTS = [
  {
    name: 'debian',
    kernel: '',
    shows:
      'cgroup v2 with systemd, Landlock, AppArmor: limits in each kind of session and unit, walls, refusals',
  },
  {
    name: 'selinux',
    kernel: 'security=selinux',
    shows: 'SELinux with Debian’s policy, enforcing: the domain for jobs',
  },
  {
    name: 'userns-restricted',
    kernel: '',
    shows:
      'user namespaces closed by two sysctls, and made worthless by AppArmor as on Ubuntu: refused, and why',
  },
  {
    name: 'no-landlock',
    kernel: 'lsm=lockdown,yama,integrity,apparmor,bpf',
    shows: 'a kernel without Landlock: what is no longer promised, and that the rest holds',
  },
  {
    name: 'plain-user',
    kernel: '',
    shows: 'a user without a systemd manager: no cgroup, memory refused, with what gets one',
  },
  {
    name: 'cgroup-hybrid',
    kernel: 'systemd.unified_cgroup_hierarchy=0',
    shows: 'cgroup v1 with an empty v2 beside it: limits for root, refused for a user',
  },
  {
    name: 'cgroup-v1',
    kernel: 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1',
    shows: 'cgroup v1 alone: the same',
  },
  {
    name: 'containers',
    kernel: '',
    shows: 'Debian’s runc and Docker on cgroup v2 under AppArmor: verify of both boundaries',
  },
]
