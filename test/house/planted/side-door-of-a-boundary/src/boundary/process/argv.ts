export const argv = 1
