// Draws the charts of a run report: reads #chart-data, fills every [data-chart]. Runs in the browser,
// after uPlot and curve-values.js, in one script.
(() => {
  const charts = JSON.parse(document.getElementById('chart-data').textContent);
  const plots = [];

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  /** `#rrggbb` with an opacity. */
  function faint(hex, opacity) {
    return (
      hex +
      Math.round(opacity * 255)
        .toString(16)
        .padStart(2, '0')
    );
  }

  function draw(element) {
    const id = Number(element.dataset.chart);
    const { names, steps, values } = charts[id];
    const readout = document.querySelector(`[data-readout="${id}"]`);
    const series = [{}];
    const columns = [steps];
    names.forEach((name, index) => {
      const stroke = color(`--s${index}`);
      const smooth = smoothed(values[index]);
      const few = values[index].filter((value) => value !== null).length <= 24;
      series.push({
        label: name,
        stroke: smooth ? faint(stroke, 0.35) : stroke,
        width: smooth ? 1 : 2,
        spanGaps: true,
        points: { show: few, size: 5, fill: stroke },
      });
      columns.push(values[index]);
      if (smooth) {
        series.push({ stroke, width: 2, spanGaps: true, points: { show: false } });
        columns.push(smooth);
      }
    });
    const axis = {
      stroke: color('--quiet'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: color('--rule'), width: 1 },
      ticks: { show: false },
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 180,
        padding: [10, 14, 0, 0],
        legend: { show: false },
        scales: { x: { time: false } },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        series,
        axes: [
          { ...axis, size: 24, gap: 4, grid: { show: false }, space: 60, incrs: stepIncrements },
          { ...axis, size: 52, gap: 6, space: 34, values: (_, ticks) => ticks.map(readable) },
        ],
        hooks: {
          setCursor: [
            ({ cursor }) => {
              const { idx } = cursor;
              readout.textContent =
                idx === null || idx === undefined
                  ? ''
                  : [
                      `step ${steps[idx]}`,
                      ...names.map((name, i) => `${name} ${readable(values[i][idx])}`),
                    ].join('  ·  ');
            },
          ],
        },
      },
      columns,
      element,
    );
    element.onkeydown = (event) => {
      const move = cursorMove(event.key, steps.length);
      if (move === undefined) return;
      event.preventDefault();
      const from = plot.cursor.idx ?? (move > 0 ? -1 : steps.length);
      const to = Math.max(0, Math.min(steps.length - 1, from + move));
      plot.setCursor({ left: plot.valToPos(steps[to], 'x'), top: 0 });
    };
    plots.push({ plot, element });
  }

  function drawAll() {
    for (const { plot } of plots.splice(0)) plot.destroy();
    for (const element of document.querySelectorAll('[data-chart]'))
      if (element.clientWidth > 0) draw(element);
  }

  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  // Charts in a closed <details> have no width until it opens.
  for (const details of document.querySelectorAll('details')) details.addEventListener('toggle', drawAll);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return; // only the height changed, as when a phone hides its address bar
    width = innerWidth;
    drawAll();
  });
})();
