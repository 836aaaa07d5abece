import { createRouter, type RouteLocation, type Router, type RouterHistory } from 'vue-router'
import ChatPage from './pages/ChatPage.vue'
import { useAccount } from './stores/account'
import { useHomes } from './stores/homes'

declare module 'vue-router' {
  interface RouteMeta {
    /** For who is not logged in, and for nobody else. */
    forStrangers?: boolean
    /** The key of the page's title; a chat brings its own. */
    title?: string
    /** Shows what is on the PC, so a browser that has no PC is led to pairing. */
    needsHome?: boolean
    /** The first page has its words at once. */
    needsWords?: false
    /** A page that is its own frame. */
    isBare?: boolean
  }
}

/** @param words gets what the pages say that are not the first */
export function makeRouter(
  history: RouterHistory,
  words: () => Promise<void> = () => Promise.resolve(),
): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/', name: 'home', component: ChatPage, meta: { needsHome: true, needsWords: false } },
      { path: '/chat/:id', name: 'chat', component: ChatPage, meta: { needsHome: true, needsWords: false } },
      {
        path: '/settings',
        name: 'settings',
        component: () => import('./pages/SettingsPage.vue'),
        meta: { title: 'title.settings' },
      },
      {
        path: '/devices',
        name: 'devices',
        component: () => import('./pages/DevicesPage.vue'),
        meta: { needsHome: true, title: 'title.devices' },
      },
      {
        path: '/verify',
        name: 'verify',
        component: () => import('./pages/VerifyPage.vue'),
        meta: { needsHome: true, title: 'title.verify' },
      },
      {
        path: '/network',
        name: 'network',
        component: () => import('./pages/NetworkPage.vue'),
        meta: { title: 'title.network' },
      },
      {
        path: '/login',
        name: 'login',
        component: () => import('./pages/LoginPage.vue'),
        meta: { forStrangers: true, title: 'title.login' },
      },
      {
        path: '/register',
        name: 'register',
        component: () => import('./pages/RegisterPage.vue'),
        meta: { forStrangers: true, title: 'title.register' },
      },
      {
        path: '/pair',
        name: 'pair',
        component: () => import('./pages/PairPage.vue'),
        meta: { isBare: true, title: 'title.pair' },
      },
      { path: '/:rest(.*)*', redirect: { name: 'home' } },
    ],
  })
  router.beforeEach(async (to) => {
    const account = useAccount()
    await account.restore()
    if (to.meta.forStrangers === true) return account.isIn ? { name: 'home' } : true
    if (!account.isIn) {
      // The path alone: what stands behind it may be a secret.
      const wanted = to.name === 'home' ? {} : { query: { next: to.path } }
      return { name: 'login', ...wanted }
    }
    return (await isHomeless(to)) ? { name: 'pair' } : true
  })
  router.beforeResolve(async (to) => {
    if (to.meta.needsWords !== false) await words()
  })
  return router
}

async function isHomeless(to: RouteLocation): Promise<boolean> {
  if (to.meta.needsHome !== true) return false
  const homes = useHomes()
  await homes.load()
  return homes.state === 'unpaired' || homes.state === 'unkept'
}
