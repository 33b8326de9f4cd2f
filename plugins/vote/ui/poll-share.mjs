// The tab "link and QR code" of a poll.
import { h, onMounted, ref, shallowRef } from 'vue';
import { Message, api, copyText, toast } from '@atrium/shell';
import { t } from './words.mjs';

export const styles = ['vote.css'];

export default {
    name: 'VotePollShare',
    props: { id: { type: String, required: true }, row: { type: Object, required: true } },
    emits: ['changed'],
    setup(props) {
        const share = shallowRef(null);
        const failed = shallowRef(null);
        const busy = ref(false);
        const path = `/api/vote/poll/${props.id}`;

        async function load() {
            failed.value = null;
            busy.value = true;
            try {
                share.value = await api.get(`${path}/share`);
            } catch (e) {
                failed.value = e;
            } finally {
                busy.value = false;
            }
        }
        onMounted(load);

        async function copy() {
            if (await copyText(share.value.url)) toast.ok(t('copied'));
            else toast.error(t('copyFailed'));
        }
        async function save(kind) {
            try {
                await api.download(`${path}/qr.${kind}`, `${props.row.name}.${kind}`);
            } catch (e) {
                toast.problem(e);
            }
        }
        const button = (text, test, onClick) => h('button', { type: 'button', class: 'vote-button', 'data-test': test, onClick }, text);

        return () => {
            if (failed.value) return h('div', { class: 'vote-panel' }, h(Message, { error: failed.value, retry: load }));
            if (!share.value) return h('p', { class: 'vote-note', 'aria-busy': busy.value }, '…');
            const note = { draft: t('notPublished'), closed: t('closed') }[props.row.state];
            return h('section', { class: 'vote-panel vote-body' }, h('div', { class: 'vote-share' }, [
                h('figure', { class: 'vote-qr' },
                    h('img', { src: api.url(share.value.qr), alt: t('qrOf', { name: props.row.title }), 'data-test': 'share-qr' })),
                h('div', [
                    note && h('p', { class: 'vote-row vote-note' }, note),
                    h('p', { class: 'vote-label' }, t('link')),
                    h('div', { class: 'vote-address' }, [
                        h('code', { 'data-test': 'share-url' }, share.value.url),
                        button(t('copy'), 'share-copy', copy),
                        h('a', { class: 'vote-button', href: share.value.url, target: '_blank', rel: 'noopener' }, t('open')),
                    ]),
                    h('p', { class: 'vote-label' }, t('qr')),
                    h('div', { class: 'vote-row' }, [
                        button(t('png'), 'share-png', () => save('png')),
                        button(t('svg'), 'share-svg', () => save('svg')),
                    ]),
                    h('p', { class: 'vote-note' }, t('qrHint')),
                ]),
            ]));
        };
    },
};
