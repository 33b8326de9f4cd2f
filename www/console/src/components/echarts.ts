/* The parts of ECharts that the console and plugins' charts use; a chunk of its own. */
import { BarChart, LineChart, PieChart } from 'echarts/charts'
import {
    AriaComponent, DataZoomComponent, DatasetComponent, GridComponent, LegendComponent, MarkLineComponent,
    TitleComponent, TooltipComponent,
} from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([
    BarChart, LineChart, PieChart, AriaComponent, DataZoomComponent, DatasetComponent, GridComponent,
    LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent, CanvasRenderer,
])

export { init }
