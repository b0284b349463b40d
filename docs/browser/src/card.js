// One photograph on the page: its progress, its pictures, its figures, its slider.

import { downloadPicture } from "./download.js";
import { maskPicture, overlayPicture } from "./overlay.js";
import { readPhotograph } from "./photograph.js";
import { showProgress } from "./progress.js";
import { segment } from "./segmenter.js";
import { makeStage } from "./stage.js";
import { compare, turnMask, turnPhotograph } from "./turn.js";

const PAUSE = 350; // ms without a movement of the slider before the turned photograph is segmented
const FIGURES = [
  ["Vessel density", ({ vessel_density }) => `${(100 * vessel_density).toFixed(2)} % of the field of view`],
  ["Length of the skeleton", ({ skeleton_length_px }) => `${skeleton_length_px.toLocaleString("en")} px`],
  ["Mean probability", ({ mean_probability }) => mean_probability.toFixed(4)],
  ["Field of view, diameter", ({ fov_diameter_px }) => `${fov_diameter_px.toFixed(1)} px`],
  ["Photograph", ({ width, height }) => `${width} × ${height} px`],
];

/** Put a card for a file into a list, and fill it. */
export async function addCard(list, file) {
  const card = document.getElementById("card").content.firstElementChild.cloneNode(true);
  const part = (name) => card.querySelector(`[data-part="${name}"]`);
  const report = (stage, fraction) => showProgress(part("progress"), stage, fraction);
  part("name").textContent = file.name;
  list.prepend(card);
  report("Reading", null);
  try {
    const photograph = await readPhotograph(file);
    const upright = { photograph, ...(await segment(photograph, report)) };
    showResult(part, file.name.replace(/\.[^.]*$/, ""), upright, report);
    card.measures = upright.measures; // docs/check_browser.py reads them
  } catch (error) {
    part("problem").textContent = `${file.name} was not segmented: ${error.message}.`;
    part("problem").hidden = false;
    card.dataset.state = "failed";
    return;
  } finally {
    part("progress").hidden = true;
  }
  card.dataset.state = "done";
}

function showResult(part, stem, upright, report) {
  part("result").hidden = false;
  const stage = makeStage(part("stage"), upright.photograph);
  const pictures = {
    overlay: ({ photograph, vessels, field }) => overlayPicture(photograph, vessels, field),
    mask: ({ vessels }) => maskPicture(vessels),
    photograph: ({ photograph }) => photograph,
  };
  let shown = upright;
  const redraw = () => stage.show(pictures[part("view").value](shown));

  part("view").addEventListener("change", redraw);
  for (const kind of ["mask", "overlay"]) {
    part(`save-${kind}`).addEventListener("click", () => downloadPicture(pictures[kind](upright), `${stem}_${kind}.png`));
  }
  showFigures(part("figures"), upright);
  followSlider(part, stage, upright, report, (result) => {
    shown = result;
    return redraw();
  });
  redraw();
}

function showFigures(table, { measures, seconds, processor }) {
  const rows = [...FIGURES.map(([name, text]) => [name, text(measures)]), ["Time", `${seconds.toFixed(1)} s on the ${processor}`]];
  for (const [name, text] of rows) {
    const row = table.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = text;
  }
}

/** Turn the picture with the slider; once it rests, segment the turned photograph and compare the masks. */
function followSlider(part, stage, upright, report, show) {
  const slider = part("turn");
  let [settled, timer, latest] = [0, 0, 0];
  slider.addEventListener("input", () => {
    part("degrees").textContent = `${slider.value}°`;
    stage.preview(slider.value - settled);
    clearTimeout(timer);
    timer = setTimeout(turn, PAUSE);
  });

  async function turn() {
    const [call, degrees] = [++latest, Number(slider.value)];
    try {
      const result = degrees ? await segmentTurned(upright, degrees, report) : upright;
      if (call !== latest) return;
      await show(result);
      settled = degrees;
      stage.preview(slider.value - settled);
      part("agreement").textContent = degrees ? agreement(upright, result, degrees) : "";
    } catch (error) {
      part("agreement").textContent = `Not segmented at ${degrees}°: ${error.message}.`;
    }
    if (call === latest) part("progress").hidden = true;
  }
}

async function segmentTurned({ photograph }, degrees, report) {
  const turned = turnPhotograph(photograph, degrees);
  return { photograph: turned, ...(await segment(turned, report)) };
}

function agreement(upright, turned, degrees) {
  const { dice, different } = compare(turnMask(upright.vessels, degrees), turned.vessels);
  return `Segmented anew at ${degrees}°. Against the upright mask, turned: Dice ${dice.toFixed(4)}, `
    + `${different.toLocaleString("en")} pixel${different === 1 ? "" : "s"} differ${different === 1 ? "s" : ""}.`;
}
