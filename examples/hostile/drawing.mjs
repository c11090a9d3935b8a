/**
 * Pictures that ask for another file. Each is a few lines of text which ImageMagick takes for a picture, and in it
 * stands the path of a file on the machine that converts it: its pixels come back in the result.
 */

/** An SVG, meant to be uploaded as `avatar.jpg`: ImageMagick goes by the content, where it has an SVG renderer. */
export function svgThatReads(path, { width, height }) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`,
    `     width="${width}" height="${height}">`,
    `  <image width="${width}" height="${height}" xlink:href="${path}"/>`,
    '</svg>',
    '',
  ].join('\n')
}

/** MVG, ImageMagick's own drawing language (https://imagemagick.org/script/magick-vector-graphics.php). */
export function mvgThatReads(path, { width, height }) {
  return [
    'push graphic-context',
    `viewbox 0 0 ${width} ${height}`,
    `image over 0,0 ${width},${height} '${path}'`,
    'pop graphic-context',
    '',
  ].join('\n')
}
