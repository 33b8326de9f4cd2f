// The tab "live results" of a poll. Counts come by SSE; while that stream is down
// (a proxy, a server that is full) the statistics are asked for every few seconds.
//
//   GET /api/vote/poll/<id>/stats
//   {total, voters, options: [{id, count}], series: {unit: "hour" | "day",
//    points: [{at, count}]}, clients: [{client, count}]}
import { computed, h, onBeforeUnmount, ref, shallowRef, watch } from 'vue';
import { Chart, Message, api, format, problemText, subscribe } from '@atrium/shell';
import { t } from './words.mjs';

export const styles = ['vote.css'];

const POLL_MS = 5000;         // without the stream
const TREND_MS = 15_000;      // the stream tells counts, not the trend
const SOON_MS = 2000;         // between two countings while ballots come and counting is cheap
const CHEAP = 10_000;

const UNIT_MS = { hour: 3_600_000, day: 86_400_000 };
const MAX_POINTS = 1000;

const LEAD = 24;              // slots without a ballot shown before the first one

// The server leaves out hours without a ballot; a chart must not. From the poll's start
// (when the first ballot was not long after) to now or the poll's end. Slots lie where the
// server's do: a whole number of steps from the first one.
export function filled({ unit, points }, starts, until) {
    if (!points.length) return [];
    const step = UNIT_MS[unit];
    const first = Date.parse(points[0].at);
    const lead = Math.ceil((first - starts) / step);
    const count = new Map(points.map((p) => [Date.parse(p.at), Number(p.count)]));
    const last = Math.max(Date.parse(points.at(-1).at), until);
    const from = lead > 0 && lead <= LEAD ? first - lead * step : first;
    // A poll that ran for years shows its ballots, not every day between.
    if ((last - from) / step > MAX_POINTS) return [...count];
    const out = [];
    for (let at = from; at <= last; at += step) out.push([at, count.get(at) ?? 0]);
    return out;
}

function fileUrl(v) {
    return v && typeof v === 'object' && v.url ? api.url(v.url) : '';
}

