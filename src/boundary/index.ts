export { MalformedFrame } from './agent/wire.js'
export type {
  Boundary,
  CollectedEntry,
  Command,
  CommandEnd,
  Emptied,
  InputFile,
  KernelSurface,
  NetworkEnd,
  Observed,
  OwnFiles,
  Question,
  RefusedDatagrams,
  Reusable,
  RunningSandbox,
  SandboxEnd,
  SandboxSource,
  TerminalSize,
  UsedUntilNow,
} from './boundary.js'
export { nativePrograms } from './cell/native.js'
export { placeMode } from './cell/request.js'
export { hasOwnKernel, isOfEngine } from './kinds.js'
export { type BoundaryProgram, knownEscapesAnswer } from './known-escapes.js'
export { erofsLack, kernelLack, kvmFailureLack, machineLack, qemuLack, tunLack } from './machine-lacks.js'
export { boundaryPrograms } from './programs.js'
export { BOUNDARY_NAMES, boundaryNamed } from './registry.js'
export { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from './root/shown.js'
export { engineLack, engineRunscLack, type Lack, runcLack, runscLack } from './runtime-lacks.js'
