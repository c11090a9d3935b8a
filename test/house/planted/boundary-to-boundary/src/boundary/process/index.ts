export const jail = 1
