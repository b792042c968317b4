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

  // Each layer is drawn as the sum of itself and those below it. A layer without a value is not drawn.
  function stack(columns) {
    const [x, ...layers] = columns;
    const sums = [];
    layers.forEach((layer, at) => sums.push(layer.map((value, i) => value + (at ? sums[at - 1][i] : 0))));
    return [x, ...layers.map((layer, at) => layer.map((value, i) => (value ? sums[at][i] : null)))];
  }

  const hideZeros = (values) => values.map((value) => value || null);

  // A point is drawn where no line is: between two hours without a value.
  const findSingles = (values) =>
    values.flatMap((value, at) => (value !== null && (values[at - 1] ?? values[at + 1] ?? null) === null ? [at] : []));

  const fewSteps = (chart) => chart.columns[0].length < 40;

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
        points: {
          show: chart.kind === "lines",
          filter: () => (fewSteps(chart) ? null : findSingles(chart.columns[at + 1])),
          fill: stroke,
          size: 6,
        },
        value: (_, __, ___, i) => (i === null ? "-" : words(chart, chart.columns[at + 1][i])),
      };
      if (chart.kind !== "lines") {
        series.fill = stroke;
      }
      if (chart.kind === "bars") {
        series.paths = uPlot.paths.bars({ size: [0.8, 60] });
      } else if (chart.kind === "stack") {
        // A step is as wide as its hour, the newest one too.
        series.paths = uPlot.paths.bars({ size: [1, Infinity], align: 1 });
        // A border between layers, unless it would cover narrow steps.
        series.stroke = fewSteps(chart) ? color("--body-bg") : stroke;
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

  // Hours with the day below the first one of each day, or days: as the rest of the admin writes them.
  function timeAxis(chart) {
    const [first, second] = chart.columns[0];
    return {
      range: (_, least, most) => [least, most + second - first],
      values: (_, places, __, ___, step) =>
        places.map((place, at) => {
          const [day, hour] = [iso(place).slice(5, 10), iso(place).slice(11, 16)];
          if (step >= 86400) {
            return day;
          }
          return at === 0 || iso(places[at - 1]).slice(5, 10) !== day ? `${hour}\n${day}` : hour;
        }),
    };
  }

  const iso = (at) => new Date(at * 1000).toISOString();

  function makeOptions(chart, width) {
    const text = color("--body-fg");
    const line = { stroke: color("--hairline-color"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: text, grid: line, ticks: line, font, labelFont: font, labelSize: 24, labelGap: 4 };
    const [across, up] = [{ ...axis, label: chart.x_title }, { ...axis, label: chart.y_title }];
    const isNamed = chart.ticks.length > 0;
    const time = isNamed ? null : timeAxis(chart);
    return {
      width,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: {
        x: isNamed ? { time: false, range: [-0.6, chart.ticks.length - 0.4] } : { time: true, range: time.range },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
      },
      axes: [
        isNamed
          ? { ...across, grid: { show: false }, ...tickAxis(chart, width) }
          : { ...across, values: time.values },
        { ...up, ...(chart.unit === "s" ? {} : { incrs: WHOLE }), size: 60, values: (_, values) => values.map((value) => words(chart, value)) },
      ],
      cursor: { drag: { x: false, y: false } },
      legend: { live: true, markers: { dash: (_, at) => (chart.kind === "lines" ? BORDERS[at - 1] : "solid") } },
      // The legend is text. The drawing says nothing to a screen reader.
      hooks: { ready: [(plot) => plot.root.querySelector(".u-wrap").setAttribute("aria-hidden", "true")] },
      series: [
        isNamed
          ? { label: chart.x_title, value: (_, place) => chart.ticks[place] ?? "-" }
          : { label: chart.x_title, value: (_, at) => (at ? iso(at).slice(0, 16).replace("T", " ") : "-") },
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
    const [x, ...layers] = chart.columns;
    let columns = chart.kind === "bars" ? [x, ...layers.map(hideZeros)] : chart.columns;
    if (chart.kind === "stack") {
      [options, columns] = order(options, stack(chart.columns));
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
