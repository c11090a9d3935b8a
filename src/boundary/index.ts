export type {
  Boundary,
  CollectedEntry,
  Command,
  CommandEnd,
  InputFile,
  Question,
  RunningSandbox,
  SandboxEnd,
  SandboxSource,
} from './boundary.js'
export { boundaryNamed } from './registry.js'
