// Draws the charts of the page "Health" from its data, in the colors of the theme. The tables need no script.
"use strict";
(() => {
  const HEIGHT = 280;
  // Lines differ without their colors: in the chart, and as the border of their marks in the legend.
  const DASHES = [[], [10, 5], [2, 4]];
  const BORDERS = ["solid", "dashed", "dotted"];
  // Counts have no fractions.
  const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((each) => each * 10 ** power)).flat();
  const data = JSON.parse(document.getElementById("health-data")?.textContent ?? "{}");
  const drawn = new Map();

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Each layer is drawn as the sum of itself and those below it.
  function stack(columns) {
    const [x, ...layers] = columns;
    const sums = [];
    layers.forEach((layer, at) => sums.push(layer.map((value, i) => value + (at ? sums[at - 1][i] : 0))));
    return [x, ...sums];
  }

  function seconds(value) {
    if (value === null || value === undefined) {
      return "-";
    }
    return value < 1 ? `${Math.round(value * 1000)} ms` : `${Number(value.toPrecision(3))} s`;
  }

  const words = (chart, value) =>
    chart.unit === "s" ? seconds(value) : value === null || value === undefined ? "-" : value.toLocaleString("en-US");

  function makeSeries(chart) {
    return chart.labels.map((label, at) => {
      const stroke = color(`--health-${chart.codes[at]}`);
      const series = {
        label,
        stroke,
        width: chart.kind === "lines" ? 2 : 1,
        dash: chart.kind === "lines" ? DASHES[at] : [],
        points: { show: chart.kind === "lines" && chart.columns[0].length < 40, size: 5 },
        value: (_, __, ___, i) => (i === null ? "-" : words(chart, chart.columns[at + 1][i])),
      };
      if (chart.kind !== "lines") {
        series.fill = stroke;
      }
      if (chart.kind === "bars") {
        series.paths = uPlot.paths.bars({ size: [0.8, 60] });
      } else if (chart.kind === "stack") {
        series.paths = uPlot.paths.stepped({ align: 1 });
        // A border between layers, unless it would cover narrow steps.
        series.stroke = chart.columns[0].length < 40 ? color("--body-bg") : stroke;
      }
      return series;
    });
  }

  // Of many names, only every second or third has room.
  function tickAxis(chart, width) {
    const room = Math.max(1, Math.ceil((chart.ticks.length * 72) / width));
    return {
      splits: () => chart.columns[0].filter((_, at) => at % room === 0),
      values: (_, places) => places.map((place) => chart.ticks[place] ?? ""),
    };
  }

  function makeOptions(chart, width) {
    const text = color("--body-fg");
    const line = { stroke: color("--hairline-color"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: text, grid: line, ticks: line, font, labelFont: font, labelSize: 20 };
    const [across, up] = [{ ...axis, label: chart.x_title }, { ...axis, label: chart.y_title }];
    const isNamed = chart.ticks.length > 0;
    return {
      width,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: {
        x: isNamed ? { time: false, range: [-0.6, chart.ticks.length - 0.4] } : { time: true },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
      },
      axes: [
        isNamed ? { ...across, grid: { show: false }, ...tickAxis(chart, width) } : across,
        { ...up, ...(chart.unit === "s" ? {} : { incrs: WHOLE }), size: 60, values: (_, values) => values.map((value) => words(chart, value)) },
      ],
      cursor: { drag: { x: false, y: false } },
      legend: { live: true, markers: { dash: (_, at) => (chart.kind === "lines" ? BORDERS[at - 1] : "solid") } },
      // The legend is text. The drawing says nothing to a screen reader.
      hooks: { ready: [(plot) => plot.root.querySelector(".u-wrap").setAttribute("aria-hidden", "true")] },
      series: [
        isNamed
          ? { label: chart.x_title, value: (_, place) => chart.ticks[place] ?? "-" }
          : { label: chart.x_title, value: (_, at) => (at ? new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ") : "-") },
        ...makeSeries(chart),
      ],
    };
  }

  // The tallest layer is drawn first, so that those below it lie over it.
  function order(options, columns) {
    const [first, ...series] = options.series;
    const [x, ...layers] = columns;
    return [{ ...options, series: [first, ...series.reverse()] }, [x, ...layers.reverse()]];
  }

  function draw(holder) {
    const chart = data[holder.dataset.chart];
    drawn.get(holder)?.destroy();
    let options = makeOptions(chart, holder.clientWidth);
    let columns = chart.columns;
    if (chart.kind === "stack") {
      [options, columns] = order(options, stack(columns));
    }
    drawn.set(holder, new uPlot(options, columns, holder));
  }

  const holders = [...document.querySelectorAll("[data-chart]")];
  const redraw = () => holders.forEach(draw);
  redraw();
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      if (contentRect.width && Math.abs(contentRect.width - drawn.get(target).width) > 1) {
        draw(target);
      }
    }
  });
  holders.forEach((holder) => resized.observe(holder));
})();
