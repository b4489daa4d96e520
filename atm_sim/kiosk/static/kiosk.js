// Draws what the kiosk says and tells it what was pressed. All state and all words are the server's.
"use strict";

const at = (id) => document.getElementById(id);
const PAD = [
  ["1", "2", "3", "cancel"],
  ["4", "5", "6", "clear"],
  ["7", "8", "9", "confirm"],
  ["man", "0", "sen", ""],
];
const KEYBOARD = { Enter: "confirm", Escape: "cancel", Backspace: "clear", Delete: "clear" };
let view = null;
let line = null;
let sounds = null;

// ---------------------------------------------------------------- the line

function connect() {
  line = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/line`);
  line.onmessage = (event) => draw(JSON.parse(event.data));
  line.onclose = (event) => {
    document.body.dataset.line = "down";
    if (event.code === 4004) location.assign("/");
    else if (event.code === 4001) trouble("elsewhere");
    else {
      trouble("lost");
      setTimeout(connect, 1000);
    }
  };
}

function say(what, value = "") {
  if (line && line.readyState === WebSocket.OPEN) line.send(JSON.stringify({ do: what, value }));
}

function trouble(label) {
  at("trouble").hidden = false;
  at("trouble").textContent = view ? view.labels[label] : "";
}

// ---------------------------------------------------------------- drawing

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Gives a place new children only when they would differ, so that focus and open details stay. */
function fill(place, data, children) {
  const key = JSON.stringify(data);
  if (place.dataset.key === key) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  place.dataset.key = key;
  place.replaceChildren(...children());
  if (focused) {
    const again = [...place.querySelectorAll("[data-id]")].find((each) => each.dataset.id === focused);
    if (again) again.focus();
  }
}

function pressable(text, id, what, attributes = {}) {
  const button = make("button", text, { type: "button", "data-id": id, ...attributes });
  button.onclick = () => {
    beep(700);
    say(what, id);
  };
  return button;
}

/** A part that does nothing now keeps its place for the keyboard: a disabled button would lose the focus. */
function dead(button, isDead) {
  button.setAttribute("aria-disabled", String(isDead));
}

function draw(told) {
  const before = view;
  view = told;
  document.body.dataset.line = "up";
  document.documentElement.lang = view.lang;
  document.title = view.labels.title;
  at("trouble").hidden = true;
  for (const each of document.querySelectorAll("[data-label]"))
    if (view.labels[each.dataset.label]) each.textContent = view.labels[each.dataset.label];
  for (const each of document.querySelectorAll("[data-aria]")) each.setAttribute("aria-label", view.labels[each.dataset.aria]);
  at("language").lang = view.lang === "en" ? "ja" : "en";
  drawScreen(view.screen);
  drawMachine();
  drawGlass(view.glass);
  drawLesson(view.lesson);
  cues(before, view);
}

function drawScreen(screen) {
  document.body.dataset.screen = screen.id;
  fill(at("said"), [screen.title, screen.lines, screen.hint], () => [
    make("h2", screen.title, { id: "title" }),
    ...screen.lines.map((text) => make("p", text, { class: "line" })),
    ...(screen.hint ? [make("p", screen.hint, { class: "hint" })] : []),
  ]);
  const entry = at("entry");
  entry.hidden = !screen.entry;
  if (screen.entry) {
    fill(entry, screen.entry, () => [
      make("span", screen.entry.shown, { "aria-hidden": "true" }),
      make("span", screen.entry.said, { class: "unseen" }),
    ]);
  }
  at("warning").textContent = screen.warning;
  at("warning").hidden = !screen.warning;
  fill(at("choices"), screen.choices, () => screen.choices.map((each) => pressable(each.label, each.id, "choose")));
  const half = 4;
  sideKeys(at("left"), screen.choices.slice(0, half));
  sideKeys(at("right"), screen.choices.slice(half));
}

function sideKeys(place, choices) {
  fill(place, choices, () =>
    [0, 1, 2, 3].map((row) => {
      const choice = choices[row];
      const key = make("button", "", { type: "button", tabindex: "-1" });
      key.classList.toggle("live", !!choice);
      if (choice) {
        key.onclick = () => {
          beep(700);
          say("choose", choice.id);
        };
      }
      return key;
    }),
  );
}

function drawMachine() {
  fill(at("pad"), view.labels, () =>
    PAD.flat().map((key) => {
      if (!key) return make("span");
      const face = view.labels[`key.${key}`] || key;
      return pressable(face, key, "key", { class: `key key-${key}` });
    }),
  );
  const slot = at("slot");
  slot.dataset.state = view.card.state;
  slot.querySelector(".label").textContent = view.card.label;
  dead(slot, view.card.state === "none");
  const tray = at("tray");
  tray.dataset.open = view.tray.open;
  dead(tray, !view.tray.open);
  tray.querySelector(".label").textContent = view.tray.label;
  fill(tray.querySelector(".notes"), view.tray.notes, () =>
    view.tray.notes.flatMap(([note, count]) =>
      Array.from({ length: Math.min(count, 5) }, () => make("i", `¥${note.toLocaleString("en")}`, { class: `note note-${note}` })),
    ),
  );
  const printer = at("printer");
  dead(printer, !view.receipt.length);
  printer.querySelector(".label").textContent = view.receipt_label;
  at("receipt").hidden = !view.receipt.length;
  at("receipt").setAttribute("aria-label", view.labels.printer);
  fill(at("receipt"), view.receipt, () => view.receipt.map((text) => make("p", text)));
  fill(at("wallet"), [view.wallet, view.busy], () =>
    view.wallet.map((card) => {
      const button = pressable("", card.id, "insert", { class: "bankcard" });
      dead(button, view.busy);
      button.classList.toggle("inserted", card.in);
      button.append(
        make("span", "", { class: "chip", "aria-hidden": "true" }),
        make("b", card.name),
        make("span", card.number, { class: "number" }),
        make("span", `PIN ${card.pin}`, { class: "pin" }),
      );
      return button;
    }),
  );
  at("reader").textContent = view.reader;
  if (at("papers"))
    fill(at("papers"), view.papers, () =>
      view.papers.map((person) => {
        const paper = make("section", "", { class: "paper" });
        paper.append(make("h3", person.name), rows(person.lines));
        return paper;
      }),
    );
  fill(at("faults"), view.faults, () =>
    view.faults.map((fault) => pressable(fault.label, fault.id, "fault", { "aria-pressed": String(fault.on) })),
  );
}

function rows(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) list.append(make("dt", name), make("dd", value));
  return list;
}

function orNone(children) {
  return children.length ? children : [make("p", view.labels["glass.none"], { class: "none" })];
}

function drawGlass(glass) {
  fill(at("glass-session"), glass.session, () => [rows(glass.session)]);
  fill(at("glass-decisions"), [glass.decisions, view.lang], () =>
    orNone(
      glass.decisions.map((each) => {
        const box = make("div", "", { class: each.approved ? "decision yes" : "decision no" });
        box.append(make("b", each.title), ...[each.rule, each.passed].filter(Boolean).map((text) => make("p", text)));
        return box;
      }).reverse(),
    ),
  );
  fill(at("glass-ledger"), [glass.ledger, view.lang], () =>
    orNone(
      glass.ledger.map((each) => {
        const box = make("div", "", { class: "posting" });
        box.append(make("b", each.title), rows(each.legs));
        return box;
      }).reverse(),
    ),
  );
  const messages = at("glass-messages");
  fill(messages, [glass.messages, view.lang], () => {
    const open = new Set([...messages.querySelectorAll("details[open]")].map((each) => each.dataset.id));
    return orNone(
      glass.messages.map((each) => {
        const box = make("details", "", { "data-id": String(each.id) });
        const head = make("summary");
        head.append(make("b", each.title), make("span", ` ${each.way}`));
        box.open = open.has(String(each.id));
        box.append(head, rows(each.elements.map(([de, name, words]) => [`${de} ${name}`, words])));
        return box;
      }).reverse(),
    );
  });
  fill(at("glass-apdus"), [glass.apdus, view.lang], () => orNone(glass.apdus.map((text) => make("p", text, { class: "apdu" })).reverse()));
  fill(at("glass-cassettes"), glass.cassettes, () => [rows(glass.cassettes)]);
}

// ---------------------------------------------------------------- lessons

function drawLesson(lesson) {
  const place = at("lesson");
  place.hidden = !lesson;
  if (!lesson) return;
  fill(place, lesson, () => {
    const parts = [make("h2", lesson.title, { id: "lesson-name" }), make("p", lesson.text)];
    for (const text of lesson.told) parts.push(make("p", text, { class: "told" }));
    if (lesson.questions.length) {
      const form = make("form");
      form.append(make("p", lesson.ask));
      for (const question of lesson.questions) {
        const label = make("label", question.label);
        const choose = question.answers.length
          ? make("select", "", { name: question.id, required: "" })
          : make("input", "", { name: question.id, inputmode: "numeric", required: "", maxlength: "20", autocomplete: "off" });
        if (question.answers.length) choose.append(make("option", lesson.choose, { value: "", selected: "" })); // nothing is predicted for anybody
        for (const [value, words] of question.answers) choose.append(make("option", words, { value }));
        label.append(choose);
        form.append(label);
      }
      form.append(make("button", lesson.send));
      form.onsubmit = (event) => {
        event.preventDefault();
        say("predict", JSON.stringify(Object.fromEntries(new FormData(form))));
      };
      parts.push(form);
    }
    if (lesson.next) parts.push(pressable(lesson.next, "next", "next"));
    return parts;
  });
}

// ---------------------------------------------------------------- sounds

function beep(hertz, seconds = 0.06) {
  if (!sounds) return;
  const tone = sounds.createOscillator();
  const volume = sounds.createGain();
  tone.frequency.value = hertz;
  volume.gain.value = 0.05;
  tone.connect(volume).connect(sounds.destination);
  tone.start();
  tone.stop(sounds.currentTime + seconds);
}

function cues(before, now) {
  if (!before) return;
  if (now.card.state === "out" && before.card.state !== "out") beep(1200, 0.5);
  if (now.tray.open && !before.tray.open) beep(900, 0.5);
  if (now.screen.id === "counting" && before.screen.id !== "counting") beep(180, 1.2);
}

// ---------------------------------------------------------------- keys

at("slot").onclick = () => say("pull");
at("tray").onclick = () => say("take_cash");
at("printer").onclick = () => say("take_receipt");
at("language").onclick = () => say("language", view.lang === "en" ? "ja" : "en");
at("sound").onclick = () => {
  sounds = sounds ? null : new AudioContext();
  at("sound").setAttribute("aria-pressed", String(!!sounds));
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const onControl = event.target.closest('button:not([aria-disabled="true"]), a, summary');
  if (event.key === "Enter" && onControl) return;
  const key = /^[0-9]$/.test(event.key) ? event.key : KEYBOARD[event.key] || { m: "man", k: "sen" }[event.key];
  if (!key) return;
  event.preventDefault();
  beep(700);
  say("key", key);
});
connect();

/** A token's code is good for a minute: while somebody looks, it is asked for again. */
setInterval(() => {
  if (document.querySelector(".papers[open]")) say("look");
}, 5_000);
