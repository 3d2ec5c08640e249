// @ts-check
// Line charts over rounds, drawn by uPlot. In a template:
//   {{ chart|json_script:"leak" }}<figure class="chart" data-chart="leak"><figcaption>…</figcaption></figure>
// with chart = {"x": [0, 1, 2], "x_label": "round", "y_label": "seconds per minute",
//               "series": [{"label": "target", "values": [9.1, 6.0, null]},
//                          {"label": "refused", "values": [null, 9.8, null], "points_only": true, "dashed": true, "colour": 0}]}
// "colour" is the number of the series whose colour this one shares; points without a line are hollow.
(() => {
  /**
   * @typedef {{ label: string, values: (number | null)[], points_only?: boolean, dashed?: boolean, colour?: number }} Series
   * @typedef {{ x: number[], x_label: string, y_label: string, series: Series[] }} Chart
   */

  const { uPlot } = /** @type {any} */ (window); // uPlot's own script comes before this one
  /** @type {Map<HTMLElement, any>} */
  const drawn = new Map();
  /** @param {string} name */
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** @param {HTMLElement} figure */
  function draw(figure) {
    const source = document.getElementById(figure.dataset.chart ?? "");
    if (!source) return;
    /** @type {Chart} */
    const chart = JSON.parse(source.textContent ?? "");
    drawn.get(figure)?.destroy();
    if (!chart.x.length) return;
    const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    /** @param {unknown} _plot  @param {number | null | undefined} value */
    const number = (_plot, value) => (value === null || value === undefined ? "–" : String(Math.round(value * 100) / 100));
    /** @param {unknown} _plot  @param {number} low  @param {number} high */
    const wide = (_plot, low, high) => [low - 0.03 * (high - low || 1), high + 0.03 * (high - low || 1)];
    const dots = chart.x.length <= 50; // more of them are a line
    const colour = (/** @type {number} */ n) => css(`--series-${(n % 4) + 1}`);
    const whole = chart.x.every(Number.isInteger);
    const plot = new uPlot(
      {
        width: figure.clientWidth,
        height: 260,
        scales: { x: { time: false, range: wide } },
        series: [
          { label: chart.x_label, value: number },
          ...chart.series.map((series, n) => ({
            label: series.label,
            stroke: colour(series.colour ?? n),
            width: 2,
            dash: series.dashed ? [6, 4] : undefined,
            paths: series.points_only ? () => null : undefined,
            points: series.points_only
              ? { show: true, size: 10, width: 2, fill: css("--surface") }
              : { show: dots, size: 8, fill: colour(series.colour ?? n) },
            spanGaps: true,
            value: number,
          })),
        ],
        axes: [
          { ...axis, label: chart.x_label, incrs: whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] : undefined, space: 60 },
          { ...axis, label: chart.y_label, size: 60 },
        ],
      },
      [chart.x, ...chart.series.map((series) => series.values)],
      figure,
    );
    drawn.set(figure, plot);
  }

  function drawAll() {
    for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
    /** @type {NodeListOf<HTMLElement>} */
    const figures = document.querySelectorAll("[data-chart]");
    figures.forEach(draw);
  }

  let pause = 0; // a timer
  window.addEventListener("resize", () => {
    clearTimeout(pause);
    pause = setTimeout(drawAll, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  document.addEventListener("DOMContentLoaded", drawAll);
})();
