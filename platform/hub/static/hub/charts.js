// Line charts over rounds, drawn by uPlot. In a template:
//   {{ chart|json_script:"leak" }}<figure class="chart" data-chart="leak"><figcaption>…</figcaption></figure>
// with chart = {"x": [0, 1, 2], "x_label": "round", "y_label": "seconds per minute",
//               "series": [{"label": "target", "values": [9.1, 6.0, null]},
//                          {"label": "refused", "values": [null, 9.8, null], "points_only": true, "dashed": true, "colour": 0}]}
// "colour" is the number of the series whose colour this one shares; points without a line are hollow.
(() => {
  const drawn = new Map();
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw(figure) {
    const source = document.getElementById(figure.dataset.chart);
    if (!source) return;
    const chart = JSON.parse(source.textContent);
    drawn.get(figure)?.plot.destroy();
    if (!chart.x.length) return;
    const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    const number = (value) => (value === null || value === undefined ? "–" : String(Math.round(value * 100) / 100));
    const colour = (n) => css(`--series-${(n % 4) + 1}`);
    const whole = chart.x.every(Number.isInteger);
    const plot = new uPlot(
      {
        width: figure.clientWidth,
        height: 260,
        scales: { x: { time: false, range: (u, low, high) => [low - 0.1 * (high - low || 1), high + 0.1 * (high - low || 1)] } },
        series: [
          { label: chart.x_label, value: (u, v) => number(v) },
          ...chart.series.map((series, n) => ({
            label: series.label,
            stroke: colour(series.colour ?? n),
            width: 2,
            dash: series.dashed ? [6, 4] : undefined,
            paths: series.points_only ? () => null : undefined,
            points: series.points_only
              ? { show: true, size: 10, width: 2, fill: css("--surface") }
              : { show: true, size: 8, fill: colour(series.colour ?? n) },
            spanGaps: true,
            value: (u, v) => number(v),
          })),
        ],
        axes: [
          { ...axis, label: chart.x_label, incrs: whole ? [1, 2, 5, 10, 20, 50, 100] : undefined, space: 60 },
          { ...axis, label: chart.y_label, size: 60 },
        ],
      },
      [chart.x, ...chart.series.map((series) => series.values)],
      figure,
    );
    drawn.set(figure, { plot });
  }

  function drawAll() {
    for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  let pause;
  window.addEventListener("resize", () => {
    clearTimeout(pause);
    pause = setTimeout(drawAll, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  document.addEventListener("DOMContentLoaded", drawAll);
})();
