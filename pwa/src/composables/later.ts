import { type Component, defineAsyncComponent, inject, type InjectionKey } from 'vue'

/** Downloads what is said by all that is not the first page. */
export const moreWords: InjectionKey<() => Promise<void>> = Symbol('more words')

type Load<Part> = () => Promise<{ default: Part }>

/** For parts of the first page that are downloaded when they are wanted: they come with their words. */
export function useLater(): <Part extends Component>(load: Load<Part>) => Part {
  const words = useMoreWords()
  return (load) =>
    defineAsyncComponent(async () => {
      const [part] = await Promise.all([load(), words()])
      return part.default
    })
}

export function useMoreWords(): () => Promise<void> {
  return inject(moreWords, () => Promise.resolve())
}
