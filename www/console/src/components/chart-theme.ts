/* An ECharts theme out of the design tokens as they are now (light or dark). */
export function chartTheme(): Record<string, any> {
    const css = getComputedStyle(document.documentElement)
    const v = (name: string) => css.getPropertyValue(name).trim()
    const axis = {
        axisLine: { lineStyle: { color: v('--line') } },
        axisTick: { show: false },
        axisLabel: { color: v('--text-2'), fontSize: 12 },
        splitLine: { lineStyle: { color: v('--line') } },
    }
    return {
        color: [1, 2, 3, 4, 5, 6].map((n) => v('--chart-' + n)),
        backgroundColor: 'transparent',
        animation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
        animationDurationUpdate: 300,
        textStyle: { fontFamily: v('--font'), color: v('--text') },
        /* Labels beside a bar or point lie on the surface, not on the series' colour. */
        bar: { label: { color: v('--text'), textBorderWidth: 0 } },
        line: { label: { color: v('--text'), textBorderWidth: 0 } },
        categoryAxis: axis,
        valueAxis: { ...axis, axisLine: { show: false } },
        timeAxis: axis,
        legend: { textStyle: { color: v('--text-2') } },
        tooltip: {
            backgroundColor: v('--surface'),
            borderColor: v('--line'),
            textStyle: { color: v('--text'), fontSize: 12 },
            axisPointer: { lineStyle: { color: v('--line-strong') }, crossStyle: { color: v('--line-strong') } },
        },
    }
}
