"use strict";
// The live log, and the facts above it, which are fetched again when the run's state moves.
const log = document.getElementById("log");
const LONGEST = 1000000;
let following = true;
let shownState = log.dataset.state;
log.scrollTop = log.scrollHeight;
log.addEventListener("scroll", () => {
  following = log.scrollTop + log.clientHeight >= log.scrollHeight - 24;
});

// Lines come as HTML, escaped by the portal: text, and spans for colours.
function append(lines) {
  const piece = document.createElement("span");
  piece.innerHTML = lines + "\n";
  log.append(piece);
  let size = log.textContent.length;
  while (size > LONGEST && log.childNodes.length > 1) {
    size -= log.firstChild.textContent.length;
    log.firstChild.remove();
  }
  if (following) log.scrollTop = log.scrollHeight;
}

async function refresh(state) {
  if (state === shownState) return;
  const answer = await fetch(location.pathname, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const facts = page.getElementById("run-facts");
  if (!facts) return;
  document.getElementById("run-facts").replaceWith(facts);
  document.title = page.title;
  shownState = state;
}

function listen(address) {
  const source = new EventSource(address);
  let last = "";
  source.addEventListener("log", (event) => { last = event.lastEventId; append(event.data); });
  source.addEventListener("state", (event) => { refresh(event.data); });
  source.addEventListener("end", (event) => { source.close(); refresh(event.data); });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
    const next = new URL(address, location.href);
    if (last) next.searchParams.set("offset", last);
    setTimeout(() => listen(next.pathname + next.search), 5000);
  });
}

if (log.dataset.stream) listen(log.dataset.stream);
