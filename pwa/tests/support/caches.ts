/** The part of Cache storage that the service worker uses, in memory. */
export class TestCaches {
  private readonly opened = new Map<string, TestCache>()

  open(name: string): Promise<TestCache> {
    const cache = this.opened.get(name) ?? new TestCache()
    this.opened.set(name, cache)
    return Promise.resolve(cache)
  }

  asCacheStorage(): CacheStorage {
    return this as unknown as CacheStorage
  }
}

class TestCache {
  private readonly kept = new Map<string, Response>()

  match(path: string): Promise<Response | undefined> {
    return Promise.resolve(this.kept.get(urlOf(path))?.clone())
  }

  put(path: string, response: Response): Promise<void> {
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
