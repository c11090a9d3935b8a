export const late = () => import('../gateway/index.js')
