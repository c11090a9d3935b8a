export { type ImageProgram, missingPrograms, SandboxWork } from './work.js'
