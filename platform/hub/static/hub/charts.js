// @ts-check
// Charts of hub/parts/chart.html, drawn by uPlot: <div data-chart="leak"> is drawn from the JSON of id "leak" (hub.pages.charts.chart).
// Points that lead somewhere are links over the drawing: one stop of the Tab key for each chart, arrow keys go from point to point.
(() => {
  /**
   * @typedef {{ label: string, values: (number | null)[], low: (number | null)[], high: (number | null)[], kind: "line" | "points" | "baseline", colour: number, spans: boolean }} Series
   * @typedef {{ x: number[], x_label: string, y_label: string, names: string[], links: string[], missing: string[], ends: [number, number], series: Series[] }} Chart
   */

  const { uPlot } = /** @type {any} */ (window); // uPlot's own script comes before this one
  const HEIGHT = 260;
  const DOTS = 50; // more of them are a line
  const ON_PAPER = { "--muted": "#444444", "--line": "#cccccc", "--surface": "#ffffff", "--series-1": "#1f6f8b", "--series-2": "#c4314b", "--series-3": "#7a6a1f", "--series-4": "#6a4c93", "--series-5": "#2b7a4b", "--series-6": "#a3541a" };
  /** @type {Map<HTMLElement, any>} */
  const drawn = new Map();
  let printing = false;

  /** @param {string} name */
  function css(name) {
    return (printing && /** @type {Record<string, string>} */ (ON_PAPER)[name]) || getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  /** @param {number} n */
  const colour = (n) => css(`--series-${(n % 6) + 1}`);
  /** @param {number | null | undefined} value */
  const written = (value) => (value === null || value === undefined ? "–" : String(Math.round(value * 100) / 100));
  /** @param {Chart} chart  @param {number} n */
  const named = (chart, n) => chart.names[n] || `${chart.x_label} ${written(chart.x[n])}`;

  /** What one point says: "Round 3, in use after the round: 9.47 s per minute, 8.1 to 10.2". @param {Chart} chart  @param {Series} series  @param {number} n */
  function sentence(chart, series, n) {
    const [low, high] = [series.low[n], series.high[n]];
    const interval = low === null || low === undefined ? "" : `, ${written(low)} to ${written(high)}`;
    return `${named(chart, n)}, ${series.label}: ${written(series.values[n])} ${chart.y_label}${interval}`;
  }

  /** Intervals as whiskers, and a cross where a round measured nothing. @param {Chart} chart */
  function whiskers(chart) {
    return (/** @type {any} */ plot) => {
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio || 1;
      ctx.save();
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const series of chart.series) {
        if (series.kind === "baseline") continue;
        ctx.strokeStyle = colour(series.colour);
        ctx.lineWidth = ratio;
        series.values.forEach((value, n) => {
          const [low, high] = [series.low[n], series.high[n]];
          if (value === null || low === null || low === undefined || high === null) return;
          const [x, bottom, top] = [plot.valToPos(chart.x[n], "x", true), plot.valToPos(low, "y", true), plot.valToPos(high, "y", true)];
          ctx.beginPath();
          ctx.moveTo(x, bottom);
          ctx.lineTo(x, top);
          for (const end of [bottom, top]) {
            ctx.moveTo(x - 4 * ratio, end);
            ctx.lineTo(x + 4 * ratio, end);
          }
          ctx.stroke();
        });
      }
      ctx.fillStyle = css("--muted");
      ctx.font = `${13 * ratio}px sans-serif`;
      ctx.textAlign = "center";
      chart.missing.forEach((why, n) => why && ctx.fillText("✕", plot.valToPos(chart.x[n], "x", true), bbox.top + bbox.height - 4 * ratio));
      ctx.restore();
    };
  }

  /** Links over the points, in the order of x. @param {any} plot  @param {Chart} chart  @param {HTMLElement} place */
  function linkPoints(plot, chart, place) {
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Points; arrow keys go from one to the next");
    const said = document.getElementById(`${place.dataset.chart}-said`);
    /** @type {HTMLAnchorElement[]} */
    const points = [];
    chart.x.forEach((x, n) => {
      for (const series of chart.series) {
        const value = series.values[n];
        if (!chart.links[n] || series.kind === "baseline" || value === null) continue;
        const point = document.createElement("a");
        point.className = "chart-point";
        point.href = chart.links[n];
        point.setAttribute("aria-label", sentence(chart, series, n));
        point.tabIndex = points.length ? -1 : 0;
        point.style.left = `${plot.valToPos(x, "x")}px`;
        point.style.top = `${plot.valToPos(value, "y")}px`;
        const tell = (/** @type {string} */ text) => said && (said.textContent = text);
        for (const event of ["focus", "pointerenter"]) point.addEventListener(event, () => tell(sentence(chart, series, n)));
        for (const event of ["blur", "pointerleave"]) point.addEventListener(event, () => tell(""));
        points.push(point);
      }
    });
    group.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const at = points.indexOf(/** @type {HTMLAnchorElement} */ (event.target));
      const next = step === undefined ? undefined : points[at + step];
      if (!next) return;
      event.preventDefault();
      points[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    group.append(...points);
    if (points.length) plot.over.append(group);
  }

  /** @param {HTMLElement} place */
  function draw(place) {
    const source = document.getElementById(place.dataset.chart ?? "");
    if (!source) return;
    /** @type {Chart} */
    const chart = JSON.parse(source.textContent ?? "");
    drawn.get(place)?.destroy();
    place.replaceChildren();
    const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    /** @param {unknown} _plot  @param {number} low  @param {number} high */
    const wide = (_plot, low, high) => [low - 0.04 * (high - low || 1), high + 0.04 * (high - low || 1)];
    const whole = chart.x.every(Number.isInteger);
    const base = chart.names[0] === "Base" ? chart.x[0] : undefined;
    const plot = new uPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false, range: wide }, y: { range: chart.ends } },
        hooks: { draw: [whiskers(chart)], ready: [(/** @type {any} */ plot) => linkPoints(plot, chart, place)] }, // before that, nothing has its place,
        series: [
          {},
          ...chart.series.map((series) => ({
            stroke: colour(series.colour),
            width: series.kind === "baseline" ? 1.5 : 2,
            dash: series.kind === "baseline" ? [[2, 3], [8, 4], [8, 3, 2, 3]][series.colour % 3] : undefined,
            paths: series.kind === "points" ? () => null : undefined,
            points:
              series.kind === "points"
                ? { show: true, size: 10, width: 2, fill: css("--surface") }
                : { show: series.kind === "line" && chart.x.length <= DOTS, size: 8, fill: colour(series.colour) },
            spanGaps: series.spans || series.kind === "baseline",
          })),
        ],
        axes: [
          {
            ...axis,
            label: chart.x_label,
            size: 34,
            labelSize: 22,
            incrs: whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] : undefined,
            space: 48,
            values: (/** @type {unknown} */ _plot, /** @type {number[]} */ ticks) => ticks.map((tick) => (tick === base ? "base" : written(tick))),
          },
          { ...axis, label: chart.y_label, size: 52, labelSize: 22 },
        ],
      },
      [chart.x, ...chart.series.map((series) => series.values)],
      place,
    );
    drawn.set(place, plot);
  }

  /** @param {HTMLElement} place */
  function drawOrSay(place) {
    try {
      draw(place);
    } catch (error) {
      place.textContent = "The chart could not be drawn; its numbers are in the table.";
      console.error(error);
    }
  }

  /** All charts, or only those that came new to the page. @param {boolean} anew */
  function drawAll(anew) {
    for (const place of drawn.keys()) if (!place.isConnected) drawn.delete(place);
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll("[data-chart]");
    for (const place of places) if (anew || !drawn.has(place)) drawOrSay(place);
  }

  /** @type {string[]} tables that were open when a part of the page was replaced */
  let open = [];
  let pause = 0; // a timer
  window.addEventListener("resize", () => {
    clearTimeout(pause);
    pause = setTimeout(() => drawAll(true), 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(true));
  document.addEventListener("htmx:beforeSwap", () => {
    open = [...document.querySelectorAll(".chart-numbers[open]")].map(({ id }) => id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    drawAll(false);
  });
  document.addEventListener("DOMContentLoaded", () => drawAll(true));
  window.addEventListener("beforeprint", () => {
    printing = true;
    drawAll(true);
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    drawAll(true);
  });
})();
