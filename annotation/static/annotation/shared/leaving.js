// @ts-check
// Before the page goes: whatever the server does not have yet asks to stay.

let going = false; // by ourselves, with everything kept

/** `unsent` says whether something would be left behind. @param {() => boolean} unsent */
export function askBeforeLeaving(unsent) {
  window.addEventListener("beforeunload", (event) => {
    if (going || !unsent()) return;
    event.preventDefault();
    event.returnValue = ""; // what older browsers go by
  });
}

/**
 * Go to another page of ours because the server says so; what waits is kept in this browser, unless `wouldLose`.
 * @param {string} url
 */
export function go(url, wouldLose = false) {
  going = !wouldLose;
  location.assign(url);
}
