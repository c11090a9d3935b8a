export const lease = 1
