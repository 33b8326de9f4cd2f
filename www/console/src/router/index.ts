/* Addresses of the console, behind '#': the static files need no rewriting on
 * the server and work below any base. */
import { createRouter, createWebHashHistory } from 'vue-router'
import { useSession } from '../stores/session.ts'
import { fatal } from '../shell/fatal.ts'

const ListPage = () => import('../resource/ListPage.vue')
const FormPage = () => import('../resource/FormPage.vue')
const DetailPage = () => import('../resource/DetailPage.vue')

export const router = createRouter({
    history: createWebHashHistory(),
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
    routes: [
        { path: '/login', name: 'login', component: () => import('../pages/LoginPage.vue') },
        {
            path: '/',
            component: () => import('../shell/AppShell.vue'),
            children: [
                { path: '', name: 'home', component: () => import('../pages/HomePage.vue') },
                { path: 'me', name: 'me', component: () => import('../pages/MePage.vue') },
                { path: 'sessions', name: 'sessions', component: () => import('../pages/SessionsPage.vue') },
                { path: 'security', name: 'security', component: () => import('../pages/SecurityPage.vue') },
                { path: 'plugins', name: 'plugins', component: () => import('../pages/PluginsPage.vue') },
                { path: 'calendar', name: 'calendar', component: () => import('../pages/CalendarPage.vue') },
                { path: 'org', name: 'org', component: () => import('../org/OrgPage.vue') },
                { path: 'seats', name: 'seats', component: () => import('../org/SeatsPage.vue') },
                { path: 'role-menus', name: 'role-menus', component: () => import('../role/RoleMenusPage.vue') },
                { path: 'approvals', name: 'approvals', component: () => import('../pages/ApprovalsPage.vue') },
                { path: 'approvals/:id', name: 'approval', component: () => import('../pages/ApprovalPage.vue') },
                { path: 'r/:plugin/:resource', name: 'list', component: ListPage },
                { path: 'r/:plugin/:resource/new', name: 'create', component: FormPage },
                { path: 'r/:plugin/:resource/import', name: 'import', component: () => import('../pages/ImportPage.vue') },
                { path: 'r/:plugin/:resource/:id', name: 'detail', component: DetailPage },
                { path: 'r/:plugin/:resource/:id/edit', name: 'edit', component: FormPage },
                { path: 'p/:plugin/:page', name: 'page', component: () => import('../pages/PluginPage.vue') },
                { path: ':rest(.*)*', name: 'missing', component: () => import('../pages/NotFoundPage.vue') },
            ],
        },
    ],
})

router.beforeEach(async (to) => {
    if (to.name === 'login') return true
    const session = useSession()
    try {
        if (await session.ensure()) return true
    } catch (e) {
        fatal.value = e as Error
        return false
    }
    return { name: 'login', query: to.fullPath === '/' ? {} : { back: to.fullPath } }
})

/* A chunk that is gone means a newer build was installed: load it. */
router.onError((e, to) => {
    if (/dynamically imported module|Importing a module script failed/i.test(String(e)) &&
        sessionStorage.getItem('atrium.reloaded') !== to.fullPath) {
        sessionStorage.setItem('atrium.reloaded', to.fullPath)
        location.hash = '#' + to.fullPath
        location.reload()
    } else fatal.value = e
})
