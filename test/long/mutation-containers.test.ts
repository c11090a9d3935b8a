/** All that a container runtime is told, part by part, and of each part the whole of `verify`. */
process.env.GLOVEBOX_MUTATION = 'whole'
await import('../proof/mutation-containers-suite.js')
