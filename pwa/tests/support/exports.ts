/** Files as ChatGPT and Open WebUI write them, made by hand after their structure. */

export interface Node {
  parent: string | null
  role?: string
  text?: string
  at?: number | null
  content?: object
  model?: string
  metadata?: object
  recipient?: string
}

/** A conversation of ChatGPT from `[id, node]`; a node without a role has no message. */
export function conversation(nodes: Readonly<Record<string, Node>>, current: string, more: object = {}): object {
  const mapping = Object.fromEntries(
    Object.entries(nodes).map(([id, node]) => [
      id,
      { id, message: node.role === undefined ? null : message(id, node), parent: node.parent, children: [] },
    ]),
  )
  return {
    title: 'Bread',
    create_time: 1700000000.25,
    update_time: 1700000100,
    mapping,
    current_node: current,
    conversation_id: 'c0ffee00-0000-4000-8000-000000000001',
    id: 'c0ffee00-0000-4000-8000-000000000001',
    ...more,
  }
}

function message(id: string, { role, text, at = null, content, model, metadata, recipient = 'all' }: Node): object {
  return {
    id,
    author: { role, name: null, metadata: {} },
    create_time: at,
    update_time: null,
    content: content ?? { content_type: 'text', parts: [text ?? ''] },
    status: 'finished_successfully',
    weight: 1,
    metadata: { ...(model === undefined ? {} : { model_slug: model }), ...metadata },
    recipient,
  }
}

/** An edited question, a question asked again, a tool, and instructions that are not shown. */
export const baking = conversation(
  {
    root: { parent: null },
    system: { parent: 'root', role: 'system', metadata: { is_visually_hidden_from_conversation: true } },
    custom: {
      parent: 'system',
      role: 'user',
      content: { content_type: 'user_editable_context', user_profile: 'I bake.' },
      metadata: { is_user_system_message: true },
    },
    question: { parent: 'custom', role: 'user', text: 'How?', at: 1700000010 },
    again: { parent: 'question', role: 'assistant', text: 'With yeast.', at: 1700000030, model: 'gpt-4o' },
    first: { parent: 'question', role: 'assistant', text: 'With salt.', at: 1700000020, model: 'gpt-4' },
    other: { parent: 'custom', role: 'user', text: 'How not?', at: 1700000040 },
    thanks: { parent: 'first', role: 'user', text: 'And the weather?', at: 1700000050 },
    call: {
      parent: 'thanks',
      role: 'assistant',
      recipient: 'browser',
      content: { content_type: 'code', language: 'unknown', text: 'search("weather")' },
    },
    result: { parent: 'call', role: 'tool', content: { content_type: 'tether_quote', text: 'Sun.' } },
    weather: { parent: 'result', role: 'assistant', text: 'Sunny.', at: 1700000060, model: 'gpt-4' },
  },
  'weather',
)

export const openWebui = [
  {
    id: '11111111-1111-4111-8111-111111111111',
    user_id: '22222222-2222-4222-8222-222222222222',
    title: 'Bread',
    chat: {
      id: '',
      title: 'Bread',
      models: ['llama3', 'qwen3'],
      history: {
        messages: {
          q1: { id: 'q1', parentId: null, childrenIds: ['a1', 'a2'], role: 'user', content: 'How?', timestamp: 1700000010 },
          a1: {
            ...{ id: 'a1', parentId: 'q1', childrenIds: ['q2'], role: 'assistant', model: 'llama3' },
            ...{ content: 'With salt.', timestamp: 1700000020, done: true },
          },
          a2: {
            ...{ id: 'a2', parentId: 'q1', childrenIds: [], role: 'assistant', model: 'qwen3', timestamp: 1700000021 },
            content:
              '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n> Hm.\n</details>\nWith yeast.',
          },
          q2: {
            ...{ id: 'q2', parentId: 'a1', childrenIds: ['a3'], role: 'user', content: 'And this?' },
            ...{ files: [{ type: 'image', url: 'data:' }, { type: 'file', name: 'rye.pdf' }], timestamp: 1700000030 },
          },
          a3: { id: 'a3', parentId: 'q2', childrenIds: [], role: 'assistant', content: 'Rye.', model: 'llama3', timestamp: 1700000040 },
        },
        currentId: 'a3',
      },
      messages: [],
      timestamp: 1700000000000,
    },
    created_at: 1700000000,
    updated_at: 1700000100,
    archived: false,
    folder_id: null,
  },
]
