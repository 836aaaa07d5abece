/** A tree of messages by several speakers, as other programs keep it, into turns with answers. */
import { ImportError } from './model'
import type { SourceAnswer, SourceTurn } from './source'

export interface SourceNode {
  readonly id: string
  readonly parent: string | null
  /** `neither` is passed over: what follows it follows what it follows. */
  readonly by: 'person' | 'model' | 'neither'
  readonly text: string
  readonly atMs: number | null
  readonly model: string
}

/** Stands for what a person said where a model spoke first. */
const silence = '…'

/**
 * Turns, parents first; the branch that ends in `current` comes last. What models said one after the
 * other is one answer; where that forks, each branch is an answer with all that led to it.
 *
 * @throws {ImportError} `too_large`, where forks would repeat far more text than there is.
 */
export function turnsFromNodes(nodes: readonly SourceNode[], current: string | null): SourceTurn[] {
  return new Walk(nodes, current).turns()
}

interface OpenTurn extends SourceTurn {
  answers: SourceAnswer[]
}

interface Step {
  readonly node: SourceNode
  readonly turn: OpenTurn | null
  readonly answer: SourceAnswer | null
}

class Walk {
  private readonly byId = new Map<string, SourceNode>()
  private readonly children = new Map<string | null, SourceNode[]>()
  private readonly seen = new Set<string>()
  private readonly found: OpenTurn[] = []
  private charsLeft = 1_000_000

  constructor(nodes: readonly SourceNode[], current: string | null) {
    for (const node of nodes) {
      this.charsLeft += 4 * node.text.length
      if (!this.byId.has(node.id)) this.byId.set(node.id, node)
    }
    const shown = this.above(current)
    for (const node of this.byId.values()) {
      const parent = node.parent !== null && this.byId.has(node.parent) ? node.parent : null
      const siblings = this.children.get(parent)
      if (siblings) siblings.push(node)
      else this.children.set(parent, [node])
    }
    const place = (node: SourceNode) => (shown.has(node.id) ? Infinity : (node.atMs ?? -1))
    for (const siblings of this.children.values()) {
      siblings.sort((one, other) => place(one) - place(other))
    }
  }

  turns(): SourceTurn[] {
    for (const root of this.children.get(null) ?? []) this.from(root)
    // What follows itself in a ring hangs on no root: it begins with the first of the ring.
    for (const node of this.byId.values()) if (!this.seen.has(node.id)) this.from(node)
    return this.found
  }

  /** All that follows `first`, without recursion: a chat may be far longer than a stack is deep. */
  private from(first: SourceNode): void {
    const steps: Step[] = [{ node: first, turn: null, answer: null }]
    for (let step = steps.pop(); step; step = steps.pop()) {
      for (const next of this.visit(step).reverse()) steps.push(next)
    }
  }

  /** The node `id` and all that it follows. */
  private above(id: string | null): Set<string> {
    const ids = new Set<string>()
    for (let at = id; at !== null && !ids.has(at); at = this.byId.get(at)?.parent ?? null) ids.add(at)
    return ids
  }

  private visit({ node, turn, answer }: Step): Step[] {
    this.seen.add(node.id)
    const next = (this.children.get(node.id) ?? []).filter((child) => !this.seen.has(child.id))
    if (node.by === 'person') {
      const asked = this.ask(node.id, node.text, node.atMs, turn)
      return next.map((child) => ({ node: child, turn: asked, answer: null }))
    }
    const speaks = node.by === 'model' && node.text !== ''
    const said = speaks ? joined(answer, node) : answer
    const asked = turn ?? (said && this.ask(`before ${node.id}`, silence, node.atMs, null))
    if (asked && said && next.every((child) => child.by === 'person')) this.give(asked, said)
    return next.map((child) => ({ node: child, turn: asked, answer: said }))
  }

  private ask(id: string, text: string, atMs: number | null, after: SourceTurn | null): OpenTurn {
    const turn: OpenTurn = { id, parent: after?.id ?? null, atMs, text, answers: [] }
    this.found.push(turn)
    return turn
  }

  private give(turn: OpenTurn, answer: SourceAnswer): void {
    this.charsLeft -= answer.text.length
    if (this.charsLeft < 0) throw new ImportError('too_large')
    turn.answers.push(answer)
  }
}

function joined(before: SourceAnswer | null, { id, text, atMs, model }: SourceNode): SourceAnswer {
  if (!before) return { id, atMs, model, text }
  return {
    id,
    atMs: before.atMs ?? atMs,
    model: model || before.model,
    text: `${before.text}\n\n${text}`,
  }
}
