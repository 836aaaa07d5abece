/** The part of Cache storage that the service worker uses, in memory. */
export class TestCaches {
  /** The browser has no room for more. */
  isFull = false
  private readonly opened = new Map<string, TestCache>()

  open(name: string): Promise<TestCache> {
    const cache = this.opened.get(name) ?? new TestCache(() => this.isFull)
    this.opened.set(name, cache)
    return Promise.resolve(cache)
  }

  asCacheStorage(): CacheStorage {
    return this as unknown as CacheStorage
  }
}

class TestCache {
  private readonly kept = new Map<string, Response>()

  constructor(private readonly isFull: () => boolean) {}

  match(path: string): Promise<Response | undefined> {
    return Promise.resolve(this.kept.get(urlOf(path))?.clone())
  }

  put(path: string, response: Response): Promise<void> {
    if (this.isFull()) return Promise.reject(new DOMException('Full.', 'QuotaExceededError'))
    this.kept.set(urlOf(path), response.clone())
    return Promise.resolve()
  }

  delete(request: Request): Promise<boolean> {
    return Promise.resolve(this.kept.delete(request.url))
  }

  keys(): Promise<Request[]> {
    return Promise.resolve([...this.kept.keys()].map((url) => new Request(url)))
  }
}

const urlOf = (path: string) => new URL(path, 'https://hearth.test').href
