export type {
  Boundary,
  CollectedEntry,
  Command,
  CommandEnd,
  InputFile,
  KernelSurface,
  NetworkEnd,
  Observed,
  OwnFiles,
  Question,
  RefusedDatagrams,
  RunningSandbox,
  SandboxEnd,
  SandboxSource,
  TerminalSize,
} from './boundary.js'
export { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, nativePrograms } from './process/index.js'
export { boundaryNamed } from './registry.js'
