/** Whether `text` is spelled as `pattern`, in which each `*` stands for any characters, or none. Pure; linear in both. */
export function matchesStarred(pattern: string, text: string): boolean {
  const parts = pattern.split('*')
  const head = parts[0] ?? ''
  if (parts.length === 1) return text === head
  const tail = parts[parts.length - 1] ?? ''
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
  // greedy from the left: the first place where each literal part fits is as good as any later one
  let at = head.length
  const end = text.length - tail.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
