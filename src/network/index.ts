export { type AddressVerdict, type CheckedAddress, classifyAddress } from './addresses.js'
export { type Attempt, AttemptLog } from './attempts.js'
export { Budget, openAll } from './budget.js'
export { ClientHelloReader, type Hello, type HelloState, judgeHello } from './client-hello.js'
export { answerQuery, type DnsAnswer, type Zone } from './dns.js'
export { held } from './held.js'
export { hint, type Tried } from './hints.js'
export {
  judgeRequest,
  type OutgoingRequest,
  type RequestDenial,
  type RequestVerdict,
} from './http.js'
export type { RequestHead, Scheme } from './http-head.js'
export { canonicalPath, pathMatches } from './http-path.js'
export { type Http2Verdict, judgeHttp2, judgeTrailers, type OutgoingHead } from './http2.js'
export { pathPatternCovers, pathPatternsOverlap, pathThatFits } from './path-cover.js'
export { type Inspected, networkPlan, RESOLVER } from './plan.js'
export { networkRequirements } from './requirements.js'
export { allowsName, type PortProtocol, type RulesVerdict, rulesFor, type Target } from './rules.js'
export { MAX_NAMES, SyntheticAddresses } from './synthetic.js'
export { inspects, TRUST, trustEnv, trustFiles } from './trust.js'
export { type Denial, VERDICT_MEANINGS, VERDICTS, type Verdict } from './verdicts.js'
export { type NetworkWarning, networkWarnings } from './warnings.js'
