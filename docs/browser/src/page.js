// The page: photographs come in by dropping, choosing or pasting, and get a card each.

import { addCard } from "./card.js";
import { prepareOffline } from "./offline.js";
import { showProgress } from "./progress.js";
import { load } from "./segmenter.js";

const find = (id) => document.getElementById(id);

let queue = Promise.resolve(); // one photograph after the other: large ones fill the memory

function add(files) {
  for (const file of files) queue = queue.then(() => addCard(find("cards"), file));
}

function watchInput() {
  const zone = find("drop");
  find("files").addEventListener("change", (event) => {
    add(event.target.files);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => add(event.clipboardData.files));
  find("sample").addEventListener("click", async () => {
    const response = await fetch("sample.png");
    add([new File([await response.blob()], "sample.png", { type: "image/png" })]);
  });
}

async function start() {
  const keepsWorking = await prepareOffline();
  watchInput();
  try {
    await load((stage, fraction) => showProgress(find("loading"), stage, fraction));
    find("state").textContent = keepsWorking ? "Ready. It also works without a network now." : "Ready.";
    document.body.dataset.state = "ready";
  } catch (error) {
    find("state").textContent = `Not ready: ${error.message}.`;
  } finally {
    find("loading").hidden = true;
  }
}

start();
