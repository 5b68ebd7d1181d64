// Waiting for something to become true, never for time to pass.

/** Longest wait unless a test says otherwise, in milliseconds. */
const WITHIN_MS = 60_000
/** Pause between two looks, in milliseconds. */
const LOOK_EVERY_MS = 5

/** Resolves when `isTrue` is; rejects with what `describe` says when that takes too long. */
export async function until (what, isTrue, { withinMs = WITHIN_MS, describe = () => '' } = {}) {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await isTrue()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what} ${describe()}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** Like `until`, for what can only become true when `doc` changes: looks then, and at no other time. */
export function untilChanged (doc, what, isTrue, { withinMs = WITHIN_MS } = {}) {
  if (isTrue()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(deadline)
      doc.off('update', look)
      settle(value)
    }
    const look = () => isTrue() && end(resolve)
    const deadline = setTimeout(() => end(reject, new Error(`not within ${withinMs} ms: ${what}`)), withinMs)
    doc.on('update', look)
  })
}
