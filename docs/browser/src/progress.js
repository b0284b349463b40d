// A progress bar with a sentence.

/** Show a stage in an element with a `progress` and an `output`; a null fraction means that its end is not known. */
export function showProgress(element, stage, fraction) {
  element.hidden = false;
  const bar = element.querySelector("progress");
  if (fraction === null) bar.removeAttribute("value");
  else bar.value = fraction;
  element.querySelector("output").textContent = fraction === null ? `${stage} …` : `${stage}: ${Math.round(100 * fraction)} %`;
}
