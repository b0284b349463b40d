"use strict";
// A table of which only the rows in view are in the document, and a large view of one row's pictures.

const find = id => document.getElementById(id);
const make = (tag, properties, parent) => {
  const element = Object.assign(document.createElement(tag), properties);
  if (parent) parent.append(element);
  return element;
};

const {columns, shown, table: tableName} = JSON.parse(find("settings").textContent);
const rows = JSON.parse(find("data").textContent);  // each a list of cells
const pictureLines = find("pictures").textContent.split("\n");  // a line of JSON for each row, parsed when it is drawn
const picturesOf = index => JSON.parse(pictureLines[index]);

const FILE = columns.indexOf("file"), STATUS = columns.indexOf("status"), REASON = columns.indexOf("reason");
const ROW_HEIGHT = 84, LINE_HEIGHT = 18, PADDING = 16, LETTER_WIDTH = 7;  // as in the style sheet; a wide letter
const SPARE_ROWS = 6;  // drawn above and below those in view
const SEPARATORS = /[_#]/g;

const isNumber = value => value !== "" && Number.isFinite(Number(value));
const numeric = columns.map((_, column) =>
  column !== FILE && rows.some(row => isNumber(row[column])) && rows.every(row => row[column] === "" || isNumber(row[column])));
const hasThumbnails = pictureLines.some(line => line.startsWith('{"thumbnails":["'));

let visible = new Set(shown.map(name => columns.indexOf(name)));
let order = rows.map((_, index) => index);  // of the rows that the filters let through
let sortedBy = FILE, ascending = true, onlyStatus = null;
let tops = new Float64Array(1);  // of the rows in this order, and the end of the last one
const drawn = new Map();  // table rows in the document, by index

// ---- Sorting and filtering

const sortKeys = columns.map((_, column) => column === FILE ? Float64Array.from(rows.keys()) : null);

const naturalOrder = text => String(text).toLowerCase().replace(/\d+/g, digits => digits.padStart(15, "0"));

function keysOf(column) {
  // Numbers as they are, texts as their place in natural order; NaN where there is nothing. Rows come sorted by file.
  if (sortKeys[column]) return sortKeys[column];
  const values = rows.map(row => row[column]);
  let keyOf = Number;
  if (!numeric[column]) {
    const texts = [...new Set(values)].map(text => [naturalOrder(text), text]);
    texts.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
    const places = new Map(texts.map(([, text], place) => [text, place]));
    keyOf = text => places.get(text);
  }
  return sortKeys[column] = Float64Array.from(values, value => value === "" ? NaN : keyOf(value));
}

function matching() {
  const words = find("filter").value.toLowerCase();
  const texts = [...columns.keys()].filter(column => !numeric[column]);
  return rows.map((_, index) => index).filter(index =>
    (onlyStatus === null || rows[index][STATUS] === onlyStatus)
    && (!words || texts.some(column => String(rows[index][column]).toLowerCase().includes(words))));
}

function arrange() {
  const keys = keysOf(sortedBy), direction = ascending ? 1 : -1;
  const indices = matching();
  const known = indices.filter(index => !Number.isNaN(keys[index]));
  known.sort((a, b) => direction * (keys[a] - keys[b]) || a - b);
  order = known.concat(indices.filter(index => Number.isNaN(keys[index])));  // what is not known comes last either way
  find("shown").textContent = `${order.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  for (const cell of find("head").children)
    if (cell.dataset.column)
      cell.ariaSort = Number(cell.dataset.column) !== sortedBy ? "none" : ascending ? "ascending" : "descending";
  estimateHeights();
  draw();
}

// ---- The table

function estimateHeights() {
  // Rows are as high as their texts need. Those out of view are not laid out; their height follows from the length.
  const wrapped = [...find("head").children].filter(cell => cell.dataset.column && !numeric[cell.dataset.column])
    .map(cell => [Number(cell.dataset.column), Math.max(1, Math.floor((cell.clientWidth - PADDING) / LETTER_WIDTH))]);
  tops = new Float64Array(order.length + 1);
  order.forEach((index, place) => {
    let lines = 1;
    for (const [column, letters] of wrapped)
      lines = Math.max(lines, Math.ceil(String(rows[index][column]).length / letters));
    tops[place + 1] = tops[place] + Math.max(ROW_HEIGHT, lines * LINE_HEIGHT + PADDING);
  });
}

function placeAt(y) {
  let low = 0, high = Math.max(0, order.length - 1);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= y) low = middle; else high = middle - 1;
  }
  return low;
}

function draw() {
  const scroller = find("scroller"), body = find("rows");
  const first = Math.max(0, placeAt(scroller.scrollTop) - SPARE_ROWS);
  const last = Math.min(order.length, placeAt(scroller.scrollTop + scroller.clientHeight) + 1 + SPARE_ROWS);
  const wanted = new Set(order.slice(first, last));
  for (const [index, row] of drawn)
    if (!wanted.has(index)) { row.remove(); drawn.delete(index); }
  let next = body.firstElementChild;  // rows that stay are not moved, so that they keep the focus
  for (let place = first; place < last; place++) {
    const index = order[place];
    if (!drawn.has(index)) drawn.set(index, tableRow(index));
    const row = drawn.get(index);
    row.ariaRowIndex = place + 2;
    if (row === next) next = next.nextElementSibling; else body.insertBefore(row, next);
  }
  find("above").style.height = `${tops[first]}px`;
  find("below").style.height = `${tops[order.length] - tops[last]}px`;
  find("table").ariaRowCount = order.length + 1;
}

function tableRow(index) {
  const row = make("tr", {onclick: () => { if (!String(getSelection())) view(index); }});
  const open = make("button", {type: "button", className: "open"}, make("td", {}, row));
  open.ariaLabel = `Open ${rows[index][FILE]}`;
  const {thumbnails} = picturesOf(index);
  if (!thumbnails.length) open.textContent = "Open";
  for (const source of thumbnails)
    make("img", {src: source, alt: "", onerror: event => { event.target.style.visibility = "hidden"; }}, open);
  for (const column of shownColumns()) {
    const value = rows[index][column];
    make("td", {textContent: value, className: numeric[column] ? "number" : column === STATUS ? value : ""}, row);
  }
  return row;
}

const shownColumns = () => [...columns.keys()].filter(column => visible.has(column));

function widthOf(column) {
  if (column === FILE) return 200;
  if (column === REASON) return 260;
  return column === STATUS ? 76 : numeric[column] ? 96 : 130;
}

function buildHead() {
  const head = find("head"), widths = find("widths");
  head.replaceChildren();
  widths.replaceChildren();
  let total = hasThumbnails ? 172 : 72;
  make("col", {style: `width: ${total}px`}, widths);
  make("span", {textContent: "pictures"}, make("th", {scope: "col"}, head));
  for (const column of shownColumns()) {
    total += widthOf(column);
    make("col", {style: `width: ${widthOf(column)}px`}, widths);
    const cell = make("th", {scope: "col", className: numeric[column] ? "number" : ""}, head);
    cell.dataset.column = column;
    const button = make("button", {type: "button", textContent: columns[column].replaceAll(SEPARATORS, " ")}, cell);
    button.onclick = () => {
      ascending = sortedBy !== column || !ascending;
      sortedBy = column;
      arrange();
    };
  }
  find("table").style.width = `max(100%, ${total}px)`;
  for (const id of ["above", "below"]) find(id).colSpan = head.children.length;
  for (const row of drawn.values()) row.remove();
  drawn.clear();
}

function buildChoices() {
  for (const column of columns.keys()) {
    if (column === FILE) continue;
    const label = make("label", {}, find("choices"));
    const box = make("input", {type: "checkbox", checked: visible.has(column)}, label);
    label.append(" ", columns[column].replaceAll(SEPARATORS, " "));
    box.onchange = () => {
      if (box.checked) visible.add(column); else visible.delete(column);
      buildHead();
      arrange();
    };
  }
}

function buildCounts() {
  const counts = new Map();
  for (const row of rows) counts.set(row[STATUS], (counts.get(row[STATUS]) || 0) + 1);
  for (const [status, count] of counts) {
    const text = `${count.toLocaleString("en")} ${status}`;
    const button = make("button", {type: "button", textContent: text, ariaPressed: "false"}, find("counts"));
    button.onclick = () => {
      onlyStatus = onlyStatus === status ? null : status;
      for (const other of button.parentNode.children) other.ariaPressed = String(other === button && onlyStatus !== null);
      arrange();
    };
  }
}

function download() {
  const quoted = value => /[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
  const table = [columns, ...order.map(index => rows[index])]
    .map(cells => shownColumns().map(column => quoted(cells[column])).join(",") + "\r\n");
  const address = URL.createObjectURL(new Blob(table, {type: "text/csv"}));
  make("a", {href: address, download: tableName}).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

function focusRow(place) {
  // Bring a row into view and put the focus on its button.
  if (place < 0 || place >= order.length) return;
  const scroller = find("scroller"), room = scroller.clientHeight - find("head").offsetHeight;
  if (tops[place] < scroller.scrollTop) scroller.scrollTop = tops[place];
  else if (tops[place + 1] > scroller.scrollTop + room) scroller.scrollTop = tops[place + 1] - room;
  draw();
  const button = drawn.get(order[place]).querySelector("button");
  button.focus({preventScroll: true});
}

// ---- The large view

let viewed = null;  // index of the row
let layout = "side by side";  // or the label of the picture that the photograph is blended with

function view(index) {
  viewed = index;
  const place = order.indexOf(index), cells = rows[index], {views} = picturesOf(index);
  find("viewer-file").textContent = cells[FILE];
  find("viewer-status").textContent = find("viewer-status").className = cells[STATUS];
  find("viewer-place").textContent = `${(place + 1).toLocaleString("en")} of ${order.length.toLocaleString("en")}`;
  find("viewer-reason").textContent = cells[REASON];
  find("previous").disabled = place <= 0;
  find("next").disabled = place + 1 >= order.length;
  find("panels").replaceChildren(...views.map(([label, source]) => panel(label, source, index)));
  find("values").replaceChildren(...[...columns.keys()]
    .filter(column => ![FILE, STATUS, REASON].includes(column) && cells[column] !== "")
    .map(column => {
      const pair = make("div", {});
      make("dt", {textContent: columns[column].replaceAll(SEPARATORS, " ")}, pair);
      make("dd", {textContent: cells[column]}, pair);
      return pair;
    }));
  buildLayouts(views.map(([label]) => label));
  if (!find("viewer").open) find("viewer").showModal();
  for (const neighbour of [order[place + 1], order[place - 1]])
    if (neighbour !== undefined) for (const [, source] of picturesOf(neighbour).views) new Image().src = source;
}

function panel(label, source, index) {
  const figure = make("figure", {});
  figure.dataset.label = label;
  const image = make("img", {src: source, alt: label}, figure);
  const caption = make("figcaption", {}, figure);
  make("a", {href: source, target: "_blank", rel: "noopener", textContent: label}, caption);
  image.onerror = () => {  // moved, or in a format that browsers don't know
    image.onerror = () => image.remove();
    const thumbnail = label === "photograph" ? picturesOf(index).thumbnails[0] : undefined;
    caption.append(thumbnail ? ": only the thumbnail can be shown" : ": can't be shown here");
    image.src = thumbnail || "";
  };
  return figure;
}

function buildLayouts(labels) {
  const layers = labels.slice(1);
  find("layouts").replaceChildren(...(layers.length ? ["side by side", ...layers] : []).map(choice => {
    const button = make("button", {type: "button", ariaPressed: String(choice === layout)});
    button.textContent = choice === "side by side" ? "Side by side" : `Blend with ${choice}`;
    button.onclick = () => { layout = choice; buildLayouts(labels); find("layouts").children[1 + layers.indexOf(choice)].focus(); };
    return button;
  }));
  const blended = layers.includes(layout);
  find("panels").classList.toggle("blended", blended);
  find("blending").hidden = !blended;
  find("blended-with").textContent = layout;
  for (const figure of find("panels").children) {
    figure.hidden = blended && ![labels[0], layout].includes(figure.dataset.label);
    figure.style.opacity = "";
  }
  blend();
}

function blend() {
  for (const figure of find("panels").children)
    if (figure.dataset.label === layout) figure.style.opacity = find("blend").value / 100;
}

function step(places) {
  const next = order[order.indexOf(viewed) + places];
  if (next !== undefined) view(next);
}

function buildViewer() {
  const viewer = find("viewer"), slider = find("blend");
  find("previous").onclick = () => step(-1);
  find("next").onclick = () => step(1);
  find("close").onclick = () => viewer.close();
  slider.oninput = blend;
  viewer.onkeydown = event => {
    const steps = {ArrowLeft: -1, ArrowRight: 1}[event.key], change = {ArrowUp: 5, ArrowDown: -5}[event.key];
    if (steps) step(steps);
    else if (change && !find("blending").hidden) { slider.value = Number(slider.value) + change; blend(); }
    else return;
    event.preventDefault();
  };
  viewer.onclose = () => {
    find("panels").replaceChildren();
    focusRow(order.indexOf(viewed));
  };
}

// ---- Start

buildCounts();
buildChoices();
buildHead();
buildViewer();
find("filter").oninput = arrange;
find("download").onclick = download;
find("scroller").onscroll = draw;
find("rows").onkeydown = event => {
  const places = {ArrowUp: -1, ArrowDown: 1}[event.key];
  if (!places) return;
  const index = [...drawn].find(([, row]) => row.contains(event.target))[0];
  focusRow(order.indexOf(index) + places);
  event.preventDefault();
};
onresize = () => { estimateHeights(); draw(); };
onkeydown = event => { if (event.key === "Escape") find("chooser").open = false; };
arrange();
performance.mark("report drawn");
