import { createRouter, type Router, type RouterHistory } from 'vue-router'
import ChatPage from './pages/ChatPage.vue'
import { useAccount } from './stores/account'

declare module 'vue-router' {
  interface RouteMeta {
    /** For who is not logged in, and for nobody else. */
    forStrangers?: boolean
    /** The key of the page's title; a chat brings its own. */
    title?: string
  }
}

export function makeRouter(history: RouterHistory): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/', name: 'home', component: ChatPage },
      { path: '/chat/:id', name: 'chat', component: ChatPage },
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
        meta: { title: 'devices.title' },
      },
      {
        path: '/verify',
        name: 'verify',
        component: () => import('./pages/VerifyPage.vue'),
        meta: { title: 'verify.title' },
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
      { path: '/:rest(.*)*', redirect: { name: 'home' } },
    ],
  })
  router.beforeEach(async (to) => {
    const account = useAccount()
    await account.restore()
    if (account.isIn === (to.meta.forStrangers !== true)) return true
    if (account.isIn) return { name: 'home' }
    const wanted = to.name === 'home' ? {} : { query: { next: to.fullPath } }
    return { name: 'login', ...wanted }
  })
  return router
}
