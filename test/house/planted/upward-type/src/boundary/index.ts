export type Boundary = 1