export default {
    name: 'VotePollResults',
    props: { id: { type: String, required: true }, row: { type: Object, required: true } },
    emits: ['changed'],
    setup(props, { emit }) {
        const counts = ref({});
        const total = ref(Number(props.row.ballots ?? 0));
        const voters = ref(props.row.voters ?? null);
        const stats = shallowRef(null);
        const failed = shallowRef(null);
        const link = ref('connecting');
        let stop = null;
        let timer = 0;
        let soon = 0;
        let loadedAt = 0;

        // A message without counts tells the state alone.
        function take(data) {
            if (!data.counts) return;
            counts.value = data.counts;
            total.value = data.total ?? 0;
            voters.value = data.voters ?? null;
        }
        async function load() {
            loadedAt = Date.now();
            try {
                const s = await api.get(`/api/vote/poll/${props.id}/stats`);
                stats.value = s;
                failed.value = null;
                // The stream is fresher than an answer that was under way.
                if (link.value !== 'open')
                    take({ ...s, counts: Object.fromEntries(s.options.map((o) => [o.id, o.count])) });
            } catch (e) {
                failed.value = e;
                return;
            } finally {
                soon = 0;
            }
            agree();
        }
        // Cards, trend, clients and the page's own facts say one number. The page
        // reads itself again no oftener than it likes.
        function agree() {
            if (stop && total.value !== props.row.ballots) emit('changed');
            if (stop && !soon && link.value === 'open' && total.value < CHEAP && total.value !== stats.value?.total)
                soon = setTimeout(load, Math.max(0, loadedAt + SOON_MS - Date.now()));
        }
        function follow() {
            clearInterval(timer);
            timer = setInterval(load, link.value === 'open' ? TREND_MS : POLL_MS);
        }

        function begin() {
            load();
            let last = null;
            stop = subscribe(
                `/api/vote/public/poll/${props.id}/live`,
                {
                    results(data) {
                        take(data);
                        agree();
                        // It closed by itself or by another hand: the page shows the new state.
                        if (last && last !== data.state && data.state === 'ended') emit('changed');
                        last = data.state;
                    },
                },
                (s) => (link.value = s),
            );
            follow();
        }
        // Also when it is published while this tab is open.
        watch(() => props.row.state !== 'draft', (on) => on && !stop && begin(), { immediate: true });
        watch(link, () => stop && follow());
        onBeforeUnmount(() => {
            stop?.();
            stop = null;
            clearInterval(timer);
            clearTimeout(soon);
        });

        const options = computed(() =>
            (props.row.options ?? []).map((o) => ({ ...o, n: Number(counts.value[o.id] ?? 0) })),
        );
        // Of all choices: with several per ballot there are more of them than ballots.
        const votes = computed(() => options.value.reduce((n, o) => n + o.n, 0));
        const series = computed(() => stats.value?.series ?? { unit: 'hour', points: [] });
        const points = computed(() => filled(
            series.value, Date.parse(props.row.starts_at),
            // Closed by hand: nothing comes after the last ballot.
            props.row.state === 'published' ? Math.min(loadedAt, Date.parse(props.row.ends_at)) : 0,
        ));
        const leading = computed(() => {
            const most = Math.max(0, ...options.value.map((o) => o.n));
            const first = options.value.filter((o) => o.n === most);
            return most === 0 ? t('none') : first.length > 1 ? t('tie') : first[0].title;
        });

        const bars = computed(() => ({
            grid: { left: 8, right: 48, top: 8, bottom: 8, containLabel: true },
            tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
            xAxis: { type: 'value', minInterval: 1 },
            yAxis: {
                type: 'category', inverse: true, data: options.value.map((o) => o.title),
                axisLabel: { width: 140, overflow: 'truncate' },
            },
            series: [{
                type: 'bar', name: t('votes'), barMaxWidth: 22, data: options.value.map((o) => o.n),
                itemStyle: { borderRadius: [0, 3, 3, 0] }, label: { show: true, position: 'right' },
            }],
        }));
        // The tenant's hours and days, said in the person's own time.
        const slot = (at) => {
            const text = format.datetime(new Date(at).toISOString());
            return series.value.unit === 'day' ? text.slice(5, 10) : text.slice(5);
        };
        const trend = computed(() => ({
            grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true },
            tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
            xAxis: { type: 'category', data: points.value.map(([at]) => slot(at)) },
            yAxis: { type: 'value', minInterval: 1 },
            series: [{
                type: 'bar', name: t('ballots'), barMaxWidth: 28, itemStyle: { borderRadius: [2, 2, 0, 0] },
                data: points.value.map(([, n]) => n),
            }],
        }));

        const card = (label, value, small) =>
            h('div', { class: 'vote-panel vote-card' }, [h('dt', label), h('dd', { class: { 'vote-small': small } }, value)]);
        const panel = (title, body, aside) =>
            h('section', { class: 'vote-panel' }, [
                h('h2', [h('span', title), aside]),
                h('div', { class: 'vote-body' }, body),
            ]);

        const pulse = () => {
            const on = link.value === 'open';
            const text = on ? t('live') : link.value === 'waiting' ? t('polling') : t('connecting');
            return h('span', { class: ['vote-live', { on }], 'data-test': 'results-live', role: 'status' }, [h('i'), text]);
        };

        const table = () =>
            h('table', { class: 'vote-table' }, [
                h('thead', h('tr', [
                    h('th', { scope: 'col' }, t('option')), h('th', { scope: 'col', class: 'vote-num', colspan: 2 }, t('share')),
                    h('th', { scope: 'col', class: 'vote-num' }, t('votes')),
                ])),
                h('tbody', options.value.map((o) =>
                    h('tr', { key: o.id, 'data-test': `results-option-${o.id}` }, [
                        h('td', h('span', { class: 'vote-option' }, [
                            fileUrl(o.picture) && h('img', { src: fileUrl(o.picture), alt: '' }), o.title,
                        ])),
                        h('td', { class: 'vote-meter' }, h('svg', { 'aria-hidden': 'true', preserveAspectRatio: 'none', viewBox: '0 0 100 6' },
                            h('rect', { width: votes.value ? (100 * o.n) / votes.value : 0, height: 6 }))),
                        h('td', { class: 'vote-num' }, format.share(o.n, votes.value)),
                        h('td', { class: 'vote-num', 'data-test': `results-count-${o.id}` }, format.number(o.n)),
                    ]),
                )),
            ]);
        const clients = () => {
            const list = stats.value?.clients ?? [];
            const all = list.reduce((n, c) => n + Number(c.count), 0);
            return h('table', { class: 'vote-table', 'data-test': 'results-clients' }, [
                h('thead', h('tr', [
                    h('th', { scope: 'col' }, t('client')), h('th', { scope: 'col', class: 'vote-num' }, t('share')),
                    h('th', { scope: 'col', class: 'vote-num' }, t('ballots')),
                ])),
                h('tbody', list.map((c) => h('tr', { key: c.client }, [
                    h('td', t(c.client)), h('td', { class: 'vote-num' }, format.share(Number(c.count), all)),
                    h('td', { class: 'vote-num' }, format.number(c.count)),
                ]))),
            ]);
        };

        return () => {
            if (props.row.state === 'draft')
                return h('div', { class: 'vote-panel' }, h(Message, { icon: 'vote', title: t('draft'), hint: t('draftHint') }));
            if (failed.value && !stats.value && link.value !== 'open')
                return h('div', { class: 'vote-panel' }, h(Message, { error: failed.value, retry: load }));
            return h('div', { class: 'vote-stack' }, [
                h('dl', { class: 'vote-cards' }, [
                    card(t('ballots'), h('span', { 'data-test': 'results-total' }, format.number(total.value))),
                    voters.value !== null && card(t('voters'), format.number(voters.value)),
                    card(t('leading'), leading.value, true),
                ]),
                h('div', { class: 'vote-two' }, [
                    panel(t('result'), h(Chart, {
                        option: bars.value, height: Math.max(180, options.value.length * 38 + 40), label: t('chart', { title: props.row.title }),
                    }), props.row.state === 'published' ? pulse() : null),
                    panel(t('option'), table()),
                ]),
                points.value.length
                    ? h('div', { class: 'vote-two' }, [
                        panel(t(series.value.unit === 'day' ? 'trend_day' : 'trend_hour'), h(Chart, {
                            option: trend.value, height: 220, label: t('trendChart', { title: props.row.title }),
                        })),
                        panel(t('clients'), clients()),
                    ])
                    : null,
                failed.value && h('p', { class: 'vote-error' }, problemText(failed.value)),
            ]);
        };
    },
};
