import { createPinia } from 'pinia'
import { createApp } from 'vue'
import './styles/tokens.css'
import './styles/element.css'
import './styles/base.css'
import App from './App.vue'
import { i18n, lang, setLang } from './i18n/index.ts'
import { setApiHooks } from './lib/api.ts'
import { router } from './router/index.ts'
import { problemText, toast } from './shell/feedback.ts'
import { prove } from './shell/reauth.ts'
import { useSession } from './stores/session.ts'
import { useUi } from './stores/ui.ts'
/* The SDK that plugin pages import is part of the shell from the start, so that
 * both always run the same one. */
import './sdk/index.ts'

const app = createApp(App)
app.use(createPinia())
app.use(i18n)
setLang(lang.value)
useUi()

const session = useSession()
setApiHooks({ language: () => lang.value, unauthorized: () => session.unauthorized(), prove })

app.config.errorHandler = (e) => {
    console.error(e)
    toast.error(problemText(e))
}
app.use(router)
app.mount('#app')
