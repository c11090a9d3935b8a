export type Plan = 1
