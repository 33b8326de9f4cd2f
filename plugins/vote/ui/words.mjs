// Texts of vote's console tabs.
import { messages } from '@atrium/shell';

export const t = messages({
    zh: {
        ballots: '票数', voters: '参与人数', leading: '当前领先', none: '暂无', live: '实时更新', polling: '每 5 秒更新',
        connecting: '正在连接', result: '各选项得票', option: '选项', votes: '得票', share: '占比', trend_hour: '每小时票数',
        trend_day: '每日票数', clients: '来源', client: '客户端', h5: 'H5', mini: '小程序', pc: '电脑', api: '接口', draft: '投票尚未发布',
        draftHint: '发布后，这里会实时显示得票结果。', tie: '并列',
        link: '公众链接', copy: '复制链接', copied: '链接已复制', copyFailed: '无法复制，请选中链接后手动复制', open: '打开页面', qr: '二维码',
        qrOf: '「{name}」的二维码', png: '下载 PNG', svg: '下载 SVG', qrHint: '扫码即可参与投票。PNG 适合转发，SVG 适合印刷。',
        notPublished: '投票发布之前，公众打开链接看不到内容。', closed: '投票已结束，公众仍可通过链接查看。', chart: '{title} 的得票柱状图', trendChart: '{title} 的票数走势图',
    },
    en: {
        ballots: 'Ballots', voters: 'Voters', leading: 'Leading', none: 'None', live: 'Live', polling: 'Every 5 s',
        connecting: 'Connecting', result: 'Votes by option', option: 'Option', votes: 'Votes', share: 'Share', trend_hour: 'Ballots per hour',
        trend_day: 'Ballots per day', clients: 'By client', client: 'Client', h5: 'H5', mini: 'Mini-program', pc: 'PC', api: 'API', draft: 'Not published yet',
        draftHint: 'Results appear here live once the poll is published.', tie: 'Tie',
        link: 'Public link', copy: 'Copy link', copied: 'Link copied', copyFailed: 'Could not copy; select the link and copy it', open: 'Open the page', qr: 'QR code',
        qrOf: 'QR code of “{name}”', png: 'Download PNG', svg: 'Download SVG', qrHint: 'Scan to vote. PNG to send on, SVG to print.',
        notPublished: 'The public sees nothing at this link until the poll is published.', closed: 'The poll has ended; the link still shows it.', chart: '{title}: bar chart of votes', trendChart: '{title}: ballots over time',
    },
});
