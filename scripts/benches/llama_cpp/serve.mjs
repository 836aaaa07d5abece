// llama.cpp for a bench: {"ids": [...], "tokens": n} a line in, {"first": s, "last": s} a line out:
// seconds from feeding `ids` to an empty cache to the first and to the n-th token, drawn greedily.
import { createInterface } from 'node:readline'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'

const [modelPath, threads, contextSize, device] = process.argv.slice(2)
const llama = await getLlama({
  build: 'never',
  gpu: device === 'cuda' ? 'cuda' : false,
  maxThreads: Number(threads),
  logLevel: LlamaLogLevel.error,
})
const model = await llama.loadModel({ modelPath })
const context = await model.createContext({
  contextSize: Number(contextSize),
  batchSize: 512,
  threads: Number(threads),
})
const sequence = context.getSequence()
console.log(JSON.stringify({ ready: true }))

for await (const line of createInterface({ input: process.stdin })) {
  const { ids, tokens } = JSON.parse(line)
  await sequence.clearHistory()
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let first = 0
  let left = tokens
  // Without the end token too, an answer would end where the model likes.
  for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    first ||= seconds()
    if (--left === 0) break
  }
  const last = seconds()
  if (left > 0) throw new Error(`llama.cpp stopped ${left} tokens early.`)
  console.log(JSON.stringify({ first, last }))
}
await llama.dispose()
