// The service worker: it keeps the page for use without a network, and sends the headers that threads need
// (cross-origin isolation), which hosts such as GitHub Pages don't.

const TRIED = "reloaded for cross-origin isolation";

/** Install the service worker; the first visit reloads the page once, before anything is shown in it. */
export async function prepareOffline() {
  if (!navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register("service_worker.js");
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
  } catch {
    return false; // such as in a private window: one thread, and no use without a network
  }
  if (!crossOriginIsolated && !sessionStorage.getItem(TRIED)) {
    sessionStorage.setItem(TRIED, "yes");
    location.reload();
    await new Promise(() => {});
  }
  return true;
}
