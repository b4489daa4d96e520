"use strict";
// Plays the day of #replay-data on #replay-map: one letter a frame and site, 0 to z for 0 to 35.
(() => {
  const day = JSON.parse(document.getElementById("replay-data").textContent);
  const canvas = document.getElementById("replay-map"), pen = canvas.getContext("2d");
  const slider = document.getElementById("replay-at"), play = document.getElementById("replay-play");
  const queues = day.sites.map((site) => [...site.queue].map((letter) => parseInt(letter, 36)));
  const stocks = day.sites.map((site) => [...site.stock].map((letter) => parseInt(letter, 36) / 35));
  const placed = day.sites.length > 0 && day.sites.every((site) => site.lat !== null);
  let timer = 0;

  document.querySelector(".player").hidden = false;
  const shown = () => document.querySelector("[name=replay-show]:checked").value;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const two = (number) => String(number).padStart(2, "0");

  function clock(frame) {
    const minutes = day.start_min + frame * day.step_min, days = Math.floor(minutes / 1440), rest = minutes % 1440;
    return (days ? `+${days}d ` : "") + two(Math.floor(rest / 60)) + ":" + two(rest % 60);
  }

  const big = day.sites.length <= 24;

  // Okinawa stands in a box of its own, as on most maps of Japan.
  const ISLANDS = [10.4, 2.8], isIsland = (site) => site.lat < 30 && site.lon < 132;
  const CITIES = [
    ["Sapporo", "札幌", 43.06, 141.35], ["Sendai", "仙台", 38.27, 140.87], ["Tokyo", "東京", 35.69, 139.69],
    ["Nagoya", "名古屋", 35.18, 136.91], ["Osaka", "大阪", 34.69, 135.5], ["Fukuoka", "福岡", 33.59, 130.4],
  ];

  // Where each site is drawn, in shares of the canvas: by latitude and longitude, or in rows by name.
  function layout(page) {
    if (!placed) {
      const columns = Math.max(1, Math.ceil(Math.sqrt(day.sites.length * 2.4)));
      const rows = Math.ceil(day.sites.length / columns);
      const order = day.sites.map((_, index) => index).sort((a, b) => (day.sites[a].name < day.sites[b].name ? -1 : 1));
      const spots = [];
      order.forEach((index, place) => {
        spots[index] = [((place % columns) + 0.5) / columns, (Math.floor(place / columns) + 0.5) / rows];
      });
      return { spots, ratio: Math.min(0.6, Math.max(0.22, rows / columns * 0.8)) };
    }
    const islands = day.sites.some(isIsland) && !day.sites.every(isIsland);
    const lats = day.sites.map((site) => site.lat + (islands && isIsland(site) ? ISLANDS[0] : 0));
    const lons = day.sites.map((site) => site.lon + (islands && isIsland(site) ? ISLANDS[1] : 0));
    const south = Math.min(...lats), north = Math.max(...lats), west = Math.min(...lons), east = Math.max(...lons);
    const squeeze = Math.cos(((south + north) / 2) * Math.PI / 180);
    const wide = Math.max(0.02, (east - west) * squeeze), high = Math.max(0.02, north - south);
    const edge = big ? Math.max(0.05, 48 / page) : 0.05; // names and counts stand around the dots
    const ratio = Math.min(0.72, Math.max(0.4, high / wide)) + 2 * (edge - 0.05), scale = Math.min((1 - 2 * edge) / wide, (ratio - 2 * edge) / high);
    const left = (1 - wide * scale) / 2, top = (ratio - high * scale) / 2;
    const spot = (lat, lon) => [left + (lon - west) * squeeze * scale, (top + (north - lat) * scale) / ratio];
    const spots = lats.map((lat, index) => spot(lat, lons[index]));
    const named = islands ? [...CITIES, ["Okinawa", "沖縄", 36.6, 130.5]] : CITIES;
    const shownCities = high > 3 ? named.map(([en, ja, lat, lon]) => [en, ja, ...spot(lat, lon)]) : [];
    const inset = islands ? [...spot(37.6, 129.4), ...spot(35.5, 132.2)] : null;
    return { spots, ratio, shownCities, inset };
  }

  const bigger = (site) => (big ? 13 : day.sites.length > 400 ? 2.4 : 3.6) * Math.sqrt(Math.min(site.machines, 9));

  const grown = (index, frame) =>
    bigger(day.sites[index]) + (shown() === "queue" ? Math.min(queues[index][frame], 12) * (big ? 1.2 : 0.45) : 0);

  // Sites whose names would lie on each other share one: that of the site with the most machines, and how many more.
  function together(spots, wide, high) {
    const groups = [];
    const order = day.sites.map((_, index) => index).sort((a, b) => day.sites[b].machines - day.sites[a].machines);
    for (const index of order) {
      const [x, y] = spots[index];
      const near = ([first]) => Math.abs(spots[first][0] - x) * wide < 80 && Math.abs(spots[first][1] - y) * high < 56;
      const group = groups.find(near);
      group ? group.push(index) : groups.push([index]);
    }
    return groups;
  }

  // What stands below a name: people waiting at all its sites, or the cash that is left at them.
  function figure(group, frame) {
    if (shown() === "queue") return String(group.reduce((sum, index) => sum + queues[index][frame], 0));
    const known = group.filter((index) => stocks[index].length);
    return known.map((index) => `${Math.round(stocks[index][frame] * 100)} %`).join(" · ");
  }

  function tone(index, frame) {
    if (shown() === "queue") {
      const people = queues[index][frame];
      return people >= 6 ? "--series-4" : people >= 3 ? "--series-5" : people >= 1 ? "--series-3" : "--series-2";
    }
    if (!stocks[index].length) return "--line";
    const share = stocks[index][frame];
    return share <= 0.02 ? "--series-4" : share <= 0.25 ? "--series-5" : share <= 0.5 ? "--series-3" : "--series-2";
  }

  function draw() {
    const frame = Number(slider.value), wide = canvas.clientWidth;
    const { spots, ratio, shownCities = [], inset = null } = layout(wide), high = wide * ratio, sharp = window.devicePixelRatio || 1;
    canvas.style.height = high + "px";
    canvas.width = Math.round(wide * sharp);
    canvas.height = Math.round(high * sharp);
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    const paints = {}, paint = (name) => (paints[name] ??= colour(name));
    const japanese = document.getElementById("lang-ja").checked;
    pen.strokeStyle = paint("--line");
    if (inset) pen.strokeRect(inset[0] * wide, inset[1] * high, (inset[2] - inset[0]) * wide, (inset[3] - inset[1]) * high);
    pen.fillStyle = paint("--ink-soft");
    pen.font = "13px system-ui, sans-serif";
    for (const [en, ja, x, y] of big && wide < 600 ? [] : shownCities) { // sites with names leave a phone no room
      if (x <= 0 || x >= 1 || y <= 0 || y >= 1) continue;
      const name = japanese ? ja : en;
      const room = wide - pen.measureText(name).width - 38 > x * wide; // a narrow page has none beside the last city
      pen.textAlign = room ? "left" : "right";
      pen.fillText(name, x * wide + (room ? 34 : -34), y * high + 30);
    }
    // the crowded ones last, so that nobody hides them
    const order = day.sites.map((_, index) => index).sort((a, b) => queues[a][frame] - queues[b][frame]);
    for (const index of order) {
      const [x, y] = spots[index], radius = grown(index, frame);
      pen.globalAlpha = 0.85;
      pen.fillStyle = paint(tone(index, frame));
      pen.beginPath();
      pen.arc(x * wide, y * high, radius, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    for (const group of big ? together(spots, wide, high) : []) {
      const [x, y] = spots[group[0]], radius = Math.max(...group.map((index) => grown(index, frame)));
      const others = group.length > 1 ? ` +${group.length - 1}` : "";
      pen.fillStyle = paint("--ink");
      pen.font = "600 14px system-ui, sans-serif";
      pen.fillText(day.sites[group[0]].name + others, x * wide, y * high - radius - 8);
      pen.fillStyle = paint("--ink-soft");
      pen.font = "13px system-ui, sans-serif";
      pen.fillText(figure(group, frame), x * wide, y * high + radius + 18);
    }
    document.getElementById("replay-clock").textContent = clock(frame);
    document.getElementById("replay-waiting").textContent = queues.reduce((sum, queue) => sum + queue[frame], 0).toLocaleString("en");
    document.getElementById("replay-low").textContent = stocks.filter((stock) => stock.length && stock[frame] < 0.25).length.toLocaleString("en");
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
  }

  play.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(slider.value) === day.frames - 1) slider.value = 0;
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      draw();
      if (Number(slider.value) === day.frames - 1) stop();
    }, 90);
  });
  slider.addEventListener("input", draw);
  document.querySelectorAll("[name=replay-show]").forEach((each) => each.addEventListener("change", draw));
  document.querySelectorAll("[name=lang]").forEach((each) => each.addEventListener("change", draw));
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // begins at the worst moment, which is what people look for
  const crowds = Array.from({ length: day.frames }, (_, frame) => queues.reduce((sum, queue) => sum + queue[frame], 0));
  slider.value = crowds.indexOf(Math.max(...crowds));
  draw();
})();
