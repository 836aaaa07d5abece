import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { createWebHistory } from 'vue-router'
import App from './App.vue'
import { moreWords } from './composables/later'
import { catchFragments } from './fragment'
import { createTranslations, firstMessagesOf, restOf, spoken } from './i18n'
import { makeRouter } from './router'
import { realServices } from './services'
import { useHomeLogIn } from './stores/homeLogIn'
import { useInvitation } from './stores/invitation'
import { provideServices } from './stores/services'
import { useSettings } from './stores/settings'
import './styles/tokens.css'
import './styles/base.css'

provideServices(realServices)
const pinia = createPinia()
catchFragments(window, realServices.tab, {
  invitation: (...found) => {
    useInvitation(pinia).keep(...found)
  },
  logIn: (assertion) => {
    useHomeLogIn(pinia).keep(assertion)
  },
})
const app = createApp(App).use(pinia)
const language = useSettings().language ?? spoken(navigator.languages)
const translations = createTranslations(language, await firstMessagesOf(language))
const words = restOf(language, (messages) => {
  translations.global.mergeLocaleMessage(language, messages)
})
app.provide(moreWords, words)
app.use(translations).use(makeRouter(createWebHistory(), words)).mount('#app')
